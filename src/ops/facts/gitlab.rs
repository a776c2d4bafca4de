//! What GitLab knows of a fix: everything that does not depend on another answer is asked at once.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Known, NEWEST_LINES};
use crate::{
    domain::{
        fix::{FixBranch, FixName},
        issue::IssueRef,
        merge_request::{Mergeability, State},
        policy::{Instance, Policy},
        version::ReleaseLine,
    },
    gitlab::{
        Client, Error, approval, at_once, branch, commit, discussion,
        issue::{self, Issue},
        merge_request::{self, MergeRequest},
    },
};

/// What GitLab answered.
#[derive(Debug)]
pub(super) struct Answers {
    /// The newest commit of each of the fix's branches in security.
    pub(super) heads: BTreeMap<String, String>,
    /// The merge requests of each branch, newest first, as lists show them.
    pub(super) requests: BTreeMap<String, Vec<MergeRequest>>,
    /// The commits that each merged request brought, as they are in its target, oldest first.
    pub(super) brought: BTreeMap<u64, Vec<String>>,
    /// The details of those that count.
    pub(super) details: BTreeMap<u64, Detail>,
    /// The newest release lines as security has them.
    lines: Option<Vec<ReleaseLine>>,
    /// Open merge requests in canonical, by the name of the branch that they come from, of any project.
    pub(super) exposing: BTreeMap<String, Vec<MergeRequest>>,
    /// The issue, or why it cannot be read.
    pub(super) issue: Option<(IssueRef, Result<Issue, Error>)>,
}

/// Everything of one merge request.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) request: MergeRequest,
    pub(super) approvals: approval::Approvals,
    pub(super) rules: Option<Vec<approval::Rule>>,
    pub(super) open_threads: usize,
    pub(super) pushed_at: Option<jiff::Timestamp>,
    /// Whether its pipeline ran on its head, or on a merge of its head.
    pub(super) has_own_pipeline: bool,
}

enum Ask {
    Heads(String),
    /// Stable branches as the server has them: this clone may not have fetched the newest.
    Lines,
    /// Open merge requests in canonical that come from a branch of this name.
    Exposing(String),
    Requests(String),
    Issue(IssueRef),
    Request(u64, u64),
    Approvals(u64, u64),
    Rules(u64, u64),
    Threads(u64, u64),
    LastPush(u64, u64),
    /// What a merged request brought.
    Brought(Box<MergeRequest>),
    /// What the commit of a pipeline was made from.
    Parents {
        iid: u64,
        project: u64,
        sha: String,
    },
}

enum Got {
    Heads(Vec<branch::Branch>),
    Lines(Vec<branch::Branch>),
    Exposing(String, Vec<MergeRequest>),
    Requests(String, Vec<MergeRequest>),
    Issue(IssueRef, Box<Result<Issue, Error>>),
    Request(u64, Box<MergeRequest>),
    Approvals(u64, approval::Approvals),
    Rules(u64, Option<Vec<approval::Rule>>),
    Threads(u64, usize),
    LastPush(u64, Option<jiff::Timestamp>),
    Parents(u64, Vec<String>),
    Brought(u64, Vec<String>),
}

/// Gathers the answers about one fix in two or three rounds: what this clone knows of, then the
/// details, then what only the server knew of.
pub(super) fn ask(client: &Client, policy: &Policy, known: &Known) -> Result<Answers, Error> {
    // Backport branches begin like the branch of the fix, unless a project calls them differently.
    let [start, backport] = [None, Some(ReleaseLine { major: 1, minor: 0 })]
        .map(|line| policy.branches.write(&FixBranch { fix: known.fix.clone(), line }));
    let text = if backport.starts_with(&start) { format!("^{start}") } else { known.fix.to_string() };
    let mut asks = vec![Ask::Heads(text), Ask::Lines];
    asks.extend(known.sources.iter().cloned().map(Ask::Requests));
    asks.extend(known.issue.clone().map(Ask::Issue));
    let mut answers = Answers {
        heads: BTreeMap::new(),
        requests: BTreeMap::new(),
        brought: BTreeMap::new(),
        details: BTreeMap::new(),
        lines: None,
        exposing: BTreeMap::new(),
        issue: None,
    };
    let mut details = Details::default();
    // Each round may lead to one more: unknown branches to their merge requests, these to their details.
    for _ in 0..4 {
        if asks.is_empty() {
            break;
        }
        for got in at_once(&asks, |ask| answer(client, policy, ask)) {
            sort_in(got?, policy, &known.fix, &mut answers, &mut details);
        }
        asks = next_round(policy, &known.fix, &answers, &details);
    }
    answers.details = details.complete();
    Ok(answers)
}

