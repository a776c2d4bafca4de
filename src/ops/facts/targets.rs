//! The branches of a fix, as the runbook wants them: from references here, and from what GitLab answered.

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
    git::{branches, history},
    gitlab::merge_request,
    ops::{Failure, backport_state},
};

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
        Ok(Target {
            source,
            target,
            head,
            line,
            has_target,
            work,
            lacks,
            pushed,
            request,
            taken_back_by,
            is_lost,
            exposed_by,
        })
    }

    /// Which commits of the fix each backport lacks, where both are here. What is public is looked at no more.
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
        let (clone, policy) = (self.clone, self.policy);
        let security = format!("refs/remotes/{}", policy.security_remote);
        let exists = |name: String| branches::commit_of(clone, &name).map(|commit| commit.is_some());
        let merged = |source: &str, requests: &[merge_request::MergeRequest]| {
            let counts = gitlab::that_counts(policy, source, requests).filter(|found| found.state == State::Merged)?;
            history::known(clone, counts.merged_as()?)
        };
        let mut lines = Vec::new();
        let mut fix_merged = None;
        for target in targets.iter() {
            let requests = answers.requests.get(&target.source).map_or(&[][..], Vec::as_slice);
            let merged = merged(&target.source, requests);
            let Some(line) = target.line else {
                fix_merged = merged;
                continue;
            };
            let is_here =
                exists(format!("refs/heads/{}", target.source))? || exists(format!("{security}/{}", target.source))?;
            if is_here && exists(format!("{security}/{}", target.target))? {
                lines.push((line, merged));
            }
        }
        let lacking = backport_state::lacking(clone, policy, fix, fix_merged, &lines)?;
        for ((line, _), lacks) in lines.iter().zip(lacking) {
            for target in targets.iter_mut().filter(|target| target.line == Some(*line)) {
                target.lacks = lacks.iter().map(ToString::to_string).collect();
            }
        }
        Ok(())
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
