//! The merge requests that show the fix in public, and are not merged yet.

use serde::Serialize;

use super::{Merged, Reader};
use crate::{
    domain::{merge_request::State, sync_branch},
    gitlab::{
        Error, at_once, compare,
        merge_request::{self, MergeRequest},
    },
    ops::{Failure, connection::unanswered, public_request},
};

/// A merge request of the disclosure that is not merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PublicRequest {
    /// The branch of canonical that it goes into.
    pub(crate) branch: String,
    /// Its number in canonical.
    pub(crate) iid: u64,
    /// Its page.
    pub(crate) web_url: String,
    /// Whether it is open. What was closed showed its commits to everybody all the same.
    pub(crate) is_open: bool,
    /// Whether it is known to show this fix: another one may go the same way.
    pub(crate) shows_fix: bool,
    /// What keeps it from being merged; `None` where nothing does.
    pub(crate) waits_for: Option<String>,
}

/// Those that show the fix, branch by branch: what a sync opened, and what somebody opened by hand.
pub(super) fn find(reader: &Reader<'_>, merged: &[Merged]) -> Result<Vec<PublicRequest>, Failure> {
    let Reader { client, policy, .. } = reader;
    let found = at_once(merged, |merged| {
        let canonical = policy.canonical.as_str();
        let (open, closed) = std::thread::scope(|scope| {
            let closed = scope.spawn(|| match merged.merged_at {
                Some(since) => merge_request::closed_into(client, canonical, &merged.branch, since),
                None => Ok(vec![]),
            });
            (merge_request::open_into(client, canonical, &merged.branch), super::joined(closed))
        });
        let (open, closed) = (open.map_err(unanswered)?, closed.map_err(unanswered)?);
        let (open, closed) = (showing(reader, merged, &open)?, showing(reader, merged, &closed)?);
        // One that is open in its place says more.
        let closed: Vec<_> = closed.iter().filter(|_| open.is_empty()).collect();
        let ours: Vec<&MergeRequest> = open.iter().map(|(open, _)| *open).collect();
        let looks = at_once(&ours, |open| public_request::look(client, open.project_id, open.iid));
        let rows = open.iter().zip(looks).map(|((open, shows_fix), look)| {
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
            Ok(row(&merged.branch, (open, *shows_fix), waits_for))
        });
        let mut rows = rows.collect::<Result<Vec<_>, Failure>>()?;
        let why = "it was closed, and everybody could see what it showed";
        rows.extend(closed.iter().map(|closed| row(&merged.branch, **closed, Some(why.to_owned()))));
        Ok::<_, Failure>(rows)
    });
    Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

/// Those that come from security, unless they are known to show another fix alone; with whether they are known to show this.
fn showing<'a>(
    reader: &Reader<'_>,
    merged: &Merged,
    requests: &'a [MergeRequest],
) -> Result<Vec<(&'a MergeRequest, bool)>, Failure> {
    let security = reader.security.id;
    let ours: Vec<&MergeRequest> =
        requests.iter().filter(|request| request.source_project_id == Some(security)).collect();
    let holds = at_once(&ours, |request| match &request.sha {
        Some(shown) => Error::absent(compare::is_in_branch(reader.client, security, &merged.commit, shown)),
        None => Ok(None),
    });
    let holds = holds.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
    let shown = ours.into_iter().zip(holds).filter(|(_, holds)| *holds != Some(false));
    Ok(shown.map(|(request, holds)| (request, holds == Some(true))).collect())
}

fn row(branch: &str, (request, shows_fix): (&MergeRequest, bool), waits_for: Option<String>) -> PublicRequest {
    let MergeRequest { iid, web_url, state, .. } = request;
    PublicRequest {
        branch: branch.to_owned(),
        iid: *iid,
        web_url: web_url.clone(),
        is_open: *state != State::Closed,
        shows_fix,
        waits_for,
    }
}
