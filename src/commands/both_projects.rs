//! The two projects in this clone, freshly fetched, for commands that compare them.

use anyhow::anyhow;

use super::{Context, Failure, fetching};
use crate::{
    domain::policy::Policy,
    git::{
        LocalClone,
        history::{self, Id},
        remotes::{self, Remote},
    },
};

/// The remotes of the two projects.
pub(super) struct BothProjects {
    /// That of the public project.
    pub(super) canonical: Remote,
    /// That of its private mirror.
    pub(super) security: Remote,
}

impl BothProjects {
    /// Fetches both.
    ///
    /// # Errors
    /// When one of them has no remote or cannot be reached.
    pub(super) fn fetch(clone: &LocalClone, policy: &Policy, context: &Context) -> Result<Self, Failure> {
        let missing = |what: &str| Failure::not_done(anyhow!("there is no remote of {what}")).hint("git secfix init");
        let canonical = remotes::canonical(clone, policy).ok_or_else(|| missing(policy.canonical.as_str()))?;
        let security = remotes::find(clone, policy.security_remote.as_str());
        let security = security.ok_or_else(|| missing(policy.security.as_str()))?;
        for remote in [&canonical, &security] {
            fetching::fetch(clone, &remote.name, context, &format!("git fetch {}", remote.name))?;
        }
        Ok(Self { canonical, security })
    }

    /// Canonical's commit of a branch, as fetched.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn public_tip(&self, clone: &LocalClone, branch: &str) -> Result<Option<Id>, Failure> {
        let kept = self.canonical.tracking(branch);
        Ok(kept.map(|kept| history::find(clone, &kept)).transpose()?.flatten())
    }
}
