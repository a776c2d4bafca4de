//! The embargoed set, and whether a push carries any of it.
//!
//! Embargoed is every commit that is reachable from security's branches or from a local fix
//! branch, and from no branch of canonical as last fetched. One walk through history answers for
//! all pushed references; it stops as soon as only commits of canonical are left to look at.

use std::collections::HashSet;

use gix::ObjectId;

use super::{
    GitError, LocalClone,
    project_refs::{self, ProjectRefs},
    reachability::{self, Histories},
};
use crate::domain::{
    policy::Policy,
    push::RefUpdate,
    verdict::{CannotTell, Embargoed},
};

/// The embargoed commits among what a push carries: one for each pushed reference that has any.
///
/// # Errors
/// When it cannot be told; the reason comes with a command that helps.
pub fn carried(clone: &LocalClone, policy: &Policy, updates: &[RefUpdate]) -> Result<Vec<Embargoed>, CannotTell> {
    if clone.is_shallow().map_err(unreadable)? {
        return Err(CannotTell {
            why: "this clone is shallow, so what is published cannot be told".to_owned(),
            hint: "git fetch --unshallow".to_owned(),
        });
    }
    let tips = Tips::read(clone, policy)?;
    let mut pushed = Vec::new();
    let mut seen = HashSet::new();
    for update in updates {
        let Some(oid) = &update.local_oid else { continue };
        if !seen.insert(oid) {
            continue;
        }
        let commit = peel_to_commit(clone, oid).map_err(|why| CannotTell {
            why: format!("{}: {why}", update.local_ref),
            hint: "git push <remote> <branch>".to_owned(),
        })?;
        pushed.push((update.local_ref.clone(), commit));
    }
    let histories = Histories {
        published: &tips.canonical,
        pushed: &pushed.iter().map(|(_, commit)| *commit).collect::<Vec<_>>(),
        embargoed: &tips.embargoed.iter().map(|tip| tip.commit).collect::<Vec<_>>(),
    };
    let meetings = reachability::meetings(clone, &histories).map_err(unreadable)?;
    let found = meetings.into_iter().filter_map(|meeting| {
        Some(Embargoed {
            pushed: pushed.get(meeting.pushed)?.0.clone(),
            commit: meeting.commit.to_string(),
            known_as: tips.embargoed.get(meeting.embargoed)?.name.clone(),
        })
    });
    Ok(found.collect())
}

