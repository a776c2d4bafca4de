//! What to do next, in the words of the runbook: the one place that has them. Every command asks here, with what it knows.

use super::{Facts, IssueFact, Pushed, Step, Target, Work, blockers, is_finished};
use crate::domain::{
    fix::FixName,
    issue::IssueRef,
    merge_request::{MergeBlock, MergeRequest, Mergeability, Pipeline, State},
    policy::Policy,
};

/// What to do where there is no fix yet, with its issue where that is known.
pub fn first_step(issue: Option<&IssueRef>) -> String {
    let issue = issue.map_or_else(|| "NUMBER".to_owned(), ToString::to_string);
    format!("git secfix branch NAME --issue {issue}")
}

/// What to do about the issue of a fix that is published and verified.
pub fn issue_step(fix: &FixName, is_open: bool) -> String {
    match is_open {
        true => format!("`{fix}` is published and verified: close the issue, and ask PSIRT when it becomes public"),
        false => format!("`{fix}` is published and verified: ask PSIRT when the issue becomes public"),
    }
}

/// What to do about an issue that everybody can read.
pub fn public_step(issue: &IssueRef) -> String {
    format!("fix it in {}", issue.project)
}

/// What to do next: a command to paste, or words where only a person can act. What is not known counts as not done, and
/// a step that nobody here can look at is left to the command behind it, which asks for it.
pub fn next(facts: &Facts, fix: &FixName, policy: &Policy) -> String {
    let targets = &facts.targets;
    match step_to_take(facts) {
        Step::Triage => match &facts.issue {
            IssueFact::Seen { reference, .. } | IssueFact::Linked { reference } => {
                format!("git secfix issue {reference}")
            }
            IssueFact::Unseen { .. } => "git secfix auth status".to_owned(),
            IssueFact::Unlinked => format!("git secfix branch {fix} --issue NUMBER"),
        },
        Step::Prepare => {
            format!("ask an owner of {} to mend that, or, if it is another project: git secfix config", policy.security)
        }
        Step::StableBranches => {
            let missing = targets.iter().filter(|target| !target.has_target).filter_map(|target| target.line);
            let lines: String = missing.map(|line| format!(" --backport {}-{}", line.major, line.minor)).collect();
            format!("git secfix branch {fix}{lines} --create-stable")
        }
        // What this clone has not seen comes first: whatever else it says of the branches may be wrong.
        Step::Branches | Step::Backports | Step::Push if targets.iter().any(is_older_here) => {
            format!("git fetch {}, and take in what was pushed there", policy.security_remote)
        }
        // Whose commits these are, `push` finds out, and says how to go on.
        Step::Branches | Step::Backports | Step::Push if targets.iter().any(has_parted) => {
            format!("git secfix push {fix}")
        }
        // Who took it back knows why; a pick of what is merged already would open no merge request.
        Step::Branches | Step::Backports if targets.iter().any(|target| target.taken_back_by.is_some()) => {
            let mut taken_back =
                targets.iter().filter_map(|target| Some((&target.target, target.taken_back_by.as_ref()?)));
            let (branch, by) = taken_back.next().map_or(("", ""), |(branch, by)| (branch.as_str(), by.as_str()));
            let by = by.get(..12).unwrap_or(by);
            let project = if facts.progress.is_done(Step::Sync) { &policy.canonical } else { &policy.security };
            format!(
                "ask who made {by} why, and revert it in `{branch}` of {project} by the button of the commit's page"
            )
        }
        Step::Backports if targets.iter().any(|target| !target.is_compared) => {
            format!("git fetch {}", policy.security_remote)
        }
        Step::Branches if targets.is_empty() => format!("git secfix branch {fix}"),
        Step::Branches => format!("commit the fix, then {}", after_the_commit(facts, fix)),
        Step::Backports if !facts.uncovered.is_empty() => format!("git secfix backport {fix}{}", to_lines(facts)),
        Step::Backports => match targets.iter().find(|target| target.work == Work::Undone && target.lacks.is_empty()) {
            Some(Target { source, target, .. }) => {
                format!("git log --patch {}/{target}..{source}", policy.security_remote)
            }
            None => format!("git secfix backport {fix}"),
        },
        Step::Push => format!("git secfix push {fix}"),
        Step::MergeRequests => format!("git secfix mr {fix}"),
        Step::Review => review_step(targets, fix, policy),
        // The schedule is switched on by the same command.
        Step::Merge | Step::KeepAlive => format!("git secfix merge {fix}"),
        Step::Deploy => format!("git secfix deploy {fix} --wait"),
        Step::PrivateTags | Step::PatchTags => format!("git secfix tag {fix}"),
        Step::Sync => format!("git secfix sync {fix}"),
        Step::Publish => format!("git secfix verify {fix} --play"),
        Step::Verify => format!("git secfix verify {fix} --wait"),
        Step::CleanUp if is_finished(facts) => "nothing is left to do".to_owned(),
        Step::CleanUp => format!("git secfix clean {fix}"),
    }
}

