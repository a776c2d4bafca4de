//! Looks at what there is: the commits of the fix, and each backport branch with what it holds.

use std::{collections::HashSet, path::PathBuf};

use anyhow::anyhow;

use super::{
    BackportArgs,
    plan::{self, Known, Part, Planned, Problem},
};
use crate::{
    commands::{Failure, branch, fix},
    config::settings::Settings,
    domain::{
        fix::{FixBranch, FixName},
        policy::Policy,
        version::ReleaseLine,
    },
    git::{
        GitError, LocalClone,
        branches::{self, NewBranch},
        checkouts::{self, Checkout},
        history::{self, Commit, Id, Range},
        patch_id::{self, Compared},
        remotes, resolution,
    },
};

/// The fix: what is picked.
#[derive(Debug)]
pub(super) struct Fix {
    pub(super) name: FixName,
    pub(super) branch: String,
    pub(super) parts: Vec<Part>,
    /// All commits of the fix, also where only a part of it is picked.
    family: HashSet<Id>,
}

/// A backport branch: where the commits go.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) line: ReleaseLine,
    pub(super) branch: String,
    /// The branch of security that it is for.
    pub(super) target: String,
    /// The commit of that branch.
    pub(super) base: Id,
    /// Where the branch is here; `None` when it is not.
    pub(super) local: Option<Id>,
    /// Where it is to be made from, when it is not here.
    pub(super) new: Option<NewBranch>,
    /// The commit of that place.
    made_at: Id,
    /// What the commits are picked onto.
    pub(super) start: Id,
    /// The commits up to there that the target lacks, oldest first.
    pub(super) own: Vec<Commit>,
    /// Whether the branch is made anew, without what it held.
    pub(super) anew: bool,
    /// The work tree that holds the branch.
    pub(super) checkout: Option<Checkout>,
    /// What is to be done, or why nothing is.
    pub(super) planned: Result<Planned, Trouble>,
}

/// Why nothing is picked onto a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
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
    pub(super) fn tip(&self) -> Id {
        self.local.unwrap_or(self.made_at)
    }

    /// As if the branch were just made. What it held stays in its reflog.
    fn begin_anew(&mut self, fix: &Fix) {
        self.start = self.base;
        self.own.clear();
        self.planned = Ok(Planned { there_as: vec![None; fix.parts.len()] });
        self.anew = true;
    }
}

fn main_of(clone: &LocalClone, policy: &Policy) -> Result<Id, Failure> {
    tracked(clone, policy, &policy.branches.default)?.map(|(_, id)| id).ok_or_else(|| {
        let remote = &policy.security_remote;
        Failure::not_done(anyhow!("{remote} has no branch `{}`, as last fetched", policy.branches.default))
            .hint(format!("git fetch {remote}"))
    })
}

/// Where a branch of security is kept, and its commit; before the first fetch, those of canonical's.
fn tracked(clone: &LocalClone, policy: &Policy, branch: &str) -> Result<Option<(String, Id)>, Failure> {
    let security = format!("refs/remotes/{}/{branch}", policy.security_remote);
    if let Some(id) = history::find(clone, &security)? {
        return Ok(Some((security, id)));
    }
    if !branch::is_never_fetched(clone, policy)? {
        return Ok(None);
    }
    let kept = remotes::canonical(clone, policy).and_then(|remote| remote.tracking(branch));
    let Some(kept) = kept else { return Ok(None) };
    Ok(history::find(clone, &kept)?.map(|id| (kept, id)))
}

pub(super) fn fix(clone: &LocalClone, policy: &Policy, args: &BackportArgs, name: FixName) -> Result<Fix, Failure> {
    let branch = policy.branches.write(&FixBranch { fix: name.clone(), line: None });
    let published = format!("refs/remotes/{}/{branch}", policy.security_remote);
    let tip = match history::find(clone, &format!("refs/heads/{branch}"))? {
        Some(tip) => Some(tip),
        None => history::find(clone, &published)?,
    };
    let whole = match tip {
        Some(tip) => Some(Range { tip, without: main_of(clone, policy)? }),
        None if args.from.is_some() => None,
        None => {
            return Err(Failure::not_done(anyhow!("there is no branch `{branch}`")).hint(format!(
                "git secfix branch {name}, or name the commits: git secfix backport {name} --from A..B"
            )));
        }
    };
    let given = args.from.as_deref().map(|text| read_range(clone, &name, text)).transpose()?;
    let Some(range) = given.or(whole) else { return Err(Failure::usage(anyhow!("no commits are named"))) };
    let mut family: HashSet<Id> = HashSet::new();
    let commits = match args.mainline {
        Some(parent) => history::mainline(clone, &range, parent)?,
        None => history::commits(clone, &[range])?.concat(),
    };
    family.extend(commits.iter().map(|commit| commit.id));
    if let Some(whole) = whole.filter(|whole| *whole != range) {
        family.extend(history::commits(clone, &[whole])?.concat().iter().map(|commit| commit.id));
    }
    if commits.is_empty() {
        return Err(nothing(policy, &name, &branch, args));
    }
    let parts = commits.into_iter().map(|commit| part(clone, policy, args, &name, &branch, commit));
    Ok(Fix { parts: parts.collect::<Result<_, _>>()?, name, branch, family })
}

fn nothing(policy: &Policy, name: &FixName, branch: &str, args: &BackportArgs) -> Failure {
    let main = format!("{}/{}", policy.security_remote, policy.branches.default);
    match &args.from {
        Some(range) => Failure::not_done(anyhow!("there are no commits in `{range}`"))
            .hint(format!("git log --oneline {main}..{branch}")),
        None => Failure::not_done(anyhow!("`{branch}` has no commits that `{main}` does not have")).hint(format!(
            "commit the fix on that branch, or, if it was merged: git secfix backport {name} --from FIRST~1..LAST"
        )),
    }
}

