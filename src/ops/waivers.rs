//! Lines that go without the fix, as they are kept in the configuration of its branch until a merge request says so.

use crate::{
    domain::{
        fix::{FixBranch, FixName},
        policy::Policy,
        version::ReleaseLine,
        waiver::Waiver,
    },
    git::{
        LocalClone,
        local_config::{self, Change},
    },
    ops::Failure,
    ui::Ui,
};

fn key(policy: &Policy, fix: &FixName, line: ReleaseLine) -> String {
    let branch = policy.branches.write(&FixBranch { fix: fix.clone(), line: None });
    format!("branch.{branch}.secfixWithout-{}-{}", line.major, line.minor)
}

/// Those of these lines that go without the fix.
pub(crate) fn remembered(clone: &LocalClone, policy: &Policy, fix: &FixName, lines: &[ReleaseLine]) -> Vec<Waiver> {
    let read = |line: &ReleaseLine| {
        // What is no reason waives nothing.
        Waiver::new(*line, &local_config::value(clone, &key(policy, fix, *line))?).ok()
    };
    lines.iter().filter_map(read).collect()
}

/// These lines without those that go without the fix, which are said: what means all lines means no others.
pub(crate) fn left_out(
    clone: &LocalClone,
    policy: &Policy,
    fix: &FixName,
    lines: Vec<ReleaseLine>,
    ui: Ui,
) -> Vec<ReleaseLine> {
    let waivers = remembered(clone, policy, fix, &lines);
    for Waiver { line, reason } in &waivers {
        ui.note(&format!("{line} goes without the fix: {reason}"));
    }
    lines.into_iter().filter(|line| waivers.iter().all(|waiver| waiver.line != *line)).collect()
}

/// Remembers them. Git drops them together with the branch.
///
/// # Errors
/// When the configuration cannot be written.
pub(crate) fn remember(clone: &LocalClone, policy: &Policy, fix: &FixName, waivers: &[Waiver]) -> Result<(), Failure> {
    let set = |waiver: &Waiver| Change::set(&key(policy, fix, waiver.line), &waiver.reason);
    let changes: Vec<Change> = waivers.iter().map(set).collect();
    Ok(local_config::apply(clone, &local_config::local_file(clone), &changes)?)
}

/// Forgets that a line goes without: it has its backport now.
///
/// # Errors
/// When the configuration cannot be written.
pub(crate) fn forget(clone: &LocalClone, policy: &Policy, fix: &FixName, lines: &[ReleaseLine]) -> Result<(), Failure> {
    let known = remembered(clone, policy, fix, lines);
    let changes: Vec<Change> = known.iter().map(|waiver| Change::unset(&key(policy, fix, waiver.line))).collect();
    if changes.is_empty() {
        return Ok(());
    }
    Ok(local_config::apply(clone, &local_config::local_file(clone), &changes)?)
}
