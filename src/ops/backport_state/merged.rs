//! The commits of a fix that is merged, and whose branch has nothing of its own any more, or is gone.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    domain::fix::FixName,
    git::{
        LocalClone,
        history::{self, Commit, Id, Range},
    },
    ops::{Context, Failure, sibling},
};

/// Longer than people wait without a word, and shorter than a server that is slow.
const LIMIT: Duration = Duration::from_secs(20);

/// What GitLab says of the merge requests, by names in hexadecimal.
#[derive(Debug, Deserialize)]
struct Said {
    commits: Vec<String>,
}

/// The commits by which the fix came into the default branch, oldest first, as they are there: found by the merge, by what
/// GitLab says of the merge request, or by neither.
///
/// # Errors
/// When the histories cannot be read.
pub(crate) fn commits(
    context: &Context,
    clone: &LocalClone,
    name: &FixName,
    branch: &str,
    (main, asks): (Id, bool),
) -> Result<Vec<Commit>, Failure> {
    let said = asks.then(|| {
        let _spinner = context.ui.spinner("asking GitLab how the fix was merged");
        sibling::ask::<Said>(context, "mr", &[name.as_str(), "--merged-commits"], LIMIT)
    });
    if let Some(said) = said.flatten().and_then(|answer| answer.document) {
        let found = as_told(clone, main, &said)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    match history::merge_named(clone, main, branch)? {
        Some(merge) => of_merge(clone, merge),
        None => Ok(vec![]),
    }
}

/// The commits that GitLab names, where all of them are in the default branch.
fn as_told(clone: &LocalClone, main: Id, said: &Said) -> Result<Vec<Commit>, Failure> {
    let mut found = Vec::new();
    for name in &said.commits {
        match history::known(clone, name) {
            Some(id) if history::holds(clone, main, id)? => found.push(history::commit(clone, id)?),
            _ => return Ok(vec![]),
        }
    }
    found.retain(|commit| commit.parents.len() < 2);
    Ok(found)
}

/// What a merge brought, without merges, which bring nothing of their own.
pub(super) fn of_merge(clone: &LocalClone, merge: Id) -> Result<Vec<Commit>, Failure> {
    let [first, second] = history::commit(clone, merge)?.parents[..] else { return Ok(vec![]) };
    let mut found = history::commits(clone, &[Range { tip: second, without: first }])?.concat();
    found.retain(|commit| commit.parents.len() < 2);
    Ok(found)
}
