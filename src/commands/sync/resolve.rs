//! Conflicts of a sync: resolved in a work tree of their own, and merged into canonical from a branch of
//! their own in security.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::survey::Branch;
use crate::{
    domain::{exit::Exit, policy::Policy, sync_branch},
    git::{
        LocalClone, branches,
        history::{self, Id},
        merge_resolution::{self, MergeState, Task},
        push::{Push, Source, Update},
        remotes,
        unfinished::Unfinished,
    },
    ops::{
        Context, Failure,
        facts::{AfterMerge, Merged},
        push,
        typed::Typed,
        work_tree_folder,
    },
};

/// Begins to resolve the conflicts of a branch.
pub(super) fn begin(
    clone: &LocalClone,
    policy: &Policy,
    again: &Typed,
    found: &[Branch],
    wanted: &str,
    context: &Context,
) -> Result<Exit, Failure> {
    let branch = chosen(policy, again, found, wanted)?;
    let name = sync_branch::local(&branch.name);
    if let Some(checkout) = merge_resolution::find(clone, &name)? {
        let state = merge_resolution::state(clone, &checkout.root, &name, branch.head)?;
        return Err(in_words(&state, &checkout.root, branch, again));
    }
    if let Some(tip) = history::find(clone, &format!("refs/heads/{name}"))? {
        // A resolution that was published or given up, and whose work tree was removed by hand.
        let published = sync_branch::frozen(&branch.name, &tip.to_string());
        if history::find(clone, &format!("refs/remotes/{}/{published}", policy.security_remote))? == Some(tip)
            || history::holds(clone, branch.public, tip)?
        {
            branches::delete(clone, &name, tip)?;
        }
    }
    if history::find(clone, &format!("refs/heads/{name}"))?.is_some() {
        let error = anyhow!("a branch `{name}` is here already, and belongs to no work tree");
        return Err(
            Failure::not_done(error).hint(format!("git log {name}, and if it is of no use: git branch -D {name}"))
        );
    }
    let root = work_tree_folder::free(clone, None, &format!("sync-{}", branch.name))?;
    // Its message becomes public: it tells what was merged, and nothing of why.
    let message = format!("Merge branch '{}' of {}", branch.name, policy.security);
    let task = Task { root: &root, branch: &name, into: branch.public, from: branch.head, message: &message };
    match merge_resolution::open(clone, &task)? {
        MergeState::Merged(_) | MergeState::Resolved => {
            context.ui.note(&format!("the conflict was resolved in {} as it was before; look at it", root.display()));
            context.ui.hint(&again.clone().with("--continue").to_string());
            Ok(Exit::Conflict)
        }
        state => Err(in_words(&state, &root, branch, again)),
    }
}

fn chosen<'a>(policy: &Policy, again: &Typed, found: &'a [Branch], wanted: &str) -> Result<&'a Branch, Failure> {
    let named = policy.branches.line(wanted).map(|line| policy.branches.target(Some(line)));
    let name = named.unwrap_or_else(|_| wanted.to_owned());
    let names: Vec<&str> = found.iter().map(|branch| branch.name.as_str()).collect();
    let branch = found.iter().find(|branch| branch.name == name).ok_or_else(|| {
        Failure::usage(anyhow!("`{wanted}` is no branch of this fix: `{}`", names.join("`, `")))
            .hint(again.clone().with_only("--resolve", names.first().unwrap_or(&"BRANCH")))
    })?;
    if branch.is_public() {
        return Err(Failure::not_done(anyhow!("`{name}` is public already")).hint(again.clone()));
    }
    if branch.conflict.is_empty() && branch.merges_forward {
        return Err(Failure::not_done(anyhow!("`{name}` merges into canonical without a conflict")).hint(again.clone()));
    }
    Ok(branch)
}

/// What a work tree waits for, and the command that helps.
fn in_words(state: &MergeState, root: &Path, branch: &Branch, again: &Typed) -> Failure {
    let place = root.display().to_string();
    let (what, paths) = match state {
        MergeState::Unfinished(Unfinished::Unresolved(paths)) => ("conflicts are unresolved", &paths[..]),
        MergeState::Unfinished(Unfinished::Markers(paths)) => ("conflict markers are left", &paths[..]),
        MergeState::Unfinished(Unfinished::NotAdded(paths)) => ("files are changed and not added", &paths[..]),
        MergeState::Resolved | MergeState::Merged(_) => {
            return Failure::conflict(anyhow!("`{}` is resolved in {place}", branch.name))
                .hint(again.clone().with("--continue"));
        }
        MergeState::GivenUp => {
            return Failure::not_done(anyhow!("the merge in {place} was ended with plain git"))
                .hint(again.clone().with("--abort"));
        }
        MergeState::Outdated => {
            return Failure::not_done(anyhow!("`{}` of security moved since the merge in {place} began", branch.name))
                .hint(format!(
                    "{}, then --resolve {} again: what was resolved is remembered",
                    again.clone().with("--abort"),
                    branch.name
                ));
        }
        MergeState::More => {
            let shown = work_tree_folder::quoted(root);
            return Failure::not_done(anyhow!("{place} holds commits besides the merge, which nobody would look at"))
                .hint(format!(
                    "git -C {shown} reset --soft HEAD~1 && git -C {shown} commit --amend, until only the merge is left"
                ));
        }
    };
    let add = ["git", "-C", &place, "add", "--"];
    let add = shell_words::join(add.into_iter().chain(paths.iter().map(String::as_str)));
    Failure::conflict(anyhow!("`{}`: {what} in {place}: {}", branch.name, paths.join(", ")))
        .hint(format!("once it is edited: {add} && {}", again.clone().with("--continue")))
}

