//! The command line of the `git push` that runs the hook: git tells a `pre-push` hook neither
//! `--mirror` nor its push options, so they are read from the process table.

use std::path::Path;

/// How far up to look: git, its alias, a hook manager and the shells between.
const MAX_ANCESTORS: usize = 12;

/// One process of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    parent: u32,
    arguments: Vec<String>,
}

/// The arguments that follow `push` in the nearest `git push` above this process; `None` when the
/// hook was not run by one.
///
/// # Errors
/// A sentence that says why the process table cannot be read.
pub fn push_arguments() -> Result<Option<Vec<String>>, String> {
    let mut pid = parent_of_self();
    for distance in 0..MAX_ANCESTORS {
        if pid <= 1 {
            break;
        }
        let process = match read(pid) {
            Some(process) => process,
            None if distance == 0 => return Err(format!("process {pid}, which runs this hook, cannot be read")),
            // The process of another user, such as the one that logged this user in: no push of ours.
            None => break,
        };
        if let Some(arguments) = arguments_of_push(&process.arguments) {
            return Ok(Some(arguments.to_vec()));
        }
        pid = process.parent;
    }
    Ok(None)
}

fn arguments_of_push(arguments: &[String]) -> Option<&[String]> {
    let (program, rest) = arguments.split_first()?;
    match Path::new(program).file_stem()?.to_str()? {
        "git-push" => Some(rest),
        // The arguments of a shell are those of its script, such as the name of a remote.
        "sh" | "bash" | "dash" | "zsh" | "ksh" | "busybox" | "fish" => None,
        // Git under any name: a link, a wrapper, another version beside the usual one.
        _ => rest.iter().position(|argument| argument == "push").map(|at| &rest[at + 1..]),
    }
}

#[cfg(unix)]
fn parent_of_self() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn parent_of_self() -> u32 {
    0
}

#[cfg(target_os = "linux")]
fn read(pid: u32) -> Option<Process> {
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces and parentheses itself (proc(5)).
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
    let arguments = arguments.strip_suffix(b"\0").unwrap_or(&arguments);
    let arguments = arguments.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Some(Process { parent, arguments })
}

#[cfg(not(target_os = "linux"))]
fn read(pid: u32) -> Option<Process> {
    let mut ps = std::process::Command::new("ps");
    ps.args(["-ww", "-o", "ppid=,args=", "-p", &pid.to_string()]);
    for variable in crate::domain::token_variables::TOKEN_VARIABLES {
        ps.env_remove(variable);
    }
    let output = ps.output().ok()?;
    parse_ps(&String::from_utf8_lossy(&output.stdout))
}

/// Reads one line of `ps -o ppid=,args=`. Arguments that hold spaces come apart, which can only
/// show more options than there are.
#[cfg(any(test, not(target_os = "linux")))]
fn parse_ps(printed: &str) -> Option<Process> {
    let mut words = printed.split_whitespace();
    let parent = words.next()?.parse().ok()?;
    Some(Process { parent, arguments: words.map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_push_is_found_in_its_command_line() {
        for (line, found) in [
            ("git push -o x origin", Some("-o x origin")),
            ("/usr/lib/git-core/git -C /x -c a=b push --mirror", Some("--mirror")),
            ("/usr/lib/git-core/git-push --mirror", Some("--mirror")),
            ("/opt/bin/g push -o x", Some("-o x")),
            ("git fetch origin", None),
            ("/bin/sh .git/hooks/pre-push origin push", None),
        ] {
            assert_eq!(arguments_of_push(&words(line)).map(|rest| rest.join(" ")).as_deref(), found, "{line}");
        }
    }

    #[test]
    fn the_line_of_ps_is_read() {
        let process = parse_ps("  123 git push -o mr.create origin\n").unwrap();
        assert_eq!((process.parent, process.arguments.len()), (123, 5));
        assert_eq!(parse_ps(""), None);
    }

    #[test]
    fn this_process_has_no_push_above_it_or_can_read_it() {
        assert!(push_arguments().is_ok());
    }
}
