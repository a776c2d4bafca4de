//! Conflicts of a sync: resolved in a work tree of their own, and merged into canonical from a branch of
//! their own in security.

use std::path::Path;

use anyhow::anyhow;

use super::survey::{self, Branch, resolution_branch};
use crate::{
    commands::{Context, Failure, facts::Behind, push, work_tree_folder},
    domain::{exit::Exit, fix::FixName, policy::Policy},
    git::{
        LocalClone, branches,
        history::{self, Id},
        hurdle::Hurdle,
        merge_resolution::{self, Stand, Task},
        process::Progress,
        transport,
    },
};

/// Begins to resolve the conflicts of a branch.
pub(super) fn begin(
    clone: &LocalClone,
    policy: &Policy,
    fix: &FixName,
    found: &[Branch],
    wanted: &str,
    context: &Context,
) -> Result<Exit, Failure> {
    let branch = chosen(policy, fix, found, wanted)?;
    let name = resolution_branch(&branch.name);
    if let Some(checkout) = merge_resolution::find(clone, &name)? {
        let stand = merge_resolution::stand(clone, &checkout.root, &name, branch.head)?;
        return Err(in_words(&stand, &checkout.root, branch, fix));
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
        Stand::Merged(_) | Stand::Resolved => {
            context.ui.note(&format!("the conflict was resolved in {} as it was before; look at it", root.display()));
            context.ui.note(&format!("next: git secfix sync {fix} --continue"));
            Ok(Exit::Conflict)
        }
        stand => Err(in_words(&stand, &root, branch, fix)),
    }
}

fn chosen<'a>(policy: &Policy, fix: &FixName, found: &'a [Branch], wanted: &str) -> Result<&'a Branch, Failure> {
    let named = policy.branches.line(wanted).map(|line| policy.branches.target(Some(line)));
    let name = named.unwrap_or_else(|_| wanted.to_owned());
    let names: Vec<&str> = found.iter().map(|branch| branch.name.as_str()).collect();
    let branch = found.iter().find(|branch| branch.name == name).ok_or_else(|| {
        Failure::usage(anyhow!("`{wanted}` is no branch of this fix: `{}`", names.join("`, `")))
            .hint(format!("git secfix sync {fix} --resolve {}", names.first().unwrap_or(&"BRANCH")))
    })?;
    if branch.is_public() {
        return Err(Failure::not_done(anyhow!("`{name}` is public already")).hint(format!("git secfix sync {fix}")));
    }
    if branch.conflict.is_empty() && branch.merges_forward {
        return Err(Failure::not_done(anyhow!("`{name}` merges into canonical without a conflict"))
            .hint(format!("git secfix sync {fix}")));
    }
    Ok(branch)
}

/// What a work tree waits for, and the command that helps.
fn in_words(stand: &Stand, root: &Path, branch: &Branch, fix: &FixName) -> Failure {
    let place = root.display().to_string();
    let (what, paths) = match stand {
        Stand::Hurdle(Hurdle::Unresolved(paths)) => ("conflicts are unresolved", &paths[..]),
        Stand::Hurdle(Hurdle::Markers(paths)) => ("conflict markers are left", &paths[..]),
        Stand::Hurdle(Hurdle::NotAdded(paths)) => ("files are changed and not added", &paths[..]),
        Stand::Resolved | Stand::Merged(_) => {
            return Failure::conflict(anyhow!("`{}` is resolved in {place}", branch.name))
                .hint(format!("git secfix sync {fix} --continue"));
        }
        Stand::GivenUp => {
            return Failure::not_done(anyhow!("the merge in {place} was ended with plain git"))
                .hint(format!("git secfix sync {fix} --abort"));
        }
    };
    let add = ["git", "-C", &place, "add", "--"];
    let add = shell_words::join(add.into_iter().chain(paths.iter().map(String::as_str)));
    Failure::conflict(anyhow!("`{}`: {what} in {place}: {}", branch.name, paths.join(", ")))
        .hint(format!("{add} && git secfix sync {fix} --continue, once it is edited"))
}

