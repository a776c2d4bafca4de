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
    let (into, from) = (into.to_string(), from.to_string());
    let words = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", &into, &from];
    let ended = clone.git().run(&words)?;
    let mut fields = ended.stdout.split('\0');
    let tree = fields.next().and_then(|tree| Id::from_hex(tree.as_bytes()).ok());
    match (ended.code, tree) {
        (Some(0), Some(tree)) => Ok(Merged::Clean(tree)),
        (Some(1), Some(_)) => {
            let paths: BTreeSet<String> = fields.take_while(|path| !path.is_empty()).map(str::to_owned).collect();
            Ok(Merged::Conflict(paths.into_iter().collect()))
        }
        _ => Err(ended.error("merge-tree --write-tree")),
    }
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
