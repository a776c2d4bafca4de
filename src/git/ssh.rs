//! What the user's SSH configuration makes of a host name, asked from ssh itself (`ssh -G`), with
//! the ssh program that git would use.

use std::{
    io,
    process::{Command, Output, Stdio},
    time::Duration,
};

use crate::domain::destination::NetworkUrl;

use super::{LocalClone, child};
use crate::domain::token_variables::TOKEN_VARIABLES;

/// The real machine behind an SSH host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The host that ssh would connect to.
    pub host: String,
    /// The port that ssh would connect to.
    pub port: Option<u16>,
}

/// Looks the host of a URL up in the user's SSH configuration, asking exactly as git would connect:
/// what the configuration says may depend on the user, the port and the letter case.
///
/// # Errors
/// A sentence that says why it cannot be told.
pub fn resolve(clone: &LocalClone, url: &NetworkUrl) -> Result<Endpoint, String> {
    let (program, arguments) = ssh_command(clone)?;
    let host = &url.ssh_target;
    let mut command = Command::new(&program);
    command.args(arguments).arg("-G").stdin(Stdio::null());
    if let Some(port) = url.port {
        command.args(["-p", &port.to_string()]);
    }
    command.args(["--", host]);
    for variable in TOKEN_VARIABLES {
        command.env_remove(variable);
    }
    let failed = |error: io::Error| format!("cannot ask `{program}` what `{host}` is: {error}");
    let output = output_in_time(&mut command).map_err(failed)?;
    parse(&String::from_utf8_lossy(&output.stdout))
        .filter(|_| output.status.success())
        .ok_or_else(|| format!("`{program} -G {host}` does not tell which machine `{host}` is"))
}

/// How long ssh may take to read its configuration, which may run programs.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits for a program whose output fits into a pipe.
fn output_in_time(command: &mut Command) -> io::Result<Output> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    if child::wait_within(&mut child, LONGEST)?.is_none() {
        child.kill()?;
        child.wait()?;
        return Err(io::Error::from(io::ErrorKind::TimedOut));
    }
    child.wait_with_output()
}

/// The ssh that git would run: `GIT_SSH_COMMAND`, `core.sshCommand`, `GIT_SSH`, `ssh`.
fn ssh_command(clone: &LocalClone) -> Result<(String, Vec<String>), String> {
    let configured = || clone.repo().config_snapshot().string("core.sshCommand").map(|value| value.to_string());
    let command = std::env::var("GIT_SSH_COMMAND").ok().or_else(configured);
    let Some(command) = command else {
        return Ok((std::env::var("GIT_SSH").unwrap_or_else(|_| "ssh".to_owned()), vec![]));
    };
    // Git gives the text to a shell; we do not, and so cannot tell what anything but words means.
    if command.contains(['$', '`', ';', '&', '|', '<', '>', '(', ')', '\n']) {
        return Err(format!("the ssh command `{command}` needs a shell to be understood"));
    }
    let mut words =
        shell_words::split(&command).map_err(|_| format!("the ssh command `{command}` cannot be read"))?.into_iter();
    let program = words.next().ok_or_else(|| "the ssh command is empty".to_owned())?;
    Ok((program, words.map(with_home).collect()))
}

/// A shell would put the home folder in the place of `~/`.
fn with_home(word: String) -> String {
    match (word.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => word,
    }
}

/// Reads what `ssh -G` prints: lines of a lower-case key and a value.
fn parse(printed: &str) -> Option<Endpoint> {
    let value = |key: &str| printed.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    let host = value("hostname")?.to_owned();
    Some(Endpoint { host, port: value("port").and_then(|port| port.parse().ok()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_ssh_is_read() {
        let printed = "user git\nhostname gitlab.com\nport 443\nhostkeyalias x\n";
        assert_eq!(parse(printed), Some(Endpoint { host: "gitlab.com".to_owned(), port: Some(443) }));
        assert_eq!(parse("usage: ssh"), None);
    }
}
