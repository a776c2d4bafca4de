//! What canonical and security have of the fix.

use super::{Merged, Reader};
use crate::gitlab::{Error, at_once, compare, project::Project};

/// The public project, the branches that are in it with the fix, and those that neither project has with it.
pub(super) fn read(reader: &Reader<'_>, merged: &[Merged]) -> Result<(Project, Vec<String>, Vec<String>), Error> {
    let canonical = reader.canonical()?;
    let places: Vec<(&Merged, u64)> =
        merged.iter().flat_map(|merged| [(merged, canonical.id), (merged, reader.security.id)]).collect();
    let mut held = at_once(&places, |(merged, project)| {
        compare::has_arrived(reader.client, *project, &merged.commit, &merged.branch)
    })
    .into_iter();
    let (mut arrived, mut lost) = (Vec::new(), Vec::new());
    for merged in merged {
        // What a merge request says of itself does not count: what counts is the commit in the branch.
        match (held.next().transpose()?, held.next().transpose()?) {
            (Some(true), _) => arrived.push(merged.branch.clone()),
            (_, Some(true)) => {}
            _ => lost.push(merged.branch.clone()),
        }
    }
    Ok((canonical, arrived, lost))
}
