//! Does a line hold the fix? One answer for `backport`, which picks what is missing, for `status`, which shows it, and
//! for every gate.
//!
//! `fix` reads the commits of the fix and `line` those of each backport branch, `plan` compares them, `pick` finds out
//! what a pick of the rest would change: nothing at all, where the line has it in other words.

pub(crate) mod base;
pub(crate) mod fix;
pub(crate) mod line;
pub(crate) mod merged;
pub(crate) mod pick;
pub(crate) mod plan;

use self::{
    base::Merged,
    fix::Fix,
    pick::{Outcome, Picked},
};
use super::Failure;
use crate::{
    domain::{fix::FixName, policy::Policy, version::ReleaseLine},
    git::{LocalClone, history::Id, objects::Objects, picked_commit::Committer},
};

/// What each of these lines lacks of the fix: its commits, oldest first. A line that holds the fix lacks none, and where the
/// fix has no commits nothing can be lacking.
///
/// `merged` is what came into security's default branch already, and each line has its own.
///
/// # Errors
/// When the histories cannot be read.
pub(crate) fn lacking(
    clone: &LocalClone,
    policy: &Policy,
    name: &FixName,
    merged: &Merged,
    lines: &[(ReleaseLine, Merged)],
) -> Result<Vec<Vec<Id>>, Failure> {
    let none = || Ok(vec![vec![]; lines.len()]);
    if lines.is_empty() {
        return none();
    }
    let Some(fix) = fix::find(clone, policy, merged, name)? else { return none() };
    let contents = line::contents(clone, policy, &fix, lines)?;
    let objects = Objects::forgotten(clone)?;
    let picked = pick::pick(clone, &objects, &mut Committer::unsigned(clone)?, &fix, contents)?;
    let mut lacking: Vec<Vec<Id>> = picked.iter().map(|picked| missing(&fix, picked)).collect();
    // What was squashed names none of its commits any more.
    let is_merged = |number: usize| !merged.brought.is_empty() || !lines[number].1.brought.is_empty();
    let open: Vec<usize> =
        (0..picked.len()).filter(|number| is_merged(*number) && !lacking[*number].is_empty()).collect();
    for (number, is_held) in open.iter().zip(pick::hold_whole(clone, &objects, &fix, open.iter().map(|n| &picked[*n]))?)
    {
        if is_held {
            lacking[*number].clear();
        }
    }
    Ok(lacking)
}

/// Whether a line holds every commit of the fix, or all that it changes.
pub(crate) fn holds(fix: &Fix, picked: &Picked) -> bool {
    missing(fix, picked).is_empty()
}

fn missing(fix: &Fix, picked: &Picked) -> Vec<Id> {
    let all = fix.parts.iter().map(|part| part.commit.id);
    if picked.line.planned.is_err() {
        return all.collect();
    }
    let is_there = |outcome: &Outcome| matches!(outcome, Outcome::Contained(_) | Outcome::Empty);
    all.zip(&picked.outcomes).filter(|(_, outcome)| !is_there(outcome)).map(|(id, _)| id).collect()
}
