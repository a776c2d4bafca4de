//! Which fix a command is about, and what this clone knows of its branches.

use anyhow::anyhow;

use super::{Failure, Program};
use crate::{
    domain::{
        fix::{FixBranch, FixName},
        policy::Policy,
    },
    git::{LocalClone, branches},
};

/// The fix that was named, or the one of the current branch.
///
/// # Errors
/// When the name is none, or none was given and the current branch belongs to no fix.
pub(super) fn find<P: Program>(clone: &LocalClone, policy: &Policy, name: Option<&str>) -> Result<FixName, Failure> {
    let hint = format!("git secfix {} NAME", P::NAME);
    if let Some(name) = name {
        return policy.branches.fix_name(name).map_err(|error| Failure::usage(error).hint(hint));
    }
    let current = clone.current_branch()?;
    let fix = current.as_deref().and_then(|branch| policy.branches.read(branch)).map(|branch| branch.fix);
    fix.ok_or_else(|| {
        let here =
            current.map_or_else(|| "HEAD is detached".to_owned(), |branch| format!("`{branch}` is no branch of a fix"));
        Failure::usage(anyhow!("{here}, so the fix must be named")).hint(hint)
    })
}

/// The local branches of the fix: its own first, then the backports, newest line first.
///
/// # Errors
/// When there is none.
pub(super) fn local_branches(clone: &LocalClone, policy: &Policy, fix: &FixName) -> Result<Vec<String>, Failure> {
    let names = branches::names_below(clone, "refs/heads/")?;
    let found = of_fix(policy, fix, names.iter().map(String::as_str));
    if found.is_empty() {
        return Err(Failure::not_done(anyhow!("there is no branch of the fix `{fix}`"))
            .hint(format!("git secfix branch {fix}")));
    }
    Ok(found.iter().map(|branch| policy.branches.write(branch)).collect())
}

/// Those of these names that are branches of the fix, in the order in which they are shown.
pub(super) fn of_fix<'a>(policy: &Policy, fix: &FixName, names: impl Iterator<Item = &'a str>) -> Vec<FixBranch> {
    let mut found: Vec<_> =
        names.filter_map(|name| policy.branches.read(name)).filter(|branch| branch.fix == *fix).collect();
    found.sort_by(|a, b| b.line.is_none().cmp(&a.line.is_none()).then(b.line.cmp(&a.line)));
    found.dedup();
    found
}
