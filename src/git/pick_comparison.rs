//! Whether a picked commit makes the same change as its original.

use std::collections::{BTreeSet, HashMap};

use super::{
    GitError, LocalClone,
    history::{self, Id},
    objects::Objects,
    patch_id::{self, Compared},
    tree_changes,
};

/// How a picked commit relates to its original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Similarity {
    /// The same lines of the same files, wherever they stand.
    Same,
    /// Something else, as after a conflict.
    Differs,
}

/// For each pick, how it relates to its original.
pub type Similarities = HashMap<Id, Similarity>;

/// A commit, the parent that its change is seen from, and what was made of it.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The commit of the fix.
    pub original: Id,
    /// The parent that its change is seen from.
    pub parent: Option<Id>,
    /// The commit of the backport.
    pub pick: Id,
}

/// Compares originals and their picks. Where the very same versions of files took each other's place
/// nothing more is looked at; of the others git compares the patches.
///
/// # Errors
/// When an object cannot be read.
pub fn compare(clone: &LocalClone, pairs: &[Pair]) -> Result<Similarities, GitError> {
    let objects = Objects::kept();
    let changes = |parent: Option<Id>, commit: Id| {
        let tree = |id| history::commit(clone, id).map(|commit| commit.tree);
        tree_changes::between(clone, &objects, parent.map(tree).transpose()?, Some(tree(commit)?))
    };
    let mut found = HashMap::new();
    let mut open = Vec::new();
    // Each line has the same originals.
    let mut originals = HashMap::new();
    for Pair { original, parent, pick } in pairs {
        if !originals.contains_key(original) {
            originals.insert(*original, changes(*parent, *original)?);
        }
        let under = history::commit(clone, *pick)?.parents.first().copied();
        if original == pick || originals.get(original) == Some(&changes(under, *pick)?) {
            found.insert(*pick, Similarity::Same);
        } else {
            open.push((*original, *pick));
        }
    }
    let asked: BTreeSet<Id> = open.iter().flat_map(|(original, pick)| [*original, *pick]).collect();
    let asked: Vec<Id> = asked.into_iter().collect();
    let patches = patch_id::compute(clone, &asked, Compared::ChangesAlone)?;
    for (original, pick) in open {
        let same = patches.get(&original).is_some_and(|patch| patches.get(&pick) == Some(patch));
        found.insert(pick, if same { Similarity::Same } else { Similarity::Differs });
    }
    Ok(found)
}
