//! The merge requests that show the fix in public, and are not merged yet.

use serde::Serialize;

use super::{Merged, Reader};
use crate::{
    domain::sync_branch,
    gitlab::{at_once, merge_request},
    ops::{Failure, connection::unanswered, public_request},
};

/// An open merge request of the disclosure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PublicRequest {
    /// The branch of canonical that it goes into.
    pub(crate) branch: String,
    /// Its number in canonical.
    pub(crate) iid: u64,
    /// Its page.
    pub(crate) web_url: String,
    /// What keeps it from being merged; `None` where nothing does.
    pub(crate) waits_for: Option<String>,
}

/// Those that a sync opened, branch by branch.
pub(super) fn find(reader: &Reader<'_>, merged: &[Merged]) -> Result<Vec<PublicRequest>, Failure> {
    let Reader { client, policy, security, .. } = reader;
    let found = at_once(merged, |merged| {
        let open = merge_request::open_into(client, policy.canonical.as_str(), &merged.branch).map_err(unanswered)?;
        let is_ours = |open: &&merge_request::MergeRequest| {
            open.source_project_id == Some(security.id) && sync_branch::is_frozen(&merged.branch, &open.source_branch)
        };
        let ours: Vec<_> = open.iter().filter(is_ours).collect();
        let looks = at_once(&ours, |open| public_request::look(client, open.project_id, open.iid));
        let rows = ours.iter().zip(looks).map(|(open, look)| {
            let (_, standing) = look?;
            Ok(PublicRequest {
                branch: merged.branch.clone(),
                iid: open.iid,
                web_url: open.web_url.clone(),
                waits_for: standing.waits_for().map(str::to_owned),
            })
        });
        rows.collect::<Result<Vec<_>, Failure>>()
    });
    Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}
