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
        runbook::{Pushed, Request, Target},
    },
    git::{
        branches::{self, Relation},
        history,
    },
    gitlab::merge_request,
    ops::{
        Failure,
        backport_state::{self, base::Merged},
    },
};

/// Whether a branch of the fix can be looked at here.
enum Seen {
    /// As security has it, and as it was merged.
    Here(Merged),
    /// Security has commits of it that are not here.
    Older,
    /// It has no commits anywhere.
    Nowhere,
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
        let pushed = match gitlab::that_counts(policy, &source, requests) {
            Some(found) if head.is_none() && found.state == State::Merged => self.left_out(&source, &target, found)?,
            _ => pushed,
        };
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

    /// How a branch that was merged and is gone from security compares with what was merged: whether the one here has more.
    fn left_out(&self, source: &str, target: &str, merged: &merge_request::MergeRequest) -> Result<Pushed, Failure> {
        let local = format!("refs/heads/{source}");
        let (Some(here), Some(there)) = (branches::commit_of(self.clone, &local)?, merged.sha.as_deref()) else {
            return Ok(Pushed::No);
        };
        let kept = format!("refs/remotes/{}/{target}", self.policy.security_remote);
        if history::known(self.clone, there).is_none() || branches::is_contained(self.clone, &local, &kept)? {
            return Ok(Pushed::No);
        }
        Ok(match branches::relation(self.clone, &here, there)? {
            Some(Relation::Ahead) => Pushed::Ahead,
            Some(Relation::Diverged) => Pushed::Diverged,
            _ => Pushed::No,
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
        let Some(default) = targets.iter().find(|target| target.line.is_none()) else { return Ok(()) };
        // What neither project has any more is said of the branch itself.
        let is_lost =
            |target: &str| after_merge.is_some_and(|after_merge| after_merge.lost.iter().any(|lost| lost == target));
        if is_lost(&default.target) {
            return Ok(());
        }
        let whole = self.seen(&default.source, answers)?;
        let mut lines = Vec::new();
        let mut older = Vec::new();
        for target in targets.iter().filter(|target| !is_lost(&target.target)) {
            let Some(line) = target.line else { continue };
            match self.seen(&target.source, answers)? {
                Seen::Here(merged) if target.has_target => lines.push((line, merged)),
                Seen::Here(_) | Seen::Nowhere => {}
                Seen::Older => older.push(line),
            }
        }
        let lacking = match whole {
            Seen::Here(merged) => backport_state::lacking(self.clone, self.policy, fix, &merged, &lines)?,
            // There is nothing yet that a line could lack.
            Seen::Nowhere => vec![vec![]; lines.len()],
            Seen::Older => {
                older.extend(lines.iter().map(|(line, _)| *line));
                vec![vec![]; lines.len()]
            }
        };
        for ((line, _), lacks) in lines.iter().zip(lacking) {
            for target in targets.iter_mut().filter(|target| target.line == Some(*line)) {
                target.lacks = lacks.iter().map(ToString::to_string).collect();
            }
        }
        for target in targets.iter_mut() {
            target.is_compared = target.line.is_none_or(|line| !older.contains(&line));
        }
        Ok(())
    }

    /// Whether this clone has a branch as security has it now, or as it was merged.
    fn seen(&self, source: &str, answers: &Answers) -> Result<Seen, Failure> {
        let (clone, policy) = (self.clone, self.policy);
        let requests = answers.requests.get(source).map_or(&[][..], Vec::as_slice);
        let tip = |name: String| branches::commit_of(clone, &name);
        let tracked = |branch: &str| tip(format!("refs/remotes/{}/{branch}", policy.security_remote));
        let has_target = match policy.branches.read(source) {
            Some(branch) => tracked(&policy.branches.target(branch.line))?.is_some(),
            None => false,
        };
        let here = tip(format!("refs/heads/{source}"))?;
        let is_merged = gitlab::merged_ones(policy, source, requests).next().is_some();
        let head = answers.heads.get(source);
        if here.is_none() && head.is_none() && !is_merged {
            return Ok(Seen::Nowhere);
        }
        let Some(merged) = self.merged(source, requests, answers)?.filter(|_| has_target) else {
            return Ok(Seen::Older);
        };
        Ok(match (here, head) {
            _ if merged.whole_at.is_some() => Seen::Here(merged),
            // Where the two differ, that is in the way already.
            (Some(_), _) | (None, None) => Seen::Here(merged),
            (None, Some(head)) if tracked(source)?.as_ref() == Some(head) => Seen::Here(merged),
            (None, Some(_)) => Seen::Older,
        })
    }

    /// What of a branch is merged already; `None` where not all of that is here.
    fn merged(
        &self,
        source: &str,
        requests: &[merge_request::MergeRequest],
        answers: &Answers,
    ) -> Result<Option<Merged>, Failure> {
        let (clone, policy) = (self.clone, self.policy);
        let mut merged = Merged::default();
        for request in gitlab::merged_ones(policy, source, requests).rev() {
            for name in answers.brought.get(&request.iid).into_iter().flatten() {
                let Some(id) = history::known(clone, name) else { return Ok(None) };
                let commit = history::commit(clone, id)?;
                if commit.parents.len() < 2 && merged.brought.iter().all(|known| known.id != id) {
                    merged.brought.push(commit);
                }
            }
        }
        let counts = gitlab::that_counts(policy, source, requests).filter(|found| found.state == State::Merged);
        if let Some(found) = counts {
            // What a list shows may be older than what was read alone.
            let read = answers.details.get(&found.iid).map_or(found, |detail| &detail.request);
            let commit = read.merged_as().and_then(|commit| history::known(clone, commit));
            if commit.is_none() {
                return Ok(None);
            }
            // What was pushed since waits for a merge request of its own.
            let has_more = answers.heads.get(source).is_some_and(|head| read.sha.as_ref() != Some(head));
            merged.whole_at = commit.filter(|_| !has_more);
        }
        Ok(Some(merged))
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
