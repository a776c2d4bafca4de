//! The options of commands that wait for a server.

use crate::{
    domain::{
        backoff::Backoff,
        duration::{Span, SpanError},
    },
    ops::{backoff::WaitLimit, jobs::Plays, known_names, typed::Typed},
};

use super::program::{DURATION, completed_by};

/// Reads a duration that makes sense for waiting: a second to a day.
pub(super) fn duration(text: &str) -> Result<Span, SpanError> {
    Span::between(text, Span::seconds(1), Span::LONGEST_WAIT)
}

/// Options of commands that watch jobs of a fix.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WatchArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    pub(super) name: Option<String>,
    /// Wait until it is over
    #[arg(long)]
    pub(super) wait: bool,
    /// How long to wait at most: `90s`, `15m`, `2h`
    #[arg(long, value_name = DURATION, default_value = "1h", requires = "wait", value_parser = duration)]
    timeout: Span,
    /// How often to look
    #[arg(long, value_name = DURATION, default_value = "15s", requires = "wait", value_parser = duration)]
    every: Span,
    /// Start the jobs that wait for somebody; with a part of a name those that have it, also further down
    #[arg(long, value_name = "JOB", num_args = 0..=1, require_equals = true)]
    play: Option<Option<String>>,
}

impl WatchArgs {
    /// The limit of somebody who asked to wait; `None` where one look is enough.
    pub(super) fn limit(&self) -> Option<WaitLimit> {
        let limit = WaitLimit { limit: self.timeout.get(), backoff: Backoff::steady(self.every.get()) };
        self.wait.then_some(limit)
    }

    /// Which jobs are started.
    pub(super) fn plays(&self) -> Plays<'_> {
        Plays::from_option(self.play.as_ref())
    }

    /// How to wait, or for longer, where what was waited for did not come.
    pub(super) fn hint(&self, again: Typed) -> Typed {
        match self.wait {
            false => again.with("--wait"),
            true => again.with_only("--timeout", &self.timeout.longer().to_string()),
        }
    }
}
