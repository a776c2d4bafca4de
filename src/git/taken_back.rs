//! What commits take back of each other, merges with all that they brought.

use std::collections::{HashMap, HashSet};

use super::{
    GitError, LocalClone,
    history::{Commit, Id},
};
use crate::domain::trailers::{self, Said, reversed_to};

/// What the commits of a list take back of each other.
#[derive(Debug, Clone, Default)]
pub struct TakenBack {
    /// What is taken back, by the commit that does.
    pub by: HashMap<Id, Id>,
    /// What is taken back and is not in the list, by the names in the messages.
    pub others: Vec<String>,
}

/// What each commit that takes back a merge undoes with it, by that commit.
pub type UndoneMerges = HashMap<Id, HashSet<Id>>;

/// The commits of the list, oldest first, that a later one of it takes back, and that no still later one brings again.
pub fn taken_back(commits: &[Commit], undone: &UndoneMerges) -> TakenBack {
    let names: Vec<(String, Vec<String>)> = commits
        .iter()
        .map(|commit| (commit.id.to_string(), commit.picked_from.iter().map(ToString::to_string).collect()))
        .collect();
    let said = commits.iter().zip(&names).map(|(commit, (id, picked_from))| Said {
        id,
        picked_from,
        reverts: &commit.reverts,
    });
    let taken = trailers::taken_back(said);
    let ids: HashMap<&str, Id> =
        commits.iter().zip(&names).map(|(commit, (name, _))| (name.as_str(), commit.id)).collect();
    let mut by: HashMap<Id, Id> = taken.by.iter().filter_map(|(id, by)| Some((*ids.get(id)?, *ids.get(by)?))).collect();
    // Who takes a merge back takes back what it brought.
    let reverters: HashSet<Id> = by.values().copied().collect();
    for (reverter, brought) in undone.iter().filter(|(reverter, _)| reverters.contains(*reverter)) {
        for id in brought {
            by.entry(*id).or_insert(*reverter);
        }
    }
    TakenBack { by, others: taken.others.into_iter().map(str::to_owned).collect() }
}

/// Finds what those of these commits undo that take back one of the merges among them.
///
/// # Errors
/// When git fails.
pub fn undone_merges(clone: &LocalClone, commits: &[Commit]) -> Result<UndoneMerges, GitError> {
    let mut found = UndoneMerges::new();
    let merges: Vec<&Commit> = commits.iter().filter(|commit| commit.parents.len() > 1).collect();
    for reverter in commits.iter().filter(|commit| !commit.reverts.is_empty()) {
        let names = |merge: &&&Commit| {
            let id = merge.id.to_string();
            reverter.reverts.iter().any(|name| id.starts_with(name.as_str()))
        };
        for merge in merges.iter().filter(names) {
            found.entry(reverter.id).or_default().extend(undone(clone, merge, reverter)?);
        }
    }
    Ok(found)
}

/// What is undone of a merge: all that came with it to the parent that is left, the first where none is named.
fn undone(clone: &LocalClone, merge: &Commit, reverter: &Commit) -> Result<Vec<Id>, GitError> {
    let left = reversed_to(&reverter.body);
    let is_left = |parent: &&Id| left.as_ref().is_some_and(|left| parent.to_string().starts_with(left.as_str()));
    let Some(left) = merge.parents.iter().find(is_left).or(merge.parents.first()) else { return Ok(vec![]) };
    let names = clone.git().read(&["rev-list", &merge.id.to_string(), &format!("^{left}")])?;
    Ok(names.lines().filter_map(|name| Id::from_hex(name.as_bytes()).ok()).collect())
}
