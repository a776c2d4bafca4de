//! Pages in the user's browser.

use std::io;

/// Starts the browser, without the variables that may hold a token, and does not wait for it.
///
/// # Errors
/// When none can be started.
pub(super) fn open(url: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no program for it");
    for mut command in open::commands(url) {
        for variable in crate::domain::token_variables::TOKEN_VARIABLES {
            command.env_remove(variable);
        }
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        match command.spawn() {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}
