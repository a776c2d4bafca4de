//! The branches of a fix, as the runbook wants them: from references here, and from what GitLab answered.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::{
    after_merge::AfterMerge,
    clone::BranchFacts,
    gather::Gatherer,
    gitlab::{self, Answers, Detail},
    project::ProjectFacts,
};
use crate::{
    domain::{
        approvals::{RuleFact, judge},
        ci_status::CiStatus,
        fix::{FixBranch, FixName},
        merge_request::{Approval, MergeRequest, Mergeability, Pipeline, State},
        runbook::{Request, Target},
    },
    git::{LocalClone, branches, history},
    gitlab::merge_request,
    ops::{
        Failure,
        backport_state::{self, base::MergedAs},
    },
};

/// Whether a branch of the fix can be looked at here.
enum Seen {
    /// As security has it, or as it was merged.
    Here(Option<MergedAs>),
    /// Security has commits of it that are not here.
    Older,
    /// It has no commits anywhere.
    Nowhere,
}

fn merged_as(clone: &LocalClone, request: &merge_request::MergeRequest) -> Option<MergedAs> {
    let commit = history::known(clone, request.merged_as()?)?;
    let base = request.diff_refs.as_ref().and_then(|refs| refs.base_sha.as_deref());
    let base = base.and_then(|base| history::known(clone, base));
    Some(MergedAs {
        commit,
        base,
        is_squashed: request.squash_commit_sha.is_some() && request.merge_commit_sha.is_none(),
    })
}

