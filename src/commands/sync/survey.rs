//! What a sync would do, branch by branch: what is public already, what would become public, whose it is,
//! and whether it merges.

use std::collections::HashSet;

use anyhow::anyhow;

use super::SyncArgs;
use crate::{
    commands::{
        Failure,
        both_projects::BothProjects,
        connection::unanswered,
        facts::{Behind, Merged},
    },
    domain::{
        disclosure::{Origin, Unpublished, is_named},
        policy::Policy,
    },
    git::{
        LocalClone,
        history::{self, Commit, Id, Range},
        merge, merge_resolution, pick,
    },
    gitlab::{
        Client, at_once, branch,
        merge_request::{self, MergeRequest, Route},
    },
};

/// A branch of the fix, with all that a sync of it means.
#[derive(Debug)]
pub(super) struct Branch {
    /// Its name in both projects.
    pub(super) name: String,
    /// Security's commit of it; that of the fix where canonical has it already.
    pub(super) head: Id,
    /// Canonical's commit of it.
    pub(super) public: Id,
    /// The branch of security that is merged: the same one, or one with conflicts resolved.
    pub(super) source: String,
    /// The commit of that.
    pub(super) tip: Id,
    /// What canonical does not have, newest first.
    pub(super) commits: Vec<Unpublished>,
    /// The files in conflict.
    pub(super) conflict: Vec<String>,
    /// Whether canonical's commit is among those that are merged, so that nothing has to be combined.
    pub(super) merges_forward: bool,
    /// The open merge request in canonical, of an earlier run.
    pub(super) open: Option<MergeRequest>,
}

impl Branch {
    /// Whether canonical has all of it.
    pub(super) fn is_public(&self) -> bool {
        self.commits.is_empty()
    }

    /// Whether conflicts were resolved in a branch of their own.
    pub(super) fn is_resolved(&self) -> bool {
        self.source != self.name
    }

    /// Commits that somebody has to clear first.
    pub(super) fn foreign(&self) -> impl Iterator<Item = &Unpublished> {
        self.commits.iter().filter(|commit| commit.origin == Origin::Foreign)
    }
}

/// The branch of security in which conflicts are resolved. Its name is seen in public, so that it tells
/// nothing, and it is that of no fix.
pub(super) fn resolution_branch(branch: &str) -> String {
    format!("sync-{branch}")
}

/// Looks at every branch of the fix, in projects that were just fetched.
pub(super) fn branches(
    client: &Client,
    clone: &LocalClone,
    policy: &Policy,
    behind: &Behind,
    security: u64,
    args: &SyncArgs,
    fetched: &BothProjects,
) -> Result<Vec<Branch>, Failure> {
    let canonical = behind.canonical.id;
    let answers = at_once(&behind.merged, |merged| {
        let name = &merged.branch;
        let of_fix = at_once(&merged.requests, |request| {
            Ok::<_, crate::gitlab::Error>(
                [&request.results[..], &merge_request::commits(client, security, request.iid)?].concat(),
            )
        });
        let of_fix = of_fix.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        let head = branch::find(client, security, name)?;
        let public = branch::find(client, canonical, name)?;
        let resolved = branch::find(client, security, &resolution_branch(name))?;
        let route = Route { source: security, target: canonical };
        let mut open = merge_request::find_open(client, route, name, name)?;
        if open.is_none() && resolved.is_some() {
            open = merge_request::find_open(client, route, &resolution_branch(name), name)?;
        }
        Ok::<_, crate::gitlab::Error>((of_fix, head, public, resolved, open))
    });
    let mut found = Vec::new();
    for (merged, answer) in behind.merged.iter().zip(answers) {
        let (of_fix, head, public, resolved, open) = answer.map_err(unanswered)?;
        let name = &merged.branch;
        let (Some(head), Some(public)) = (head, public) else {
            return Err(Failure::not_done(anyhow!("`{name}` is not in both projects"))
                .hint(format!("ask a maintainer to create `{name}` in {}", policy.canonical)));
        };
        let here = |id: &str| known(clone, id, fetched);
        let (head, public) = (here(&head.commit.id)?, here(&public.commit.id)?);
        let of_fix: HashSet<Id> = of_fix.iter().filter_map(|id| Id::from_hex(id.as_bytes()).ok()).collect();
        // A resolution that is older than security's branch resolves nothing any more.
        let resolved = resolved.map(|found| here(&found.commit.id)).transpose()?;
        let mut resolution = None;
        if let Some(resolved) = resolved.filter(|resolved| *resolved != public)
            && history::holds(clone, resolved, head)?
        {
            resolution = Some(resolved);
        }
        let (source, tip) = match resolution {
            Some(tip) => (resolution_branch(name), tip),
            None => (name.clone(), head),
        };
        // What came to security's branch behind the fix is none of its business.
        let is_public = behind.arrived.contains(name) || history::holds(clone, public, head)?;
        let commits = if is_public { vec![] } else { unpublished(clone, (tip, head, public), &of_fix, args)? };
        let conflict = match is_public {
            true => vec![],
            false => match merge::predict(clone, public, tip)? {
                pick::Merged::Clean(_) => vec![],
                pick::Merged::Conflict(paths) => paths,
            },
        };
        let open = open.filter(|open| open.source_branch == source);
        let merges_forward = history::holds(clone, tip, public)?;
        let head = if is_public { here(&merged.commit)? } else { head };
        found.push(Branch { name: name.clone(), head, public, source, tip, commits, conflict, merges_forward, open });
    }
    Ok(found)
}

