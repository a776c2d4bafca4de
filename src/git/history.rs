//! The commits that one history has and another lacks, oldest first, with what tells them apart.

use std::collections::HashMap;

use gix::{ObjectId, objs::Kind};

use super::{GitError, LocalClone};
use crate::domain::trailers::Trailers;

/// The name of a commit, a tree or another object.
pub type Id = ObjectId;

/// How many commits are read one by one in the hope that a history soon ends, before git is asked.
const SHORT: usize = 64;

const WHAT: &str = "read the history";

/// What is asked: the commits of `tip` that `without` lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Where the history ends.
    pub tip: Id,
    /// What is left out, with all that it holds.
    pub without: Id,
}

/// A commit, as far as picking it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: Id,
    /// Its parents, in their order.
    pub parents: Vec<Id>,
    /// Its tree.
    pub tree: Id,
    /// The first line of its message.
    pub subject: String,
    /// The rest of its message.
    pub body: String,
    /// Name, address and time of its author, which a pick keeps.
    pub author: String,
    /// The commits that it says it was picked from.
    pub picked_from: Vec<Id>,
    /// The commits that it says it takes back, in hexadecimal, whole or shortened.
    pub reverts: Vec<String>,
}

impl Commit {
    /// The name, short enough to read and long enough to paste.
    pub fn short(&self) -> String {
        short(self.id)
    }
}

/// The name of an object, short enough to read and long enough to paste.
pub fn short(id: Id) -> String {
    id.to_hex_with_len(12).to_string()
}

/// The commits of each range, oldest first, every parent before its children.
///
/// # Errors
/// When a commit is missing or cannot be read.
pub fn commits(clone: &LocalClone, ranges: &[Range]) -> Result<Vec<Vec<Commit>>, GitError> {
    let mut found = Vec::new();
    let mut asked = Vec::new();
    // A history that ends right at the other is read at once; for the others git is asked, for all
    // of them at the same time.
    for (position, range) in ranges.iter().enumerate() {
        match short_line(clone, range)? {
            Some(commits) => found.push(commits),
            None => {
                let (tip, without) = (range.tip.to_string(), format!("^{}", range.without));
                let list = ["rev-list", "--reverse", "--topo-order", &tip, &without];
                asked.push((position, clone.git().start(&list)?));
                found.push(vec![]);
            }
        }
    }
    for (position, running) in asked {
        let names = running.read()?;
        let ids = names.lines().filter_map(|name| Id::from_hex(name.as_bytes()).ok());
        found[position] = ids.map(|id| commit(clone, id)).collect::<Result<_, _>>()?;
    }
    Ok(found)
}

/// The commits of a range that is one short line; `None` when it is not, or that cannot be told.
fn short_line(clone: &LocalClone, range: &Range) -> Result<Option<Vec<Commit>>, GitError> {
    let mut line = Vec::new();
    let mut next = range.tip;
    while next != range.without {
        if line.len() == SHORT {
            return Ok(None);
        }
        let found = commit(clone, next)?;
        let [parent] = found.parents[..] else { return Ok(None) };
        line.push(found);
        next = parent;
    }
    line.reverse();
    Ok(Some(line))
}

/// The commits of a range along one parent of each merge, counted from 1: what that parent's side
/// got, with each merge as one step.
///
/// # Errors
/// When a commit is missing, or a merge has no such parent.
pub fn mainline(clone: &LocalClone, range: &Range, parent: usize) -> Result<Vec<Commit>, GitError> {
    let all = commits(clone, &[*range])?.concat();
    let mut known: HashMap<Id, Commit> = all.into_iter().map(|commit| (commit.id, commit)).collect();
    let mut line = Vec::new();
    let mut next = range.tip;
    while let Some(commit) = known.remove(&next) {
        let position = if commit.parents.len() > 1 { parent.saturating_sub(1) } else { 0 };
        let followed = commit.parents.get(position).copied();
        if followed.is_none() && !commit.parents.is_empty() {
            let why = format!("{} has no parent number {parent}", commit.short());
            return Err(GitError::Repository { what: WHAT, why });
        }
        line.push(commit);
        let Some(followed) = followed else { break };
        next = followed;
    }
    line.reverse();
    Ok(line)
}

