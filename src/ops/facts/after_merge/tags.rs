//! The patch tags that hold the fix.

use super::{Merged, Reader};
use crate::{
    domain::{patch_tag::PatchTag, version::ReleaseLine},
    gitlab::{Error, at_once, commit},
};

/// The lowest patch tag of each line that holds the fix, in one of the projects: the one that released it.
pub(super) fn find(
    reader: &Reader<'_>,
    project: u64,
    merged: &[Merged],
) -> Result<Vec<(ReleaseLine, Option<PatchTag>)>, Error> {
    let lines: Vec<(ReleaseLine, &str)> =
        merged.iter().filter_map(|merged| Some((merged.line?, merged.commit.as_str()))).collect();
    let found = at_once(&lines, |(_, commit)| commit::tags_with(reader.client, project, commit));
    let mut tags = Vec::new();
    for ((line, _), names) in lines.into_iter().zip(found) {
        let names = names?;
        let of_line = names.iter().filter_map(|name| PatchTag::read(&reader.policy.patch_tag, name));
        tags.push((line, of_line.filter(|tag| tag.line == line).min_by_key(|tag| tag.patch)));
    }
    Ok(tags)
}
