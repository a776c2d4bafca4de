//! The gates of the runbook, as commands come to them: what is shut is said in the words of `status`,
//! with what to do next.

use anyhow::anyhow;

use super::{Failure, facts::Gathered};
use crate::domain::{
    policy::Policy,
    runbook::{self, Blocker, Gate, IssueFact, Step},
};

/// Goes on only where the gate is open.
///
/// # Errors
/// Everything that keeps it shut. It is a refusal where going on would be a mistake in itself, such as
/// a fix in private of what is public, or anything that strangers see.
pub(crate) fn pass(gate: Gate, gathered: &Gathered, policy: &Policy) -> Result<(), Failure> {
    let blockers = runbook::shut_by(&gathered.facts, gate);
    let is_public = matches!(gathered.facts.issue, IssueFact::Seen { is_confidential: false, .. })
        || gathered.facts.project_problem.is_some();
    let is_seen = matches!(gate, Gate::PrivateTag | Gate::Disclose | Gate::Tag);
    let failure = if is_public || is_seen { Failure::refused } else { Failure::not_done };
    stop_at(&blockers, failure, gathered, policy)
}

/// Goes on only where everything in front of a step is done, for commands that only look.
///
/// # Errors
/// Everything that is not done.
pub(crate) fn reach(step: Step, gathered: &Gathered, policy: &Policy) -> Result<(), Failure> {
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
    Err(failure(error).hint(runbook::next(&gathered.facts, &gathered.fix, policy)))
}
