//! Threads of a merge request.

use gitlab::api::projects::merge_requests::discussions::MergeRequestDiscussions;
use serde::Deserialize;

use super::{Client, Error, built};

#[derive(Deserialize)]
struct Discussion {
    notes: Vec<Note>,
}

#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    resolvable: bool,
    resolved: Option<bool>,
}

/// How many threads are open: those with a note that can be resolved and is not.
///
/// # Errors
/// See [`Error`].
pub fn open_threads(client: &Client, project: u64, iid: u64) -> Result<usize, Error> {
    let endpoint = MergeRequestDiscussions::builder().project(project).merge_request(iid).build();
    let discussions: Vec<Discussion> = client.all(&built(endpoint)?)?;
    let is_open = |note: &Note| note.resolvable && note.resolved != Some(true);
    Ok(discussions.iter().filter(|discussion| discussion.notes.iter().any(is_open)).count())
}
