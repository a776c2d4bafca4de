//! What cannot be picked is handed over in a work tree of its own, and taken back from there.

use std::{cmp::Reverse, path::Path};

use anyhow::anyhow;
use serde::Serialize;

use super::{BackportArgs, REFLOG, show::to_continue};
use crate::{
    commands::Program,
    domain::{
        exit::Exit,
        fix::{FixBranch, FixName},
        policy::Policy,
        version::ReleaseLine,
    },
    git::{
        LocalClone,
        advance::{self, Advance},
        branches,
        history::{self, Id},
        picked_commit::Committer,
        resolution::{self, Resolution, Task},
        transport,
        unfinished::Unfinished,
    },
    ops::{
        Context, Failure, Prepared,
        backport_state::{
            self,
            fix::Fix,
            line::{self, NotPicked},
            pick::{Outcome, Picked},
        },
        next,
        typed::Typed,
        work_tree_folder,
    },
    ui::{Table, report_words},
};

/// Gives every line in conflict its work tree.
pub(super) fn open_all(
    clone: &LocalClone,
    fix: &Fix,
    args: &BackportArgs,
    folder: Option<&Path>,
    picked: &mut [Picked],
) -> Result<Vec<Resolution>, Failure> {
    let mut open = Vec::new();
    for picked in picked {
        let Some((_, paths)) = picked.conflict() else { continue };
        let line = &picked.line;
        if let Some(checkout) = &line.checkout {
            picked.line.planned =
                Err(NotPicked::CheckedOut { root: checkout.root.clone(), conflict: paths.join(", ") });
            continue;
        }
        let missing = |outcome: &Outcome| !matches!(outcome, Outcome::Contained(_) | Outcome::Empty);
        let parts = fix.parts.iter().zip(&picked.outcomes).filter(|(_, outcome)| missing(outcome));
        let parts: Vec<_> = parts.map(|(part, _)| part).collect();
        let commits: Vec<Id> = parts.iter().map(|part| part.commit.id).collect();
        let conflict = paths.join(", ");
        let what = format!("backport-{}-{}-{}", fix.name, line.line.major, line.line.minor);
        let root = work_tree_folder::free(clone, folder, &what)?;
        let task = Task {
            root: &root,
            branch: &line.branch,
            start: line.start,
            before: line.local,
            commits: &commits,
            mainline: args.mainline.filter(|_| parts.iter().any(|part| part.commit.parents.len() > 1)),
        };
        match resolution::open(clone, &task) {
            Ok(resolution) => open.push(resolution),
            // The other lines are done, and their conflicts wait; all of that is to be told.
            Err(error) => {
                let why = transport::condensed(&error.to_string());
                picked.line.planned = Err(NotPicked::NoPlace { conflict, why });
            }
        }
    }
    Ok(open)
}

/// Tells of each conflict where it waits and what to do there.
pub(super) fn tell(open: &[Resolution], name: &FixName, context: &Context) -> Result<(), Failure> {
    for resolution in open {
        let place = resolution.root.display();
        let branch = &resolution.branch;
        let unfinished = resolution.unfinished()?;
        match &unfinished {
            Some(unfinished) => {
                in_words(unfinished, resolution, context.again(name)).of(branch).tell(context.ui);
            }
            None => {
                let error = anyhow!("`{branch}`: the conflict was resolved in {place} as it was before; look at it");
                let proceed = to_continue(context.again(name));
                Failure::conflict(error)
                    .hint(format!(
                        "{proceed}, after: git -C {} diff --cached",
                        work_tree_folder::quoted(&resolution.root)
                    ))
                    .tell(context.ui);
            }
        }
    }
    Ok(())
}

/// What stands in the way, and the command that helps.
fn in_words(unfinished: &Unfinished, resolution: &Resolution, again: Typed) -> Failure {
    let place = resolution.root.display();
    let (what, paths, when) = match unfinished {
        Unfinished::Unresolved(paths) => ("unresolved", paths, "once they are edited: "),
        Unfinished::Markers(paths) => ("conflict markers are left", paths, "once they are edited: "),
        Unfinished::NotAdded(paths) => ("changed and not added", paths, ""),
    };
    let when = if paths.len() == 1 { when.replace("they are", "it is") } else { when.to_owned() };
    let add = ["git", "-C", &place.to_string(), "add", "--"];
    let add = shell_words::join(add.into_iter().chain(paths.iter().map(String::as_str)));
    let hint = format!("{when}{add} && {}", to_continue(again));
    Failure::conflict(anyhow!("{what} in {place}: {}", paths.join(", "))).hint(hint)
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    lines: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    branch: String,
    state: State,
    work_tree: Option<String>,
    said: String,
}

