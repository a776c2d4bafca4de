//! Revisions as people write them: `HEAD`, a branch, a tag, `HEAD~2`.

use super::{GitError, LocalClone};

/// The object that a revision names, in hexadecimal, a tag object not being peeled; `None` when
/// there is none.
///
/// # Errors
/// When the references cannot be read.
pub fn object(clone: &LocalClone, revision: &str) -> Result<Option<String>, GitError> {
    // Ambiguous or malformed text is as little a revision as unknown text.
    Ok(clone.repo().rev_parse_single(revision).ok().map(|id| id.to_string()))
}

/// The full name of the reference that a revision is, with `HEAD` resolved to its branch; `None`
/// when it is an expression.
///
/// # Errors
/// When the references cannot be read.
pub fn full_name(clone: &LocalClone, revision: &str) -> Result<Option<String>, GitError> {
    if revision == "HEAD" {
        return Ok(clone.current_branch()?.map(|branch| format!("refs/heads/{branch}")));
    }
    let found = clone.repo().try_find_reference(revision);
    Ok(found.ok().flatten().map(|reference| reference.name().as_bstr().to_string()))
}
