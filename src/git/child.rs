//! Waiting for a program for a while, and no longer.

use std::{
    io,
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

/// How often it is looked at: short enough for nobody to notice.
const PAUSE: Duration = Duration::from_millis(2);

/// How a program ended; `None` when it still runs after this time.
///
/// # Errors
/// When it cannot be waited for.
pub(crate) fn wait_within(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begin.elapsed() > limit {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}
