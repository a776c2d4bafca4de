//! The options of commands that wait for a server.

use crate::{
    domain::{
        backoff::Backoff,
        duration::{Span, SpanError},
    },
    ops::{backoff::WaitLimit, typed::Typed},
};

use super::program::DURATION;

/// Reads a duration that makes sense for waiting: a second to a day.
pub(super) fn duration(text: &str) -> Result<Span, SpanError> {
    Span::between(text, Span::seconds(1), Span::seconds(86_400))
}

/// Options of commands that can wait.
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

impl WaitArgs {
    /// The limit of somebody who asked to wait; `None` where one look is enough.
    pub(super) fn limit(self) -> Option<WaitLimit> {
        let limit = WaitLimit { limit: self.timeout.get(), backoff: Backoff::steady(self.every.get()) };
        self.wait.then_some(limit)
    }

    /// How to wait, or for longer, where what was waited for did not come.
    pub(super) fn hint(self, again: Typed) -> Typed {
        match self.wait {
            false => again.with("--wait"),
            true => again.with_only("--timeout", &Span::from(self.timeout.get() * 2).to_string()),
        }
    }
}