fn read_range(clone: &LocalClone, name: &FixName, text: &str) -> Result<Range, Failure> {
    let hint = || format!("git secfix backport {name} --from FIRST~1..LAST");
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
    args: &BackportArgs,
    name: &FixName,
    branch: &str,
    commit: Commit,
) -> Result<Part, Failure> {
    let parent = match (&commit.parents[..], args.mainline) {
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
                    .hint(format!("git secfix backport {name} --mainline 1"))
            });
        }
    };
    Ok(Part { commit, parent })
}

/// The lines that are meant: those that were named, or those that have a branch here.
pub(super) fn wanted(
    clone: &LocalClone,
    policy: &Policy,
    settings: &Settings,
    args: &BackportArgs,
    name: &FixName,
) -> Result<Vec<ReleaseLine>, Failure> {
    let hint = format!("git secfix backport {name} --to all");
    let mut lines = match branch::read_lines(&args.to, &hint, &policy.branches)? {
        branch::Lines::Supported => branch::supported_lines(clone, policy, settings.supported_lines()?)?,
        branch::Lines::These(lines) if !lines.is_empty() => lines,
        branch::Lines::These(_) => {
            let names = branches::names_below(clone, "refs/heads/")?;
            fix::of_fix(policy, name, names.iter().map(String::as_str)).iter().filter_map(|found| found.line).collect()
        }
    };
    if lines.is_empty() {
        return Err(Failure::not_done(anyhow!("the fix `{name}` has no backport branch here")).hint(hint));
    }
    lines.sort_unstable_by(|a, b| b.cmp(a));
    Ok(lines)
}

/// Each line with what is to be done.
pub(super) fn lines(
    clone: &LocalClone,
    policy: &Policy,
    args: &BackportArgs,
    fix: &Fix,
    wanted: &[ReleaseLine],
) -> Result<Vec<Line>, Failure> {
    let mut found = Vec::new();
    for line in wanted {
        found.push(look(clone, policy, fix, *line)?);
    }
    let ranges: Vec<Range> = found.iter().map(|line| Range { tip: line.start, without: line.base }).collect();
    for (line, own) in found.iter_mut().zip(history::commits(clone, &ranges)?) {
        // A branch without anything of its own is made of its target as it is now.
        if own.is_empty() {
            line.start = line.base;
        }
        line.own = own;
    }
    let known = known(clone, policy, fix, &found)?;
    let checkouts = checkouts::list(clone)?;
    let resolutions = resolution::list(clone)?;
    for line in &mut found {
        line.checkout = checkouts.iter().find(|checkout| checkout.branch == line.branch).cloned();
        if line.planned.is_ok() {
            line.planned = plan::plan(&fix.parts, &line.own, &known).map_err(Trouble::Content);
        }
        if let Err(Trouble::Content(Problem::Outdated { .. } | Problem::Unclear { .. })) = line.planned
            && args.redo
        {
            line.begin_anew(fix);
        }
        if let Some(open) = resolutions.iter().find(|open| open.branch == line.branch && open.is_under_way()) {
            line.planned = Err(Trouble::Unfinished { root: open.root.clone() });
        } else if let Some(why) = line.checkout.as_ref().and_then(|checkout| checkout.busy)
            && line.planned.as_ref().is_ok_and(|planned| planned.there_as.contains(&None))
        {
            line.planned = Err(Trouble::Busy { why });
        }
    }
    Ok(found)
}

fn look(clone: &LocalClone, policy: &Policy, fix: &Fix, line: ReleaseLine) -> Result<Line, Failure> {
    let branch = policy.branches.write(&FixBranch { fix: fix.name.clone(), line: Some(line) });
    let target = policy.branches.target(Some(line));
    let local = history::find(clone, &format!("refs/heads/{branch}"))?;
    let pushed = format!("refs/remotes/{}/{branch}", policy.security_remote);
    let published = history::find(clone, &pushed)?;
    let Some((kept, base)) = tracked(clone, policy, &target)? else {
        let never_fetched = branch::is_never_fetched(clone, policy)?;
        let states = branch::look(clone, policy, &fix.name, &[line], never_fetched)?;
        let in_canonical = states.last().is_some_and(|state| state.canonical.is_some());
        let problem = branch::plan::Problem::NoBase { target, line: Some(line), in_canonical };
        return Err(branch::explain(problem, policy, &fix.name));
    };
    let tip = local.or(published).unwrap_or(base);
    let new = local.is_none().then(|| NewBranch {
        name: branch.clone(),
        start: if published.is_some() { pushed } else { kept },
        remote: policy.security_remote.to_string(),
        upstream: if published.is_some() { branch.clone() } else { target.clone() },
    });
    let mut planned = Ok(Planned { there_as: vec![] });
    let mut start = tip;
    // Where the branch itself was before, it was taken back from on purpose.
    let news = published.filter(|published| *published != tip && !branches::was_at(clone, &branch, *published));
    if let Some(published) = news {
        if history::holds(clone, published, tip)? {
            start = published;
        } else if !history::holds(clone, tip, published)? {
            planned = Err(Trouble::Diverged);
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
        planned,
    })
}

/// What is known of the commits of the branches; nothing is asked while they hold none.
fn known(clone: &LocalClone, policy: &Policy, fix: &Fix, lines: &[Line]) -> Result<Known, Failure> {
    let mut known = Known { family: fix.family.clone(), ..Known::default() };
    let own: Vec<&Commit> = lines.iter().flat_map(|line| &line.own).collect();
    if own.is_empty() {
        return Ok(known);
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
        known.patches = patch_id::of_commits(clone, &all, Compared::WithContext)?;
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
