//! Each line of a fix: its backport branch, what that holds, and what is to be done there.

use std::{collections::HashSet, path::PathBuf};

use super::{
    base::{Merged, tracked},
    fix::Fix,
    plan::{self, Known, Planned, Problem, There},
};
use crate::{
    domain::{fix::FixBranch, policy::Policy, version::ReleaseLine},
    git::{
        GitError, LocalClone,
        branches::{self, NewBranch},
        checkouts::{self, Checkout},
        history::{self, Commit, Id, Range},
        patch_id::{self, Compared},
        resolution,
        taken_back::undone_merges,
    },
    ops::{Failure, fix_branches, lines::is_never_fetched},
};

/// A backport branch: where the commits go.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) line: ReleaseLine,
    pub(crate) branch: String,
    /// The branch of security that it is for.
    pub(crate) target: String,
    /// The commit of that branch.
    pub(crate) base: Id,
    /// Where the branch is here; `None` when it is not.
    pub(crate) local: Option<Id>,
    /// Where it is to be made from, when it is not here.
    pub(crate) new: Option<NewBranch>,
    /// The commit of that place.
    made_at: Id,
    /// What the commits are picked onto.
    pub(crate) start: Id,
    /// The commits up to there that the target lacks, oldest first.
    pub(crate) own: Vec<Commit>,
    /// Whether the branch is made anew, without what it held.
    pub(crate) anew: bool,
    /// The work tree that holds the branch.
    pub(crate) checkout: Option<Checkout>,
    /// Whether security has other commits under its name.
    has_diverged: bool,
    /// What is to be done, or why nothing is.
    pub(crate) planned: Result<Planned, NotPicked>,
}

/// Why nothing is picked onto a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotPicked {
    /// For what it holds.
    Content(Problem),
    /// Security has other commits under its name.
    Diverged,
    /// It cannot be moved.
    Busy { why: &'static str },
    /// Its conflict is being resolved.
    Unfinished { root: PathBuf },
    /// Its conflict cannot get a work tree of its own.
    CheckedOut { root: PathBuf, conflict: String },
    /// No work tree can be made for its conflict.
    NoPlace { conflict: String, why: String },
    /// Its work tree holds changes where it would be changed.
    Overwrites { root: PathBuf, said: String },
}

impl Line {
    /// Where the branch is, or is made.
    pub(crate) fn tip(&self) -> Id {
        self.local.unwrap_or(self.made_at)
    }

    /// As if the branch were just made. What it held stays in its reflog.
    fn begin_anew(&mut self, fix: &Fix) {
        self.start = self.base;
        self.own.clear();
        self.planned = Ok(Planned { parts: vec![There::Missing; fix.parts.len()] });
        self.anew = true;
    }
}

/// Each line with what it holds and what it lacks, whatever is under way there. `merged` tells of lines that are merged.
pub(crate) fn contents(
    clone: &LocalClone,
    policy: &Policy,
    fix: &Fix,
    wanted: &[(ReleaseLine, Merged)],
) -> Result<Vec<Line>, Failure> {
    let mut found = wanted.iter().map(|(line, _)| find(clone, policy, fix, *line)).collect::<Result<Vec<_>, _>>()?;
    let ranges: Vec<Range> = found.iter().map(|line| Range { tip: line.start, without: line.base }).collect();
    for ((line, (_, merged)), own) in found.iter_mut().zip(wanted).zip(history::commits(clone, &ranges)?) {
        if let Some(whole_at) = merged.whole_at {
            (line.start, line.own) = (whole_at, merged.brought.clone());
            continue;
        }
        // A branch without anything of its own is made of its target as it is now.
        if own.is_empty() {
            line.start = line.base;
        }
        line.own = merged.brought.clone();
        line.own.extend(own.into_iter().filter(|commit| merged.brought.iter().all(|known| known.id != commit.id)));
    }
    let known = known(clone, policy, fix, &found)?;
    for line in &mut found {
        line.planned = plan::plan(&fix.parts, &line.own, &known).map_err(NotPicked::Content);
    }
    Ok(found)
}

/// Each line with what is to be done there. `redo` makes branches anew that hold an older version of the fix.
pub(crate) fn to_pick(
    clone: &LocalClone,
    policy: &Policy,
    fix: &Fix,
    wanted: &[ReleaseLine],
    redo: bool,
) -> Result<Vec<Line>, Failure> {
    let wanted: Vec<(ReleaseLine, Merged)> = wanted.iter().map(|line| (*line, Merged::default())).collect();
    let mut found = contents(clone, policy, fix, &wanted)?;
    let checkouts = checkouts::list(clone)?;
    let resolutions = resolution::list(clone)?;
    for line in &mut found {
        line.checkout = checkouts.iter().find(|checkout| checkout.branch == line.branch).cloned();
        if line.has_diverged {
            line.planned = Err(NotPicked::Diverged);
        }
        if let Err(NotPicked::Content(Problem::Outdated { .. } | Problem::Unclear { .. })) = line.planned
            && redo
        {
            line.begin_anew(fix);
        }
        if let Some(open) = resolutions.iter().find(|open| open.branch == line.branch && open.is_under_way()) {
            line.planned = Err(NotPicked::Unfinished { root: open.root.clone() });
        } else if let Some(why) = line.checkout.as_ref().and_then(|checkout| checkout.busy)
            && line
                .planned
                .as_ref()
                .is_ok_and(|planned| planned.parts.iter().any(|there| !matches!(there, There::As(_))))
        {
            line.planned = Err(NotPicked::Busy { why });
        }
    }
    Ok(found)
}

