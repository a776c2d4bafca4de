//! Whether a history already holds a change: looked for only among the commits that touch its files.

use super::{
    GitError, LocalClone,
    history::{self, Commit, Id},
    objects::Objects,
    patch_id::{self, Compared},
    tree_changes,
};

/// The commit of `tip`'s history that makes the same change as `commit`, seen from its parent, and was not
/// taken back since: the commit itself, or one with its patch-id.
///
/// # Errors
/// When the history cannot be read.
pub fn find(clone: &LocalClone, tip: Id, commit: &Commit, parent: Option<Id>) -> Result<Option<Id>, GitError> {
    if history::holds(clone, tip, commit.id)? {
        return Ok(Some(commit.id));
    }
    if commit.parents.len() > 1 {
        return Ok(None);
    }
    let before = parent.map(|parent| history::commit(clone, parent)).transpose()?.map(|parent| parent.tree);
    let changes = tree_changes::between(clone, &Objects::kept(), before, Some(commit.tree))?;
    if changes.is_empty() {
        return Ok(None);
    }
    let mut input = format!("{tip}\n^{}\n--\n", commit.id).into_bytes();
    for change in &changes {
        input.extend_from_slice(&change.path);
        input.push(b'\n');
    }
    let ended = clone.git().feed(&["--literal-pathspecs", "rev-list", "--no-merges", "--stdin"], &input)?;
    if !ended.success {
        return Err(ended.error("rev-list --stdin"));
    }
    let ids: Vec<Id> = ended.stdout.lines().filter_map(|line| Id::from_hex(line.as_bytes()).ok()).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let patches = patch_id::of_commits(clone, &[&ids[..], &[commit.id]].concat(), Compared::WithContext)?;
    let Some(patch) = patches.get(&commit.id) else { return Ok(None) };
    let Some(found) = ids.iter().find(|id| patches.get(*id) == Some(patch)) else { return Ok(None) };
    let oldest_first = ids.iter().rev().map(|id| history::commit(clone, *id)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(*found).filter(|found| !history::taken_back(&oldest_first).contains(found)))
}
