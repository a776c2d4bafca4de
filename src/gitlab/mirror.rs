//! Push mirrors, which the crate lacks.

use std::borrow::Cow;

use gitlab::api::{Endpoint, Pageable, common::NameOrId};
use http::Method;
use serde::Deserialize;

use super::{Client, Error};
use crate::domain::project_words::MirrorStatus;

/// A push mirror of a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mirror {
    /// Whether it runs.
    pub enabled: bool,
    /// Where it pushes to, with the credentials replaced.
    pub url: String,
    /// How its last run is.
    pub update_status: MirrorStatus,
    /// Why the last run failed.
    pub last_error: Option<String>,
}

/// Why a mirror does not go on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirrorFailure {
    /// Its user or token is not accepted.
    Login,
    /// Both sides have commits that the other does not have.
    Diverged,
}

/// What git and GitLab say of a login that is not accepted.
const LOGIN: [&str; 6] = [
    "authentication failed",
    "could not read username",
    "access denied",
    "permission denied",
    "http basic: access denied",
    "the requested url returned error: 403",
];

impl Mirror {
    /// Why its last run failed, where that does not mend itself.
    pub fn failure(&self) -> Option<MirrorFailure> {
        let error = self.last_error.as_deref()?.to_lowercase();
        if error.starts_with("some refs have diverged") {
            return Some(MirrorFailure::Diverged);
        }
        LOGIN.iter().any(|words| error.contains(words)).then_some(MirrorFailure::Login)
    }

    /// The branches that its last run left alone, since they have diverged; `None` where it failed for anything else.
    /// GitLab names the references, one on a line.
    pub fn diverged_branches(&self) -> Option<Vec<&str>> {
        let error = self.last_error.as_deref().filter(|error| error.starts_with("Some refs have diverged"))?;
        let refs = error.lines().map(str::trim).filter_map(|line| line.strip_prefix("refs/"));
        let branches: Option<Vec<&str>> = refs.map(|name| name.strip_prefix("heads/")).collect();
        branches.filter(|branches| !branches.is_empty())
    }
}

/// The push mirrors of a project; `None` where the token may not see them, which takes a maintainer.
///
/// # Errors
/// See [`Error`].
pub fn list(client: &Client, project: u64) -> Result<Option<Vec<Mirror>>, Error> {
    let mirrors = client.all(&RemoteMirrors { project: project.into() });
    // GitLab says 401 where 403 is meant: the same token has just read the project.
    match mirrors {
        Err(error) if error.status() == Some(401) => Ok(None),
        mirrors => Error::invisible(mirrors),
    }
}

/// `GET /projects/:id/remote_mirrors`.
struct RemoteMirrors<'a> {
    project: NameOrId<'a>,
}

impl Endpoint for RemoteMirrors<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/remote_mirrors", self.project).into()
    }
}

impl Pageable for RemoteMirrors<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_mend_itself_is_told_from_the_rest() {
        let failure = |error: &str| {
            let (url, last_error) = (String::new(), Some(error.to_owned()));
            Mirror { enabled: true, url, update_status: MirrorStatus::Failed, last_error }.failure()
        };
        let login = "13:push: remote: HTTP Basic: Access denied.\nfatal: Authentication failed for 'https://x/y.git/'.";
        assert_eq!(failure(login), Some(MirrorFailure::Login));
        assert_eq!(failure("Some refs have diverged and …"), Some(MirrorFailure::Diverged));
        assert_eq!(failure("4:Deadline Exceeded"), None);
    }

    #[test]
    fn a_mirror_that_left_branches_alone_names_them() {
        let diverged = |error: &str| {
            let (url, last_error) = (String::new(), Some(error.to_owned()));
            let mirror = Mirror { enabled: true, url, update_status: MirrorStatus::Failed, last_error };
            mirror.diverged_branches().map(|found| found.join(" "))
        };
        let said = |refs: &str| format!("Some refs have diverged and have not been updated on the remote:\n\n{refs}");
        assert_eq!(diverged(&said("refs/heads/main\nrefs/heads/x")).as_deref(), Some("main x"));
        assert_eq!(diverged(&said("refs/heads/main\nrefs/tags/x")), None);
        assert_eq!(diverged(&said("")), None);
        assert_eq!(diverged("connection refused\n\nrefs/heads/main"), None);
    }
}
