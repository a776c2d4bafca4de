//! The commits of a fix that is merged, and whose branch has nothing of its own any more, or is gone.

use std::time::Duration;

use serde::Deserialize;

use super::base::MergedAs;
use crate::{
    domain::fix::FixName,
    git::{
        LocalClone,
        history::{self, Commit, Id},
    },
    ops::{Context, Failure, sibling},
};

/// Longer than people wait without a word, and shorter than a server that is slow.
const LIMIT: Duration = Duration::from_secs(20);

/// What GitLab says of the merge request, by names in hexadecimal.
#[derive(Debug, Deserialize)]
struct Said {
    merge_commit: Option<String>,
    squash_commit: Option<String>,
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
        Some(commit) => MergedAs { commit, base: None, is_squashed: false }.brought(clone),
        None => Ok(vec![]),
    }
}

/// Squashed, merged, or put on top as they are.
fn as_told(clone: &LocalClone, main: Id, said: &Said) -> Result<Vec<Commit>, Failure> {
    let in_main = |name: &Option<String>| -> Result<Option<Id>, Failure> {
        let id = name.as_deref().and_then(|name| history::known(clone, name));
        Ok(match id {
            Some(id) if history::holds(clone, main, id)? => Some(id),
            _ => None,
        })
    };
    if let Some(squashed) = in_main(&said.squash_commit)? {
        return Ok(vec![history::commit(clone, squashed)?]);
    }
    if let Some(merge) = in_main(&said.merge_commit)? {
        let found = MergedAs { commit: merge, base: None, is_squashed: false }.brought(clone)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let mut found = Vec::new();
    for name in &said.commits {
        let Some(id) = in_main(&Some(name.clone()))? else { return Ok(vec![]) };
        found.push(history::commit(clone, id)?);
    }
    found.retain(|commit| commit.parents.len() < 2);
    Ok(found)
}
