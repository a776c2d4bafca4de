//! Picks commits without a work tree: git merges, in memory, and tells the tree that would come out.
//!
//! `git merge-tree` takes the base of the merge as an option only since 2.40. So it is never given one:
//! both refs are commits made for the occasion, with the tree of the branch and that of the picked commit,
//! and its parent as theirs, which is then the one base that git can find. So every git that this suite
//! supports picks in the same way.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    fs,
    panic::resume_unwind,
    path::{Component, Path},
    thread,
};

use gix::{bstr::ByteSlice, objs::Kind};
use tempfile::TempDir;

use super::{
    GitError, LocalClone,
    history::{self, Commit, Id},
    objects::{Objects, temporary_folder},
    process::Git,
    tree_changes,
};

/// In seconds since 1970.
const END_OF_CENTURY: u64 = 4_102_444_800;

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

    /// Does all of these picks. Nothing but objects is written.
    ///
    /// # Errors
    /// When git fails, or an object is missing.
    pub fn merge(&self, picks: &[Pick<'_>]) -> Result<Vec<Merged>, GitError> {
        let mut batches: Vec<Batch> = Vec::new();
        // Most often every line gets the same commit.
        let mut touched: HashMap<(Option<Id>, Id), Touched> = HashMap::new();
        for (position, pick) in picks.iter().enumerate() {
            let refs = self.refs(pick)?;
            let place = match touched.entry((pick.parent, pick.commit.id)) {
                Entry::Occupied(known) => self.place(pick.onto, known.get())?,
                Entry::Vacant(new) => self.place(pick.onto, new.insert(self.touched(pick)?))?,
            };
            match batches.iter_mut().find(|batch| batch.place == place) {
                Some(batch) => batch.picks.push((position, refs)),
                None => batches.push(Batch { place, picks: vec![(position, refs)] }),
            }
        }
        let batches = spread(batches);
        let gits: Vec<Git> = batches
            .iter()
            .enumerate()
            .map(|(number, batch)| self.git_at(number, &batch.place))
            .collect::<Result<_, _>>()?;
        let answers: Vec<Result<Vec<Merged>, GitError>> = thread::scope(|scope| {
            let started: Vec<_> = batches
                .iter()
                .zip(gits)
                .map(|(batch, git)| scope.spawn(move || merge_all(&git, &batch.picks)))
                .collect();
            started.into_iter().map(|merging| merging.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        let mut found = Vec::new();
        for (batch, merged) in batches.iter().zip(answers) {
            found.extend(batch.picks.iter().map(|(position, _)| *position).zip(merged?));
        }
        found.sort_by_key(|(position, _)| *position);
        Ok(found.into_iter().map(|(_, merged)| merged).collect())
    }

    fn refs(&self, pick: &Pick<'_>) -> Result<ProjectRefs, GitError> {
        let base = match pick.parent {
            Some(parent) => parent,
            None => self.stand_in(Id::empty_tree(self.clone.repo().object_hash()), None)?,
        };
        Ok(ProjectRefs {
            ours: self.stand_in(pick.onto, Some(base))?.to_string(),
            theirs: self.stand_in(pick.commit.tree, Some(base))?.to_string(),
            // A file that cannot keep its name is called after its side, which git knows by our words alone.
            label: format!("{} ({})", pick.commit.short(), pick.commit.subject).replace('/', "_"),
        })
    }

    /// A commit that is only merged with, and that nothing ever refers to. It is younger than any base: in its
    /// search for one, git goes through history from the youngest commit on, until all refs have met.
    fn stand_in(&self, tree: Id, parent: Option<Id>) -> Result<Id, GitError> {
        let parent = parent.map_or_else(String::new, |parent| format!("parent {parent}\n"));
        let who = format!("git-secfix <> {END_OF_CENTURY} +0000");
        let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\nA side of a merge\n");
        self.objects.write(self.clone, Kind::Commit, text.as_bytes())
    }

    fn touched(&self, pick: &Pick<'_>) -> Result<Touched, GitError> {
        let before = pick.parent.map(|parent| history::commit(self.clone, parent)).transpose()?;
        let before = before.map(|commit| commit.tree);
        let changes = tree_changes::between(self.clone, self.objects, before, Some(pick.commit.tree))?;
        let mut folders = BTreeSet::from([Vec::new()]);
        for change in &changes {
            let slashes = change.path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            folders.extend(slashes.map(|(at, _)| change.path[..=at].to_vec()));
        }
        Ok(Touched { folders, has_submodules: changes.iter().any(tree_changes::Change::is_of_submodule) })
    }

    /// Where a git finds the attributes of the branch, such as merge drivers, and none of those of the work tree
    /// that happens to be here.
    fn place(&self, onto: Id, touched: &Touched) -> Result<Place, GitError> {
        // Submodules are merged by looking into those that are checked out.
        if touched.has_submodules {
            return Ok(Place::Here);
        }
        let mut files = Vec::new();
        for folder in &touched.folders {
            let path = [&folder[..], b".gitattributes"].concat();
            let Some(content) = tree_changes::file(self.clone, self.objects, onto, &path)? else { continue };
            files.push((path, content));
        }
        Ok(Place::Attributes(files))
    }

    fn git_at(&self, number: usize, place: &Place) -> Result<Git, GitError> {
        let Place::Attributes(files) = place else {
            return Ok(self.objects.shared_with(self.clone, self.clone.git()));
        };
        let root = self.folder.path().join(number.to_string());
        if root.exists() {
            fs::remove_dir_all(&root).map_err(GitError::wrap_file("remove", &root))?;
        }
        fs::create_dir(&root).map_err(GitError::wrap_file("make", &root))?;
        for (path, content) in files {
            // A tree that was made by hand may hold names that lead out of the folder.
            let is_inside = |path: &&Path| path.components().all(|part| matches!(part, Component::Normal(_)));
            let Some(path) = path.to_path().ok().filter(is_inside) else { continue };
            let file = root.join(path);
            let parent = file.parent().unwrap_or(&root);
            fs::create_dir_all(parent).map_err(GitError::wrap_file("make", parent))?;
            fs::write(&file, content).map_err(GitError::wrap_file("write", &file))?;
        }
        let git = Git::at(&root).with("GIT_DIR", self.clone.git_dir()).with("GIT_WORK_TREE", root);
        Ok(self.objects.shared_with(self.clone, git))
    }
}

/// The folders that a commit changes something in, with those above them, and what matters of it besides.
#[derive(Debug)]
struct Touched {
    folders: BTreeSet<Vec<u8>>,
    has_submodules: bool,
}

/// Where a git has to stand for a pick.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Where the clone was opened from.
    Here,
    /// In a folder with no more of the branch's work tree than these files of attributes.
    Attributes(Vec<(Vec<u8>, Vec<u8>)>),
}

/// What is merged, and what the picked side is to be called.
#[derive(Debug)]
struct ProjectRefs {
    ours: String,
    theirs: String,
    label: String,
}

/// Merges that one git can do one after the other, with their positions among all.
#[derive(Debug)]
struct Batch {
    place: Place,
    picks: Vec<(usize, ProjectRefs)>,
}

/// To start a git costs as much as a small merge, and a large one keeps a processor busy: so there are no more of
/// them than processors, unless their places differ.
fn spread(batches: Vec<Batch>) -> Vec<Batch> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let mut spread = Vec::new();
    for Batch { place, mut picks } in batches {
        let size = picks.len().div_ceil(processors);
        while picks.len() > size {
            let rest = picks.split_off(size);
            spread.push(Batch { place: place.clone(), picks });
            picks = rest;
        }
        spread.push(Batch { place, picks });
    }
    spread
}

/// Has one git do these merges.
fn merge_all(git: &Git, picks: &[(usize, ProjectRefs)]) -> Result<Vec<Merged>, GitError> {
    let input: String = picks.iter().map(|(_, refs)| format!("{} {}\n", refs.ours, refs.theirs)).collect();
    let ended =
        git.feed(&["merge-tree", "--write-tree", "--stdin", "-z", "--name-only", "--no-messages"], input.as_bytes())?;
    let mut fields = ended.stdout.split('\0');
    let merged: Option<Vec<Merged>> = picks.iter().map(|(_, refs)| read(&mut fields, refs)).collect();
    merged.filter(|_| ended.success).ok_or_else(|| ended.error("merge-tree --write-tree --stdin"))
}

/// Reads the outcome of one merge, the tree, and the files in conflict, with an empty field behind them; `None` if
/// that is not what git said (git-merge-tree(1), "INPUT FORMAT" and "OUTPUT").
fn read<'a>(fields: &mut impl Iterator<Item = &'a str>, refs: &ProjectRefs) -> Option<Merged> {
    let outcome = fields.next()?;
    let tree = Id::from_hex(fields.next()?.as_bytes()).ok()?;
    let names =
        [(&refs.ours, "HEAD"), (&refs.theirs, &refs.label)].map(|(id, name)| (format!("~{id}"), format!("~{name}")));
    let as_called = |path: &str| names.iter().fold(path.to_owned(), |path, (side, name)| path.replace(side, name));
    let paths: BTreeSet<String> = fields.take_while(|path| !path.is_empty()).map(as_called).collect();
    match outcome {
        "1" => Some(Merged::Clean(tree)),
        "0" => Some(Merged::Conflict(paths.into_iter().collect())),
        _ => None,
    }
}
