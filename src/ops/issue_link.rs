//! The issue of a fix, remembered in the configuration of its branch. On another machine it is found
//! again from the text of a merge request.

use super::Failure;
use crate::{
    domain::{
        fix::{FixBranch, FixName},
        issue::IssueRef,
        policy::Policy,
        project::ProjectPath,
    },
    git::{
        LocalClone,
        local_config::{self, Change},
    },
};

fn issue_key(policy: &Policy, fix: &FixName) -> String {
    let branch = policy.branches.write(&FixBranch { fix: fix.clone(), line: None });
    format!("branch.{branch}.secfixIssue")
}

/// The issue that `branch --issue` remembered for a fix, in the configuration of its branch.
pub(crate) fn remembered(clone: &LocalClone, policy: &Policy, issues: &ProjectPath, fix: &FixName) -> Option<IssueRef> {
    let text = local_config::value(clone, &issue_key(policy, fix))?;
    IssueRef::read(&text, issues, &policy.instance).ok()
}

/// Remembers the issue of a fix. Git drops it together with the branch.
pub(crate) fn remember(clone: &LocalClone, policy: &Policy, fix: &FixName, issue: &IssueRef) -> Result<(), Failure> {
    let change = Change::set(&issue_key(policy, fix), &issue.to_string());
    Ok(local_config::apply(clone, &local_config::local_file(clone), &[change])?)
}
