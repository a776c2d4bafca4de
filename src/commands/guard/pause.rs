//! `git secfix guard pause` and `resume`: the only off switch. It needs an end and a reason, ends
//! by itself, is shown by `doctor`, and is written to a log in the git directory.

use anyhow::anyhow;
use jiff::Timestamp;
use serde::Serialize;

use super::question;
use crate::commands::program::DURATION;
use crate::{
    domain::{
        duration::{Span, SpanError},
        exit::Exit,
    },
    git::pause::{self, LONGEST, Pause},
    ops::{Context, Failure},
};

#[derive(Debug, clap::Args)]
pub(super) struct PauseArgs {
    /// For how long: `15m`, `1h`, `90m`; at most 8 hours
    #[arg(long = "for", value_name = DURATION, value_parser = time)]
    time: Span,
    /// Why; written to the log
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {}

#[derive(Serialize)]
struct Report {
    paused: bool,
    until: Option<String>,
}

/// A time to come, and not longer than a pause may be.
fn time(text: &str) -> Result<Span, SpanError> {
    Span::between(text, Span::seconds(1), Span::from(LONGEST.unsigned_abs()))
}

fn reason(text: &str) -> Result<String, String> {
    // One line, as it is shown and logged.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { Err("it must not be empty".to_owned()) } else { Ok(text) }
}

pub(super) fn pause(args: &PauseArgs, context: &Context) -> Result<Exit, Failure> {
    let clone = context.open()?;
    question::policy(clone.common_dir())?;
    // Whole seconds: the end is shown to people, and kept as it is shown.
    let now =
        Timestamp::from_second(Timestamp::now().as_second()).map_err(|error| Failure::not_done(anyhow!(error)))?;
    let until = now.checked_add(args.time.get()).map_err(|error| Failure::usage(anyhow!(error)))?;
    pause::begin(clone.common_dir(), &Pause { since: now, until, reason: args.reason.clone() })?;
    let report = Report { paused: true, until: Some(until.to_string()) };
    context.ui.report("guard pause", &report, || {
        format!("the guard is paused until {until}; nothing is checked until then\n")
    });
    context.ui.hint("git secfix guard resume");
    Ok(Exit::Done)
}

pub(super) fn resume(_: &ResumeArgs, context: &Context) -> Result<Exit, Failure> {
    let clone = context.open()?;
    let was_paused = pause::end(clone.common_dir(), Timestamp::now())?;
    let report = Report { paused: false, until: None };
    context.ui.report("guard resume", &report, || {
        (if was_paused { "the guard is on again\n" } else { "the guard is on: it was not paused\n" }).to_owned()
    });
    Ok(Exit::Done)
}
