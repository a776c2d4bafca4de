//! Projects and hosts of GitLab as values: a path such as `gitlab-org/gitlab`, a host such as
//! `gitlab.com:22`, and the convention that pairs a public project with its private mirror.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The full path of a project, such as `gitlab-org/security/gitlab`.
///
/// Spelled as it was given, compared without regard to case, as GitLab does.
///
/// ```
/// use git_secfix::domain::project::ProjectPath;
/// let path: ProjectPath = "gitlab-org/modelops/ai-assist".parse()?;
/// assert_eq!(path, "GitLab-Org/ModelOps/AI-Assist".parse()?);
/// assert_eq!(path.security_mirror().as_str(), "gitlab-org/security/modelops/ai-assist");
/// # Ok::<(), git_secfix::domain::project::ProjectPathError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ProjectPath(String);

/// Why a text is not the path of a GitLab project.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProjectPathError {
    /// A project always lives in a group or a user's namespace.
    #[error("`{0}` has no group: a project path looks like `group/project`")]
    NoGroup(String),
    /// A part is empty, `.`, `..`, or holds characters that GitLab does not allow.
    #[error("`{part}` in `{path}` is no valid part of a project path: letters, digits, `_`, `-` and `.` only")]
    BadPart {
        /// The whole text.
        path: String,
        /// The part of it that is wrong.
        part: String,
    },
}

impl ProjectPath {
    /// The path as it was written, without slashes at the ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` names this project, in any case.
    pub fn is(&self, text: &str) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }

    /// The usual place of the private mirror: `security` inserted after the top-level group.
    #[must_use]
    pub fn security_mirror(&self) -> Self {
        match self.0.split_once('/') {
            Some((group, rest)) => Self(format!("{group}/security/{rest}")),
            None => self.clone(),
        }
    }
}

impl FromStr for ProjectPath {
    type Err = ProjectPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        if !path.contains('/') {
            return Err(ProjectPathError::NoGroup(text.to_owned()));
        }
        match path.split('/').find(|part| !is_valid_part(part)) {
            None => Ok(Self(path.to_owned())),
            Some(part) => Err(ProjectPathError::BadPart { path: text.to_owned(), part: part.to_owned() }),
        }
    }
}

/// GitLab's rule for one part of a path (`Gitlab::PathRegex`): it starts with a letter, a digit
/// or `_`, and holds only those, `-` and `.`. A leading dot is allowed by nobody we talk to.
fn is_valid_part(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

impl PartialEq for ProjectPath {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for ProjectPath {}

impl fmt::Display for ProjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a machine: ASCII, lower case, without a trailing dot. IPv6 without brackets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(String);

/// Why a text is not the name of a host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a host name (ASCII letters, digits, `-` and `.`)")]
pub struct HostError(pub String);

impl Host {
    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the host is this machine itself, so that plain HTTP stays inside it.
    pub fn is_loopback(&self) -> bool {
        self.0 == "localhost" || self.0.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
            && !name.contains("..");
        if is_name || name.parse::<std::net::Ipv6Addr>().is_ok() {
            Ok(Self(name))
        } else {
            Err(HostError(text.to_owned()))
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host of the GitLab instance, with the port where it is not the usual one: `git.example:2222`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub host: Host,
    /// The unusual port; `None` stands for the usual ones of SSH and HTTPS.
    pub port: Option<u16>,
}

impl FromStr for Server {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || HostError(text.to_owned());
        if let Some(rest) = text.strip_prefix('[') {
            let (host, after) = rest.split_once(']').ok_or_else(fail)?;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port.parse().map_err(|_| fail())?),
                None if after.is_empty() => None,
                None => return Err(fail()),
            };
            return Ok(Self { host: host.parse().map_err(|_| fail())?, port });
        }
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => {
                Ok(Self { host: host.parse().map_err(|_| fail())?, port: Some(port.parse().map_err(|_| fail())?) })
            }
            _ => Ok(Self { host: text.parse()?, port: None }),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.host.0.contains(':'), self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (_, None) => write!(f, "{}", self.host),
        }
    }
}

/// The name of a git remote, such as `origin`: not an option, and usable as part of a reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteName(String);

/// Why a text cannot name a remote.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` cannot name a remote: use letters, digits, `-`, `_`, `.`")]
pub struct RemoteNameError(pub String);

impl RemoteName {
    /// The name as git knows it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RemoteName {
    type Err = RemoteNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
            && !text.contains("..")
            && !text.contains("//")
            && !text.ends_with(['/', '.'])
            && !text.ends_with(".lock");
        valid.then(|| Self(text.to_owned())).ok_or_else(|| RemoteNameError(text.to_owned()))
    }
}

impl fmt::Display for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_need_a_group_and_plain_parts() {
        for bad in ["", "gitlab", "a//b", "a/../b", "a/./b", "a/-b", "a/b c", "a/b?c", "a/bä", "a/.git"] {
            assert!(bad.parse::<ProjectPath>().is_err(), "{bad:?}");
        }
        for good in ["a/b", "/a/b/", "a/b.git", "_x/y-z.w/v_1"] {
            assert!(good.parse::<ProjectPath>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn hosts_are_normalised() {
        assert_eq!("GitLab.COM.".parse::<Host>().unwrap().as_str(), "gitlab.com");
        for bad in ["", "-x", "gıtlab.com", "a b", "a/b", "a..b", "%67itlab.com", "user@host"] {
            assert!(bad.parse::<Host>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn loopback_is_told_apart_from_lookalikes() {
        for yes in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(yes.parse::<Host>().unwrap().is_loopback(), "{yes}");
        }
        for no in ["127.0.0.1.evil.example", "localhost.example", "10.0.0.1"] {
            assert!(!no.parse::<Host>().unwrap().is_loopback(), "{no}");
        }
    }

    #[test]
    fn servers_keep_an_unusual_port() {
        for (text, host, port) in [
            ("git.example:2222", "git.example", Some(2222)),
            ("gitlab.com", "gitlab.com", None),
            ("[::1]:8080", "::1", Some(8080)),
            ("::1", "::1", None),
        ] {
            let server: Server = text.parse().unwrap();
            assert_eq!((server.host.as_str(), server.port), (host, port), "{text}");
            assert_eq!(server.to_string(), text);
        }
        for bad in ["gitlab.com:", "gitlab.com:x", "gitlab.com:70000", "[::1", "[::1]x"] {
            assert!(bad.parse::<Server>().is_err(), "{bad}");
        }
    }

    #[test]
    fn remote_names_are_never_options() {
        for bad in ["", "--upload-pack=x", "-x", "a b", "a..b", "a/", "x;y"] {
            assert!(bad.parse::<RemoteName>().is_err(), "{bad:?}");
        }
        assert!("my-fork/1".parse::<RemoteName>().is_ok());
    }
}