/// One commit.
///
/// # Errors
/// When it is missing or cannot be read.
pub fn commit(clone: &LocalClone, id: Id) -> Result<Commit, GitError> {
    let wrap = || GitError::wrap_gix(WHAT);
    let found = clone.repo().find_commit(id).map_err(wrap())?;
    let read = found.decode().map_err(wrap())?;
    let message = String::from_utf8_lossy(read.message).into_owned();
    let author = read.author().map_err(wrap())?;
    let Trailers { picked_from, reverts, .. } = Trailers::read(&message);
    let ids = |names: Vec<String>| names.iter().filter_map(|name| Id::from_hex(name.as_bytes()).ok()).collect();
    Ok(Commit {
        id,
        parents: read.parents().collect(),
        tree: read.tree(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        body: message.split_once('\n').map_or("", |(_, body)| body).trim().to_owned(),
        author: format!("{} <{}> {}", author.name, author.email, author.time),
        picked_from: ids(picked_from),
        reverts,
    })
}

/// Whether `commit` is `tip` or one of its ancestors.
///
/// # Errors
/// When the history cannot be read.
pub fn holds(clone: &LocalClone, tip: Id, commit: Id) -> Result<bool, GitError> {
    let repo = clone.repo();
    if tip == commit || !repo.has_object(commit) {
        return Ok(tip == commit);
    }
    let base = repo.merge_base(tip, commit).map_err(GitError::wrap_gix("compare two histories"))?;
    Ok(base.is_some_and(|base| base.detach() == commit))
}

/// Whether each of these tips is the commit or has it as an ancestor.
///
/// # Errors
/// When the histories cannot be read.
pub fn held_by(clone: &LocalClone, commit: &Commit, tips: &[Id]) -> Result<Vec<bool>, GitError> {
    // Asked without the ancestors of the commit, git goes back no further than to its time. To find where two
    // histories meet takes a walk through both, and is needed only where one of the tips holds it.
    let mut words = vec!["rev-list".to_owned(), "--max-count=1".to_owned(), commit.id.to_string()];
    words.extend(commit.parents.iter().chain(tips).map(|id| format!("^{id}")));
    if clone.git().read(&words)?.is_empty() {
        return tips.iter().map(|tip| holds(clone, *tip, commit.id)).collect();
    }
    Ok(vec![false; tips.len()])
}

/// The object is a commit of this clone.
pub fn is_commit(clone: &LocalClone, id: Id) -> bool {
    clone.repo().find_header(id).is_ok_and(|header| header.kind() == Kind::Commit)
}

/// The commit of a name in hexadecimal, where this clone has it.
pub fn known(clone: &LocalClone, hex: &str) -> Option<Id> {
    Id::from_hex(hex.as_bytes()).ok().filter(|id| is_commit(clone, *id))
}

/// How many merges of a branch are looked at for one of a certain name.
const MOST_MERGES: &str = "--max-count=2000";

/// The newest merge on the first line of a history whose subject names this branch in quotes, as git and GitLab write it.
///
/// # Errors
/// When git cannot be run.
pub fn merge_named(clone: &LocalClone, tip: Id, branch: &str) -> Result<Option<Id>, GitError> {
    let words = ["log", "--first-parent", "--merges", MOST_MERGES, "--format=%H %s", &tip.to_string()];
    let said = clone.git().run(&words)?.stdout;
    let quoted = format!("'{branch}'");
    let found = said.lines().filter_map(|line| line.split_once(' ')).find(|(_, subject)| subject.contains(&quoted));
    Ok(found.and_then(|(id, _)| Id::from_hex(id.as_bytes()).ok()))
}

/// The subjects of the commits of a range such as `main..x`, oldest first, without merges and without empty ones;
/// nothing where there is no such range.
///
/// # Errors
/// When git cannot be run.
pub fn subjects(clone: &LocalClone, range: &str) -> Result<Vec<String>, GitError> {
    let said = clone.git().run(&["log", "--reverse", "--no-merges", "--format=%s", range])?.stdout;
    Ok(said.lines().filter(|subject| !subject.trim().is_empty()).map(str::to_owned).collect())
}

/// Whether a branch holds a commit that no remote-tracking reference has.
///
/// # Errors
/// When git cannot be run.
pub fn is_on_no_remote(clone: &LocalClone, branch: &str) -> Result<bool, GitError> {
    let branch = format!("refs/heads/{branch}");
    let ended = clone.git().run(&["rev-list", "--max-count=1", &branch, "--not", "--remotes"])?;
    Ok(ended.success && !ended.stdout.trim().is_empty())
}

/// The commit that a reference or another revision leads to; `None` when there is none.
///
/// # Errors
/// When the object cannot be read.
pub fn find(clone: &LocalClone, revision: &str) -> Result<Option<Id>, GitError> {
    let Ok(found) = clone.repo().rev_parse_single(revision) else { return Ok(None) };
    let object = found.object().map_err(GitError::wrap_gix(WHAT))?;
    Ok(object.peel_to_kind(Kind::Commit).ok().map(|commit| commit.id))
}
