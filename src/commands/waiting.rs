//! Looking at a server again and again until something has happened, with a sign of life meanwhile.

use std::time::{Duration, Instant};

use super::{Context, Failure};
use crate::{domain::exit::Exit, ui::Spinner};

/// How long to wait, and how often to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The most time in all.
    pub(super) limit: Duration,
    /// The time between two looks.
    pub(super) pause: Duration,
}

/// What a look found.
pub(super) enum Found<T> {
    /// There is nothing more to wait for.
    Settled(T),
    /// It may still change; the text says what is being waited for.
    Pending(T, String),
}

/// Options of commands that can wait.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct WaitArgs {
    /// Wait until it is over
    #[arg(long)]
    pub(super) wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "SECONDS", default_value = "3600", requires = "wait", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// How often to look
    #[arg(long, value_name = "SECONDS", default_value = "15", requires = "wait", value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
}

impl WaitArgs {
    /// The patience of somebody who asked to wait; `None` where one look is enough.
    pub(super) fn patience(self) -> Option<Patience> {
        let (limit, pause) = (Duration::from_secs(self.timeout), Duration::from_secs(self.every));
        self.wait.then_some(Patience { limit, pause })
    }
}

/// Looks once, or until it is settled or the time is up. A server that does not answer for a while is
/// waited for as well, once it has answered.
///
/// # Errors
/// When the first look fails, or a later one for another reason than the network.
pub(super) fn until_settled<T>(
    context: &Context,
    what: &str,
    patience: Option<Patience>,
    mut look: impl FnMut(&Spinner) -> Result<Found<T>, Failure>,
) -> Result<T, Failure> {
    let begin = Instant::now();
    let spinner = context.ui.spinner(what);
    let (mut newest, text) = match look(&spinner)? {
        Found::Settled(found) => return Ok(found),
        Found::Pending(found, text) => (found, text),
    };
    let Some(Patience { limit, pause }) = patience else { return Ok(newest) };
    spinner.tell(&text);
    while begin.elapsed() + pause <= limit {
        std::thread::sleep(pause);
        match look(&spinner) {
            Ok(Found::Settled(found)) => {
                drop(spinner);
                context.ui.bell();
                return Ok(found);
            }
            Ok(Found::Pending(found, text)) => {
                spinner.tell(&text);
                newest = found;
            }
            Err(failure) if failure.exit() == Exit::Network => spinner.tell(&failure.to_string()),
            Err(failure) => return Err(failure),
        }
    }
    drop(spinner);
    context.ui.bell();
    context.ui.warning(&format!("stopped waiting after {} s", begin.elapsed().as_secs()));
    Ok(newest)
}
