//! What this clone knows of a fix, without asking anybody.

use std::collections::BTreeSet;

use crate::{
    commands::{Failure, candidates, fix, linked_issue},
    domain::{
        fix::{FixBranch, FixName},
        issue::IssueRef,
        policy::Policy,
        project::ProjectPath,
    },
    git::{LocalClone, branches},
};

/// What the clone knows of a fix.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) fix: FixName,
    /// The names of its branches, here and in security as last fetched, and those that it may have: a
    /// merge request stays when its branch is gone.
    pub(super) sources: Vec<String>,
    /// The issue that was remembered for it.
    pub(super) issue: Option<IssueRef>,
}

/// Fixes go back to a few of the newest lines; a project may have a hundred.
pub(super) const NEWEST_LINES: usize = 8;

/// Looks at the references and the configuration.
pub(super) fn look(clone: &LocalClone, policy: &Policy, issues: &ProjectPath, fix: &FixName) -> Result<Known, Failure> {
    let mut names: BTreeSet<String> = branches::names_below(clone, "refs/heads/")?.into_iter().collect();
    names.extend(branches::names_below(clone, &format!("refs/remotes/{}/", policy.security_remote))?);
    let lines = candidates::stable_lines(clone, policy)?;
    let lines = std::iter::once(None).chain(lines.into_iter().take(NEWEST_LINES).map(Some));
    names.extend(lines.map(|line| policy.branches.write(&FixBranch { fix: fix.clone(), line })));
    let found = fix::of_fix(policy, fix, names.iter().map(String::as_str));
    Ok(Known {
        fix: fix.clone(),
        sources: found.iter().map(|branch| policy.branches.write(branch)).collect(),
        issue: linked_issue::remembered(clone, policy, issues, fix),
    })
}

/// Every fix that has a branch here or in security as last fetched, by name.
///
/// # Errors
/// When the references cannot be read.
pub(super) fn fixes(clone: &LocalClone, policy: &Policy) -> Result<Vec<FixName>, Failure> {
    let mut names = branches::names_below(clone, "refs/heads/")?;
    names.extend(branches::names_below(clone, &format!("refs/remotes/{}/", policy.security_remote))?);
    let mut fixes: Vec<FixName> =
        names.iter().filter_map(|name| policy.branches.read(name)).map(|branch| branch.fix).collect();
    fixes.sort();
    fixes.dedup();
    Ok(fixes)
}