report_words! {
    /// What became of a conflict.
    enum State {
        Picked = "picked",
        Conflict = "conflict",
        GivenUp = "given up",
        Kept = "kept",
    }
}

fn belonging_to(clone: &LocalClone, policy: &Policy, name: &FixName) -> Result<Vec<Resolution>, Failure> {
    let line_of = |resolution: &Resolution| policy.branches.read(&resolution.branch).and_then(|branch| branch.line);
    let is_of_fix = |resolution: &Resolution| {
        policy.branches.read(&resolution.branch).is_some_and(|FixBranch { fix, .. }| fix == *name)
    };
    let mut found: Vec<Resolution> = resolution::list(clone)?.into_iter().filter(is_of_fix).collect();
    // The newest line first, as everywhere.
    found.sort_by_key(|resolution| Reverse(line_of(resolution)));
    Ok(found)
}

fn none_open(name: &FixName, context: &Context) -> Failure {
    Failure::not_done(anyhow!("no conflict of the fix `{name}` is being resolved"))
        .hint(context.again(name).without(&["--continue", "--abort"]))
}

/// `--continue`.
pub(super) fn proceed(
    prepared: &Prepared,
    name: &FixName,
    args: &BackportArgs,
    context: &Context,
) -> Result<Exit, Failure> {
    let Prepared { clone, policy, .. } = prepared;
    let open = belonging_to(clone, policy, name)?;
    if open.is_empty() {
        return Err(none_open(name, context));
    }
    let mut all: Vec<(Resolution, Option<Unfinished>)> = Vec::new();
    for resolution in open {
        let unfinished = if resolution.has_folder() { resolution.proceed(clone)? } else { None };
        all.push((resolution, unfinished));
    }
    // What was resolved just now may be replayed in a work tree that came before it.
    for (resolution, unfinished) in all.iter_mut().filter(|(_, unfinished)| unfinished.is_some()) {
        *unfinished = resolution.proceed(clone)?;
    }
    // What was finished is told, even if it cannot be told whether the fix has more.
    let fix = args.fix(prepared, name, context).ok();
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    let mut left = None;
    for (resolution, unfinished) in &all {
        let clone = left.as_ref().unwrap_or(clone);
        let branch = resolution.branch.clone();
        let place = resolution.root.display().to_string();
        if let Some(unfinished) = unfinished {
            failures.push(in_words(unfinished, resolution, context.again(name)).of(&branch));
            let said = "conflict not resolved".to_owned();
            rows.push(Row { branch, state: State::Conflict, work_tree: Some(place), said });
            continue;
        }
        let was_under_way = resolution.is_under_way();
        let removed = if resolution.has_folder() {
            let removed = resolution.remove(clone)?;
            left = work_tree_folder::leave(clone, context)?.or(left);
            removed
        } else {
            left = restore(clone, resolution, context)?.or(left);
            true
        };
        let clone = left.as_ref().unwrap_or(&prepared.clone);
        let tip = history::find(clone, &format!("refs/heads/{branch}"))?;
        let has_picks = !was_under_way && tip.is_some_and(|tip| tip != resolution.start);
        let line = policy.branches.read(&branch).and_then(|found| found.line);
        let is_complete = match (&fix, line) {
            (Some(fix), Some(line)) => is_complete(clone, policy, args, fix, line)?,
            _ => has_picks,
        };
        let (state, mut said) = if has_picks || is_complete {
            (State::Picked, "picked, with the conflict resolved".to_owned())
        } else {
            let how = if was_under_way { "its folder was deleted" } else { "it was ended with plain git" };
            let error = anyhow!("`{branch}` does not hold the fix: {how}");
            failures.push(Failure::not_done(error).hint(context.again(name).without(&["--continue"])));
            (State::GivenUp, "given up".to_owned())
        };
        if !removed {
            said.push_str(&format!(", {place} stays"));
            failures.push(work_tree_folder::holds_files(&resolution.root, ""));
        }
        rows.push(Row { branch, state, work_tree: (!removed).then_some(place), said });
    }
    let exit = if rows.iter().any(|row| row.state == State::Conflict) {
        Exit::Conflict
    } else if failures.is_empty() {
        Exit::Done
    } else {
        Exit::NotDone
    };
    print(context, name, rows);
    for failure in failures {
        failure.tell(context.ui);
    }
    if exit == Exit::Done {
        next::tell_offline(context, prepared, name);
    }
    Ok(exit)
}

