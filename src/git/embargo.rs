//! The embargoed set, and whether a push carries any of it.
//!
//! Embargoed is every commit that is reachable from security's branches or from a local fix
//! branch, and from no branch of canonical as last fetched. One walk through history answers for
//! all pushed references; it stops as soon as only commits of canonical are left to look at.

use std::collections::HashSet;

use gix::ObjectId;

use crate::domain::{
    fix::BranchNames,
    policy::{Place, Policy},
    push::RefUpdate,
    verdict::{CannotTell, Embargoed},
};

use super::{
    GitError, LocalClone,
    branches::{self, belongs_to_security},
    reachability::{self, Histories},
    remotes::{self, Remote},
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
    for update in updates {
        let Some(oid) = &update.local_oid else { continue };
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

/// The local branches for security whose commits are not all published, or of which that cannot
/// be told.
///
/// # Errors
/// When the branches cannot be listed.
pub fn held_by_local_branches(clone: &LocalClone, policy: &Policy) -> Result<Vec<String>, GitError> {
    let config = clone.repo().config_snapshot();
    let mut held = Vec::new();
    for branch in branches::names_below(clone, "refs/heads/")? {
        if !belongs_to_security(&config, &branch, policy) {
            continue;
        }
        let name = format!("refs/heads/{branch}");
        let update = RefUpdate {
            local_oid: branches::commit_of(clone, &name)?,
            local_ref: name.clone(),
            remote_ref: name,
            remote_oid: None,
        };
        if carried(clone, policy, &[update]).is_ok_and(|found| found.is_empty()) {
            continue;
        }
        held.push(branch);
    }
    Ok(held)
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
        let namespaces = Namespaces::of(clone, policy)?;
        let mut tips = Self { canonical: vec![], embargoed: vec![] };
        let config = clone.repo().config_snapshot();
        let references = clone.repo().references().map_err(unreadable)?;
        for reference in references.all().map_err(unreadable)? {
            let reference = reference.map_err(unreadable)?;
            // A symbolic reference leads to another one of the same list.
            let Some(id) = reference.try_id() else { continue };
            let name = reference.name().as_bstr().to_string();
            if namespaces.is_canonical(&name, &policy.branches) {
                tips.canonical.push(id.detach());
            } else if namespaces.is_security(&name)
                || name.strip_prefix("refs/heads/").is_some_and(|branch| belongs_to_security(&config, branch, policy))
            {
                tips.embargoed.push(Tip { name: shortened(&name), commit: id.detach() });
            }
        }
        if tips.canonical.is_empty() {
            return Err(CannotTell {
                why: format!("no branch of {} was ever fetched, so what is published cannot be told", policy.canonical),
                hint: format!("git fetch {}", namespaces.canonical_remote),
            });
        }
        let published: HashSet<_> = tips.canonical.iter().copied().collect();
        tips.embargoed.retain(|tip| !published.contains(&tip.commit));
        Ok(tips)
    }
}

fn shortened(name: &str) -> String {
    ["refs/heads/", "refs/remotes/"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name).to_owned()
}

/// Where the branches of the two projects are kept, by the URLs of the remotes and not their names.
struct Namespaces {
    canonical: Vec<String>,
    canonical_remote: String,
    security: Vec<String>,
}

impl Namespaces {
    fn of(clone: &LocalClone, policy: &Policy) -> Result<Self, CannotTell> {
        let remotes = remotes::list(clone);
        let place = |remote: &Remote| {
            let url = remote.fetch_url.as_deref()?;
            Some(remotes::place_with(policy, url, |host| {
                // Asking ssh takes longer than all the rest, so only for what could be one of the two.
                let could_be = [&policy.canonical, &policy.security]
                    .iter()
                    .any(|project| url.to_ascii_lowercase().contains(&project.as_str().to_ascii_lowercase()));
                if could_be { super::ssh::resolve(clone, host) } else { Err(String::new()) }
            }))
        };
        let (mut canonical, mut security) = (Vec::new(), Vec::new());
        for remote in &remotes {
            match place(remote) {
                Some(Place::Canonical) => canonical.push(remote),
                Some(Place::Security) => security.extend(remote.namespaces.iter().cloned()),
                _ => {}
            }
        }
        // Whatever was fetched under that name stays embargoed, even if its URL was changed since.
        security.push(format!("refs/remotes/{}/", policy.security_remote));
        Ok(Self {
            canonical: canonical.iter().flat_map(|remote| remote.namespaces.clone()).collect(),
            canonical_remote: canonical.first().map_or_else(|| "<remote>".to_owned(), |remote| remote.name.clone()),
            security,
        })
    }

    fn is_security(&self, name: &str) -> bool {
        self.security.iter().any(|prefix| name.starts_with(prefix))
    }

    /// A fix branch under canonical's name was put there by a mistake, and publishes nothing.
    fn is_canonical(&self, name: &str, branches: &BranchNames) -> bool {
        let branch = self.canonical.iter().find_map(|prefix| name.strip_prefix(prefix));
        branch.is_some_and(|branch| !branches.looks_like_fix(branch)) && !self.is_security(name)
    }
}
