//! Moving several branches at once: all of them, or none.

use gix::{
    actor::SignatureRef,
    refs::{
        FullName, Target,
        transaction::{Change, LogChange, PreviousValue, RefEdit},
    },
};

use super::{GitError, LocalClone, history::Id, picked_commit::Committer};

const WHAT: &str = "move the branches";

/// A branch to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Its name, without `refs/heads/`.
    pub branch: String,
    /// Where it must be now.
    pub from: Id,
    /// Where it goes.
    pub to: Id,
    /// Why, for its reflog.
    pub why: String,
}

/// Moves all of these branches in one transaction, or none of them.
///
/// # Errors
/// When one of them is not where it was, or a file cannot be written.
pub fn all(clone: &LocalClone, committer: &Committer, branches: &[Advance]) -> Result<(), GitError> {
    let edits = branches.iter().map(|advance| {
        let name = FullName::try_from(format!("refs/heads/{}", advance.branch))
            .map_err(|error| GitError::Repository { what: WHAT, why: error.to_string() })?;
        let change = Change::Update {
            log: LogChange { message: advance.why.as_str().into(), ..LogChange::default() },
            expected: PreviousValue::MustExistAndMatch(Target::Object(advance.from)),
            new: Target::Object(advance.to),
        };
        Ok(RefEdit::new(name, change))
    });
    let edits = edits.collect::<Result<Vec<_>, GitError>>()?;
    let line = committer.line().as_bytes();
    let who = SignatureRef::from_bytes(line).map_err(GitError::wrap_gix(WHAT))?;
    clone.repo().edit_references_as(edits, Some(who)).map_err(GitError::wrap_gix(WHAT))?;
    Ok(())
}
