//! Merging two branches without a work tree: what would come out, and whether a merge that was made is
//! just that.

use std::collections::{BTreeSet, HashSet};

use super::{
    GitError, LocalClone,
    history::{Commit, Id},
    pick::Merged,
};

/// What merging `from` into `into` makes, as far as git alone can tell. Nothing but objects is written.
///
/// # Errors
/// When git fails, for instance because the two have no commit in common.
pub fn predict(clone: &LocalClone, into: Id, from: Id) -> Result<Merged, GitError> {
    let (tree, paths) = merged(clone, into, from)?;
    Ok(paths.map_or(Merged::Clean(tree), Merged::Conflict))
}

/// The tree that git makes of two commits, and the files in conflict where there are any.
fn merged(clone: &LocalClone, into: Id, from: Id) -> Result<(Id, Option<Vec<String>>), GitError> {
    let (into, from) = (into.to_string(), from.to_string());
    let words = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", &into, &from];
    let ended = clone.git().run(&words)?;
    let mut fields = ended.stdout.split('\0');
    let tree = fields.next().and_then(|tree| Id::from_hex(tree.as_bytes()).ok());
    match (ended.code, tree) {
        (Some(0), Some(tree)) => Ok((tree, None)),
        (Some(1), Some(tree)) => {
            let paths: BTreeSet<String> = fields.take_while(|path| !path.is_empty()).map(str::to_owned).collect();
            Ok((tree, Some(paths.into_iter().collect())))
        }
        _ => Err(ended.error("merge-tree --write-tree")),
    }
}

/// The files of a merge that are not as git alone makes them: conflicts that were resolved, and whatever else was
/// changed in it.
///
/// # Errors
/// When git fails.
pub fn made_by_hand(clone: &LocalClone, commit: &Commit) -> Result<Vec<String>, GitError> {
    let [first, second] = commit.parents[..] else { return Ok(vec![]) };
    let (tree, _) = merged(clone, first, second)?;
    let (tree, own) = (tree.to_string(), commit.tree.to_string());
    let said = clone.git().read(&["diff-tree", "-r", "--name-only", "-z", "--no-renames", &tree, &own])?;
    Ok(said.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// Whether a commit does nothing but take in what is public: a merge of two parents, one of which is none
/// of those that are private, with the very content that git makes of them.
///
/// # Errors
/// When git fails.
pub fn only_takes_in(clone: &LocalClone, commit: &Commit, private: &HashSet<Id>) -> Result<bool, GitError> {
    let [first, second] = commit.parents[..] else { return Ok(false) };
    // A merge of two private lines brings one of them along.
    if private.contains(&first) && private.contains(&second) {
        return Ok(false);
    }
    Ok(matches!(predict(clone, first, second)?, Merged::Clean(tree) if tree == commit.tree))
}

/// The commits that a merge brought into the line of its first parent, itself included.
///
/// # Errors
/// When git fails.
pub fn brought_by(clone: &LocalClone, merge: &Commit) -> Result<HashSet<Id>, GitError> {
    let Some(first) = merge.parents.first().filter(|_| merge.parents.len() > 1) else {
        return Ok(HashSet::from([merge.id]));
    };
    let names = clone.git().read(&["rev-list", &merge.id.to_string(), &format!("^{first}")])?;
    Ok(names.lines().filter_map(|name| Id::from_hex(name.as_bytes()).ok()).collect())
}
