//! The life of a command's program: from its command line to its end and exit code.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Command;

use super::options::Options;
use crate::{
    commands::Program,
    domain::{exit::Exit, token_shape::ends_with_token},
    ops::Failure,
    ui::{Ui, lost_answer},
};

/// The definition of a command's own program, with the options that all programs share.
pub fn definition<P: Program>() -> Command {
    let command = Command::new(format!("git-secfix-{}", P::NAME))
        .bin_name(format!("git secfix {}", P::NAME))
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(EXIT_HELP);
    P::augment_args(Options::augment(command))
}

/// Where the table of exit codes is; it is too long to follow every short help.
const EXIT_HELP: &str =
    "Exit codes: 0 done, 1 not done, 2 usage, 3 refused, 4 token, 5 network, 6 conflict, 70 defect; see git-secfix(1).";

/// The whole life of a command's program.
pub fn run<P: Program>() -> ExitCode {
    report_defects();
    let parsed = definition::<P>().try_get_matches().and_then(|matches| {
        let names_fix = matches!(matches.try_contains_id("name"), Ok(true));
        Ok((Options::from_arg_matches(&matches)?.context(P::NAME, names_fix), P::from_arg_matches(&matches)?))
    });
    let (context, program) = match parsed {
        Ok(parsed) => parsed,
        // The parser repeats what it does not understand, and a token must not be repeated.
        Err(_) if std::env::args_os().any(|argument| ends_with_token(&argument.to_string_lossy())) => {
            return end(Ui::default(), &Failure::exposed_token(), Exit::Usage.code());
        }
        Err(error) => error.exit(),
    };
    let context = match context {
        Ok(context) => context,
        Err(failure) => return end(Ui::default(), &failure, Exit::Usage.code()),
    };
    let refusal_code = program.refusal_code();
    match program.run(&context) {
        Ok(exit) => ended(context.ui, exit),
        Err(failure) => end(context.ui, &failure, refusal_code),
    }
}

/// The end of what went well, unless whoever reads the answer would take a part of it for all.
pub(super) fn ended(ui: Ui, exit: Exit) -> ExitCode {
    match lost_answer() {
        None => ExitCode::from(exit.code()),
        Some(why) => {
            let failure = Failure::not_done(anyhow!("the answer could not be written: {why}"));
            end(ui, &failure.hint("git secfix status"), Exit::Refused.code())
        }
    }
}

/// Prints why a command failed: the one place that does.
pub(super) fn end(ui: Ui, failure: &Failure, refusal_code: u8) -> ExitCode {
    failure.tell(ui);
    ExitCode::from(match failure.exit() {
        Exit::Refused => refusal_code,
        exit => exit.code(),
    })
}

/// A panic is a defect of ours: it is said in one line, and ends with its own code. As a hook that
/// is a refusal, like any code but 0.
pub(super) fn report_defects() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let what = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
        // Nothing is known of what was done before it.
        let hint = "please report this to the project, with what you did; git secfix status tells what is done";
        Ui::default().error(&format!("this is a defect of git-secfix{place}: {what}"), Some(hint));
        std::process::exit(Exit::Bug.code().into());
    }));
}
