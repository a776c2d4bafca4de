//! Live values for completions: what this clone has. Whatever goes wrong, there are none.

use std::path::Path;

use clap_complete::CompletionCandidate;

use super::Failure;
use crate::{
    config::clone_file,
    domain::{policy::Policy, version::ReleaseLine},
    git::{LocalClone, branches, remotes},
};

fn clone_and_policy() -> Option<(LocalClone, Policy)> {
    let clone = LocalClone::open(Path::new(".")).ok()?;
    let policy = clone_file::settings(clone.common_dir()).ok()??.policy().ok()?;
    Some((clone, policy))
}

/// The names of the fixes that have a branch in this clone.
pub(super) fn fixes() -> Vec<CompletionCandidate> {
    let Some((clone, policy)) = clone_and_policy() else { return vec![] };
    let mut names: Vec<String> = branches::names_below(&clone, "refs/heads/")
        .unwrap_or_default()
        .iter()
        .filter_map(|branch| policy.branches.read(branch))
        .map(|branch| branch.fix.to_string())
        .collect();
    names.sort();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The remotes of this clone.
pub(super) fn remotes() -> Vec<CompletionCandidate> {
    let Ok(clone) = LocalClone::open(Path::new(".")) else { return vec![] };
    remotes::list(&clone).into_iter().map(|remote| CompletionCandidate::new(remote.name)).collect()
}

/// The release lines that have a stable branch in security, newest first, and `all`.
pub(super) fn lines() -> Vec<CompletionCandidate> {
    let Some((clone, policy)) = clone_and_policy() else { return vec![] };
    let lines = stable_lines(&clone, &policy).unwrap_or_default();
    let lines = lines.into_iter().map(|line| format!("{}-{}", line.major, line.minor));
    lines.chain(["all".to_owned()]).map(CompletionCandidate::new).collect()
}

/// The release lines that have a stable branch in security as last fetched, newest first.
///
/// # Errors
/// When the references cannot be read.
pub(super) fn stable_lines(clone: &LocalClone, policy: &Policy) -> Result<Vec<ReleaseLine>, Failure> {
    let names = branches::names_below(clone, &format!("refs/remotes/{}/", policy.security_remote))?;
    let mut lines: Vec<_> = names.iter().filter_map(|name| policy.branches.stable.read(name)?.line()).collect();
    lines.sort_unstable_by(|a, b| b.cmp(a));
    Ok(lines)
}