fn answer(client: &Client, policy: &Policy, ask: &Ask) -> Result<Got, Error> {
    let security = policy.security.as_str();
    Ok(match ask {
        Ask::Lines => Got::Lines(branch::containing(client, security, &policy.branches.stable_search())?),
        Ask::Exposing(branch) => {
            let open = merge_request::open_from(client, policy.canonical.as_str(), branch)?;
            Got::Exposing(branch.clone(), open)
        }
        Ask::Heads(text) => Got::Heads(branch::containing(client, security, text)?),
        Ask::Requests(source) => Got::Requests(source.clone(), merge_request::from_branch(client, security, source)?),
        Ask::Issue(found) => {
            // A fix without a readable issue is a fact to show, not the end; a broken network is.
            let read = issue::read(client, found.project.as_str(), found.iid);
            match read {
                Err(error) if !matches!(error.status(), Some(403 | 404)) => return Err(error),
                read => Got::Issue(found.clone(), Box::new(read)),
            }
        }
        Ask::Request(project, iid) => Got::Request(*iid, Box::new(merge_request::read(client, *project, *iid)?)),
        Ask::Approvals(project, iid) => Got::Approvals(*iid, approval::read(client, *project, *iid)?),
        Ask::Rules(project, iid) => Got::Rules(*iid, approval::rules(client, *project, *iid)?),
        Ask::Threads(project, iid) => Got::Threads(*iid, discussion::open_threads(client, *project, *iid)?),
        Ask::Brought(request) => Got::Brought(request.iid, merge_request::brought_by(client, request)?),
        Ask::Parents { iid, project, sha } => Got::Parents(*iid, commit::parents(client, *project, sha)?),
        Ask::LastPush(project, iid) => Got::LastPush(*iid, merge_request::last_push(client, *project, *iid)?),
    })
}

/// Details as they come in.
#[derive(Default)]
struct Details {
    requests: BTreeMap<u64, MergeRequest>,
    /// How often each was read: the first reading makes the server work out whether it can be merged.
    readings: BTreeMap<u64, u32>,
    approvals: BTreeMap<u64, approval::Approvals>,
    rules: BTreeMap<u64, Option<Vec<approval::Rule>>>,
    threads: BTreeMap<u64, usize>,
    pushes: BTreeMap<u64, Option<jiff::Timestamp>>,
    parents: BTreeMap<u64, Vec<String>>,
}

impl Details {
    fn complete(mut self) -> BTreeMap<u64, Detail> {
        let requests = std::mem::take(&mut self.requests);
        requests
            .into_iter()
            .filter_map(|(iid, request)| {
                let on_head = pipeline_sha(&request) == request.sha.as_deref();
                let on_merge = self
                    .parents
                    .get(&iid)
                    .is_some_and(|parents| request.sha.as_ref().is_some_and(|head| parents.contains(head)));
                let detail = Detail {
                    has_own_pipeline: on_head || on_merge,
                    request,
                    approvals: self.approvals.remove(&iid)?,
                    rules: self.rules.remove(&iid)?,
                    open_threads: self.threads.remove(&iid)?,
                    pushed_at: self.pushes.remove(&iid)?,
                };
                Some((iid, detail))
            })
            .collect()
    }
}

fn sort_in(got: Got, policy: &Policy, fix: &FixName, answers: &mut Answers, details: &mut Details) {
    match got {
        Got::Heads(branches) => {
            let of_fix = |name: &str| policy.branches.read(name).is_some_and(|branch| branch.fix == *fix);
            answers.heads = branches
                .into_iter()
                .filter(|found| of_fix(&found.name))
                .map(|found| (found.name, found.commit.id))
                .collect();
        }
        Got::Lines(branches) => {
            let mut lines: Vec<ReleaseLine> =
                branches.iter().filter_map(|found| policy.branches.stable.read(&found.name)?.line()).collect();
            lines.sort_unstable_by(|one, other| other.cmp(one));
            lines.truncate(NEWEST_LINES);
            answers.lines = Some(lines);
        }
        Got::Exposing(branch, open) => drop(answers.exposing.insert(branch, open)),
        Got::Requests(source, found) => drop(answers.requests.insert(source, found)),
        Got::Issue(found, read) => answers.issue = Some((found, *read)),
        Got::Request(iid, request) => {
            *details.readings.entry(iid).or_default() += 1;
            details.requests.insert(iid, *request);
        }
        Got::Approvals(iid, found) => drop(details.approvals.insert(iid, found)),
        Got::Rules(iid, found) => drop(details.rules.insert(iid, found)),
        Got::Threads(iid, found) => drop(details.threads.insert(iid, found)),
        Got::Parents(iid, found) => drop(details.parents.insert(iid, found)),
        Got::Brought(iid, found) => drop(answers.brought.insert(iid, found)),
        Got::LastPush(iid, found) => drop(details.pushes.insert(iid, found)),
    }
}

