//! Picks what is to be picked: commit by commit, on all lines at the same time, without a work tree.

use std::collections::BTreeMap;

use super::{fix::Fix, line::Line, plan::There};
use crate::{
    git::{
        GitError, LocalClone,
        history::{self, Id},
        objects::Objects,
        patch_search,
        pick::{Merged, Pick, Picker},
        picked_commit::PendingCommitter,
    },
    ops::Failure,
};

/// What became of a commit of the fix on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is now this commit.
    Picked(Id),
    /// It was there already, as this commit.
    Contained(Id),
    /// All that it changes is there already.
    Empty,
    /// These files are in the way.
    Conflict(Vec<String>),
    /// It comes after a conflict.
    Waiting,
}

/// A line with what became of it.
#[derive(Debug)]
pub(crate) struct Picked {
    pub(crate) line: Line,
    /// For each commit of the fix; empty where nothing is picked.
    pub(crate) outcomes: Vec<Outcome>,
    /// Where the branch is to go.
    pub(crate) tip: Id,
    tree: Id,
}

impl Picked {
    pub(crate) fn conflict(&self) -> Option<(usize, &[String])> {
        self.outcomes.iter().enumerate().find_map(|(position, outcome)| match outcome {
            Outcome::Conflict(paths) => Some((position, &paths[..])),
            _ => None,
        })
    }

    /// Whether the branch is to be moved.
    pub(crate) fn moves(&self) -> bool {
        let got_some = self.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Picked(_)));
        // Without a pick, a branch is moved only to what a colleague pushed.
        let is_news = got_some || !self.line.own.is_empty();
        self.line.planned.is_ok() && self.conflict().is_none() && self.line.tip() != self.tip && is_news
    }

    fn has_open(&self) -> bool {
        self.conflict().is_none() && self.outcomes.contains(&Outcome::Waiting)
    }

    fn next(&self) -> Option<usize> {
        self.outcomes.iter().position(|outcome| *outcome == Outcome::Waiting).filter(|_| self.has_open())
    }
}

/// Whether each of these lines has all that the fix changes, in the place where it ends: picking the whole of it in one
/// piece changes nothing.
///
/// # Errors
/// When git fails.
pub(super) fn hold_whole<'a>(
    clone: &LocalClone,
    objects: &Objects,
    fix: &Fix,
    lines: impl Iterator<Item = &'a Picked>,
) -> Result<Vec<bool>, Failure> {
    let (Some(first), Some(last)) = (fix.parts.first(), fix.parts.last()) else { return Ok(vec![]) };
    let ends = lines.map(|picked| Ok(history::commit(clone, picked.line.start)?.tree));
    let ends = ends.collect::<Result<Vec<Id>, GitError>>()?;
    let picks: Vec<Pick<'_>> =
        ends.iter().map(|end| Pick { commit: &last.commit, parent: first.parent, onto: *end }).collect();
    if picks.is_empty() {
        return Ok(vec![]);
    }
    let merged = Picker::new(clone, objects)?.merge(&picks)?;
    Ok(merged.iter().zip(ends).map(|(merged, end)| *merged == Merged::Clean(end)).collect())
}

/// Picks onto every line where something may be picked.
pub(crate) fn pick(
    clone: &LocalClone,
    objects: &Objects,
    committer: &mut PendingCommitter,
    fix: &Fix,
    lines: Vec<Line>,
) -> Result<Vec<Picked>, Failure> {
    let mut all = Vec::new();
    for line in lines {
        let outcomes = match &line.planned {
            Ok(planned) => {
                let outcome = |there: &There| match there {
                    There::As(id) => Outcome::Contained(*id),
                    There::Missing | There::Perhaps(_) => Outcome::Waiting,
                };
                planned.parts.iter().map(outcome).collect()
            }
            Err(_) => vec![],
        };
        let tree = history::commit(clone, line.start)?.tree;
        all.push(Picked { tip: line.start, tree, outcomes, line });
    }
    let picker = Picker::new(clone, objects)?;
    while all.iter().any(Picked::has_open) {
        let open: Vec<(usize, usize)> =
            all.iter().enumerate().filter_map(|(number, picked)| Some((number, picked.next()?))).collect();
        let pick = |(number, position): &(usize, usize)| {
            let part = &fix.parts[*position];
            Pick { commit: &part.commit, parent: part.parent, onto: all[*number].tree }
        };
        let merged = picker.merge(&open.iter().map(pick).collect::<Vec<_>>())?;
        // What changes nothing or does not fit may be in the history of the line already.
        let mut doubtful: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for ((number, position), merged) in open.into_iter().zip(merged) {
            let picked = &mut all[number];
            let there = picked.line.planned.as_ref().map_or(There::Missing, |planned| planned.parts[position]);
            picked.outcomes[position] = match merged {
                Merged::Clean(tree) if tree != picked.tree => {
                    let original = fix.parts[position].commit.id;
                    let id = committer.get()?.write(clone, objects, original, tree, picked.tip)?;
                    (picked.tip, picked.tree) = (id, tree);
                    Outcome::Picked(id)
                }
                Merged::Clean(_) => match there {
                    There::Perhaps(id) => Outcome::Contained(id),
                    _ => Outcome::Empty,
                },
                Merged::Conflict(paths) => Outcome::Conflict(paths),
            };
            let is_doubtful = there == There::Missing && !matches!(picked.outcomes[position], Outcome::Picked(_));
            if is_doubtful {
                doubtful.entry(position).or_default().push(number);
            }
        }
        for (position, numbers) in doubtful {
            let part = &fix.parts[position];
            let tips: Vec<Id> = numbers.iter().map(|number| all[*number].line.start).collect();
            let found = patch_search::find(clone, &tips, &part.commit, part.parent)?;
            for (number, found) in numbers.into_iter().zip(found) {
                if let Some(id) = found {
                    all[number].outcomes[position] = Outcome::Contained(id);
                }
            }
        }
    }
    Ok(all)
}
