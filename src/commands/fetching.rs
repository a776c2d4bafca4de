//! Fetching the two projects, for commands that must see them as they are now.

use anyhow::anyhow;

use super::{Context, Failure};
use crate::{
    domain::policy::Policy,
    git::{
        LocalClone,
        remotes::{self, Remote},
        transport::{self, FetchFailure, Unreachable},
    },
};

/// The remotes of the two projects, freshly fetched.
pub(super) struct Fetched {
    /// That of the public project.
    pub(super) canonical: Remote,
    /// That of its private mirror.
    pub(super) security: Remote,
}

/// Fetches both.
///
/// # Errors
/// When one of them has no remote or cannot be reached.
pub(super) fn both(clone: &LocalClone, policy: &Policy, context: &Context) -> Result<Fetched, Failure> {
    let missing = |what: &str| Failure::not_done(anyhow!("there is no remote of {what}")).hint("git secfix init");
    let canonical = remotes::canonical(clone, policy).ok_or_else(|| missing(policy.canonical.as_str()))?;
    let security = remotes::find(clone, policy.security_remote.as_str());
    let security = security.ok_or_else(|| missing(policy.security.as_str()))?;
    for remote in [&canonical, &security] {
        let name = &remote.name;
        let spinner = context.ui.spinner(&format!("fetching {name}"));
        let fetched = transport::fetch(clone, name, &|state| spinner.tell(state))?;
        fetched.map_err(|FetchFailure { reason, said }| {
            let error = anyhow!("cannot fetch `{name}`: {said}");
            // What git says of a file of this clone is no matter of the network.
            let failure = if reason == Unreachable::Other { Failure::not_done(error) } else { Failure::network(error) };
            failure.hint(format!("git fetch {name}"))
        })?;
    }
    Ok(Fetched { canonical, security })
}
