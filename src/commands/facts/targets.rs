//! The branches of a fix, as the runbook wants them: from references here, and from what GitLab answered.

use anyhow::anyhow;

use super::{
    Gatherer,
    remote::{self, Answers, Detail},
    shared::Shared,
};
use crate::{
    commands::Failure,
    domain::{
        approvals::{RuleFact, judge},
        fix::FixBranch,
        merge_request::{Approval, MergeRequest, Mergeability, Pipeline, State},
        runbook::{Pushed, Request, Target},
    },
    git::{branches, branches::Relation, remotes},
};

impl Gatherer<'_> {
    pub(super) fn target(&self, branch: &FixBranch, shared: &Shared, answers: &Answers) -> Result<Target, Failure> {
        let policy = self.policy;
        let source = policy.branches.write(branch);
        let target = policy.branches.target(branch.line);
        let requests = answers.requests.get(&source).map_or(&[][..], Vec::as_slice);
        let open: Vec<u64> = requests
            .iter()
            .filter(|request| request.state == "opened" && request.target_branch == target)
            .map(|request| request.iid)
            .collect();
        let request = match remote::that_counts(policy, &source, requests) {
            _ if open.len() > 1 => Request::Several(open),
            None => Request::Missing,
            Some(request) => match answers.details.get(&request.iid) {
                Some(detail) => Request::Found(Box::new(self.request(detail, branch.line.is_none(), shared))),
                None => return Err(Failure::not_done(anyhow!("nothing is known of !{}", request.iid))),
            },
        };
        let base =
            remotes::find(self.clone, policy.security_remote.as_str()).and_then(|remote| remote.tracking(&target));
        let base_commit = base.as_deref().map(|base| branches::commit_of(self.clone, base)).transpose()?.flatten();
        let local = format!("refs/heads/{source}");
        let commit = branches::commit_of(self.clone, &local)?;
        let pushed = self.pushed(&source, commit.as_deref(), answers.heads.get(&source).map(String::as_str))?;
        let has_work = match (&commit, &base) {
            // The work that counts is in security, and was not fetched.
            _ if pushed == Pushed::Behind => None,
            (Some(_), Some(base)) if base_commit.is_some() => Some(!branches::is_contained(self.clone, &local, base)?),
            _ => None,
        };
        let has_target = base_commit.is_some() || !matches!(request, Request::Missing);
        let head = answers.heads.get(&source).cloned();
        let (line, lacks, is_lost, exposed_by) = (branch.line, vec![], false, None);
        Ok(Target { source, target, head, line, has_target, has_work, lacks, pushed, request, is_lost, exposed_by })
    }

    /// Which commits of the fix each backport lacks, where both are here.
    pub(super) fn compare_backports(&self, targets: &mut [Target]) -> Result<(), Failure> {
        let security = format!("refs/remotes/{}", self.policy.security_remote);
        let tip = |source: &str| {
            let here = format!("refs/heads/{source}");
            let there = format!("{security}/{source}");
            let exists = |name: &str| Ok::<_, Failure>(branches::commit_of(self.clone, name)?.is_some());
            Ok::<_, Failure>(if exists(&here)? {
                Some(here)
            } else {
                Some(there).filter(|there| exists(there).unwrap_or(false))
            })
        };
        let Some((first, backports)) = targets.split_first_mut().filter(|(first, _)| first.line.is_none()) else {
            return Ok(());
        };
        let Some(fix) = tip(&first.source)? else { return Ok(()) };
        let base = format!("{security}/{}", first.target);
        for target in backports {
            if let Some(backport) = tip(&target.source)? {
                let line = format!("{security}/{}", target.target);
                target.lacks = branches::not_picked(self.clone, (&base, &fix), (&line, &backport))?;
            }
        }
        Ok(())
    }

    fn pushed(&self, source: &str, here: Option<&str>, there: Option<&str>) -> Result<Pushed, Failure> {
        Ok(match (here, there) {
            (_, None) => Pushed::No,
            (None, Some(_)) => Pushed::OnlyThere,
            (Some(here), Some(there)) => match branches::relation(self.clone, here, there)? {
                Some(Relation::Same) => Pushed::Same,
                Some(Relation::Ahead) => Pushed::Ahead,
                Some(Relation::Behind) => Pushed::Behind,
                Some(Relation::Diverged) => Pushed::Diverged,
                // Security has a commit that was never fetched: whether anything here is missing there
                // shows in what was fetched before.
                None => {
                    let fetched = format!("refs/remotes/{}/{source}", self.policy.security_remote);
                    let has_own = !branches::is_contained(self.clone, &format!("refs/heads/{source}"), &fetched)?;
                    if has_own { Pushed::Diverged } else { Pushed::Behind }
                }
            },
        })
    }

    fn request(&self, detail: &Detail, is_default: bool, shared: &Shared) -> MergeRequest {
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
        let roles = self.roles.iter().zip(&shared.people);
        MergeRequest {
            iid: request.iid,
            web_url: request.web_url.clone(),
            title: request.title.clone(),
            state: State::of(&request.state),
            // A server that does not say is not taken at its word.
            is_draft: request.draft != Some(false),
            head: request.sha.clone(),
            mergeability: Mergeability::of(&request.detailed_merge_status),
            has_conflicts: request.has_conflicts,
            pipeline: match &request.head_pipeline {
                None => Pipeline::Missing,
                Some(_) if !detail.has_own_pipeline => Pipeline::OfAnotherCommit,
                Some(found) => Pipeline::of(&found.status),
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
            for request in requests.iter().filter(|request| request.state == "opened") {
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
