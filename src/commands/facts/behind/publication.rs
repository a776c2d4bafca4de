//! What canonical has of the fix.

use super::{Look, Merged};
use crate::gitlab::{Error, at_once, compare, project::Project};

/// The public project, and the branches that are in it with the fix.
pub(super) fn look(look: &Look<'_>, merged: &[Merged]) -> Result<(Project, Vec<String>), Error> {
    let canonical = look.canonical()?;
    let arrived =
        at_once(merged, |merged| compare::has_arrived(look.client, canonical.id, &merged.commit, &merged.branch));
    let mut branches = Vec::new();
    for (merged, arrived) in merged.iter().zip(arrived) {
        if arrived? {
            branches.push(merged.branch.clone());
        }
    }
    Ok((canonical, branches))
}
