//! Whether somebody took the fix back in a branch of security, after it came there.

use std::collections::BTreeSet;

use super::{Merged, Reader};
use crate::{
    domain::trailers::{Said, Trailers, taken_back},
    gitlab::{Error, commit, merge_request},
};

/// The commit on a branch of a project that takes the fix back, where one does and is not taken back itself.
pub(super) fn find(reader: &Reader<'_>, project: u64, merged: &Merged) -> Result<Option<String>, Error> {
    let Reader { client, security, .. } = reader;
    let later = commit::since(client, project, &merged.commit, &merged.branch)?;
    // The server lists the newest first.
    let mut later: Vec<(&commit::Message, Trailers)> =
        later.iter().rev().map(|commit| (commit, Trailers::read(&commit.message))).collect();
    let says_something = |read: &Trailers| !read.reverts.is_empty() || !read.reverts_requests.is_empty();
    if !later.iter().any(|(_, read)| says_something(read)) {
        return Ok(None);
    }
    // Who takes back a merge request, by its number or by its merge, takes back what it brought: it may have been a revert.
    // In canonical, the same numbers are those of others.
    let is_of_fix = |iid: &u64| project == security.id && merged.requests.iter().any(|request| request.iid == *iid);
    let merges: Vec<(String, u64)> =
        later.iter().filter_map(|(commit, read)| Some((commit.id.clone(), read.request?))).collect();
    for (_, read) in &mut later {
        let of_merge = |(id, iid): &(String, u64)| read.reverts.iter().any(|name| id.starts_with(name)).then_some(*iid);
        let numbers: BTreeSet<u64> =
            read.reverts_requests.iter().copied().chain(merges.iter().filter_map(of_merge)).collect();
        for iid in numbers.iter().filter(|iid| !is_of_fix(iid)) {
            let brought = Error::absent(merge_request::commits(client, project, *iid))?;
            read.reverts.extend(brought.into_iter().flatten());
        }
    }
    let mut of_fix: Vec<String> = vec![merged.commit.clone()];
    for request in &merged.requests {
        of_fix.extend(request.results.iter().cloned());
        of_fix.extend(merge_request::commits(client, security.id, request.iid)?);
    }
    let undone = taken_back(later.iter().map(|(commit, read)| Said {
        id: &commit.id,
        picked_from: &read.picked_from,
        reverts: &read.reverts,
    }));
    let holds = |id: &str| !undone.by.contains_key(id);
    let takes_back = |read: &Trailers| {
        let by_name = |name: &String| of_fix.iter().any(|id| id.starts_with(name.as_str()));
        read.reverts_requests.iter().any(is_of_fix) || read.reverts.iter().any(by_name)
    };
    let found = later.iter().rev().find(|(commit, read)| holds(&commit.id) && takes_back(read));
    Ok(found.map(|(commit, _)| commit.id.clone()))
}
