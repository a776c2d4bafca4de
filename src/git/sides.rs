//! Which references of the clone are canonical's, and which are security's: by where the URLs of the
//! remotes lead, never by their names.

use crate::domain::{
    destination::Destination,
    fix::BranchNames,
    policy::{Place, Policy},
    verdict::CannotTell,
};

use super::{
    LocalClone,
    remotes::{self, Kept},
    ssh,
};

/// Where the references of the two projects are kept, by the URLs of the remotes and not their names.
pub(super) struct Sides {
    canonical: Vec<Kept>,
    canonical_remote: Option<String>,
    security: Vec<Kept>,
    /// The names of remotes that lead to security, and the one that is configured so.
    security_remotes: Vec<String>,
    /// A remote that is fetched from canonical, but not only pushed there.
    doubtful: Option<String>,
}

impl Sides {
    pub(super) fn of(clone: &LocalClone, policy: &Policy) -> Self {
        let mut sides = Self {
            canonical: vec![],
            canonical_remote: None,
            security: vec![],
            // Whatever was fetched under that name stays embargoed, even if its URL was changed since.
            security_remotes: vec![policy.security_remote.to_string()],
            doubtful: None,
        };
        for remote in remotes::list(clone) {
            let place = |url: &String| likely_place(clone, policy, url);
            let pushed: Vec<Place> = remote.push_urls.iter().map(place).collect();
            match remote.fetch_url.as_ref().map(place) {
                _ if remote.name == policy.security_remote.as_str() => sides.security.extend(remote.kept),
                Some(Place::Security) => {
                    sides.security_remotes.push(remote.name);
                    sides.security.extend(remote.kept);
                }
                // Git writes what is pushed to the same references as what is fetched.
                Some(Place::Canonical) if pushed.contains(&Place::Security) => {
                    sides.doubtful = Some(remote.name.clone());
                    sides.security_remotes.push(remote.name);
                }
                Some(Place::Canonical) => {
                    sides.canonical_remote.get_or_insert(remote.name);
                    sides.canonical.extend(remote.kept);
                }
                _ if pushed.contains(&Place::Security) => sides.security_remotes.push(remote.name),
                _ => {}
            }
        }
        sides
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
        config: &gix::config::Snapshot<'_>,
        branch: &str,
        policy: &Policy,
    ) -> bool {
        let is_security = |name: &str| {
            let Some(remote) = config.string(format!("branch.{branch}.{name}").as_str()) else { return false };
            let remote = remote.to_string();
            self.security_remotes.contains(&remote) || policy.place(&Destination::parse(&remote)) == Place::Security
        };
        policy.branches.looks_like_fix(branch) || is_security("remote") || is_security("pushRemote")
    }

    pub(super) fn nothing_published(&self, policy: &Policy) -> CannotTell {
        match (&self.doubtful, &self.canonical_remote) {
            (Some(remote), _) => CannotTell {
                why: format!(
                    "`{remote}` is fetched from the public project but pushed to security, so its branches prove nothing"
                ),
                hint: format!("git config --unset-all remote.{remote}.pushurl && git fetch --prune {remote}"),
            },
            (None, remote) => CannotTell {
                why: format!("no branch of {} was ever fetched, so what is published cannot be told", policy.canonical),
                hint: format!("git fetch {}", remote.as_deref().unwrap_or("<remote>")),
            },
        }
    }
}

/// What a URL of a remote is. Asking ssh takes longer than all the rest, so it is done only for what
/// could be one of the two projects.
fn likely_place(clone: &LocalClone, policy: &Policy, url: &str) -> Place {
    remotes::place_with(policy, url, |url| {
        let path = url.path.as_deref().unwrap_or_default();
        if policy.canonical.is(path) || policy.security.is(path) {
            ssh::resolve(clone, url)
        } else {
            Err(String::new())
        }
    })
}
