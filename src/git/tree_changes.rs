//! What differs between two trees, file by file. Equal folders are not entered, so that it takes as
//! long as the change is large, not the repository.

use std::collections::BTreeMap;

use gix::{
    bstr::{BString, ByteSlice},
    objs::{
        TreeRefIter,
        tree::{EntryKind, EntryMode},
    },
};

use super::{GitError, LocalClone, history::Id, objects::Objects};

/// A file with its mode and its content.
pub(super) type Version = (EntryMode, Id);

/// A file that is not the same in both trees. `None` where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: BString,
    pub(super) old: Option<Version>,
    pub(super) new: Option<Version>,
}

impl Change {
    /// Whether a submodule is on either side.
    pub(super) fn is_of_submodule(&self) -> bool {
        self.old.iter().chain(&self.new).any(|(mode, _)| mode.kind() == EntryKind::Commit)
    }
}

/// The files that differ, by path. A missing tree is an empty one.
pub(super) fn between(
    clone: &LocalClone,
    objects: &Objects,
    old: Option<Id>,
    new: Option<Id>,
) -> Result<Vec<Change>, GitError> {
    let mut changes = Vec::new();
    walk(clone, objects, &BString::default(), (old, new), &mut changes)?;
    Ok(changes)
}

type Entries = BTreeMap<BString, Version>;

fn entries(clone: &LocalClone, objects: &Objects, tree: Option<Id>) -> Result<Entries, GitError> {
    let Some(tree) = tree else { return Ok(Entries::new()) };
    let bytes = objects.read(clone, tree)?;
    let hash = clone.repo().object_hash();
    let entries = TreeRefIter::from_bytes(&bytes, hash).map(|entry| {
        let entry = entry.map_err(GitError::wrap_gix("read a tree"))?;
        Ok((entry.filename.to_owned(), (entry.mode, entry.oid.to_owned())))
    });
    entries.collect()
}

fn walk(
    clone: &LocalClone,
    objects: &Objects,
    folder: &BString,
    (old, new): (Option<Id>, Option<Id>),
    changes: &mut Vec<Change>,
) -> Result<(), GitError> {
    if old == new {
        return Ok(());
    }
    let mut olds = entries(clone, objects, old)?;
    let mut pairs: BTreeMap<BString, (Option<Version>, Option<Version>)> = BTreeMap::new();
    for (name, new) in entries(clone, objects, new)? {
        let old = olds.remove(&name);
        pairs.insert(name, (old, Some(new)));
    }
    pairs.extend(olds.into_iter().map(|(name, old)| (name, (Some(old), None))));
    for (name, (old, new)) in pairs.into_iter().filter(|(_, (old, new))| old != new) {
        let mut path = folder.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name.as_bytes());
        let tree = |version: Option<Version>| version.filter(|(mode, _)| mode.is_tree()).map(|(_, id)| id);
        let file = |version: Option<Version>| version.filter(|(mode, _)| !mode.is_tree());
        if tree(old).or(tree(new)).is_some() {
            walk(clone, objects, &path, (tree(old), tree(new)), changes)?;
        }
        if file(old).or(file(new)).is_some() {
            changes.push(Change { path, old: file(old), new: file(new) });
        }
    }
    Ok(())
}

/// The content of a file of a tree; `None` when it is not there, or is no plain file.
pub(super) fn file(clone: &LocalClone, objects: &Objects, tree: Id, path: &[u8]) -> Result<Option<Vec<u8>>, GitError> {
    let mut at = tree;
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        let bytes = objects.read(clone, at)?;
        let found = TreeRefIter::from_bytes(&bytes, clone.repo().object_hash())
            .filter_map(Result::ok)
            .find(|entry| entry.filename.as_bytes() == part)
            .map(|entry| (entry.mode, entry.oid.to_owned()));
        match found {
            Some((mode, id)) if parts.peek().is_some() && mode.is_tree() => at = id,
            Some((mode, id)) if parts.peek().is_none() && mode.is_blob() => return objects.read(clone, id).map(Some),
            _ => return Ok(None),
        }
    }
    Ok(None)
}
