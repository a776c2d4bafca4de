//! The next step, as commands print it behind `next`: always the runbook's own, from what the command knows.

use super::{Context, Failure, Prepared, facts};
use crate::domain::{
    fix::FixName,
    policy::Policy,
    runbook::{self, Facts},
};

/// Tells what is next, by these facts.
pub(crate) fn tell(context: &Context, facts: &Facts, fix: &FixName, policy: &Policy) {
    // Without the programs that talk to GitLab, most steps lead nowhere.
    if !cfg!(feature = "network") {
        return;
    }
    context.ui.next(&runbook::next(facts, fix, policy));
}

/// Tells what is next, by what this clone alone knows. Where that cannot be read, nothing is told: what was to be done is
/// done.
pub(crate) fn tell_offline(context: &Context, prepared: &Prepared, fix: &FixName) {
    let Prepared { settings, policy, .. } = prepared;
    // The configuration is read once when a clone is opened, and the command may just have changed it.
    let reopened = prepared.clone.reopen().map_err(Failure::from);
    let facts = reopened.and_then(|clone| {
        facts::clone::facts(&Prepared { clone, settings: settings.clone(), policy: policy.clone() }, fix)
    });
    match facts {
        Ok(facts) => tell(context, &facts, fix, &prepared.policy),
        Err(failure) => failure.warn(context.ui),
    }
}
