//! By which commits a fix came into security's default branch: what `backport` asks, which talks to no server.

use serde::Serialize;

use crate::{
    domain::{
        exit::Exit,
        fix::{FixBranch, FixName},
        merge_request::State,
    },
    gitlab::{Client, at_once, merge_request},
    ops::{Context, Failure, Prepared, connection::unanswered},
};

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    /// The commits as they are there, oldest first.
    commits: Vec<String>,
}

/// Prints what the merge requests of the fix's own branch brought, those that are merged.
pub(super) fn tell(client: &Client, prepared: &Prepared, fix: &FixName, context: &Context) -> Result<Exit, Failure> {
    let policy = &prepared.policy;
    let source = policy.branches.write(&FixBranch { fix: fix.clone(), line: None });
    let mut requests = merge_request::from_branch(client, policy.security.as_str(), &source).map_err(unanswered)?;
    requests.retain(|found| found.target_branch == policy.branches.default && found.state == State::Merged);
    if requests.is_empty() {
        return Ok(Exit::NotDone);
    }
    requests.sort_by_key(|request| request.iid);
    let brought = at_once(&requests, |request| merge_request::brought_by(client, request));
    let commits = brought.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?.concat();
    let report = Report { fix: fix.to_string(), commits };
    context.ui.report("mr", &report, || report.commits.iter().map(|commit| format!("{commit}\n")).collect());
    Ok(Exit::Done)
}
