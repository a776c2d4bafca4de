//! What GitLab knows of a fix: everything that does not depend on another answer is asked at once.

use std::collections::BTreeMap;

use super::local::Known;
use crate::{
    domain::{
        fix::FixName,
        issue::IssueRef,
        policy::{Instance, Policy},
    },
    gitlab::{
        Client, Error, approval, at_once, branch, discussion,
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
    /// The details of those that count.
    pub(super) details: BTreeMap<u64, Detail>,
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
}

enum Ask {
    Heads,
    Requests(String),
    Issue(IssueRef),
    Request(u64, u64),
    Approvals(u64, u64),
    Rules(u64, u64),
    Threads(u64, u64),
    LastPush(u64, u64),
}

enum Got {
    Heads(Vec<branch::Branch>),
    Requests(String, Vec<MergeRequest>),
    Issue(IssueRef, Box<Result<Issue, Error>>),
    Request(u64, Box<MergeRequest>),
    Approvals(u64, approval::Approvals),
    Rules(u64, Option<Vec<approval::Rule>>),
    Threads(u64, usize),
    LastPush(u64, Option<jiff::Timestamp>),
}

/// Gathers the answers about one fix in two or three rounds: what this clone knows of, then the
/// details, then what only the server knew of.
pub(super) fn ask(client: &Client, policy: &Policy, known: &Known) -> Result<Answers, Error> {
    let security = policy.security.as_str();
    let mut asks = vec![Ask::Heads];
    asks.extend(known.sources.iter().cloned().map(Ask::Requests));
    asks.extend(known.issue.clone().map(Ask::Issue));
    let mut answers =
        Answers { heads: BTreeMap::new(), requests: BTreeMap::new(), details: BTreeMap::new(), issue: None };
    let mut details = Details::default();
    // Each round may lead to one more: unknown branches to their merge requests, these to their details.
    for _ in 0..4 {
        if asks.is_empty() {
            break;
        }
        for got in at_once(&asks, |ask| answer(client, security, &known.fix, ask)) {
            sort_in(got?, policy, &known.fix, &mut answers, &mut details);
        }
        asks = next_round(policy, &answers, &details);
    }
    answers.details = details.complete();
    Ok(answers)
}

fn answer(client: &Client, security: &str, fix: &FixName, ask: &Ask) -> Result<Got, Error> {
    Ok(match ask {
        Ask::Heads => Got::Heads(branch::containing(client, security, fix.as_str())?),
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
        Ask::Approvals(project, iid) => Got::Approvals(*iid, approval::of(client, *project, *iid)?),
        Ask::Rules(project, iid) => Got::Rules(*iid, approval::rules(client, *project, *iid)?),
        Ask::Threads(project, iid) => Got::Threads(*iid, discussion::open_threads(client, *project, *iid)?),
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
}

impl Details {
    fn complete(mut self) -> BTreeMap<u64, Detail> {
        let requests = std::mem::take(&mut self.requests);
        requests
            .into_iter()
            .filter_map(|(iid, request)| {
                let detail = Detail {
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
        Got::Requests(source, found) => drop(answers.requests.insert(source, found)),
        Got::Issue(found, read) => answers.issue = Some((found, *read)),
        Got::Request(iid, request) => {
            *details.readings.entry(iid).or_default() += 1;
            details.requests.insert(iid, *request);
        }
        Got::Approvals(iid, found) => drop(details.approvals.insert(iid, found)),
        Got::Rules(iid, found) => drop(details.rules.insert(iid, found)),
        Got::Threads(iid, found) => drop(details.threads.insert(iid, found)),
        Got::LastPush(iid, found) => drop(details.pushes.insert(iid, found)),
    }
}

/// What is worth asking now.
fn next_round(policy: &Policy, answers: &Answers, details: &Details) -> Vec<Ask> {
    let unknown = answers.heads.keys().filter(|source| !answers.requests.contains_key(*source));
    let mut asks: Vec<Ask> = unknown.cloned().map(Ask::Requests).collect();
    for (source, requests) in &answers.requests {
        let Some(request) = that_counts(policy, source, requests) else { continue };
        let (project, iid) = (request.project_id, request.iid);
        match details.readings.get(&iid) {
            None => asks.extend([
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
    }
    if answers.issue.is_none() {
        asks.extend(linked_issue(policy, answers).map(Ask::Issue));
    }
    asks
}

fn is_being_worked_out(request: &MergeRequest) -> bool {
    use crate::domain::merge_request::Mergeability;
    request.state == "opened" && Mergeability::of(&request.detailed_merge_status) == Mergeability::Computing
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

/// The merge request of a branch that counts: the open one, else one that is being merged or is merged,
/// else the newest; only towards the branch that it is for.
pub(super) fn that_counts<'a>(policy: &Policy, source: &str, requests: &'a [MergeRequest]) -> Option<&'a MergeRequest> {
    let line = policy.branches.read(source)?.line;
    let target = policy.branches.target(line);
    let of_target = || requests.iter().filter(|request| request.target_branch == target);
    let in_state = |state: &str| of_target().find(|request| request.state == state);
    in_state("opened").or_else(|| in_state("locked")).or_else(|| in_state("merged")).or_else(|| of_target().next())
}
