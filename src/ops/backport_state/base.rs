//! Where the branches of security are kept here, and what a branch has of its own.

use anyhow::anyhow;

use crate::{
    domain::policy::Policy,
    git::{
        LocalClone,
        history::{self, Commit, Id, Range},
        remotes,
    },
    ops::{Failure, lines::is_never_fetched},
};

/// How a branch came into its target, where the server tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MergedAs {
    /// The commit of the target by which it came: a merge, what it was squashed into, or its own newest.
    pub(crate) commit: Id,
    /// Where the branch left its target.
    pub(crate) base: Option<Id>,
    /// Whether its commits were squashed into that one.
    pub(crate) is_squashed: bool,
}

impl MergedAs {
    /// The commits that it brought, as they are in the target, without merges, which bring nothing of their own.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn brought(self, clone: &LocalClone) -> Result<Vec<Commit>, Failure> {
        let commit = history::commit(clone, self.commit)?;
        let mut found = match (&commit.parents[..], self.base) {
            (&[first, second], _) => history::commits(clone, &[Range { tip: second, without: first }])?.concat(),
            (_, Some(base)) if !self.is_squashed => {
                history::commits(clone, &[Range { tip: self.commit, without: base }])?.concat()
            }
            _ if self.is_squashed => vec![commit],
            _ => vec![],
        };
        found.retain(|commit| commit.parents.len() < 2);
        Ok(found)
    }
}

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
    merged: Option<MergedAs>,
) -> Result<Id, Failure> {
    let Some(merged) = merged else { return Ok(base) };
    if !history::holds(clone, base, tip)? {
        return Ok(base);
    }
    if merged.commit != tip
        && let Some(first) = history::commit(clone, merged.commit)?.parents.first()
    {
        return Ok(*first);
    }
    if let Some(base) = merged.base {
        return Ok(base);
    }
    let kept = remotes::canonical(clone, policy).and_then(|remote| remote.tracking(target));
    let public = kept.map(|kept| history::find(clone, &kept)).transpose()?.flatten();
    Ok(public.unwrap_or(base))
}
