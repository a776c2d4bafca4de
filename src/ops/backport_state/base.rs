//! Where the branches of security are kept here, and what a branch has of its own.

use anyhow::anyhow;

use crate::{
    domain::policy::Policy,
    git::{
        LocalClone,
        history::{self, Commit, Id},
        remotes,
    },
    ops::{Failure, lines::is_never_fetched},
};

/// What of a branch came into its target already, as the server tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Merged {
    /// The commits, as they are there, oldest first, without merges.
    pub(crate) brought: Vec<Commit>,
    /// The commit of the target by which the last of them came, where nothing of the branch waits for its own merge: what
    /// the branch itself holds is none of the fix then.
    pub(crate) whole_at: Option<Id>,
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
