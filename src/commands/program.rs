//! What a command of the suite is, and the options that several of them share.

use clap_complete::{ArgValueCandidates, CompletionCandidate};

#[cfg(feature = "network")]
use crate::{domain::backoff::Backoff, ops::backoff::WaitLimit};
use crate::{
    domain::{
        duration::{Span, SpanError},
        exit::Exit,
    },
    ops::{Context, Failure},
};

/// A command of the suite: its options, and what it does with them.
pub trait Program: clap::Args {
    /// The name behind `git secfix`.
    const NAME: &'static str;

    /// Does it.
    ///
    /// # Errors
    /// A failure with the message, the hint and the exit code for the user.
    fn run(self, context: &Context) -> Result<Exit, Failure>;

    /// The exit code of a refusal. Git knows only one for a hook.
    fn refusal_code(&self) -> u8 {
        Exit::Refused.code()
    }
}

/// Live values for the completion of an option: the names that this clone knows.
pub(super) fn completed_by(names: fn() -> Vec<String>) -> ArgValueCandidates {
    ArgValueCandidates::new(move || names().into_iter().map(CompletionCandidate::new).collect())
}

/// The form in which durations are written, for the help of options.
pub(super) const DURATION: &str = "DURATION";

/// Reads a duration that makes sense for waiting: a second to a day.
#[cfg(feature = "network")]
pub(super) fn duration(text: &str) -> Result<Span, SpanError> {
    Span::between(text, Span::seconds(1), Span::seconds(86_400))
}

/// Options of commands that can wait.
#[cfg(feature = "network")]
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct WaitArgs {
    /// Wait until it is over
    #[arg(long)]
    pub(super) wait: bool,
    /// How long to wait at most: `90s`, `15m`, `2h`
    #[arg(long, value_name = DURATION, default_value = "1h", requires = "wait", value_parser = duration)]
    timeout: Span,
    /// How often to look
    #[arg(long, value_name = DURATION, default_value = "15s", requires = "wait", value_parser = duration)]
    every: Span,
}

#[cfg(feature = "network")]
impl WaitArgs {
    /// The limit of somebody who asked to wait; `None` where one look is enough.
    pub(super) fn limit(self) -> Option<WaitLimit> {
        let limit = WaitLimit { limit: self.timeout.get(), backoff: Backoff::steady(self.every.get()) };
        self.wait.then_some(limit)
    }
}
