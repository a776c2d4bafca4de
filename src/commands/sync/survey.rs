//! What a sync would do, branch by branch: what is public already, what would become public, whose it is,
//! and whether it merges.

use std::collections::HashSet;

use anyhow::anyhow;

use super::SyncArgs;
use crate::{
    domain::{
        disclosure::{Origin, Unpublished, is_named},
        policy::Policy,
        sync_branch,
    },
    git::{
        LocalClone,
        history::{self, Commit, Id, Range},
        merge, pick,
    },
    gitlab::{
        Client, Error, at_once, branch,
        merge_request::{self, MergeRequest, Route},
    },
    ops::{
        Failure,
        connection::unanswered,
        facts::{AfterMerge, Merged},
        fetch::BothProjects,
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
    /// The commit that becomes public: the same as `head`, or a merge of it that resolves conflicts.
    pub(super) tip: Id,
    /// The files of that merge that are not as git alone makes them.
    pub(super) by_hand: Vec<String>,
    /// What canonical does not have, newest first.
    pub(super) commits: Vec<Unpublished>,
    /// The files in conflict.
    pub(super) conflict: Vec<String>,
    /// Whether canonical's commit is among those that are merged, so that nothing has to be combined.
    pub(super) merges_forward: bool,
    /// The open merge requests from security into the branch, of earlier runs or by hand.
    pub(super) open: Vec<MergeRequest>,
}

impl Branch {
    /// Whether canonical has all of it.
    pub(super) fn is_public(&self) -> bool {
        self.commits.is_empty()
    }

    /// Whether conflicts were resolved.
    pub(super) fn is_resolved(&self) -> bool {
        self.tip != self.head
    }

    /// The branch of security that the merge request comes from. It is made for this commit and never moves: what
    /// comes to security's own branch meanwhile is not shown to anybody.
    pub(super) fn source(&self) -> String {
        sync_branch::frozen(&self.name, &self.tip.to_string())
    }

    /// The merge request of an earlier run that shows just this.
    pub(super) fn own_request(&self) -> Option<&MergeRequest> {
        let source = self.source();
        self.open.iter().find(|open| open.source_branch == source)
    }

    /// Commits that somebody has to clear first.
    pub(super) fn foreign(&self) -> impl Iterator<Item = &Unpublished> {
        self.commits.iter().filter(|commit| commit.origin == Origin::Foreign)
    }
}

/// What the servers have of a branch.
struct Seen {
    /// Commits of the fix, in hexadecimal.
    of_fix: Vec<String>,
    head: Option<branch::Branch>,
    public: Option<branch::Branch>,
    /// Branches of security that an earlier run made.
    frozen: Vec<branch::Branch>,
    open: Vec<MergeRequest>,
}

/// Looks at every branch of the fix, in projects that were just fetched.
pub(super) fn branches(
    client: &Client,
    clone: &LocalClone,
    policy: &Policy,
    after_merge: &AfterMerge,
    security: u64,
    args: &SyncArgs,
    fetched: &BothProjects,
) -> Result<Vec<Branch>, Failure> {
    let route = Route { source: security, target: after_merge.canonical.id };
    let answers = at_once(&after_merge.merged, |merged| ask(client, route, policy, merged));
    let mut found = Vec::new();
    for (merged, answer) in after_merge.merged.iter().zip(answers) {
        let is_arrived = after_merge.arrived.contains(&merged.branch);
        found.push(survey_branch(clone, policy, merged, is_arrived, answer.map_err(unanswered)?, args, fetched)?);
    }
    Ok(found)
}

fn ask(client: &Client, route: Route, policy: &Policy, merged: &Merged) -> Result<Seen, Error> {
    let name = &merged.branch;
    let of_fix = at_once(&merged.requests, |request| {
        let commits = merge_request::commits(client, route.source, request.iid)?;
        Ok::<_, Error>([&request.results[..], &commits].concat())
    });
    let start = format!("^{}", sync_branch::start(name));
    let frozen = branch::containing(client, policy.security.as_str(), &start)?;
    Ok(Seen {
        of_fix: of_fix.into_iter().collect::<Result<Vec<_>, _>>()?.concat(),
        head: branch::find(client, route.source, name)?,
        public: branch::find(client, route.target, name)?,
        frozen: frozen.into_iter().filter(|frozen| sync_branch::is_frozen(name, &frozen.name)).collect(),
        open: merge_request::open_to(client, route, name)?,
    })
}

fn survey_branch(
    clone: &LocalClone,
    policy: &Policy,
    merged: &Merged,
    is_arrived: bool,
    seen: Seen,
    args: &SyncArgs,
    fetched: &BothProjects,
) -> Result<Branch, Failure> {
    let name = merged.branch.clone();
    let (Some(head), Some(public)) = (seen.head, seen.public) else {
        return Err(Failure::not_done(anyhow!("`{name}` is not in both projects"))
            .hint(format!("ask a maintainer to create `{name}` in {}", policy.canonical)));
    };
    let here = |id: &str| known(clone, id, fetched);
    let (head, public) = (here(&head.commit.id)?, here(&public.commit.id)?);
    // What came to security's branch behind the fix is none of its business.
    if is_arrived || history::holds(clone, public, head)? {
        let head = here(&merged.commit)?;
        let (by_hand, commits, conflict) = (vec![], vec![], vec![]);
        return Ok(Branch {
            name,
            head,
            public,
            tip: head,
            by_hand,
            commits,
            conflict,
            merges_forward: true,
            open: seen.open,
        });
    }
    if !history::holds(clone, head, here(&merged.commit)?)? {
        return Err(Failure::refused(anyhow!(
            "`{name}` of {} was overwritten: it does not hold the fix",
            policy.security
        ))
        .hint("ask a maintainer of the security project, and look at its mirrors"));
    }
    let of_fix: HashSet<Id> = seen.of_fix.iter().filter_map(|id| Id::from_hex(id.as_bytes()).ok()).collect();
    let mut conflict = in_conflict(clone, public, head)?;
    let mut merges_forward = history::holds(clone, head, public)?;
    let mut resolution = None;
    // Only what cannot be merged as it is needs a resolution, and only a merge of the two is one.
    if !conflict.is_empty() || !merges_forward {
        for frozen in &seen.frozen {
            let Ok(tip) = here(&frozen.commit.id) else { continue };
            let commit = history::commit(clone, tip)?;
            if is_resolution(clone, &commit, head, public)? && in_conflict(clone, public, tip)?.is_empty() {
                resolution = Some(commit);
            }
        }
    }
    let (mut tip, mut by_hand) = (head, vec![]);
    if let Some(commit) = &resolution {
        (tip, conflict) = (commit.id, vec![]);
        by_hand = merge::made_by_hand(clone, commit)?;
        merges_forward = history::holds(clone, tip, public)?;
    }
    let commits = unpublished(clone, (tip, head, public), &of_fix, args)?;
    Ok(Branch { name, head, public, tip, by_hand, commits, conflict, merges_forward, open: seen.open })
}

fn in_conflict(clone: &LocalClone, public: Id, tip: Id) -> Result<Vec<String>, Failure> {
    Ok(match merge::predict(clone, public, tip)? {
        pick::Merged::Clean(_) => vec![],
        pick::Merged::Conflict(paths) => paths,
    })
}

/// A merge of security's commit and of what is public, and nothing besides.
fn is_resolution(clone: &LocalClone, commit: &Commit, head: Id, public: Id) -> Result<bool, Failure> {
    let [first, second] = commit.parents[..] else { return Ok(false) };
    let other = if first == head { second } else { first };
    Ok((first == head || second == head) && history::holds(clone, public, other)?)
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
        let is_resolution = commit.id == tip && tip != head;
        let origin = if of_fix.contains(&commit.id) || is_resolution {
            Origin::Fix
        } else if cleared.contains(&commit.id) {
            Origin::Cleared
        } else if merge::only_takes_in(clone, commit, &private)? {
            Origin::TakenIn
        } else {
            Origin::Foreign
        };
        commits.push(Unpublished {
            id: commit.id.to_string(),
            subject: commit.subject.clone(),
            body: commit.body.clone(),
            author: commit.author.split(" <").next().unwrap_or_default().to_owned(),
            origin,
        });
    }
    Ok(commits)
}
