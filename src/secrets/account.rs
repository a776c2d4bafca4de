//! The name under which the token of one GitLab instance is kept.

use std::fmt;

use crate::domain::project::Server;

/// One instance: `gitlab.com`, `git.example:8443`, `git.example/gitlab`.
///
/// Where a token goes is decided by this name alone, so it holds all that tells two instances apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(String);

impl Account {
    /// The instance on this server, under this relative URL root; without one, the root is empty.
    ///
    /// ```
    /// use git_secfix::secrets::Account;
    /// let server = "Git.Example:8443".parse()?;
    /// assert_eq!(Account::new(&server, "").as_str(), "git.example:8443");
    /// assert_eq!(Account::new(&server, "gitlab").as_str(), "git.example:8443/gitlab");
    /// # Ok::<(), git_secfix::domain::project::HostError>(())
    /// ```
    pub fn new(server: &Server, root: &str) -> Self {
        match root.trim_matches('/') {
            "" => Self(server.to_string()),
            root => Self(format!("{server}/{root}")),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
