//! Whether somebody took the fix back in a branch of security, after it came there.

use super::{Merged, Reader};
use crate::{
    domain::trailers::{Said, Trailers, taken_back},
    gitlab::{Error, commit, merge_request},
};

/// The commit on the branch that takes the fix back, where one does and is not taken back itself.
pub(super) fn find(reader: &Reader<'_>, merged: &Merged) -> Result<Option<String>, Error> {
    let Reader { client, security, .. } = reader;
    let later = commit::since(client, security.id, &merged.commit, &merged.branch)?;
    // The server lists the newest first.
    let later: Vec<(&str, Trailers)> =
        later.iter().rev().map(|commit| (commit.id.as_str(), Trailers::read(&commit.message))).collect();
    let says_something = |read: &Trailers| !read.reverts.is_empty() || !read.reverts_requests.is_empty();
    if !later.iter().any(|(_, read)| says_something(read)) {
        return Ok(None);
    }
    let mut of_fix: Vec<String> = vec![merged.commit.clone()];
    for request in &merged.requests {
        of_fix.extend(request.results.iter().cloned());
        of_fix.extend(merge_request::commits(client, security.id, request.iid)?);
    }
    let undone =
        taken_back(later.iter().map(|(id, read)| Said { id, picked_from: &read.picked_from, reverts: &read.reverts }));
    let holds = |id: &str| !undone.by.contains_key(id);
    let takes_back = |read: &Trailers| {
        let by_number = |iid: &u64| merged.requests.iter().any(|request| request.iid == *iid);
        let by_name = |name: &String| of_fix.iter().any(|id| id.starts_with(name.as_str()));
        read.reverts_requests.iter().any(by_number) || read.reverts.iter().any(by_name)
    };
    let found = later.iter().rev().find(|(id, read)| holds(id) && takes_back(read));
    Ok(found.map(|(id, _)| (*id).to_owned()))
}
