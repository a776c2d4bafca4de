//! `git secfix guard pause` and `resume`: the only off switch. It needs an end and a reason, ends
//! by itself, is shown by `doctor`, and is written to a log in the git directory.

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::question;
use crate::{
    commands::{Context, Failure},
    domain::exit::Exit,
    git::pause::{self, LONGEST, Pause},
};

#[derive(Debug, clap::Args)]
pub(super) struct PauseArgs {
    /// For how long: `15m`, `1h`, `1h 30m`; at most 8 hours
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: SignedDuration,
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

fn duration(text: &str) -> Result<SignedDuration, String> {
    let time: SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no time: write `15m`, `1h` or `1h 30m`"))?;
    if time <= SignedDuration::ZERO {
        return Err(format!("`{text}` is no time to come"));
    }
    if time > LONGEST {
        return Err(format!("a pause lasts at most {} hours", LONGEST.as_hours()));
    }
    Ok(time)
}

fn reason(text: &str) -> Result<String, String> {
    // One line, as it is shown and logged.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { Err("it must not be empty".to_owned()) } else { Ok(text) }
}

pub(super) fn pause(args: &PauseArgs, context: &Context) -> Result<Exit, Failure> {
    let clone = context.open()?;
    question::policy(clone.common_dir()).map_err(Failure::Refused)?;
    // Whole seconds: the end is shown to people, and kept as it is shown.
    let now =
        Timestamp::from_second(Timestamp::now().as_second()).map_err(|error| Failure::not_done(anyhow!(error)))?;
    let until = now.checked_add(args.time).map_err(|error| Failure::usage(anyhow!(error)))?;
    pause::begin(clone.common_dir(), &Pause { since: now, until, reason: args.reason.clone() })?;
    let report = Report { paused: true, until: Some(until.to_string()) };
    context.ui.report("guard pause", &report, || {
        format!("the guard is paused until {until}; nothing is checked until then\n")
    });
    context.ui.note("to end it now: git secfix guard resume");
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
