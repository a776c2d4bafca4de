//! Fetching, and why a server was not reached: the one place that reads what git, ssh, curl and
//! GitLab say in words.

use super::{GitError, LocalClone, history::Id, process::Progress};

/// Why a fetch or a push did not reach the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// The host did not answer.
    Network,
    /// The host answered, and did not accept the user.
    Access,
    /// The host could not prove who it is.
    HostKey,
    /// The host accepted the user, and has no such project, or none that the user may see.
    Project,
    /// Git said something else.
    Other,
}

impl Unreachable {
    /// Reads what `git` said, in the C locale. The texts are those of git, ssh, curl and GitLab.
    pub fn from_stderr(stderr: &str) -> Self {
        let said = stderr.to_ascii_lowercase();
        let any = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        if any(&["host key verification failed"]) {
            Self::HostKey
        } else if any(&[
            "permission denied",
            "authentication failed",
            "access denied",
            "could not read username",
            "could not read password",
            "error: 403",
            "error: 401",
        ]) {
            Self::Access
        } else if any(&[
            "could not resolve",
            "connection refused",
            "connection timed out",
            "network is unreachable",
            "no route to host",
            "failed to connect",
            "couldn't connect",
            "operation timed out",
            "connection reset",
            "name or service not known",
            "temporary failure in name resolution",
            "connection closed by",
        ]) {
            Self::Network
        } else if any(&[
            "could not be found",
            "not found",
            "does not appear to be a git repository",
            "does not exist",
            "not a git repository",
        ]) {
            Self::Project
        } else if any(&["could not read from remote repository"]) {
            Self::Network
        } else {
            Self::Other
        }
    }
}

/// What tells something among the lines that git and GitLab wrap around an error, in one line.
pub fn condensed(stderr: &str) -> String {
    const WRAPPING: [&str; 6] = [
        "fatal: Could not read from remote repository.",
        "Please make sure you have the correct access rights",
        "and the repository exists.",
        "Enumerating objects",
        "Counting objects",
        "Compressing objects",
    ];
    let lines = stderr.lines().map(|line| line.trim_start_matches("remote:").trim());
    let telling = lines.filter(|line| {
        line.contains(|c: char| c.is_alphanumeric()) && !WRAPPING.iter().any(|text| line.starts_with(text))
    });
    let telling: Vec<&str> = telling.collect();
    if telling.is_empty() { stderr.trim().to_owned() } else { telling.join("; ") }
}

/// A fetch that did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFailure {
    /// The reason.
    pub reason: Unreachable,
    /// What git and the server said of it, in one line and without secrets.
    pub said: String,
}

/// Fetches a remote, telling the progress. The outer result is about running git, the inner one about reaching the server.
///
/// # Errors
/// When `git` cannot be started.
pub fn fetch(clone: &LocalClone, remote: &str, tell: &dyn Fn(&str)) -> Result<Result<(), FetchFailure>, GitError> {
    let ended = clone.git().talk(&["fetch", "--progress", "--", remote], &Progress::Told(tell))?;
    Ok(if ended.success {
        Ok(())
    } else {
        Err(FetchFailure { reason: Unreachable::from_stderr(&ended.stderr), said: condensed(&ended.stderr) })
    })
}

/// The newest commit of a branch of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its name.
    pub id: Id,
    /// Who committed it.
    pub by: String,
    /// The first line of its message.
    pub subject: String,
    /// How many commits the local branch of that name lacks.
    pub count: usize,
}

/// What a remote has under a branch's name now; `None` when it has none. What this clone takes the remote for
/// stays as it was, since a push with a lease relies on it.
///
/// # Errors
/// When `git` cannot be started.
pub fn news(clone: &LocalClone, remote: &str, branch: &str) -> Result<Option<Newest>, GitError> {
    let name = format!("refs/heads/{branch}");
    let fetched = clone.git().talk(&["fetch", "--no-tags", "--refmap=", "--", remote, &name], &Progress::Kept)?;
    if !fetched.success {
        return Ok(None);
    }
    let said = clone.git().read(&["log", "-1", "--no-show-signature", "--format=%H%x00%cn%x00%s", "FETCH_HEAD"])?;
    let count = clone.git().read(&["rev-list", "--count", &format!("{name}..FETCH_HEAD")])?;
    let mut fields = said.split('\0');
    let (Some(id), Some(by), Some(subject)) = (fields.next(), fields.next(), fields.next()) else { return Ok(None) };
    let Ok(id) = Id::from_hex(id.as_bytes()) else { return Ok(None) };
    let count = count.parse().unwrap_or_default();
    Ok(Some(Newest { id, by: by.to_owned(), subject: subject.to_owned(), count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapping_of_errors_is_left_out() {
        let said = "remote: \nremote: ========\nremote: ERROR: no such project\nremote: \nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
        assert_eq!(condensed(said), "ERROR: no such project");
    }

    #[test]
    fn reasons_are_told_apart() {
        for (said, reason) in [
            (
                "fatal: unable to access 'https://gitlab.com/x/': Could not resolve host: gitlab.com",
                Unreachable::Network,
            ),
            ("ssh: Could not resolve hostname gitlab.com: Temporary failure in name resolution", Unreachable::Network),
            (
                "fatal: unable to access 'http://127.0.0.1:1/x/': Failed to connect to 127.0.0.1 port 1",
                Unreachable::Network,
            ),
            (
                "git@gitlab.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                Unreachable::Access,
            ),
            ("remote: HTTP Basic: Access denied", Unreachable::Access),
            ("fatal: could not read Username for 'https://gitlab.com': terminal prompts disabled", Unreachable::Access),
            (
                "remote: The project you were looking for could not be found or you don't have permission to view it.",
                Unreachable::Project,
            ),
            ("fatal: repository 'https://gitlab.com/x/' not found", Unreachable::Project),
            ("fatal: '/x' does not appear to be a git repository", Unreachable::Project),
            ("fatal: early EOF", Unreachable::Other),
        ] {
            assert_eq!(Unreachable::from_stderr(said), reason, "{said}");
        }
    }
}