impl Gatherer<'_> {
    pub(super) fn target(
        &self,
        branch: &FixBranch,
        project_facts: &ProjectFacts,
        answers: &Answers,
    ) -> Result<Target, Failure> {
        let policy = self.policy;
        let source = policy.branches.write(branch);
        let target = policy.branches.target(branch.line);
        let requests = answers.requests.get(&source).map_or(&[][..], Vec::as_slice);
        let open: Vec<u64> = requests
            .iter()
            .filter(|request| request.state == State::Opened && request.target_branch == target)
            .map(|request| request.iid)
            .collect();
        let request = match gitlab::that_counts(policy, &source, requests) {
            _ if open.len() > 1 => Request::Several(open),
            None => Request::Missing,
            Some(request) => match answers.details.get(&request.iid) {
                Some(detail) => Request::Found(Box::new(self.request(detail, branch.line.is_none(), project_facts))),
                None => return Err(Failure::not_done(anyhow!("nothing is known of !{}", request.iid))),
            },
        };
        let head = answers.heads.get(&source).cloned();
        let BranchFacts { has_target, work, pushed } =
            BranchFacts::read(self.clone, policy, (&source, &target), head.as_deref())?;
        let has_target = has_target || !matches!(request, Request::Missing);
        let (line, lacks, is_lost, exposed_by, taken_back_by) = (branch.line, vec![], false, None, None);
        let is_compared = true;
        Ok(Target {
            source,
            target,
            head,
            line,
            has_target,
            work,
            lacks,
            is_compared,
            pushed,
            request,
            taken_back_by,
            is_lost,
            exposed_by,
        })
    }

    /// Which commits of the fix each backport lacks, as security has both. What is public is looked at no more.
    pub(super) fn compare_backports(
        &self,
        fix: &FixName,
        targets: &mut [Target],
        answers: &Answers,
        after_merge: Option<&AfterMerge>,
    ) -> Result<(), Failure> {
        if after_merge.is_some_and(AfterMerge::is_public) {
            return Ok(());
        }
        let has_request = |target: &Target| !matches!(target.request, Request::Missing);
        let Some(default) = targets.iter().find(|target| target.line.is_none()) else { return Ok(()) };
        let whole = self.seen(&default.source, answers)?;
        let mut lines = Vec::new();
        let mut unseen = Vec::new();
        for target in targets.iter() {
            let Some(line) = target.line else { continue };
            match self.seen(&target.source, answers)? {
                Seen::Here(merged) if target.has_target => lines.push((line, merged)),
                Seen::Here(_) | Seen::Nowhere => {}
                Seen::Older if has_request(target) => unseen.push(line),
                Seen::Older => {}
            }
        }
        let lacking = match whole {
            Seen::Here(merged) => backport_state::lacking(self.clone, self.policy, fix, merged, &lines)?,
            Seen::Older => None,
            // There is nothing yet that a line could lack.
            Seen::Nowhere => Some(vec![vec![]; lines.len()]),
        };
        for target in targets.iter_mut() {
            let Some(line) = target.line else { continue };
            let position = lines.iter().position(|(one, _)| *one == line);
            match (&lacking, position) {
                (Some(lacking), Some(position)) => {
                    target.lacks = lacking[position].iter().map(ToString::to_string).collect();
                }
                (None, Some(_)) => target.is_compared = !has_request(target),
                (_, None) => target.is_compared = !unseen.contains(&line),
            }
        }
        Ok(())
    }

    /// Whether this clone has a branch as security has it now, or as it was merged.
    fn seen(&self, source: &str, answers: &Answers) -> Result<Seen, Failure> {
        let (clone, policy) = (self.clone, self.policy);
        let requests = answers.requests.get(source).map_or(&[][..], Vec::as_slice);
        let counts = gitlab::that_counts(policy, source, requests).filter(|found| found.state == State::Merged);
        // What a list shows may be older than what was read alone.
        let read = counts.map(|found| answers.details.get(&found.iid).map_or(found, |detail| &detail.request));
        let merged = read.and_then(|read| merged_as(clone, read));
        let tip = |name: String| branches::commit_of(clone, &name);
        let here = tip(format!("refs/heads/{source}"))?;
        let tracked = |branch: &str| tip(format!("refs/remotes/{}/{branch}", policy.security_remote));
        let is_current = |head: &String| tracked(source).map(|tracked| tracked.as_ref() == Some(head));
        let has_target = match policy.branches.read(source) {
            Some(branch) => tracked(&policy.branches.target(branch.line))?.is_some(),
            None => false,
        };
        Ok(match (here, answers.heads.get(source)) {
            (None, None) if read.is_none() => Seen::Nowhere,
            _ if !has_target => Seen::Older,
            // Where the two differ, that is in the way already.
            (Some(_), _) => Seen::Here(merged),
            (None, Some(head)) if is_current(head)? => Seen::Here(merged),
            (None, None) if merged.is_some() => Seen::Here(merged),
            (None, _) => Seen::Older,
        })
    }

    /// Whether security has commits of the fix that this clone does not have.
    pub(super) fn is_older(&self, answers: &Answers) -> Result<bool, Failure> {
        let sources: BTreeSet<&String> = answers.heads.keys().chain(answers.requests.keys()).collect();
        for source in sources {
            if matches!(self.seen(source, answers)?, Seen::Older) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn request(&self, detail: &Detail, is_default: bool, project_facts: &ProjectFacts) -> MergeRequest {
        let Detail { request, approvals, rules, open_threads, pushed_at, .. } = detail;
        // Nobody approves their own work, whatever a rule says.
        let author = request.author.as_ref().map(|author| author.username.as_str());
        let given: Vec<Approval> = approvals
            .approved_by
            .iter()
            .filter(|approved| Some(approved.user.username.as_str()) != author)
            .map(|approved| Approval { by: approved.user.username.clone(), at: approved.approved_at })
            .collect();
        let facts: Vec<RuleFact> = rules
            .iter()
            .flatten()
            .map(|rule| RuleFact {
                name: rule.name.clone(),
                is_fulfilled: rule.approved,
                is_changed: rule.overridden,
                approved_by: rule
                    .approved_by
                    .iter()
                    .map(|user| user.username.clone())
                    .filter(|name| Some(name.as_str()) != author)
                    .collect(),
            })
            .collect();
        let roles = self.roles.iter().zip(&project_facts.people);
        MergeRequest {
            iid: request.iid,
            web_url: request.web_url.clone(),
            title: request.title.clone(),
            state: request.state.clone(),
            // A server that does not say is not taken at its word.
            is_draft: request.draft != Some(false),
            head: request.sha.clone(),
            mergeability: Mergeability::from(&request.detailed_merge_status),
            has_conflicts: request.has_conflicts,
            pipeline: match &request.head_pipeline {
                None if project_facts.project.wants_no_pipeline() => Pipeline::NotWanted,
                None => Pipeline::Missing,
                Some(_) if !detail.has_own_pipeline => Pipeline::OfAnotherCommit,
                Some(found) if found.status == CiStatus::Skipped && project_facts.project.takes_skipped_pipelines() => {
                    Pipeline::SkippedAsAllowed
                }
                Some(found) => Pipeline::from(&found.status),
            },
            pipeline_url: request.head_pipeline.as_ref().and_then(|found| found.web_url.clone()),
            roles: roles
                .map(|(role, people)| {
                    let people = people.as_deref().map_err(String::as_str);
                    judge(role, is_default, &facts, people, &given)
                })
                .collect(),
            has_rules: rules.is_some(),
            approvals: given,
            pushed_at: *pushed_at,
            open_threads: *open_threads,
        }
    }

    /// What blocks nothing, and still should be known.
    pub(super) fn notes(&self, answers: &Answers, targets: &[Target]) -> Vec<String> {
        let mut notes = Vec::new();
        let open: Vec<&MergeRequest> =
            targets.iter().filter_map(Target::merge_request).filter(|request| request.state == State::Opened).collect();
        for request in &open {
            let outdated = request.outdated_approvals();
            if !outdated.is_empty() {
                notes.push(format!("!{}: {} approved before the newest push", request.iid, outdated.join(", ")));
            }
        }
        if open.iter().any(|request| !request.has_rules) {
            notes.push("this GitLab has no approval rules: nothing but git-secfix enforces approvals".to_owned());
        }
        for (source, requests) in &answers.requests {
            let target = self.policy.branches.read(source).map(|branch| self.policy.branches.target(branch.line));
            for request in requests.iter().filter(|request| request.state == State::Opened) {
                if Some(&request.target_branch) != target.as_ref() {
                    notes.push(format!(
                        "!{} goes from `{source}` to `{}`, which is not where this branch belongs",
                        request.iid, request.target_branch
                    ));
                }
            }
        }
        notes
    }
}
