//! Release lines: those that a person names, those that this clone knows, and those that are supported.

use anyhow::anyhow;

use super::{Failure, typed::Typed};
use crate::{
    domain::{
        fix::BranchNames,
        patch_tag::PatchTag,
        policy::Policy,
        version::{self, ReleaseLine},
    },
    git::{LocalClone, branches, remotes},
};

/// The lines that were asked for.
pub(crate) enum Lines {
    These(Vec<ReleaseLine>),
    Supported,
}

/// The lines that are meant; `again` is the command with lines that would be read.
pub(crate) fn read_lines(texts: &[String], again: Typed, names: &BranchNames) -> Result<Lines, Failure> {
    if texts.iter().any(|text| text == "all") {
        return Ok(Lines::Supported);
    }
    let mut lines = Vec::new();
    for text in texts {
        let line = names.line(text).map_err(|error| Failure::usage(error).hint(again.clone()))?;
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Ok(Lines::These(lines))
}

/// The lines that get fixes as this clone knows them, newest first. One that only canonical has is among them: a line
/// without its fix is the worst end of a release, and must not be passed over silently.
///
/// # Errors
/// When there is none, or the references cannot be read.
pub(crate) fn supported_lines(clone: &LocalClone, policy: &Policy, count: usize) -> Result<Vec<ReleaseLine>, Failure> {
    let supported = known_lines(clone, policy, count)?;
    if supported.is_empty() {
        return Err(Failure::not_done(anyhow!(
            "{} has no branch like `{}`",
            policy.security_remote,
            policy.branches.stable.as_str()
        ))
        .hint("git secfix config"));
    }
    Ok(supported)
}

/// The same, and none where there is none.
///
/// # Errors
/// When the references cannot be read.
pub(crate) fn known_lines(clone: &LocalClone, policy: &Policy, count: usize) -> Result<Vec<ReleaseLine>, Failure> {
    let mut lines = stable_lines(clone, policy)?;
    if let Some(canonical) = remotes::canonical(clone, policy) {
        let branches = remotes::branches_of(clone, &canonical)?;
        lines.extend(branches.iter().filter_map(|branch| policy.branches.stable.read(branch)?.line()));
    }
    let tags = branches::names_below(clone, "refs/tags/")?;
    let tagged: Vec<ReleaseLine> =
        tags.iter().filter_map(|tag| PatchTag::read(&policy.patch_tag, tag)).map(|tag| tag.line).collect();
    Ok(version::supported(&lines, &tagged, count))
}

/// Whether nothing of security is known here, as after `init --no-fetch`.
pub(crate) fn is_never_fetched(clone: &LocalClone, policy: &Policy) -> Result<bool, Failure> {
    let remote = remotes::find(clone, policy.security_remote.as_str());
    Ok(remote
        .map(|remote| remotes::branches_of(clone, &remote))
        .transpose()?
        .is_none_or(|branches| branches.is_empty()))
}

/// The release lines that have a stable branch in security as last fetched, newest first.
///
/// # Errors
/// When the references cannot be read.
pub(crate) fn stable_lines(clone: &LocalClone, policy: &Policy) -> Result<Vec<ReleaseLine>, Failure> {
    let names = branches::names_below(clone, &format!("refs/remotes/{}/", policy.security_remote))?;
    let mut lines: Vec<_> = names.iter().filter_map(|name| policy.branches.stable.read(name)?.line()).collect();
    lines.sort_unstable_by(|a, b| b.cmp(a));
    Ok(lines)
}