/// Whether a branch holds every commit of the fix, or all that it changes.
fn is_complete(
    clone: &LocalClone,
    policy: &Policy,
    args: &BackportArgs,
    fix: &Fix,
    line: ReleaseLine,
) -> Result<bool, Failure> {
    let objects = crate::git::objects::Objects::forgotten(clone)?;
    let mut committer = Committer::unsigned(clone)?;
    let lines = line::to_pick(clone, policy, fix, &[line], args.redo)?;
    let picked = backport_state::pick::pick(clone, &objects, &mut committer, fix, lines)?;
    Ok(picked.iter().all(|picked| backport_state::holds(fix, picked)))
}

/// `--abort`.
pub(super) fn abort(clone: &LocalClone, policy: &Policy, name: &FixName, context: &Context) -> Result<Exit, Failure> {
    let open = belonging_to(clone, policy, name)?;
    if open.is_empty() {
        return Err(none_open(name, context));
    }
    let mut rows = Vec::new();
    let mut left = None;
    for resolution in &open {
        let clone = left.as_ref().unwrap_or(clone);
        let branch = resolution.branch.clone();
        // What was finished with plain git is work, and stays.
        let finished = !resolution.is_under_way()
            && history::find(clone, &format!("refs/heads/{branch}"))?.is_some_and(|tip| tip != resolution.start);
        let (state, said) = if finished {
            if !resolution.has_folder() {
                resolution.abort(clone)?;
            } else if !resolution.remove(clone)? {
                return Err(work_tree_folder::holds_files(&resolution.root, ", and its picks are finished"));
            }
            left = work_tree_folder::leave(clone, context)?.or(left);
            (State::Kept, "was finished already, and is kept".to_owned())
        } else {
            left = restore(clone, resolution, context)?.or(left);
            (State::GivenUp, "given up, the branch is as it was".to_owned())
        };
        rows.push(Row { branch, state, work_tree: None, said });
    }
    print(context, name, rows);
    Ok(Exit::Done)
}

/// Ends the picks of a work tree, and puts the branch back to where it was before them. Returns the clone as it was opened
/// once more, where this program stood in that work tree.
fn restore(clone: &LocalClone, resolution: &Resolution, context: &Context) -> Result<Option<LocalClone>, Failure> {
    let rewound = resolution.abort(clone)?;
    let left = work_tree_folder::leave(clone, context)?;
    let clone = left.as_ref().unwrap_or(clone);
    let tip = history::find(clone, &format!("refs/heads/{}", resolution.branch))?;
    let Some(tip) = tip.filter(|_| rewound == Some(resolution.start)) else { return Ok(left) };
    let branch = &resolution.branch;
    match resolution.before {
        Some(before) if before != tip => {
            let why = format!("{REFLOG}: given up");
            let back = Advance { branch: branch.clone(), from: tip, to: before, why };
            advance::all(clone, Committer::unsigned(clone)?.get()?, &[back])?;
        }
        Some(_) => {}
        None => {
            context.ui.detail(&format!("{branch} is deleted, as it was made for this"));
            branches::delete(clone, branch, resolution.start)?;
        }
    }
    Ok(left)
}

/// Before picks begin, forgets work trees whose folder was deleted, as if they had been given up.
pub(super) fn forget_missing(
    clone: &LocalClone,
    policy: &Policy,
    name: &FixName,
    context: &Context,
) -> Result<(), Failure> {
    for resolution in belonging_to(clone, policy, name)?.iter().filter(|resolution| !resolution.has_folder()) {
        restore(clone, resolution, context)?;
    }
    Ok(())
}

fn print(context: &Context, name: &FixName, lines: Vec<Row>) {
    let report = Report { fix: name.to_string(), lines };
    context.ui.report(BackportArgs::NAME, &report, || {
        let mut table = Table::default();
        for row in &report.lines {
            table.row([row.branch.clone(), row.said.clone()]);
        }
        table.to_string()
    });
}
