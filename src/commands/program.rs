//! What a command of the suite is, and the options that several of them share.

use clap_complete::{ArgValueCandidates, CompletionCandidate};

use crate::{
    domain::exit::Exit,
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
