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
    /// Whether rules of canonical say who may merge into it.
    pub(super) is_protected: bool,
    /// Whether every developer may, all the same.
    pub(super) developers_may_merge: bool,
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

    /// Open merge requests that show something else than what they were opened for.
    pub(super) fn moved_requests(&self) -> impl Iterator<Item = &MergeRequest> {
        self.open.iter().filter(|open| {
            let tip = open.sha.as_deref();
            sync_branch::is_frozen(&self.name, &open.source_branch)
                && tip.is_some_and(|tip| sync_branch::is_moved(&open.source_branch, tip))
        })
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
    let surveyor = Surveyor { clone, policy, args, fetched, after_merge };
    let survey =
        |(merged, answer): (&Merged, Result<Seen, Error>)| surveyor.branch(merged, answer.map_err(unanswered)?);
    after_merge.merged.iter().zip(answers).map(survey).collect()
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

/// How the looking goes.
struct Surveyor<'a> {
    clone: &'a LocalClone,
    policy: &'a Policy,
    args: &'a SyncArgs,
    fetched: &'a BothProjects,
    after_merge: &'a AfterMerge,
}

impl Surveyor<'_> {
    fn branch(&self, merged: &Merged, seen: Seen) -> Result<Branch, Failure> {
        let Self { clone, policy, fetched, after_merge, .. } = self;
        let name = &merged.branch;
        let (Some(private), Some(shown)) = (&seen.head, &seen.public) else {
            return Err(Failure::not_done(anyhow!("`{name}` is not in both projects"))
                .hint(format!("ask a maintainer to create `{name}` in {}", policy.canonical)));
        };
        let here = |id: &str| known(clone, id, fetched);
        let (head, public) = (here(&private.commit.id)?, here(&shown.commit.id)?);
        let is_arrived = after_merge.arrived.contains(name);
        // What came to security's branch behind the fix is none of its business.
        if is_arrived || history::holds(clone, public, head)? {
            let head = here(&merged.commit)?;
            return Ok(Branch {
                name: name.clone(),
                head,
                public,
                tip: head,
                by_hand: vec![],
                commits: vec![],
                conflict: vec![],
                merges_forward: true,
                is_protected: false,
                developers_may_merge: false,
                open: seen.open,
            });
        }
        let end_of_fix = here(&merged.commit)?;
        if !history::holds(clone, head, end_of_fix)? {
            return Err(Failure::refused(anyhow!(
                "`{name}` of {} was overwritten: it does not hold the fix",
                policy.security
            ))
            .hint("ask a maintainer of the security project, and look at its mirrors"));
        }
        let whole = self.ending_at(name, head, public, &seen)?;
        if whole.own_request().is_some() || self.has_private_tag(merged) {
            return Ok(whole);
        }
        // Another fix on top waits for its own disclosure.
        let foreign = whole.foreign().filter_map(|commit| Id::from_hex(commit.id.as_bytes()).ok());
        for id in foreign.collect::<Vec<_>>() {
            if !history::holds(clone, end_of_fix, id)? {
                return self.ending_at(name, end_of_fix, public, &seen);
            }
        }
        Ok(whole)
    }

    /// An image that was built from a private tag holds all that the tag holds, and is published with it.
    fn has_private_tag(&self, merged: &Merged) -> bool {
        let tags = self.after_merge.private_tags.iter();
        tags.filter(|(line, _)| Some(*line) == merged.line).any(|(_, tag)| tag.is_some())
    }

    /// The branch as far as this commit of security's.
    fn ending_at(&self, name: &str, head: Id, public: Id, seen: &Seen) -> Result<Branch, Failure> {
        let Self { clone, args, fetched, .. } = self;
        let of_fix: HashSet<Id> = seen.of_fix.iter().filter_map(|id| Id::from_hex(id.as_bytes()).ok()).collect();
        let mut conflict = in_conflict(clone, public, head)?;
        let mut merges_forward = history::holds(clone, head, public)?;
        let mut resolution = None;
        // Only what cannot be merged as it is needs a resolution, and only a merge of the two is one.
        if !conflict.is_empty() || !merges_forward {
            for frozen in &seen.frozen {
                let commit = history::commit(clone, known(clone, &frozen.commit.id, fetched)?)?;
                if is_resolution(clone, &commit, head, public)? && in_conflict(clone, public, commit.id)?.is_empty() {
                    let is_open = is_shown(seen, name, commit.id);
                    resolution = Some(commit);
                    // What is open in public goes on.
                    if is_open {
                        break;
                    }
                }
            }
        }
        let (mut tip, mut by_hand) = (head, vec![]);
        if let Some(commit) = &resolution {
            (tip, conflict) = (commit.id, vec![]);
            by_hand = merge::made_by_hand(clone, commit)?;
            merges_forward = history::holds(clone, tip, public)?;
        }
        let mut commits = unpublished(clone, (tip, head, public), &of_fix, args)?;
        // What is open in public was cleared when it was opened, and everybody sees it.
        if is_shown(seen, name, tip) {
            for commit in commits.iter_mut().filter(|commit| commit.origin == Origin::Foreign) {
                commit.origin = Origin::Cleared;
            }
        }
        let rights = seen.public.as_ref();
        Ok(Branch {
            name: name.to_owned(),
            head,
            public,
            tip,
            by_hand,
            commits,
            conflict,
            merges_forward,
            is_protected: rights.and_then(|branch| branch.protected).unwrap_or(true),
            developers_may_merge: rights.and_then(|branch| branch.developers_can_merge).unwrap_or(false),
            open: seen.open.clone(),
        })
    }
}

/// Whether an open merge request shows just this commit.
fn is_shown(seen: &Seen, name: &str, tip: Id) -> bool {
    let tip = tip.to_string();
    let source = sync_branch::frozen(name, &tip);
    seen.open.iter().any(|open| open.source_branch == source && open.sha.as_deref() == Some(&tip))
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
