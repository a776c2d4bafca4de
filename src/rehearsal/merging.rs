//! Merging, squashing and rebasing in bare repositories, by git itself.

use std::io;

use super::repository::{Identity, Repository, printed};

/// How a merge is to be done.
pub(super) struct Plan<'a> {
    /// The branch that gets the commits, and where it is.
    pub(super) target: (&'a str, &'a str),
    /// The head of the merge request.
    pub(super) head: &'a str,
    /// The head of the target branch as the merge request knew it when its commits came.
    pub(super) start: &'a str,
    pub(super) fast_forward: bool,
    /// The message of the squash commit, when there is to be one.
    pub(super) squash: Option<&'a str>,
    /// The message of the merge commit.
    pub(super) message: &'a str,
}

/// What came of a merge.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) merge_commit: Option<String>,
    pub(super) squash_commit: Option<String>,
}

/// The tree of two commits merged; none when they conflict.
pub(super) fn merged_tree(repository: &Repository, ours: &str, theirs: &str) -> io::Result<Option<String>> {
    let output = repository.run(&["merge-tree", "--write-tree", "--no-messages", ours, theirs])?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    // Unrelated histories end with another code, and cannot be merged either.
    Ok(if output.status.success() { printed.lines().next().map(str::to_owned) } else { None })
}

/// Merges; nothing is changed when that is impossible or when the target has moved meanwhile.
pub(super) fn merge(repository: &Repository, plan: &Plan<'_>, who: &Identity) -> io::Result<Option<Merged>> {
    let (branch, tip) = plan.target;
    let mut merged = Merged::default();
    let mut head = plan.head.to_owned();
    if let Some(message) = plan.squash {
        let parent = if plan.fast_forward { tip } else { plan.start };
        let Some(tree) = merged_tree(repository, parent, plan.head)? else { return Ok(None) };
        head = repository.must_as(who, &["commit-tree", &tree, "-p", parent, "-m", message])?;
        merged.squash_commit = Some(head.clone());
    }
    if plan.fast_forward {
        if !repository.is_ancestor(tip, &head)? {
            return Ok(None);
        }
    } else {
        let Some(tree) = merged_tree(repository, tip, &head)? else { return Ok(None) };
        head = repository.must_as(who, &["commit-tree", &tree, "-p", tip, "-p", &head, "-m", plan.message])?;
        merged.merge_commit = Some(head.clone());
    }
    let is_set = repository.update(&format!("refs/heads/{branch}"), &head, Some(tip))?;
    Ok(is_set.then_some(merged))
}

/// Runs a git command that makes commits in a work tree of its own, which begins at a commit, and
/// returns the commit that it ends at; none when the command fails.
pub(super) fn in_work_tree(
    repository: &Repository,
    who: &Identity,
    start: &str,
    arguments: &[&str],
) -> io::Result<Option<String>> {
    let folder = tempfile::Builder::new().prefix("local-gitlab-").tempdir()?;
    let tree = folder.path().join("tree");
    let path = tree.to_string_lossy();
    repository.must(&["worktree", "add", "--quiet", "--detach", &path, start])?;
    let run = |arguments: &[&str]| {
        let mut command = repository.command_in(&tree, arguments);
        who.sign(&mut command);
        printed(&mut command)
    };
    let end = run(arguments).and_then(|_| run(&["rev-parse", "HEAD"]));
    repository.must(&["worktree", "remove", "--force", &path])?;
    Ok(end.ok())
}
