//! What a commit changes, as one name: two commits with the same one make the same change, wherever
//! in the files it stands. White space counts, as it does to Python.

use std::collections::HashMap;

use super::{GitError, LocalClone, history::Id};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The lines that change and those around them, as git itself does.
    WithContext,
    /// The lines that change.
    ChangesAlone,
}

/// The patch-ids of these commits. Merges, and commits that change nothing, have none.
///
/// # Errors
/// When git fails.
pub fn compute(clone: &LocalClone, commits: &[Id], compared: Compared) -> Result<HashMap<Id, String>, GitError> {
    if commits.is_empty() {
        return Ok(HashMap::new());
    }
    let names: String = commits.iter().map(|id| format!("{id}\n")).collect();
    // The whole names of blobs are what tells binary files apart.
    let lines = match compared {
        Compared::WithContext => "-U3",
        Compared::ChangesAlone => "-U0",
    };
    let show = ["diff-tree", "--stdin", "--root", "--no-color", "--no-renames", "--full-index", "-p", lines];
    let said = clone.git().feed_through(&show, names.as_bytes(), &["patch-id", "--verbatim"])?;
    let pairs = said.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.filter_map(|(patch, commit)| Some((Id::from_hex(commit.as_bytes()).ok()?, patch.to_owned()))).collect())
}