/// Everything of this clone that people may push and that is not all published: branches, tags,
/// the stash, and the work trees' `HEAD`. What cannot be told counts as held.
///
/// # Errors
/// When the references cannot be read.
pub fn held(clone: &LocalClone, policy: &Policy) -> Result<Vec<String>, GitError> {
    let wrap = || GitError::wrap_gix("read the references");
    let mut updates = Vec::new();
    let mut add = |name: String, commit: ObjectId| {
        updates.push(RefUpdate {
            local_oid: Some(commit.to_string()),
            remote_ref: name.clone(),
            local_ref: name,
            remote_oid: None,
        });
    };
    let references = clone.repo().references().map_err(wrap())?;
    for reference in references.all().map_err(wrap())? {
        let mut reference = reference.map_err(wrap())?;
        let name = reference.name().as_bstr().to_string();
        if ["refs/heads/", "refs/tags/", "refs/stash"].iter().any(|start| name.starts_with(start)) {
            // A tag of a tree or a blob holds no commits.
            let Ok(commit) = reference.peel_to_commit() else { continue };
            add(shortened(&name), commit.id);
        }
    }
    for tree in clone.work_trees()? {
        if let Ok(repo) = gix::open(&tree.root)
            && let Ok(head) = repo.head_id()
        {
            add(format!("HEAD of {}", tree.root.display()), head.detach());
        }
    }
    match carried(clone, policy, &updates) {
        Ok(found) => Ok(found.into_iter().map(|found| found.pushed).collect()),
        Err(_) if updates.is_empty() => Ok(vec![]),
        Err(_) => {
            let fixes = updates.iter().filter(|update| policy.branches.looks_like_fix(&update.local_ref));
            Ok(fixes.map(|update| update.local_ref.clone()).collect())
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> CannotTell {
    CannotTell { why: error.to_string(), hint: "git fsck".to_owned() }
}

/// The commit behind an object id. Trees and blobs could be anything, so they are an error.
fn peel_to_commit(clone: &LocalClone, oid: &str) -> Result<ObjectId, String> {
    let id =
        ObjectId::from_hex(oid.as_bytes()).map_err(|_| format!("`{oid}` is not an object id of this repository"))?;
    let object = clone.repo().find_object(id).map_err(|_| format!("the object {oid} is not in this repository"))?;
    object
        .peel_to_kind(gix::objs::Kind::Commit)
        .map(|commit| commit.id)
        .map_err(|_| format!("the object {oid} is no commit, so it cannot be told what it holds"))
}

/// The commits from which the two histories are known.
struct Tips {
    canonical: Vec<ObjectId>,
    embargoed: Vec<Tip>,
}

struct Tip {
    name: String,
    commit: ObjectId,
}

impl Tips {
    fn read(clone: &LocalClone, policy: &Policy) -> Result<Self, CannotTell> {
        let refs = ProjectRefs::read(clone, policy);
        let mut tips = Self { canonical: vec![], embargoed: vec![] };
        let config = clone.repo().config_snapshot();
        let references = clone.repo().references().map_err(unreadable)?;
        for reference in references.all().map_err(unreadable)? {
            let mut reference = reference.map_err(unreadable)?;
            let name = reference.name().as_bstr().to_string();
            let branch = name.strip_prefix("refs/heads/");
            let is_ours = branch.is_some_and(|branch| refs.is_branch_of_security(clone, &config, branch, policy));
            // A symbolic reference of a remote leads to another one of the same list.
            if reference.try_id().is_none() && !is_ours {
                continue;
            }
            if refs.is_published(&name, &policy.branches) {
                tips.canonical.extend(reference.try_id().map(|id| id.detach()));
            } else if is_ours || refs.is_security(&name) {
                // What a fix branch held before is embargoed as well: an amended commit, a reset.
                let is_fix = is_ours || refs.is_fix_of_security(&name, &policy.branches);
                let shown = shortened(&name);
                if is_fix {
                    tips.add_earlier(&reference, &shown);
                }
                // Looking the object up takes longer than all the rest; a branch is a commit already.
                let commit = match reference.try_id() {
                    Some(id) => id.detach(),
                    // One that leads nowhere holds nothing.
                    None => match reference.peel_to_id() {
                        Ok(id) => id.detach(),
                        Err(_) => continue,
                    },
                };
                tips.embargoed.push(Tip { name: shown, commit });
            }
        }
        if tips.canonical.is_empty() {
            return Err(refs.nothing_published(policy));
        }
        tips.add_unnamed(clone, policy, &refs);
        let published: HashSet<_> = tips.canonical.iter().copied().collect();
        tips.embargoed.retain(|tip| !published.contains(&tip.commit));
        let mut known = HashSet::new();
        tips.embargoed.retain(|tip| known.insert(tip.commit));
        Ok(tips)
    }

    /// Adds what a branch pointed to before, as far as its log tells and the commits are still here.
    fn add_earlier(&mut self, reference: &gix::Reference<'_>, name: &str) {
        let mut log = reference.log_iter();
        let Ok(Some(entries)) = log.rev() else { return };
        for entry in entries.flatten() {
            let commit = entry.new_oid;
            if !commit.is_null() && reference.repo.has_object(commit) {
                self.embargoed.push(Tip { name: format!("an earlier {name}"), commit });
            }
        }
    }

    /// Adds what was last fetched from security by its URL, and what a stopped rebase of a fix has made
    /// so far: no reference may hold either.
    fn add_unnamed(&mut self, clone: &LocalClone, policy: &Policy, refs: &ProjectRefs) {
        let config = clone.repo().config_snapshot();
        let trees = clone.work_trees().unwrap_or_default();
        for dir in trees.iter().map(|tree| tree.git_dir.as_path()).chain([clone.common_dir()]) {
            let read = |name: &str| {
                let bytes = std::fs::read(dir.join(name)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            };
            // `<id> <tab> [not-for-merge] <tab> branch 'x' of <url>`, see git-fetch(1).
            for line in read("FETCH_HEAD").lines() {
                let (id, from) = line.split_once('\t').unwrap_or_default();
                let url = from.rsplit_once(" of ").map_or(from, |(_, url)| url).trim();
                if project_refs::speaks_of_security(clone, policy, url) {
                    self.add_id(clone, id, &format!("fetched from {}", policy.security));
                }
            }
            for rebase in ["rebase-merge", "rebase-apply"] {
                let name = read(&format!("{rebase}/head-name"));
                let branch = name.trim().strip_prefix("refs/heads/");
                if branch.is_some_and(|branch| refs.is_branch_of_security(clone, &config, branch, policy)) {
                    let shown = format!("a rebased {}", branch.unwrap_or_default());
                    self.add_id(clone, read("HEAD").trim(), &shown);
                    self.add_id(clone, read(&format!("{rebase}/orig-head")).trim(), &shown);
                }
            }
        }
    }

    fn add_id(&mut self, clone: &LocalClone, id: &str, name: &str) {
        let id = ObjectId::from_hex(id.as_bytes()).ok();
        if let Some(commit) = id.filter(|id| clone.repo().has_object(id)) {
            self.embargoed.push(Tip { name: name.to_owned(), commit });
        }
    }
}

fn shortened(name: &str) -> String {
    ["refs/heads/", "refs/remotes/"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name).to_owned()
}