fn find(clone: &LocalClone, policy: &Policy, fix: &Fix, line: ReleaseLine) -> Result<Line, Failure> {
    let branch = policy.branches.write(&FixBranch { fix: fix.name.clone(), line: Some(line) });
    let target = policy.branches.target(Some(line));
    let local = history::find(clone, &format!("refs/heads/{branch}"))?;
    let pushed = format!("refs/remotes/{}/{branch}", policy.security_remote);
    let published = history::find(clone, &pushed)?;
    let Some((kept, base)) = tracked(clone, policy, &target)? else {
        let never_fetched = is_never_fetched(clone, policy)?;
        let states = fix_branches::survey(clone, policy, &fix.name, &[line], never_fetched)?;
        let in_canonical = states.last().is_some_and(|state| state.canonical.is_some());
        let problem = fix_branches::plan::Problem::NoBase { target, line: Some(line), in_canonical };
        return Err(fix_branches::explain(problem, policy, &fix.name, None));
    };
    let tip = local.or(published).unwrap_or(base);
    let new = local.is_none().then(|| NewBranch {
        name: branch.clone(),
        start: if published.is_some() { pushed } else { kept },
        remote: policy.security_remote.to_string(),
        upstream: if published.is_some() { branch.clone() } else { target.clone() },
    });
    let mut has_diverged = false;
    let mut start = tip;
    // Where the branch itself was before, it was taken back from on purpose.
    let news = published.filter(|published| *published != tip && !branches::was_at(clone, &branch, *published));
    if let Some(published) = news {
        if history::holds(clone, published, tip)? {
            start = published;
        } else if !history::holds(clone, tip, published)? {
            has_diverged = true;
        }
    }
    Ok(Line {
        line,
        branch,
        target,
        base,
        local,
        new,
        made_at: tip,
        start,
        own: vec![],
        anew: false,
        checkout: None,
        has_diverged,
        planned: Ok(Planned { parts: vec![] }),
    })
}

/// What is known of the commits of the branches; nothing is asked while they hold none.
fn known(clone: &LocalClone, policy: &Policy, fix: &Fix, lines: &[Line]) -> Result<Known, Failure> {
    let mut known = Known { family: fix.family.clone(), ..Known::default() };
    let own: Vec<&Commit> = lines.iter().flat_map(|line| &line.own).collect();
    if own.is_empty() {
        return Ok(known);
    }
    for line in lines {
        known.undone.extend(undone_merges(clone, &line.own)?);
    }
    for name in own.iter().flat_map(|commit| &commit.reverts) {
        if let Some(id) = history::find(clone, name)?
            && lines
                .iter()
                .map(|line| history::holds(clone, line.base, id))
                .collect::<Result<Vec<_>, _>>()?
                .contains(&true)
        {
            known.of_target.insert(name.clone());
        }
    }
    let origins: HashSet<Id> = own
        .iter()
        .flat_map(|commit| commit.picked_from.iter().copied())
        .filter(|id| !fix.family.contains(id) && history::is_commit(clone, *id))
        .collect();
    let is_told = |commit: &&&Commit| commit.picked_from.iter().any(|id| fix.family.contains(id));
    let unclear = own.iter().filter(|commit| !is_told(commit)).map(|commit| commit.id);
    let asked: HashSet<Id> = unclear.chain(origins.iter().copied()).collect();
    if !asked.is_empty() {
        let all: Vec<Id> = asked.into_iter().chain(fix.parts.iter().map(|part| part.commit.id)).collect();
        known.patches = patch_id::compute(clone, &all, Compared::WithContext)?;
    }
    for origin in origins {
        if is_published(clone, policy, origin)? {
            known.published.insert(origin);
        }
    }
    Ok(known)
}

/// Whether a commit is in the default branch or in a stable branch of security.
fn is_published(clone: &LocalClone, policy: &Policy, commit: Id) -> Result<bool, GitError> {
    let prefix = format!("refs/remotes/{}/", policy.security_remote);
    for name in branches::names_below(clone, &prefix)?.iter().filter(|name| policy.branches.is_protected(name)) {
        if let Some(tip) = history::find(clone, &format!("{prefix}{name}"))?
            && history::holds(clone, tip, commit)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}