/// What is worth asking now.
fn next_round(policy: &Policy, fix: &FixName, answers: &Answers, details: &Details) -> Vec<Ask> {
    let lines = answers.lines.iter().flatten().map(|line| FixBranch { fix: fix.clone(), line: Some(*line) });
    let unknown: BTreeSet<String> =
        answers.heads.keys().cloned().chain(lines.map(|branch| policy.branches.write(&branch))).collect();
    let unknown = unknown.into_iter().filter(|source| !answers.requests.contains_key(source));
    let mut asks: Vec<Ask> = unknown.map(Ask::Requests).collect();
    for (source, requests) in &answers.requests {
        let merged = merged_ones(policy, source, requests).filter(|found| !answers.brought.contains_key(&found.iid));
        asks.extend(merged.map(|found| Ask::Brought(Box::new(found.clone()))));
        let Some(request) = that_counts(policy, source, requests) else { continue };
        let (project, iid) = (request.project_id, request.iid);
        match details.readings.get(&iid) {
            None => asks.extend([
                Ask::Exposing(request.target_branch.clone()),
                Ask::Request(project, iid),
                Ask::Approvals(project, iid),
                Ask::Rules(project, iid),
                Ask::Threads(project, iid),
                Ask::LastPush(project, iid),
            ]),
            Some(1) if details.requests.get(&iid).is_some_and(is_being_worked_out) => {
                asks.push(Ask::Request(project, iid));
            }
            Some(_) => {}
        }
        if let Some(read) = details.requests.get(&iid)
            && let Some(pipeline) = &read.head_pipeline
            && let Some(sha) = &pipeline.sha
            && read.sha.as_ref() != Some(sha)
            && !details.parents.contains_key(&iid)
        {
            let project = pipeline.project_id.unwrap_or(project);
            asks.push(Ask::Parents { iid, project, sha: sha.clone() });
        }
    }
    if answers.issue.is_none() {
        asks.extend(linked_issue(policy, answers).map(Ask::Issue));
    }
    asks
}

fn pipeline_sha(request: &MergeRequest) -> Option<&str> {
    request.head_pipeline.as_ref()?.sha.as_deref()
}

fn is_being_worked_out(request: &MergeRequest) -> bool {
    request.state == State::Opened && Mergeability::from(&request.detailed_merge_status) == Mergeability::Computing
}

/// The issue that a merge request of the fix is linked to, that of the default branch first.
fn linked_issue(policy: &Policy, answers: &Answers) -> Option<IssueRef> {
    let instance: &Instance = &policy.instance;
    let mut sources: Vec<_> = answers.requests.iter().collect();
    sources.sort_by_key(|(source, _)| policy.branches.read(source).is_none_or(|branch| branch.line.is_some()));
    sources.iter().find_map(|(source, requests)| {
        let text = that_counts(policy, source, requests)?.description.as_deref()?;
        IssueRef::linked_in(text, instance)
    })
}

/// The merge requests of a branch that were merged into the branch that it is for, the newest first.
pub(super) fn merged_ones<'a>(
    policy: &Policy,
    source: &str,
    requests: &'a [MergeRequest],
) -> impl DoubleEndedIterator<Item = &'a MergeRequest> {
    let target = policy.branches.read(source).map(|branch| policy.branches.target(branch.line));
    requests
        .iter()
        .filter(move |request| request.state == State::Merged && Some(&request.target_branch) == target.as_ref())
}

/// The merge request of a branch that counts: the open one, else one that is being merged or is merged,
/// else the newest; only towards the branch that it is for.
pub(super) fn that_counts<'a>(policy: &Policy, source: &str, requests: &'a [MergeRequest]) -> Option<&'a MergeRequest> {
    let line = policy.branches.read(source)?.line;
    let target = policy.branches.target(line);
    let of_target = || requests.iter().filter(|request| request.target_branch == target);
    let in_state = |state: State| of_target().find(|request| request.state == state);
    in_state(State::Opened)
        .or_else(|| in_state(State::Locked))
        .or_else(|| in_state(State::Merged))
        .or_else(|| of_target().next())
}
