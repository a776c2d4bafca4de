//! Fetching, for commands that must see a project, or both, as they are now.

use anyhow::anyhow;

use super::{Context, Failure};
use crate::git::{
    LocalClone,
    transport::{self, FetchFailure, Unreachable},
};
#[cfg(feature = "network")]
use crate::{
    domain::policy::Policy,
    git::{
        history::{self, Id},
        remotes::{self, Remote},
    },
};

/// Fetches a remote; `hint` is what helps where it cannot be reached.
///
/// # Errors
/// When it cannot be reached.
pub(crate) fn fetch(
    clone: &LocalClone,
    remote: &str,
    context: &Context,
    hint: impl Into<String>,
) -> Result<(), Failure> {
    let spinner = context.ui.spinner(&format!("fetching {remote}"));
    transport::fetch(clone, remote, &|state| spinner.tell(state))?.map_err(|failure| failed(remote, failure).hint(hint))
}

/// Fetches a remote for a command that shows a spinner of its own.
///
/// # Errors
/// When it cannot be reached.
#[cfg(feature = "network")]
pub(crate) fn quietly(clone: &LocalClone, remote: &str) -> Result<(), Failure> {
    transport::fetch(clone, remote, &|_| {})?
        .map_err(|failure| failed(remote, failure).hint(format!("git fetch {remote}")))
}

fn failed(remote: &str, FetchFailure { reason, said }: FetchFailure) -> Failure {
    let error = anyhow!("cannot fetch `{remote}`: {said}");
    // What git says of a file of this clone is no matter of the network.
    if reason == Unreachable::Other { Failure::not_done(error) } else { Failure::network(error) }
}

/// The remotes of the two projects.
#[cfg(feature = "network")]
pub(crate) struct BothProjects {
    /// That of the public project.
    pub(crate) canonical: Remote,
    /// That of its private mirror.
    pub(crate) security: Remote,
}

#[cfg(feature = "network")]
impl BothProjects {
    /// Fetches both.
    ///
    /// # Errors
    /// When one of them has no remote or cannot be reached.
    pub(crate) fn fetch(clone: &LocalClone, policy: &Policy, context: &Context) -> Result<Self, Failure> {
        let missing = |what: &str| Failure::not_done(anyhow!("there is no remote of {what}")).hint("git secfix init");
        let canonical = remotes::canonical(clone, policy).ok_or_else(|| missing(policy.canonical.as_str()))?;
        let security = remotes::find(clone, policy.security_remote.as_str());
        let security = security.ok_or_else(|| missing(policy.security.as_str()))?;
        for remote in [&canonical, &security] {
            fetch(clone, &remote.name, context, format!("git fetch {}", remote.name))?;
        }
        Ok(Self { canonical, security })
    }

    /// Canonical's commit of a branch, as fetched.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn public_tip(&self, clone: &LocalClone, branch: &str) -> Result<Option<Id>, Failure> {
        let kept = self.canonical.tracking(branch);
        Ok(kept.map(|kept| history::find(clone, &kept)).transpose()?.flatten())
    }
}
