//! The gates of the runbook, as commands come to them: what is shut is said in the words of `status`,
//! with what to do next.

use anyhow::anyhow;

use super::{Failure, facts::Gathered};
use crate::domain::{
    fix::FixName,
    policy::Policy,
    runbook::{self, Blocker, Facts, Gate, IssueFact, Pushed, Step},
};

/// Goes on only where the gate is open.
///
/// # Errors
/// Everything that keeps it shut. It is a refusal where going on would be a mistake in itself, such as
/// a fix in private of what is public, or anything that strangers see.
pub(super) fn pass(gate: Gate, gathered: &Gathered, policy: &Policy) -> Result<(), Failure> {
    let blockers = runbook::shut_by(&gathered.facts, gate);
    let is_public = matches!(gathered.facts.issue, IssueFact::Seen { is_confidential: false, .. })
        || gathered.facts.project.is_some();
    let is_seen = matches!(gate, Gate::PrivateTag | Gate::Disclose | Gate::Tag);
    let failure = if is_public || is_seen { Failure::refused } else { Failure::not_done };
    stop_at(&blockers, failure, gathered, policy)
}

/// Goes on only where everything in front of a step is done, for commands that only look.
///
/// # Errors
/// Everything that is not done.
pub(super) fn reach(step: Step, gathered: &Gathered, policy: &Policy) -> Result<(), Failure> {
    stop_at(&runbook::undone_before(&gathered.facts, step), Failure::not_done, gathered, policy)
}

fn stop_at(
    blockers: &[Blocker],
    failure: fn(anyhow::Error) -> Failure,
    gathered: &Gathered,
    policy: &Policy,
) -> Result<(), Failure> {
    let texts: Vec<&str> = blockers.iter().map(|blocker| blocker.text.as_str()).collect();
    let error = match texts[..] {
        [] => return Ok(()),
        [only] => anyhow!("{only}"),
        _ => anyhow!("{} things are in the way:\n  {}", texts.len(), texts.join("\n  ")),
    };
    Err(failure(error).hint(next_command(&gathered.facts, &gathered.fix, policy)))
}

/// What to do next. Only commands that exist are named.
pub(super) fn next_command(facts: &Facts, fix: &FixName, policy: &Policy) -> String {
    let targets = &facts.targets;
    match runbook::step(facts) {
        Step::Triage => match &facts.issue {
            IssueFact::Seen { reference, .. } => format!("git secfix issue {reference}"),
            IssueFact::Unseen { .. } => "git secfix auth status".to_owned(),
            IssueFact::Unlinked => format!("git secfix branch {fix} --issue NUMBER"),
        },
        Step::Prepare => "git secfix config, and see `security.project`".to_owned(),
        Step::StableBranches => {
            let lines: Vec<String> = targets
                .iter()
                .filter(|target| !target.has_target)
                .filter_map(|target| target.line)
                .map(|line| format!(" --backport {}-{}", line.major, line.minor))
                .collect();
            format!("git secfix branch {fix}{} --create-stable", lines.concat())
        }
        Step::Branches if targets.is_empty() => format!("git secfix branch {fix}"),
        Step::Branches => "commit the fix on its branch".to_owned(),
        Step::Backports => format!("git secfix backport {fix}"),
        Step::Push if targets.iter().any(|target| matches!(target.pushed, Pushed::Behind | Pushed::Diverged)) => {
            format!("git fetch {}, and take in what was pushed there", policy.security_remote)
        }
        Step::Push => format!("git secfix push {fix}"),
        Step::MergeRequests => format!("git secfix mr {fix}"),
        Step::Review if targets.iter().filter_map(|target| target.merge_request()).any(|request| request.is_draft) => {
            format!("git secfix mr {fix} --ready")
        }
        Step::Review => format!("git secfix status {fix} --watch"),
        // The schedule is switched on by the same command.
        Step::Merge | Step::KeepAlive => format!("git secfix merge {fix}"),
        Step::Deploy => format!("git secfix deploy {fix} --wait"),
        Step::PrivateTags | Step::PatchTags => format!("git secfix tag {fix}"),
        Step::Sync => format!("git secfix sync {fix}"),
        Step::Publish => format!("git secfix verify {fix} --play"),
        Step::Verify => format!("git secfix verify {fix} --wait"),
        Step::CleanUp if runbook::is_finished(facts) => "nothing is left to do".to_owned(),
        Step::CleanUp => format!("git secfix clean {fix}"),
    }
}
