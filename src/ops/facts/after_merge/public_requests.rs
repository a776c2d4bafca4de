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
        // Also what somebody opened by hand from security, or sent elsewhere.
        let ours: Vec<_> = open.iter().filter(|open| open.source_project_id == Some(security.id)).collect();
        let looks = at_once(&ours, |open| public_request::look(client, open.project_id, open.iid));
        let rows = ours.iter().zip(looks).map(|(open, look)| {
            let (now, standing) = look?;
            let source = &open.source_branch;
            let shown = now.sha.as_deref().unwrap_or_default();
            let waits_for = if !sync_branch::is_frozen(&merged.branch, source) {
                Some(format!("it is open from `{source}` of security, and shows whatever comes there: close it"))
            } else if sync_branch::is_moved(source, shown) {
                let short = shown.get(..12).unwrap_or(shown);
                Some(format!(
                    "it shows {short}, which was never previewed: close it, and find out who pushed to `{source}`"
                ))
            } else {
                standing.waits_for().map(str::to_owned)
            };
            Ok(PublicRequest { branch: merged.branch.clone(), iid: open.iid, web_url: open.web_url.clone(), waits_for })
        });
        rows.collect::<Result<Vec<_>, Failure>>()
    });
    Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}
