//! By which commits a fix came into security's default branch: what `backport` asks, which talks to no server.

use serde::Serialize;

use crate::{
    domain::{
        exit::Exit,
        fix::{FixBranch, FixName},
        merge_request::State,
    },
    gitlab::{Client, merge_request},
    ops::{Context, Failure, Prepared, connection::unanswered},
};

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    merge_commit: Option<String>,
    squash_commit: Option<String>,
    /// The commits of the merge request, oldest first.
    commits: Vec<String>,
}

/// Prints what the merge request of the fix's own branch says, where that is merged.
pub(super) fn tell(client: &Client, prepared: &Prepared, fix: &FixName, context: &Context) -> Result<Exit, Failure> {
    let policy = &prepared.policy;
    let source = policy.branches.write(&FixBranch { fix: fix.clone(), line: None });
    let requests = merge_request::from_branch(client, policy.security.as_str(), &source).map_err(unanswered)?;
    let merged = requests
        .iter()
        .find(|request| request.target_branch == policy.branches.default && request.state == State::Merged);
    let Some(merged) = merged else { return Ok(Exit::NotDone) };
    let mut commits = merge_request::commits(client, merged.project_id, merged.iid).map_err(unanswered)?;
    commits.reverse();
    let report = Report {
        fix: fix.to_string(),
        merge_commit: merged.merge_commit_sha.clone(),
        squash_commit: merged.squash_commit_sha.clone(),
        commits,
    };
    context.ui.report("mr", &report, || report.commits.iter().map(|commit| format!("{commit}\n")).collect());
    Ok(Exit::Done)
}
