//! The branches of fixes that this clone knows: its own, and those of security as last fetched.

use std::collections::BTreeSet;

use crate::{
    domain::{fix::FixName, policy::Policy},
    git::{LocalClone, branches},
    ops::Failure,
};

/// The names of all branches here and in security.
///
/// # Errors
/// When the references cannot be read.
pub(crate) fn branches(clone: &LocalClone, policy: &Policy) -> Result<BTreeSet<String>, Failure> {
    let mut names: BTreeSet<String> = branches::names_below(clone, "refs/heads/")?.into_iter().collect();
    names.extend(branches::names_below(clone, &format!("refs/remotes/{}/", policy.security_remote))?);
    Ok(names)
}

/// Every fix that has one of them, by name.
///
/// # Errors
/// When the references cannot be read.
pub(crate) fn fixes(clone: &LocalClone, policy: &Policy) -> Result<Vec<FixName>, Failure> {
    let names = branches(clone, policy)?;
    let mut fixes: Vec<FixName> =
        names.iter().filter_map(|name| policy.branches.read(name)).map(|branch| branch.fix).collect();
    fixes.sort();
    fixes.dedup();
    Ok(fixes)
}