/// What helps in the review: what somebody here can do first, and waiting for others last. A push takes approvals back, so
/// what needs one comes before them.
fn review_step(targets: &[Target], fix: &FixName, policy: &Policy) -> String {
    let open = || {
        let of_target = |target| Some((target, Target::merge_request(target)?));
        targets.iter().filter_map(of_target).filter(|(_, request)| request.state == State::Opened)
    };
    if let Some(page) = targets.iter().find_map(|target| target.exposed_by.as_ref()) {
        return format!("close {page}, or ask who opened it to");
    }
    let has_to_move = |request: &MergeRequest| {
        let blocked = |why| request.mergeability == Mergeability::Blocked(why);
        request.has_conflicts || blocked(MergeBlock::Conflict) || blocked(MergeBlock::NeedsRebase)
    };
    if let Some((Target { source, target, .. }, _)) = open().find(|(_, request)| has_to_move(request)) {
        let remote = &policy.security_remote;
        return format!(
            "git fetch {remote} && git switch {source} && git rebase {remote}/{target} && git secfix push {fix} --force-with-lease"
        );
    }
    for (Target { source, .. }, request) in open() {
        let page = request.pipeline_url.as_ref().unwrap_or(&request.web_url);
        match request.pipeline {
            Pipeline::NotPassed(_) => {
                return format!("run what failed again at {page}, or mend it on {source} and git secfix push {fix}");
            }
            Pipeline::Manual => return format!("start the job that waits at {page}"),
            _ => {}
        }
    }
    if open().any(|(_, request)| request.is_draft) {
        return format!("git secfix mr {fix} --ready");
    }
    format!("git secfix status {fix} --watch")
}

/// The first step that is not done, without those that the next command asks about by itself.
fn step_to_take(facts: &Facts) -> Step {
    let is_asked_later = |step: Step| step == Step::Triage && matches!(facts.issue, IssueFact::Linked { .. });
    let blockers = blockers(facts);
    let mut to_take = blockers.iter().map(|blocker| blocker.step).filter(|step| !is_asked_later(*step));
    let first = to_take.clone().next();
    to_take.find(|step| step.is_binding()).or(first).unwrap_or(Step::CleanUp)
}

fn after_the_commit(facts: &Facts, fix: &FixName) -> String {
    let has_lines = !facts.uncovered.is_empty() || facts.targets.iter().any(|target| target.line.is_some());
    match has_lines {
        true => format!("git secfix backport {fix} --to all"),
        false => format!("git secfix push {fix}"),
    }
}

/// All lines while none is merged, and later those that are missing by their names.
fn to_lines(facts: &Facts) -> String {
    if !facts.targets.iter().any(Target::is_merged) {
        return " --to all".to_owned();
    }
    facts.uncovered.iter().map(|line| format!(" --to {}-{}", line.major, line.minor)).collect()
}

fn is_older_here(target: &Target) -> bool {
    !target.is_merged() && target.pushed == Pushed::Behind
}

fn has_parted(target: &Target) -> bool {
    !target.is_merged() && target.pushed == Pushed::Diverged
}