/// Finishes every merge that is under way, and pushes it to security, where the sync takes it from.
pub(super) fn proceed(
    all: &LocalClone,
    policy: &Policy,
    again: &Typed,
    found: &[Branch],
    after_merge: &AfterMerge,
    context: &Context,
) -> Result<(), Failure> {
    let open = under_way(all, &after_merge.merged)?;
    if open.is_empty() && !found.iter().any(Branch::is_resolved) {
        return Err(Failure::not_done(anyhow!("no conflict of a sync is being resolved")).hint(again.clone()));
    }
    let mut left = None;
    for (name, root) in open {
        let clone = left.as_ref().unwrap_or(all);
        let Some(branch) = found.iter().find(|branch| branch.name == name) else { continue };
        let resolution = sync_branch::local(&name);
        match merge_resolution::proceed(clone, &root, &resolution, branch.head)? {
            MergeState::Merged(tip) => publish(clone, policy, branch, tip, context)?,
            state => return Err(in_words(&state, &root, branch, again)),
        }
        if !merge_resolution::remove(clone, &root)? {
            return Err(work_tree_folder::holds_files(&root, ", and its merge is pushed"));
        }
        // It is in security now, and nothing of it is lost.
        left = work_tree_folder::leave(clone, context)?.or(left);
        let clone = left.as_ref().unwrap_or(all);
        if let Some(tip) = history::find(clone, &format!("refs/heads/{resolution}"))? {
            branches::delete(clone, &resolution, tip)?;
        }
    }
    Ok(())
}

/// Pushes a resolution to security, through the guard. Its branch is made for this one commit, and never moves.
fn publish(clone: &LocalClone, policy: &Policy, branch: &Branch, tip: Id, context: &Context) -> Result<(), Failure> {
    let remote = policy.security_remote.as_str();
    let name = sync_branch::frozen(&branch.name, &tip.to_string());
    let updates = vec![Update { branch: name.clone(), to: Source::Commit(tip) }];
    let pushed = push::send(clone, policy, context, &Push { remote, updates, ..Push::default() })?;
    if pushed.is_done() {
        return Ok(());
    }
    Err(push::failure(&pushed, &format!("`{name}` was not pushed to {remote}"))
        .or_hint(format!("git fetch {remote}, then the same command again")))
}

/// The work trees in which conflicts of these branches are being resolved.
fn under_way(clone: &LocalClone, merged: &[Merged]) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut found = Vec::new();
    for merged in merged {
        if let Some(checkout) = merge_resolution::find(clone, &sync_branch::local(&merged.branch))? {
            found.push((merged.branch.clone(), checkout.root));
        }
    }
    Ok(found)
}

/// Gives up every merge that is under way.
pub(super) fn abort(
    all: &LocalClone,
    policy: &Policy,
    again: &Typed,
    after_merge: &AfterMerge,
    context: &Context,
) -> Result<Exit, Failure> {
    let open = under_way(all, &after_merge.merged)?;
    if open.is_empty() {
        return Err(Failure::not_done(anyhow!("no conflict of a sync is being resolved")).hint(again.clone()));
    }
    let canonical = remotes::canonical(all, policy);
    let mut left = None;
    for (name, root) in open {
        let clone = left.as_ref().unwrap_or(all);
        let local = sync_branch::local(&name);
        let kept = canonical.as_ref().and_then(|remote| remote.tracking(&name));
        let public = kept.map(|kept| history::find(clone, &kept)).transpose()?.flatten();
        let public = public.ok_or_else(|| Failure::not_done(anyhow!("`{name}` of canonical was never fetched")))?;
        // Before the work tree goes: the clone may have been opened from it.
        let tip = history::find(clone, &format!("refs/heads/{local}"))?;
        let is_public = tip.map(|tip| history::holds(clone, public, tip)).transpose()?.unwrap_or(true);
        if !merge_resolution::give_up(clone, &root)? {
            return Err(work_tree_folder::holds_files(&root, ""));
        }
        left = work_tree_folder::leave(clone, context)?.or(left);
        match tip {
            // What was committed is work, and stays.
            Some(_) if !is_public => {
                context.ui.note(&format!("`{name}`: given up; the branch `{local}` keeps what was committed"));
            }
            tip => {
                if let Some(tip) = tip {
                    branches::delete(left.as_ref().unwrap_or(all), &local, tip)?;
                }
                context.ui.note(&format!("`{name}`: given up"));
            }
        }
    }
    Ok(Exit::Done)
}