/// A commit that the server told of, which must be here by now.
fn known(clone: &LocalClone, id: &str, fetched: &BothProjects) -> Result<Id, Failure> {
    let found = Id::from_hex(id.as_bytes()).ok().filter(|id| history::is_commit(clone, *id));
    found.ok_or_else(|| {
        let BothProjects { canonical, security } = fetched;
        let short: String = id.chars().take(12).collect();
        Failure::network(anyhow!("a branch moved to {short} while it was looked at"))
            .hint(format!("git fetch {} && git fetch {}, then the same command again", canonical.name, security.name))
    })
}

/// What canonical's branch lacks, newest first, with where each comes from.
fn unpublished(
    clone: &LocalClone,
    (tip, head, public): (Id, Id, Id),
    of_fix: &HashSet<Id>,
    args: &SyncArgs,
) -> Result<Vec<Unpublished>, Failure> {
    let all: Vec<Commit> = history::commits(clone, &[Range { tip, without: public }])?.concat();
    let private: HashSet<Id> = all.iter().map(|commit| commit.id).collect();
    // Who names a merge means what it brought as well.
    let mut cleared: HashSet<Id> = HashSet::new();
    for commit in all.iter().filter(|commit| is_named(&commit.id.to_string(), &args.include)) {
        cleared.extend(merge::brought_by(clone, commit)?);
    }
    let mut commits = Vec::new();
    for commit in all.iter().rev() {
        // The merge that resolves conflicts was made for this sync.
        let is_resolution = tip != head && commit.parents.contains(&head);
        let origin = if of_fix.contains(&commit.id) || is_resolution {
            Origin::Fix
        } else if cleared.contains(&commit.id) {
            Origin::Cleared
        } else if merge::only_takes_in(clone, commit, &private)? {
            Origin::TakenIn
        } else {
            Origin::Foreign
        };
        let author = commit.author.split(" <").next().unwrap_or_default().to_owned();
        commits.push(Unpublished { id: commit.id.to_string(), subject: commit.subject.clone(), author, origin });
    }
    Ok(commits)
}

/// The work tree in which the conflicts of a branch are being resolved.
pub(super) fn under_way(clone: &LocalClone, merged: &[Merged]) -> Result<Vec<(String, std::path::PathBuf)>, Failure> {
    let mut found = Vec::new();
    for merged in merged {
        if let Some(checkout) = merge_resolution::find(clone, &resolution_branch(&merged.branch))? {
            found.push((merged.branch.clone(), checkout.root));
        }
    }
    Ok(found)
}
