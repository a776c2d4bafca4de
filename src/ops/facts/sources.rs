//! Which branches GitLab is asked about: those that this clone knows of a fix, and those that it may have.

use crate::{
    domain::{
        fix::{FixBranch, FixName},
        issue::IssueRef,
    },
    ops::{Failure, Prepared, fix_branches, issue_link, lines},
};

/// What the clone knows of a fix.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) fix: FixName,
    /// The names of its branches, here and in security as last fetched, and those that it may have: a
    /// merge request stays when its branch is gone.
    pub(crate) sources: Vec<String>,
    /// The issue that was remembered for it.
    pub(crate) issue: Option<IssueRef>,
}

/// Fixes go back to a few of the newest lines; a project may have a hundred.
pub(crate) const NEWEST_LINES: usize = 8;

/// Reads the references and the configuration.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn read(prepared: &Prepared, fix: &FixName) -> Result<Known, Failure> {
    let Prepared { clone, policy, settings } = prepared;
    let mut names = fix_branches::names::branches(clone, policy)?;
    let lines = lines::stable_lines(clone, policy)?;
    let lines = std::iter::once(None).chain(lines.into_iter().take(NEWEST_LINES).map(Some));
    names.extend(lines.map(|line| policy.branches.write(&FixBranch { fix: fix.clone(), line })));
    let found = fix_branches::belonging_to(policy, fix, names.iter().map(String::as_str));
    Ok(Known {
        fix: fix.clone(),
        sources: found.iter().map(|branch| policy.branches.write(branch)).collect(),
        issue: issue_link::remembered(clone, policy, &settings.issues()?, fix),
    })
}
