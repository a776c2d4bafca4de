//! The names that this clone knows, for completions. Whatever goes wrong, there are none.

use std::path::Path;

use super::{fix_branches::names, lines::stable_lines};
use crate::{
    config::clone_file,
    domain::policy::Policy,
    git::{LocalClone, remotes},
};

fn clone_and_policy() -> Option<(LocalClone, Policy)> {
    let clone = LocalClone::open(Path::new(".")).ok()?;
    let policy = clone_file::settings(clone.common_dir()).ok()??.policy().ok()?;
    Some((clone, policy))
}

/// The names of the fixes that have a branch here or in security.
pub(crate) fn fixes() -> Vec<String> {
    let Some((clone, policy)) = clone_and_policy() else { return vec![] };
    names::fixes(&clone, &policy).unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// The remotes of this clone.
pub(crate) fn remotes() -> Vec<String> {
    let Ok(clone) = LocalClone::open(Path::new(".")) else { return vec![] };
    remotes::list(&clone).into_iter().map(|remote| remote.name).collect()
}

/// The release lines that have a stable branch in security, newest first, and `all`.
pub(crate) fn lines() -> Vec<String> {
    let Some((clone, policy)) = clone_and_policy() else { return vec![] };
    let lines = stable_lines(&clone, &policy).unwrap_or_default();
    let lines = lines.into_iter().map(|line| format!("{}-{}", line.major, line.minor));
    lines.chain(["all".to_owned()]).collect()
}
