//! Whether histories already hold a change: looked for only among the commits that touch the same files.

use std::collections::BTreeSet;

use super::{
    GitError, LocalClone,
    history::{self, Commit, Id, Range},
    objects::Objects,
    patch_id::{self, Compared},
    taken_back::{taken_back, undone_merges},
    tree_changes::{self, Change},
};

/// For each of these tips, the commit of its history that makes the same change as `commit`, seen from its parent,
/// and was not taken back since: the commit itself, or one with its patch-id.
///
/// # Errors
/// When a history cannot be read.
pub fn find(clone: &LocalClone, tips: &[Id], commit: &Commit, parent: Option<Id>) -> Result<Vec<Option<Id>>, GitError> {
    let held = history::held_by(clone, commit, tips)?;
    let mut found: Vec<Option<Id>> = held.iter().map(|held| held.then_some(commit.id)).collect();
    for (tip, found) in tips.iter().zip(&mut found).filter(|(_, found)| found.is_some()) {
        let later = history::commits(clone, &[Range { tip: *tip, without: commit.id }])?.concat();
        let all: Vec<Commit> = std::iter::once(commit.clone()).chain(later).collect();
        let taken = taken_back(&all, &undone_merges(clone, &all)?).by;
        *found = found.filter(|id| !taken.contains_key(id));
    }
    let others: Vec<Id> = tips.iter().zip(&held).filter(|(_, held)| !**held).map(|(tip, _)| *tip).collect();
    if others.is_empty() || commit.parents.len() > 1 {
        return Ok(found);
    }
    let before = parent.map(|parent| history::commit(clone, parent)).transpose()?.map(|parent| parent.tree);
    let changes = tree_changes::between(clone, &Objects::kept(), before, Some(commit.tree))?;
    if changes.is_empty() {
        return Ok(found);
    }
    // The histories of the lines are one for the most part, and most often none of them holds the change.
    let same = with_same_patch(clone, &others, commit, &changes)?;
    if same.is_empty() {
        return Ok(found);
    }
    for (tip, found) in tips.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
        *found = newest_in(clone, *tip, commit, &changes, &same)?;
    }
    Ok(found)
}

/// The question for `git rev-list --stdin`: which commits of these histories touch one of the files?
fn question(tips: &[Id], commit: &Commit, changes: &[Change]) -> Vec<u8> {
    let mut input: Vec<u8> = tips.iter().flat_map(|tip| format!("{tip}\n").into_bytes()).collect();
    input.extend_from_slice(format!("^{}\n--\n", commit.id).as_bytes());
    for change in changes {
        input.extend_from_slice(&change.path);
        input.push(b'\n');
    }
    input
}

const LIST: [&str; 4] = ["--literal-pathspecs", "rev-list", "--no-merges", "--stdin"];

/// The commits of these histories with the patch-id of `commit`. As in git's own `patch-ids.c`, only those that
/// change the very same files are compared by what they change in them: to tell a patch takes a hundred times as
/// long as to tell its files.
fn with_same_patch(
    clone: &LocalClone,
    tips: &[Id],
    commit: &Commit,
    changes: &[Change],
) -> Result<BTreeSet<Id>, GitError> {
    let show = ["diff-tree", "--stdin", "--root", "-r", "-z", "--no-renames", "--name-status"];
    let said = clone.git().feed_through(&LIST, &question(tips, commit, changes), &show)?;
    let files: BTreeSet<String> = changes.iter().map(|change| change.path.to_string()).collect();
    let mut asked: Vec<Id> =
        commits_with_files(&said).into_iter().filter(|(_, of)| *of == files).map(|(id, _)| id).collect();
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    asked.push(commit.id);
    let patches = patch_id::compute(clone, &asked, Compared::WithContext)?;
    let Some(patch) = patches.get(&commit.id) else { return Ok(BTreeSet::new()) };
    Ok(asked.into_iter().filter(|id| *id != commit.id && patches.get(id) == Some(patch)).collect())
}

/// Reads the answer of `git diff-tree --stdin -z --name-status`: the name of each commit, then for each of its files
/// a letter and the path.
fn commits_with_files(said: &str) -> Vec<(Id, BTreeSet<String>)> {
    let mut found: Vec<(Id, BTreeSet<String>)> = Vec::new();
    let mut fields = said.split('\0').filter(|field| !field.is_empty());
    while let Some(field) = fields.next() {
        match (Id::from_hex(field.as_bytes()), found.last_mut()) {
            (Ok(id), _) => found.push((id, BTreeSet::new())),
            (Err(_), Some((_, files))) => files.extend(fields.next().map(str::to_owned)),
            (Err(_), None) => {}
        }
    }
    found
}

/// The newest of these commits in a history, unless it was taken back there.
fn newest_in(
    clone: &LocalClone,
    tip: Id,
    commit: &Commit,
    changes: &[Change],
    same: &BTreeSet<Id>,
) -> Result<Option<Id>, GitError> {
    let ended = clone.git().feed(&LIST, &question(&[tip], commit, changes))?;
    if !ended.success {
        return Err(ended.error("rev-list --stdin"));
    }
    let ids: Vec<Id> = ended.stdout.lines().filter_map(|line| Id::from_hex(line.as_bytes()).ok()).collect();
    let Some(found) = ids.iter().find(|id| same.contains(*id)) else { return Ok(None) };
    let later = history::commits(clone, &[Range { tip, without: *found }])?.concat();
    let behind: BTreeSet<Id> = later.iter().map(|commit| commit.id).collect();
    let before = ids.iter().rev().filter(|id| same.contains(*id) && !behind.contains(*id));
    let mut all = before.map(|id| history::commit(clone, *id)).collect::<Result<Vec<_>, _>>()?;
    all.extend(later.iter().cloned());
    // Who takes one of several back that make the same change takes back the change.
    let taken = taken_back(&all, &undone_merges(clone, &all)?).by;
    let is_undone = taken.iter().any(|(undone, by)| same.contains(undone) && behind.contains(by));
    Ok(Some(*found).filter(|_| !is_undone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_with_their_commits() {
        let [one, two] = ["1", "2"].map(|digit| digit.repeat(40));
        // A file may be called like a commit.
        let said = format!("{one}\0M\0a b\0A\0{two}\0{two}\0D\0c\0");
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let id = |name: &str| Id::from_hex(name.as_bytes()).unwrap();
        assert_eq!(commits_with_files(&said), [(id(&one), files(&["a b", &two])), (id(&two), files(&["c"]))]);
        assert!(commits_with_files("").is_empty());
    }
}
