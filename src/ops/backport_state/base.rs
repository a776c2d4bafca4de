//! Where the branches of security are kept here, and what a branch has of its own.

use anyhow::anyhow;

use crate::{
    domain::policy::Policy,
    git::{
        LocalClone,
        history::{self, Id},
        remotes,
    },
    ops::{Failure, lines::is_never_fetched},
};

/// The commit by which a branch came into its target, where the server tells of one.
pub(crate) type Merged = Option<Id>;

pub(super) fn main_of(clone: &LocalClone, policy: &Policy) -> Result<Id, Failure> {
    tracked(clone, policy, &policy.branches.default)?.map(|(_, id)| id).ok_or_else(|| {
        let remote = &policy.security_remote;
        Failure::not_done(anyhow!("{remote} has no branch `{}`, as last fetched", policy.branches.default))
            .hint(format!("git fetch {remote}"))
    })
}

/// Where a branch of security is kept, and its commit; before the first fetch, those of canonical's.
pub(super) fn tracked(clone: &LocalClone, policy: &Policy, branch: &str) -> Result<Option<(String, Id)>, Failure> {
    let security = format!("refs/remotes/{}/{branch}", policy.security_remote);
    if let Some(id) = history::find(clone, &security)? {
        return Ok(Some((security, id)));
    }
    if !is_never_fetched(clone, policy)? {
        return Ok(None);
    }
    let kept = remotes::canonical(clone, policy).and_then(|remote| remote.tracking(branch));
    let Some(kept) = kept else { return Ok(None) };
    Ok(history::find(clone, &kept)?.map(|id| (kept, id)))
}

/// The commit without which a branch is looked at: that of its target. What is merged already is looked at from where
/// its target was before, or from where canonical's is: else it would have nothing of its own.
pub(super) fn before_merge(
    clone: &LocalClone,
    policy: &Policy,
    target: &str,
    (tip, base): (Id, Id),
    merged: Merged,
) -> Result<Id, Failure> {
    let Some(merged) = merged else { return Ok(base) };
    if !history::holds(clone, base, tip)? {
        return Ok(base);
    }
    if merged != tip
        && let Some(first) = history::commit(clone, merged)?.parents.first()
    {
        return Ok(*first);
    }
    let kept = remotes::canonical(clone, policy).and_then(|remote| remote.tracking(target));
    let public = kept.map(|kept| history::find(clone, &kept)).transpose()?.flatten();
    Ok(public.unwrap_or(base))
}
