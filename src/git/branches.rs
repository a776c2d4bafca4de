//! The branches of the clone: which ones there are, what they track, and creating several at once.

use gix::{
    ObjectId,
    refs::{
        FullName, Target,
        transaction::{Change as RefChange, LogChange, PreviousValue, RefEdit, RefLog},
    },
};

use super::{
    GitError, LocalClone, history,
    local_config::{self, Change},
};

/// A branch to create, with what it tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBranch {
    /// Its name, without `refs/heads/`.
    pub name: String,
    /// The reference that it starts from, such as `refs/remotes/security/main`.
    pub start: String,
    /// The remote that it tracks and is pushed to.
    pub remote: String,
    /// The branch of the remote that it tracks.
    pub upstream: String,
}

/// The commit that a reference leads to, in hexadecimal; `None` when there is no such reference.
///
/// # Errors
/// When it cannot be read.
pub fn commit_of(clone: &LocalClone, reference: &str) -> Result<Option<String>, GitError> {
    Ok(id_of(clone, reference)?.map(|id| id.to_string()))
}

fn id_of(clone: &LocalClone, reference: &str) -> Result<Option<ObjectId>, GitError> {
    let what = "read the references";
    match clone.repo().try_find_reference(reference).map_err(GitError::wrap_gix(what))? {
        Some(mut found) => found.peel_to_id().map(|id| Some(id.detach())).map_err(GitError::wrap_gix(what)),
        None => Ok(None),
    }
}

/// The names below a prefix, such as all branches of `refs/remotes/security/`, without the prefix.
///
/// # Errors
/// When they cannot be read.
pub fn names_below(clone: &LocalClone, prefix: &str) -> Result<Vec<String>, GitError> {
    let wrap = || GitError::wrap_gix("read the references");
    let references = clone.repo().references().map_err(wrap())?;
    let mut names = Vec::new();
    for reference in references.prefixed(prefix).map_err(wrap())? {
        let reference = reference.map_err(wrap())?;
        // `origin/HEAD` is a name for another branch, not a branch.
        if reference.try_id().is_some() {
            names.extend(reference.name().as_bstr().to_string().strip_prefix(prefix).map(str::to_owned));
        }
    }
    Ok(names)
}

/// Whether every commit of `tip` is also in `base`; both are names of references.
///
/// # Errors
/// When one of them cannot be read.
pub fn is_contained(clone: &LocalClone, tip: &str, base: &str) -> Result<bool, GitError> {
    Ok(parting(clone, tip, base)?.is_some_and(|(tip, parted)| tip == parted))
}

/// Where `tip` is, and where it parted from `base`; `None` where one of them is missing or they share no commit.
fn parting(clone: &LocalClone, tip: &str, base: &str) -> Result<Option<(ObjectId, ObjectId)>, GitError> {
    let (Some(tip), Some(base)) = (id_of(clone, tip)?, id_of(clone, base)?) else { return Ok(None) };
    if tip == base {
        return Ok(Some((tip, tip)));
    }
    let parted = clone.repo().merge_base(tip, base).map_err(GitError::wrap_gix("compare two branches"))?;
    Ok(parted.map(|parted| (tip, parted.detach())))
}

/// What a branch has beyond another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// No commit.
    Nothing,
    /// Commits, and the files of where both parted.
    SameFiles,
    /// Other files.
    Changes,
}

/// What `tip` has beyond `base`; both are names of references.
///
/// # Errors
/// When one of them cannot be read.
pub fn brings(clone: &LocalClone, tip: &str, base: &str) -> Result<Brings, GitError> {
    // Without a commit in common there is nothing to compare with.
    let Some((tip, parted)) = parting(clone, tip, base)? else { return Ok(Brings::Changes) };
    if tip == parted {
        return Ok(Brings::Nothing);
    }
    let has_same_files = history::commit(clone, parted)?.tree == history::commit(clone, tip)?.tree;
    Ok(if has_same_files { Brings::SameFiles } else { Brings::Changes })
}

/// How two lines of commits relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Both are the same commit.
    Same,
    /// The first holds all of the second, and more.
    Ahead,
    /// The second holds all of the first, and more.
    Behind,
    /// Each holds commits that the other does not.
    Diverged,
}

/// How two commits relate, given in hexadecimal; `None` when this clone lacks one of them.
///
/// # Errors
/// When the commits between them cannot be read.
pub fn relation(clone: &LocalClone, first: &str, second: &str) -> Result<Option<Relation>, GitError> {
    let (Ok(first), Ok(second)) = (ObjectId::from_hex(first.as_bytes()), ObjectId::from_hex(second.as_bytes())) else {
        return Ok(None);
    };
    if first == second {
        return Ok(Some(Relation::Same));
    }
    let repo = clone.repo();
    if !repo.has_object(first) || !repo.has_object(second) {
        return Ok(None);
    }
    let base =
        repo.merge_base(first, second).map_err(GitError::wrap_gix("compare two branches"))?.map(|id| id.detach());
    Ok(Some(match base {
        Some(base) if base == second => Relation::Ahead,
        Some(base) if base == first => Relation::Behind,
        _ => Relation::Diverged,
    }))
}