/// Finishes every merge that is under way, and pushes it to security, where the sync takes it from.
pub(super) fn proceed(
    clone: &LocalClone,
    policy: &Policy,
    fix: &FixName,
    found: &[Branch],
    behind: &Behind,
    context: &Context,
) -> Result<(), Failure> {
    let under_way = survey::under_way(clone, &behind.merged)?;
    if under_way.is_empty() && !found.iter().any(Branch::is_resolved) {
        return Err(Failure::not_done(anyhow!("no conflict of a sync is being resolved"))
            .hint(format!("git secfix sync {fix}")));
    }
    for (name, root) in under_way {
        let Some(branch) = found.iter().find(|branch| branch.name == name) else { continue };
        let resolution = resolution_branch(&name);
        match merge_resolution::proceed(clone, &root, &resolution, branch.head)? {
            Stand::Merged(tip) => publish(clone, policy, branch, tip, context)?,
            stand => return Err(in_words(&stand, &root, branch, fix)),
        }
        if !merge_resolution::remove(clone, &root)? {
            let place = root.display();
            return Err(Failure::not_done(anyhow!("{place} holds files of yours, and its merge is pushed"))
                .hint(format!("git worktree remove --force '{place}' && git secfix sync {fix}")));
        }
        // It is in security now, and nothing of it is lost.
        if let Some(tip) = history::find(clone, &format!("refs/heads/{resolution}"))? {
            branches::delete(clone, &resolution, tip)?;
        }
    }
    Ok(())
}

/// Pushes a resolution to security, through the guard. One that was pushed before is replaced: it was
/// resolved for commits that have moved since.
fn publish(clone: &LocalClone, policy: &Policy, branch: &Branch, tip: Id, context: &Context) -> Result<(), Failure> {
    let remote = policy.security_remote.to_string();
    push::check_remote(clone, policy, &remote)?;
    let name = resolution_branch(&branch.name);
    let before = history::find(clone, &format!("refs/remotes/{remote}/{name}"))?;
    let expected = before.map_or_else(String::new, |id| id.to_string());
    let lease = format!("--force-with-lease=refs/heads/{name}:{expected}");
    let refs = format!("{tip}:refs/heads/{name}");
    let spinner = context.ui.spinner(&format!("pushing {name} to {remote}"));
    let words = ["push", "--porcelain", "--progress", &lease, "--", &remote, &refs];
    let ended = clone.git().talk(&words, &Progress::Told(&|state| spinner.tell(state)))?;
    drop(spinner);
    if ended.success {
        return Ok(());
    }
    let said = transport::condensed(&ended.stderr);
    Err(Failure::network(anyhow!("`{name}` was not pushed to {remote}: {said}"))
        .hint(format!("git fetch {remote}, then the same command again")))
}

/// Gives up every merge that is under way.
pub(super) fn abort(clone: &LocalClone, fix: &FixName, behind: &Behind, context: &Context) -> Result<Exit, Failure> {
    let under_way = survey::under_way(clone, &behind.merged)?;
    if under_way.is_empty() {
        return Err(Failure::not_done(anyhow!("no conflict of a sync is being resolved"))
            .hint(format!("git secfix sync {fix}")));
    }
    for (name, root) in under_way {
        let resolution = resolution_branch(&name);
        let tip = history::find(clone, &format!("refs/heads/{resolution}"))?;
        let Some(tip) = tip else { continue };
        // A merge that is committed is work, and stays in its branch.
        let is_merged = history::commit(clone, tip)?.parents.len() > 1;
        merge_resolution::give_up(clone, &root, &resolution, Some(tip).filter(|_| !is_merged))?;
        let kept = if is_merged { format!(", the branch `{resolution}` keeps what was merged") } else { String::new() };
        context.ui.note(&format!("`{name}`: given up{kept}"));
    }
    Ok(Exit::Done)
}
