//! The commits of a fix: those that its branch has and security's default branch has not, or those that were named.

use std::collections::HashSet;

use anyhow::anyhow;

use super::{
    base::{Merged, main_of, tracked},
    merged::of_merge,
    plan::Part,
};
use crate::{
    domain::{
        fix::{FixBranch, FixName},
        policy::Policy,
    },
    git::{
        LocalClone,
        history::{self, Commit, Id, Range},
    },
    ops::{Failure, typed::Typed},
};

/// Which commits are meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commits {
    /// A range such as `A..B` in the place of the whole fix.
    pub(crate) from: Option<String>,
    /// The parent that merges are compared with, counted from 1.
    pub(crate) mainline: Option<usize>,
}

/// The fix: what is picked.
#[derive(Debug)]
pub(crate) struct Fix {
    pub(crate) name: FixName,
    pub(crate) branch: String,
    pub(crate) parts: Vec<Part>,
    /// All commits of the fix, also where only a part of it is picked.
    pub(super) family: HashSet<Id>,
}

/// The fix as far as it shows here, without merges, which bring nothing of their own; `None` where it has no commits that
/// are here. What is merged is looked at where it is now.
///
/// # Errors
/// When the histories cannot be read.
pub(crate) fn find(
    clone: &LocalClone,
    policy: &Policy,
    merged: &Merged,
    name: &FixName,
) -> Result<Option<Fix>, Failure> {
    let branch = policy.branches.write(&FixBranch { fix: name.clone(), line: None });
    let mut commits = merged.brought.clone();
    if merged.whole_at.is_none()
        && let Some(tip) = tip_of(clone, policy, &branch)?
        && let Some((_, main)) = tracked(clone, policy, &policy.branches.default)?
    {
        let own = history::commits(clone, &[Range { tip, without: main }])?.concat();
        commits.extend(own.into_iter().filter(|commit| merged.brought.iter().all(|known| known.id != commit.id)));
    }
    let family = commits.iter().map(|commit| commit.id).collect();
    let own = commits.into_iter().filter(|commit| commit.parents.len() < 2);
    let parts: Vec<Part> = own.map(|commit| Part { parent: commit.parents.first().copied(), commit }).collect();
    Ok((!parts.is_empty()).then(|| Fix { name: name.clone(), branch, parts, family }))
}

/// Where a branch of the fix is, here or in security as last fetched.
fn tip_of(clone: &LocalClone, policy: &Policy, branch: &str) -> Result<Option<Id>, Failure> {
    match history::find(clone, &format!("refs/heads/{branch}"))? {
        Some(tip) => Ok(Some(tip)),
        None => Ok(history::find(clone, &format!("refs/remotes/{}/{branch}", policy.security_remote))?),
    }
}

/// The commits that are meant; `again` is the command that is to be run with others.
///
/// # Errors
/// When there are none, or they cannot be picked as they are.
pub(crate) fn fix(
    clone: &LocalClone,
    policy: &Policy,
    source: &Commits,
    name: FixName,
    again: &Typed,
    merged: impl FnOnce(&str, Id) -> Result<Vec<Commit>, Failure>,
) -> Result<Fix, Failure> {
    let branch = policy.branches.write(&FixBranch { fix: name.clone(), line: None });
    let tip = tip_of(clone, policy, &branch)?;
    let main = main_of(clone, policy)?;
    let whole = tip.map(|tip| Range { tip, without: main });
    let given = source.from.as_deref().map(|text| read_range(clone, again, text)).transpose()?;
    let mut family: HashSet<Id> = HashSet::new();
    let mut commits = match (given.or(whole), source.mainline) {
        (Some(range), Some(parent)) => history::mainline(clone, &range, parent)?,
        (Some(range), None) => history::commits(clone, &[range])?.concat(),
        (None, _) => vec![],
    };
    if let Some(whole) = whole.filter(|whole| given.is_some_and(|given| given != *whole)) {
        family.extend(history::commits(clone, &[whole])?.concat().iter().map(|commit| commit.id));
    }
    // What is merged has nothing of its own any more, also where its branch is gone.
    if commits.is_empty() && given.is_none() {
        commits = merged(&branch, main)?;
    }
    // What was merged before is of the fix as well, where more was committed to its branch since.
    if given.is_none()
        && source.mainline.is_none()
        && !commits.is_empty()
        && let Some(merge) = history::merge_named(clone, main, &branch)?
    {
        let before = of_merge(clone, merge)?;
        commits.splice(0..0, before);
    }
    family.extend(commits.iter().map(|commit| commit.id));
    if commits.is_empty() {
        return Err(match (tip, given) {
            (None, None) => Failure::not_done(anyhow!("there is no branch `{branch}`")).hint(format!(
                "git secfix branch {name}, or name the commits: {}",
                again.clone().with_only("--from", "A..B")
            )),
            _ => nothing(policy, again, &branch, source),
        });
    }
    let parts = commits.into_iter().map(|commit| part(clone, policy, source, again, &branch, commit));
    Ok(Fix { parts: parts.collect::<Result<_, _>>()?, name, branch, family })
}

fn nothing(policy: &Policy, again: &Typed, branch: &str, source: &Commits) -> Failure {
    let main = format!("{}/{}", policy.security_remote, policy.branches.default);
    match &source.from {
        Some(range) => Failure::not_done(anyhow!("there are no commits in `{range}`"))
            .hint(format!("git log --oneline {main}..{branch}")),
        None => Failure::not_done(anyhow!("`{branch}` has no commits that `{main}` does not have")).hint(format!(
            "commit the fix on that branch, or, if it was merged: {}",
            again.clone().with_only("--from", "FIRST~1..LAST")
        )),
    }
}

fn read_range(clone: &LocalClone, again: &Typed, text: &str) -> Result<Range, Failure> {
    let hint = || again.clone().with_only("--from", "FIRST~1..LAST");
    let malformed = || Failure::usage(anyhow!("`{text}` is no range of commits, such as `A..B`")).hint(hint());
    let (from, to) = text.split_once("..").filter(|(_, to)| !to.starts_with('.')).ok_or_else(malformed)?;
    let find = |revision: &str| {
        let revision = if revision.is_empty() { "HEAD" } else { revision };
        history::find(clone, revision)?
            .ok_or_else(|| Failure::usage(anyhow!("`{revision}` is no commit of this clone")).hint(hint()))
    };
    Ok(Range { without: find(from)?, tip: find(to)? })
}

fn part(
    clone: &LocalClone,
    policy: &Policy,
    source: &Commits,
    again: &Typed,
    branch: &str,
    commit: Commit,
) -> Result<Part, Failure> {
    let parent = match (&commit.parents[..], source.mainline) {
        ([], _) => None,
        ([only], _) => Some(*only),
        (parents, Some(number)) => parents.get(number - 1).copied(),
        (parents, None) => {
            let main = main_of(clone, policy)?;
            let (what, short) = (&commit.subject, commit.short());
            let brings_main = parents[1..].iter().any(|parent| history::holds(clone, main, *parent).unwrap_or(false));
            let error = |why: &str| Failure::not_done(anyhow!("`{short} {what}` is a merge commit: {why}"));
            return Err(if brings_main {
                let main = format!("{}/{}", policy.security_remote, policy.branches.default);
                error("it brings commits of the default branch into the fix, which must not go to a release line")
                    .hint(format!("git rebase {main} {branch}"))
            } else {
                error("it must be said which of its parents it is to be compared with")
                    .hint(again.clone().with_value("--mainline", "1"))
            });
        }
    };
    Ok(Part { commit, parent })
}