/// The branch that a remote calls its default one, where the clone knows.
///
/// # Errors
/// When it cannot be read.
pub fn remote_head(clone: &LocalClone, remote: &str) -> Result<Option<String>, GitError> {
    let prefix = format!("refs/remotes/{remote}/");
    let head = clone.repo().try_find_reference(format!("{prefix}HEAD").as_str());
    let Some(head) = head.map_err(GitError::wrap_gix("read the references"))? else { return Ok(None) };
    Ok(head.target().try_name().and_then(|name| name.as_bstr().to_string().strip_prefix(&prefix).map(str::to_owned)))
}

/// Whether a branch of this clone was at a commit before, as its reflog tells.
pub fn was_at(clone: &LocalClone, branch: &str, commit: ObjectId) -> bool {
    let log = clone.common_dir().join("logs/refs/heads").join(branch);
    let commit = commit.to_string();
    // Each line holds the commit before and the one after.
    let said = std::fs::read(log).unwrap_or_default();
    let lines = String::from_utf8_lossy(&said);
    lines.lines().any(|line| line.split(' ').take(2).any(|id| id == commit))
}

/// The remote that a branch tracks, by its configuration.
pub fn tracked_remote(clone: &LocalClone, branch: &str) -> Option<String> {
    local_config::value(clone, &format!("branch.{branch}.remote"))
}

/// Creates all branches with what they track, or none of them. A branch that exists keeps its
/// commits; only what it tracks is set.
///
/// # Errors
/// When a branch was created meanwhile, a start is missing, or a file cannot be written. Whatever
/// was created before the error is taken back.
pub fn create(clone: &LocalClone, branches: &[NewBranch]) -> Result<Created, GitError> {
    let wrap = || GitError::wrap_gix("create the branches");
    let mut edits = Vec::new();
    for branch in branches {
        let name = format!("refs/heads/{}", branch.name);
        if id_of(clone, &name)?.is_some() {
            continue;
        }
        let start = id_of(clone, &branch.start)?.ok_or_else(|| GitError::Repository {
            what: "create the branches",
            why: format!("there is no `{}`", branch.start),
        })?;
        let name = FullName::try_from(name)
            .map_err(|error| GitError::Repository { what: "create the branches", why: error.to_string() })?;
        edits.push(RefEdit::new(
            name,
            RefChange::Update {
                log: LogChange {
                    message: format!("branch: Created from {}", branch.start).into(),
                    ..LogChange::default()
                },
                expected: PreviousValue::MustNotExist,
                new: Target::Object(start),
            },
        ));
    }
    let created: Vec<FullName> = edits.iter().map(|edit| edit.name.clone()).collect();
    clone.repo().edit_references(edits).map_err(wrap())?;
    let created = Created { names: created, keys: branches.to_vec() };
    let changes: Vec<Change> = branches.iter().flat_map(tracking).collect();
    match local_config::apply(clone, &local_config::local_file(clone), &changes) {
        Ok(()) => Ok(created),
        Err(error) => {
            created.take_back(clone)?;
            Err(error)
        }
    }
}

fn tracking(branch: &NewBranch) -> [Change; 3] {
    let key = |name: &str| format!("branch.{}.{name}", branch.name);
    [
        Change::set(&key("remote"), &branch.remote),
        Change::set(&key("merge"), &format!("refs/heads/{}", branch.upstream)),
        Change::set(&key("pushRemote"), &branch.remote),
    ]
}

/// Deletes a branch that is at this commit, and all that is configured of it.
///
/// # Errors
/// When it is elsewhere, or a file cannot be written.
pub fn delete(clone: &LocalClone, branch: &str, at: ObjectId) -> Result<(), GitError> {
    let wrap = || GitError::wrap_gix("delete a branch");
    let name = FullName::try_from(format!("refs/heads/{branch}"))
        .map_err(|error| GitError::Repository { what: "delete a branch", why: error.to_string() })?;
    let expected = PreviousValue::MustExistAndMatch(Target::Object(at));
    let edit = RefEdit::new(name, RefChange::Delete { expected, log: RefLog::AndReference });
    clone.repo().edit_references([edit]).map_err(wrap())?;
    local_config::apply(clone, &local_config::local_file(clone), &[Change::forget_branch(branch)])
}

fn untracking(branch: &str) -> Vec<Change> {
    ["remote", "merge", "pushRemote"].map(|name| Change::unset(&format!("branch.{branch}.{name}"))).into()
}

/// Branches that were just created, to take back when a later step fails.
#[derive(Debug)]
pub struct Created {
    names: Vec<FullName>,
    keys: Vec<NewBranch>,
}

impl Created {
    /// Deletes the created branches and what they track; those that existed before stay.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn take_back(&self, clone: &LocalClone) -> Result<(), GitError> {
        let wrap = || GitError::wrap_gix("take the branches back");
        let mut edits = Vec::new();
        for name in &self.names {
            edits.push(RefEdit::new(
                name.clone(),
                RefChange::Delete { expected: PreviousValue::MustExist, log: RefLog::AndReference },
            ));
        }
        clone.repo().edit_references(edits).map_err(wrap())?;
        let created = |branch: &&NewBranch| self.names.iter().any(|name| name.shorten() == branch.name.as_str());
        let changes: Vec<Change> =
            self.keys.iter().filter(created).flat_map(|branch| untracking(&branch.name)).collect();
        local_config::apply(clone, &local_config::local_file(clone), &changes)
    }
}
