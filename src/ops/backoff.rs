//! The one way to wait for a server: ever longer pauses up to a limit, with a sign of life meanwhile.

use std::time::{Duration, Instant};

use super::{Context, Failure, failure::FailureKind};
use crate::{
    domain::{backoff::Backoff, duration::Span},
    ui::Spinner,
};

/// How long to wait in all, and how often to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitLimit {
    /// The most time in all.
    pub(crate) limit: Duration,
    /// The times between two looks.
    pub(crate) backoff: Backoff,
}

/// A wait that has begun.
#[derive(Debug)]
pub(crate) struct Wait {
    begin: Instant,
    limit: WaitLimit,
    tries: u32,
}

impl WaitLimit {
    /// Begins to wait.
    pub(crate) fn begin(self) -> Wait {
        Wait { begin: Instant::now(), limit: self, tries: 0 }
    }
}

impl Wait {
    /// Pauses before the next look; `false` when the time was over before.
    pub(crate) fn pause(&mut self) -> bool {
        self.tries += 1;
        let pause = self.limit.backoff.pause(self.tries, fastrand::f64());
        // The last pause ends with the time, for one more look.
        let left = self.limit.limit.saturating_sub(self.begin.elapsed());
        std::thread::sleep(pause.min(left));
        !left.is_zero()
    }

    /// The pauses begin anew: something has changed.
    pub(crate) fn begin_anew(&mut self) {
        self.tries = 0;
    }

    /// The pause that comes next, as it is told to people.
    pub(crate) fn next_pause(&self) -> Span {
        let pause = self.limit.backoff.pause(self.tries + 1, 0.5);
        Span::seconds(pause.as_secs())
    }
}

/// What a look found.
pub(crate) enum Looked<T> {
    /// There is nothing more to wait for.
    Settled(T),
    /// It may still change; the text says what is being waited for.
    Pending(T, String),
}

/// Looks once, or until it is settled or the time is up. A server that does not answer for a while is
/// waited for as well, once it has answered.
///
/// # Errors
/// When the first look fails, or a later one for another reason than the network.
pub(crate) fn until_settled<T>(
    context: &Context,
    what: &str,
    limit: Option<WaitLimit>,
    mut look: impl FnMut(&Spinner) -> Result<Looked<T>, Failure>,
) -> Result<T, Failure> {
    let spinner = context.ui.spinner(what);
    let (mut newest, text) = match look(&spinner)? {
        Looked::Settled(found) => return Ok(found),
        Looked::Pending(found, text) => (found, text),
    };
    let Some(limit) = limit else { return Ok(newest) };
    spinner.tell(&text);
    let mut wait = limit.begin();
    while wait.pause() {
        match look(&spinner) {
            Ok(Looked::Settled(found)) => {
                drop(spinner);
                context.ui.bell();
                return Ok(found);
            }
            Ok(Looked::Pending(found, text)) => {
                spinner.tell(&text);
                newest = found;
            }
            Err(failure) if failure.kind() == FailureKind::Network => spinner.tell(&failure.to_string()),
            Err(failure) => return Err(failure),
        }
    }
    drop(spinner);
    context.ui.bell();
    context.ui.warning(&format!("stopped waiting after {}", Span::seconds(wait.begin.elapsed().as_secs())));
    Ok(newest)
}
