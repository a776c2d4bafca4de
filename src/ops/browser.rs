//! Pages in the user's browser, by a program that outlives the command and sees no token.

use std::{
    io,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{domain::token_variables::TOKEN_VARIABLES, git::child};

/// A launcher that has not failed by then has done its work, or is the browser itself.
const FAILS_WITHIN: Duration = Duration::from_secs(1);

/// Starts the browser, and waits no longer than it takes to see that it does not start.
///
/// # Errors
/// When none can be started.
pub(crate) fn open(url: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no program for it");
    for command in open::commands(url) {
        match start(command) {
            Ok(()) => return Ok(()),
            // Launchers that are not there say nothing about the one that failed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn start(mut command: Command) -> io::Result<()> {
    for variable in TOKEN_VARIABLES {
        command.env_remove(variable);
    }
    // Ctrl-C ends the command, and not the browser.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    match child::wait_within(&mut child, FAILS_WITHIN)? {
        Some(status) if !status.success() => {
            let program = command.get_program().to_string_lossy().into_owned();
            Err(io::Error::other(format!("`{program}` ended with {status}")))
        }
        _ => Ok(()),
    }
}
