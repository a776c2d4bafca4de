//! The remotes of the clone: where they lead, where their branches are kept, and why a fetch failed.

use crate::domain::{
    destination::Destination,
    policy::{Place, Policy},
};

use super::{GitError, LocalClone, process::Progress, ssh};

/// A configured remote. URLs are as git would use them, with `insteadOf` applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Where it is fetched from; `None` when it has no URL or one that cannot be read.
    pub fetch_url: Option<String>,
    /// Every place that it is pushed to.
    pub push_urls: Vec<String>,
    /// Where its branches are kept, such as `refs/remotes/origin/`.
    pub namespaces: Vec<String>,
}

/// Every remote, in the order of the configuration.
///
/// # Errors
/// When the configuration of one cannot be read.
pub fn list(clone: &LocalClone) -> Vec<Remote> {
    let repo = clone.repo();
    repo.remote_names()
        .iter()
        .map(|name| {
            let mut remote = Remote { name: name.to_string(), fetch_url: None, push_urls: vec![], namespaces: vec![] };
            if let Some(Ok(found)) = repo.try_find_remote(gix::bstr::BStr::new(name)) {
                use gix::remote::Direction::{Fetch, Push};
                remote.fetch_url = found.url(Fetch).map(|url| url.to_bstring().to_string());
                remote.push_urls = found.urls(Push).map(|url| url.to_bstring().to_string()).collect();
                remote.namespaces = found
                    .refspecs(Fetch)
                    .iter()
                    .filter_map(|spec| spec.to_ref().local().map(ToString::to_string))
                    .filter_map(|kept| kept.strip_suffix('*').map(str::to_owned))
                    .filter(|kept| kept.starts_with("refs/remotes/") && kept.ends_with('/'))
                    .collect();
            }
            remote
        })
        .collect()
}

/// The remote of that name.
pub fn find(clone: &LocalClone, name: &str) -> Option<Remote> {
    list(clone).into_iter().find(|remote| remote.name == name)
}

/// The remote that is fetched from the public project.
pub fn canonical(clone: &LocalClone, policy: &Policy) -> Option<Remote> {
    let is_canonical = |url: &String| place(clone, policy, url) == Place::Canonical;
    list(clone).into_iter().find(|remote| remote.fetch_url.as_ref().is_some_and(is_canonical))
}

/// What a URL is to the embargo. An SSH host that the policy does not know is looked up in the
/// user's SSH configuration.
pub fn place(clone_dir: &LocalClone, policy: &Policy, url: &str) -> Place {
    place_with(policy, url, |host| ssh::resolve(clone_dir, host))
}

/// Like [`place`], for a caller that opens the clone only when an alias must be looked up.
pub fn place_with(policy: &Policy, url: &str, resolve: impl FnOnce(&str) -> Result<ssh::Endpoint, String>) -> Place {
    match policy.place(&Destination::parse(url)) {
        Place::UnknownHost(url) => match resolve(url.host.as_str()) {
            Ok(endpoint) => policy.place_of_alias(&url, Some((&endpoint.host, endpoint.port))),
            Err(why) => Place::Unclear(why),
        },
        place => place,
    }
}

/// Why a fetch or a push did not reach the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// The host did not answer.
    Network,
    /// The host answered, and did not accept the user.
    Access,
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
        if any(&[
            "permission denied",
            "authentication failed",
            "access denied",
            "could not read username",
            "could not read password",
            "host key verification failed",
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
        } else {
            Self::Other
        }
    }
}

/// A fetch that did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFailure {
    /// The reason.
    pub reason: Unreachable,
    /// What git said, without secrets.
    pub stderr: String,
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
        Err(FetchFailure { reason: Unreachable::from_stderr(&ended.stderr), stderr: ended.stderr })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
