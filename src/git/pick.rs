//! Picks commits without a work tree: git merges, in memory, and tells the tree that would come out.
//!
//! `git merge-tree` takes the base of the merge as an option only since 2.40. So it is never given one:
//! our side is a commit made for the occasion, with the tree of the branch and the parent of the picked
//! commit, and that parent is then the one base that git can find. So every git that this suite
//! supports picks in the same way.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path},
};

use gix::{bstr::ByteSlice, objs::Kind};
use tempfile::TempDir;

use super::{
    GitError, LocalClone,
    history::{Commit, Id},
    objects::{Objects, temporary_folder},
    process::{Git, Running},
    tree_changes,
};

/// A commit to pick onto a tree.
#[derive(Debug, Clone, Copy)]
pub struct Pick<'a> {
    /// The commit.
    pub commit: &'a Commit,
    /// The parent that its change is seen from; `None` for a first commit.
    pub parent: Option<Id>,
    /// The tree of the branch that it is picked onto.
    pub onto: Id,
}

/// What comes out of a pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// This tree.
    Clean(Id),
    /// Nothing, because of these files.
    Conflict(Vec<String>),
}

/// Picks commits of one clone.
pub struct Picker<'a> {
    clone: &'a LocalClone,
    objects: &'a Objects,
    /// Stands for the work tree of each branch, and holds no more of it than its attributes.
    folder: TempDir,
}

impl<'a> Picker<'a> {
    /// Gets ready.
    ///
    /// # Errors
    /// When there can be no temporary folder.
    pub fn new(clone: &'a LocalClone, objects: &'a Objects) -> Result<Self, GitError> {
        Ok(Self { clone, objects, folder: temporary_folder()? })
    }

    /// Does all of these picks at the same time. Nothing but objects is written.
    ///
    /// # Errors
    /// When git fails, or an object is missing.
    pub fn merge(&self, picks: &[Pick<'_>]) -> Result<Vec<Merged>, GitError> {
        let started: Vec<Started> =
            picks.iter().enumerate().map(|(number, pick)| self.start(number, pick)).collect::<Result<_, _>>()?;
        started.into_iter().map(finish).collect()
    }

    fn start(&self, number: usize, pick: &Pick<'_>) -> Result<Started, GitError> {
        let (base, theirs) = match pick.parent {
            Some(parent) => (parent, pick.commit.id),
            None => {
                let base = self.stand_in(Id::empty_tree(self.clone.repo().object_hash()), None)?;
                (base, self.stand_in(pick.commit.tree, Some(base))?)
            }
        };
        let ours = self.stand_in(pick.onto, Some(base))?.to_string();
        let theirs = theirs.to_string();
        let git = self.objects.shared_with(self.clone, self.git_for(number, pick)?);
        let words = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", &ours, &theirs];
        let running = git.start(&words)?;
        // A file that cannot keep its name is called after its side, which git knows by our arguments alone.
        let label = format!("{} ({})", pick.commit.short(), pick.commit.subject).replace('/', "_");
        Ok(Started { running, sides: [(ours, "HEAD".to_owned()), (theirs, label)] })
    }

    /// A commit that is only merged with, and that nothing ever refers to.
    fn stand_in(&self, tree: Id, parent: Option<Id>) -> Result<Id, GitError> {
        let parent = parent.map_or_else(String::new, |parent| format!("parent {parent}\n"));
        let who = "git-secfix <> 0 +0000";
        let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\nA side of a merge\n");
        self.objects.write(self.clone, Kind::Commit, text.as_bytes())
    }

    /// A git that finds the attributes of the branch, such as merge drivers, where a work tree of it
    /// would have them, and none of those of the work tree that happens to be here.
    fn git_for(&self, number: usize, pick: &Pick<'_>) -> Result<Git, GitError> {
        let before = pick.parent.map(|parent| super::history::commit(self.clone, parent)).transpose()?;
        let before = before.map(|commit| commit.tree);
        let changes = tree_changes::between(self.clone, self.objects, before, Some(pick.commit.tree))?;
        // Submodules are merged by looking into those that are checked out.
        if changes.iter().any(tree_changes::Change::is_of_submodule) {
            return Ok(self.clone.git());
        }
        let mut folders = BTreeSet::from([Vec::new()]);
        for change in &changes {
            let slashes = change.path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            folders.extend(slashes.map(|(at, _)| change.path[..=at].to_vec()));
        }
        let root = self.folder.path().join(number.to_string());
        if root.exists() {
            fs::remove_dir_all(&root).map_err(GitError::of_file("remove", &root))?;
        }
        fs::create_dir(&root).map_err(GitError::of_file("make", &root))?;
        for folder in folders {
            let path = [&folder[..], b".gitattributes"].concat();
            let Some(content) = tree_changes::file(self.clone, self.objects, pick.onto, &path)? else { continue };
            // A tree that was made by hand may hold names that lead out of the folder.
            let is_inside = |path: &&Path| path.components().all(|part| matches!(part, Component::Normal(_)));
            let Some(path) = path.to_path().ok().filter(is_inside) else { continue };
            let file = root.join(path);
            let parent = file.parent().unwrap_or(&root);
            fs::create_dir_all(parent).map_err(GitError::of_file("make", parent))?;
            fs::write(&file, content).map_err(GitError::of_file("write", &file))?;
        }
        Ok(Git::at(&root).with("GIT_DIR", self.clone.git_dir()).with("GIT_WORK_TREE", root))
    }
}

/// A merge that is under way, and what each side is to be called.
struct Started {
    running: Running,
    sides: [(String, String); 2],
}

/// Reads the tree and, after a conflict, the files: each ends with a NUL.
fn finish(Started { running, sides }: Started) -> Result<Merged, GitError> {
    let ended = running.wait()?;
    let mut fields = ended.stdout.split('\0');
    let tree = fields.next().and_then(|tree| Id::from_hex(tree.as_bytes()).ok());
    match (ended.code, tree) {
        (Some(0), Some(tree)) => Ok(Merged::Clean(tree)),
        (Some(1), Some(_)) => {
            let as_called = |path: &str| {
                let name = |path: String, (side, label): &(String, String)| {
                    path.replace(&format!("~{side}"), &format!("~{label}"))
                };
                sides.iter().fold(path.to_owned(), name)
            };
            let paths: BTreeSet<String> = fields.take_while(|path| !path.is_empty()).map(as_called).collect();
            Ok(Merged::Conflict(paths.into_iter().collect()))
        }
        _ => Err(ended.error("merge-tree --write-tree")),
    }
}
