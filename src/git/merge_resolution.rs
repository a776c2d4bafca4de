//! A merge with conflicts in a linked work tree of its own, stopped in an ordinary `git merge`. What is
//! known of it is git's: the list of work trees, and the state of the merge.

use std::path::Path;

use super::{
    GitError, LocalClone,
    checkouts::{self, Checkout},
    history::{self, Id},
    process::Git,
    resolution::RERERE,
    unfinished::Unfinished,
};

/// What to merge in a new work tree.
#[derive(Debug)]
pub struct Task<'a> {
    /// Where the work tree is to be.
    pub root: &'a Path,
    /// The branch that is made for it.
    pub branch: &'a str,
    /// Where it starts.
    pub into: Id,
    /// What is merged into it.
    pub from: Id,
    /// The message of the merge.
    pub message: &'a str,
}

/// How far a merge in a work tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeState {
    /// Something is in the way.
    Unfinished(Unfinished),
    /// Everything is resolved, and not committed yet.
    Resolved,
    /// It is committed.
    Merged(Id),
    /// It merges another commit: the branch moved since it began.
    Outdated,
    /// The branch holds more than the merge.
    More,
    /// It was given up: the branch holds no merge.
    GivenUp,
}

/// The work tree of a branch, if it has one whose folder exists.
///
/// # Errors
/// When the list cannot be read.
pub fn find(clone: &LocalClone, branch: &str) -> Result<Option<Checkout>, GitError> {
    Ok(checkouts::list(clone)?.into_iter().find(|checkout| checkout.branch == branch && checkout.root.is_dir()))
}

/// Makes the branch and the work tree, and begins the merge there.
///
/// # Errors
/// When the branch or the folder exists, or git refuses to begin.
pub fn open(clone: &LocalClone, task: &Task<'_>) -> Result<MergeState, GitError> {
    let root = task.root.to_string_lossy().into_owned();
    let git = Git::on(clone.common_dir());
    let no_hooks = format!("core.hooksPath={}", clone.common_dir().join("secfix/no-hooks").display());
    // A folder that was deleted by hand must not keep its branch from being checked out again.
    git.run(&["worktree", "prune"])?;
    let into = task.into.to_string();
    git.read(&["-c", &no_hooks, "worktree", "add", "--quiet", "--no-track", "-b", task.branch, "--", &root, &into])?;
    let from = task.from.to_string();
    let words = [&RERERE[..], &["merge", "--no-ff", "--quiet", "-m", task.message, &from]].concat();
    let ended = editorless(task.root).run(&words)?;
    match state(clone, task.root, task.branch, task.from)? {
        MergeState::GivenUp => {
            // Without a merge under way the work tree is of no use to anybody.
            if give_up(clone, task.root)? {
                super::branches::delete(clone, task.branch, task.into)?;
            }
            Err(ended.error("merge"))
        }
        state => Ok(state),
    }
}

/// How far the merge of `from` is in a work tree.
///
/// # Errors
/// When git fails.
pub fn state(clone: &LocalClone, root: &Path, branch: &str, from: Id) -> Result<MergeState, GitError> {
    let merge_head = Git::on(root).run(&["rev-parse", "--quiet", "--verify", "MERGE_HEAD"])?;
    if merge_head.success {
        if Id::from_hex(merge_head.stdout.trim().as_bytes()).ok() != Some(from) {
            return Ok(MergeState::Outdated);
        }
        return Ok(Unfinished::find(root)?.map_or(MergeState::Resolved, MergeState::Unfinished));
    }
    let tip = history::find(clone, &format!("refs/heads/{branch}"))?;
    let Some(tip) = tip else { return Ok(MergeState::GivenUp) };
    let commit = history::commit(clone, tip)?;
    Ok(if commit.parents.len() == 2 && commit.parents.contains(&from) {
        MergeState::Merged(tip)
    } else if history::holds(clone, tip, from)? {
        MergeState::More
    } else {
        MergeState::GivenUp
    })
}

/// Commits what is resolved.
///
/// # Errors
/// When git fails, for instance for a hook of the user's.
pub fn proceed(clone: &LocalClone, root: &Path, branch: &str, from: Id) -> Result<MergeState, GitError> {
    let git = editorless(root);
    git.run(&[&RERERE[..], &["rerere"]].concat())?;
    let before = state(clone, root, branch, from)?;
    if before != MergeState::Resolved {
        return Ok(before);
    }
    git.read(&[&RERERE[..], &["commit", "--quiet", "--no-edit", "--cleanup=strip"]].concat())?;
    state(clone, root, branch, from)
}

/// Removes the work tree, unless something of the user's is in it; tells whether it is gone.
///
/// # Errors
/// When git cannot be started.
pub fn remove(clone: &LocalClone, root: &Path) -> Result<bool, GitError> {
    Ok(Git::on(clone.common_dir()).run(&["worktree", "remove", "--", &root.to_string_lossy()])?.success)
}

/// Ends a merge that is under way, and removes the work tree; tells whether it is gone. Where it holds other files, or changes
/// of a merge that is over, it stays as it is.
///
/// # Errors
/// When git fails.
pub fn give_up(clone: &LocalClone, root: &Path) -> Result<bool, GitError> {
    let git = Git::on(root);
    // Nothing is ended where the work tree would stay for what else is in it.
    if git.read(&["status", "--porcelain", "--untracked-files=normal"])?.lines().any(|line| line.starts_with("??")) {
        return Ok(false);
    }
    if git.run(&["rev-parse", "--quiet", "--verify", "MERGE_HEAD"])?.success {
        git.read(&["merge", "--abort"])?;
    }
    remove(clone, root)
}

fn editorless(root: &Path) -> Git {
    Git::on(root).with("GIT_EDITOR", ":")
}
