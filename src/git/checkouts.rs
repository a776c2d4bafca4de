//! Which branch is checked out in which work tree, and moving such a branch together with the files.

use std::{fs, path::PathBuf};

use super::{GitError, LocalClone, history::Id, process::Git, transport};

/// A work tree with the branch that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The root folder.
    pub root: PathBuf,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// What keeps the branch from being moved, in words.
    pub busy: Option<&'static str>,
}

/// Every work tree that holds a branch, also one that holds it only for the time of a rebase.
///
/// # Errors
/// When the list cannot be read.
pub fn list(clone: &LocalClone) -> Result<Vec<Checkout>, GitError> {
    let mut found = Vec::new();
    for tree in clone.all_work_trees()? {
        let branch_in = |file: &str| {
            let text = fs::read_to_string(tree.git_dir.join(file)).ok()?;
            text.trim_end().trim_start_matches("ref: ").strip_prefix("refs/heads/").map(str::to_owned)
        };
        let rebased = branch_in("rebase-merge/head-name").or_else(|| branch_in("rebase-apply/head-name"));
        let bisected = tree.git_dir.join("BISECT_LOG").exists();
        let picking = ["CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_HEAD", "sequencer"];
        let busy = if rebased.is_some() {
            Some("is being rebased")
        } else if bisected {
            Some("is being bisected")
        } else if picking.iter().any(|name| tree.git_dir.join(name).exists()) {
            Some("has a merge or cherry-pick under way")
        } else if !tree.root.is_dir() {
            Some("belongs to a work tree whose folder is missing")
        } else {
            None
        };
        let started = fs::read_to_string(tree.git_dir.join("BISECT_START")).ok().filter(|_| bisected);
        let branches = [branch_in("HEAD"), rebased, started.map(|name| name.trim().to_owned())];
        let root = tree.root;
        found.extend(branches.into_iter().flatten().map(|branch| Checkout { root: root.clone(), branch, busy }));
    }
    Ok(found)
}

/// Moves the branch of a work tree to a commit ahead of it, with its files. Changes of the user stay as they are;
/// where they would be overwritten, nothing is done. The inner error is what git says of that.
///
/// # Errors
/// When git cannot be started.
pub fn fast_forward(checkout: &Checkout, to: Id, reflog: &str) -> Result<Result<(), String>, GitError> {
    move_with(checkout, &["merge", "--ff-only", "--no-stat", "--quiet", &to.to_string()], reflog)
}

/// The same to any commit.
///
/// # Errors
/// When git cannot be started.
pub fn reset_keeping(checkout: &Checkout, to: Id, reflog: &str) -> Result<Result<(), String>, GitError> {
    move_with(checkout, &["reset", "--keep", "--quiet", &to.to_string()], reflog)
}

fn move_with(checkout: &Checkout, words: &[&str], reflog: &str) -> Result<Result<(), String>, GitError> {
    // No hooks: the branch is moved like any other, only that its files move along.
    let hooks = format!("core.hooksPath={}", checkout.root.join(".git/no-hooks").display());
    let git = Git::on(&checkout.root).with("GIT_REFLOG_ACTION", reflog);
    let ended = git.run(&[&["-c", &hooks], words].concat())?;
    Ok(if ended.success { Ok(()) } else { Err(ended.stderr.trim().to_owned()) })
}

/// Leaves every branch, for this commit; files that were changed stay so. Returns why git does not.
///
/// # Errors
/// When git cannot be run.
pub fn detach(clone: &LocalClone, at: Id) -> Result<Result<(), String>, GitError> {
    let ended = clone.git().run(&["switch", "--quiet", "--detach", &at.to_string()])?;
    Ok(if ended.success { Ok(()) } else { Err(transport::condensed(&ended.stderr)) })
}

/// Switches to a branch, and returns what git says of it: commits that are left behind, or why it does not.
///
/// # Errors
/// When git cannot be run.
pub fn switch(clone: &LocalClone, branch: &str) -> Result<Result<String, String>, GitError> {
    let ended = clone.git().run(&["switch", "--no-guess", branch])?;
    let said: Vec<&str> = ended.stderr.lines().filter(|line| !line.starts_with("Switched to ")).collect();
    let said = said.join("\n").trim().to_owned();
    Ok(if ended.success { Ok(said) } else { Err(said) })
}
