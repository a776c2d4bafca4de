//! Which references of the clone are canonical's, and which are security's: by where the URLs of the
//! remotes lead, never by their names.

use super::{
    LocalClone,
    remotes::{self, Kept},
};
use crate::domain::{
    fix::BranchNames,
    policy::{Place, Policy},
    verdict::CannotTell,
};

/// Where the references of the two projects are kept, by the URLs of the remotes and not their names.
pub(super) struct ProjectRefs {
    canonical: Vec<Kept>,
    canonical_remote: Option<String>,
    security: Vec<Kept>,
    /// The names of remotes that lead to security, and the one that is configured so.
    security_remotes: Vec<String>,
    /// A remote that is fetched from canonical, but not only pushed there.
    doubtful: Option<String>,
    /// Why it cannot be told where a remote leads.
    unclear: Option<String>,
}

impl ProjectRefs {
    pub(super) fn read(clone: &LocalClone, policy: &Policy) -> Self {
        let mut refs = Self {
            canonical: vec![],
            canonical_remote: None,
            security: vec![],
            // Whatever was fetched under that name stays embargoed, even if its URL was changed since.
            security_remotes: vec![policy.security_remote.to_string()],
            doubtful: None,
            unclear: None,
        };
        for remote in remotes::list(clone) {
            let urls = || remote.fetch_url.iter().chain(&remote.push_urls);
            let is_security = remote.name == policy.security_remote.as_str()
                || remote.fetch_url.iter().any(|url| speaks_of_security(clone, policy, url));
            let is_pushed_there = urls().any(|url| speaks_of_security(clone, policy, url));
            let place = remote.fetch_url.as_ref().map(|url| remotes::place(clone, policy, url));
            match place {
                _ if is_security => {
                    refs.security.extend(remote.kept);
                    refs.security_remotes.push(remote.name);
                }
                // Git writes what is pushed to the same references as what is fetched.
                Some(Place::Canonical) if is_pushed_there => {
                    refs.doubtful = Some(remote.name.clone());
                    refs.security_remotes.push(remote.name);
                }
                Some(Place::Canonical) => {
                    refs.canonical_remote.get_or_insert(remote.name);
                    refs.canonical.extend(remote.kept);
                }
                Some(Place::Unclear(why)) => refs.unclear = Some(format!("`{}`: {why}", remote.name)),
                _ if is_pushed_there => refs.security_remotes.push(remote.name),
                _ => {}
            }
        }
        refs
    }

    pub(super) fn is_security(&self, name: &str) -> bool {
        self.security.iter().any(|kept| kept.keeps(name))
            || self.security_remotes.iter().any(|remote| {
                name.strip_prefix("refs/remotes/")
                    .and_then(|rest| rest.strip_prefix(remote.as_str()))
                    .is_some_and(|rest| rest.starts_with('/'))
            })
    }

    /// Whether a reference of security is a branch of a fix.
    pub(super) fn is_fix_of_security(&self, name: &str, branches: &BranchNames) -> bool {
        let source = self.security.iter().find_map(|kept| kept.source_of(name));
        source.is_some_and(|source| {
            source.strip_prefix("refs/heads/").is_some_and(|branch| branches.looks_like_fix(branch))
        })
    }

    /// A fix branch under canonical's name was put there by a mistake, and publishes nothing. What
    /// is kept among the local branches may have been committed here, and publishes nothing either.
    pub(super) fn is_published(&self, name: &str, branches: &BranchNames) -> bool {
        let source = self.canonical.iter().find_map(|kept| kept.source_of(name));
        let branch = source.as_deref().and_then(|source| source.strip_prefix("refs/heads/"));
        name.starts_with("refs/remotes/")
            && branch.is_some_and(|branch| !branches.looks_like_fix(branch))
            && !self.is_security(name)
    }

    /// Whether a local branch holds work for security: by its name, or by what it tracks or is
    /// pushed to, a remote or a bare URL.
    pub(super) fn is_branch_of_security(
        &self,
        clone: &LocalClone,
        config: &gix::config::Snapshot<'_>,
        branch: &str,
        policy: &Policy,
    ) -> bool {
        let is_security = |name: &str| {
            let Some(remote) = config.string(format!("branch.{branch}.{name}").as_str()) else { return false };
            let remote = remote.to_string();
            let is_url = remote.contains([':', '/']);
            self.security_remotes.contains(&remote) || (is_url && speaks_of_security(clone, policy, &remote))
        };
        policy.branches.looks_like_fix(branch) || is_security("remote") || is_security("pushRemote")
    }

    pub(super) fn nothing_published(&self, policy: &Policy) -> CannotTell {
        let security = &policy.security_remote;
        match (&self.doubtful, &self.unclear, &self.canonical_remote) {
            (Some(remote), _, _) => CannotTell {
                why: format!(
                    "`{remote}` is fetched from the public project but pushed to security, so its branches prove nothing; \
                     once nothing rewrites or replaces its push URL: git fetch {security} && git fetch --prune {remote}"
                ),
                hint: format!("git config --show-origin --get-regexp '^remote\\.{remote}\\.pushurl|insteadof$'"),
            },
            (None, Some(why), None) => CannotTell {
                why: format!("it cannot be told where a remote leads, so what is published is not known: {why}"),
                hint: "git secfix doctor".to_owned(),
            },
            (None, _, remote) => CannotTell {
                why: format!("no branch of {} was ever fetched, so what is published cannot be told", policy.canonical),
                hint: format!("git fetch {}", remote.as_deref().unwrap_or("<remote>")),
            },
        }
    }
}

/// Whether a URL speaks of the private mirror, as it is written or as git rewrites it.
pub(super) fn speaks_of_security(clone: &LocalClone, policy: &Policy, url: &str) -> bool {
    let rewritten = || {
        let remote = clone.repo().remote_at(url).ok()?;
        Some(remote.url(gix::remote::Direction::Fetch)?.to_bstring().to_string())
    };
    policy.speaks_of_security(url) || rewritten().is_some_and(|url| policy.speaks_of_security(&url))
}
