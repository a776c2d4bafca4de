//! Branches as the server has them.

use gitlab::api::projects::repository::branches;
use serde::Deserialize;

use super::{Client, Error, built};

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its newest commit.
    pub commit: Commit,
    /// Whether rules say who may change it.
    pub protected: Option<bool>,
    /// Whether every developer may merge into it, though it is protected.
    pub developers_can_merge: Option<bool>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Commit {
    /// In hexadecimal.
    pub id: String,
}

/// Every branch of a project whose name holds this text, or starts with it where it begins with `^`.
///
/// # Errors
/// See [`Error`].
pub fn containing(client: &Client, project: &str, text: &str) -> Result<Vec<Branch>, Error> {
    let endpoint = branches::Branches::builder().project(project).search(text).build();
    client.all(&built(endpoint)?)
}

/// Reads a branch; `None` where there is none.
///
/// # Errors
/// See [`Error`].
pub fn find(client: &Client, project: u64, name: &str) -> Result<Option<Branch>, Error> {
    Error::absent(client.get(&built(branches::Branch::builder().project(project).branch(name).build())?))
}

/// Creates a branch at a commit. When the answer is lost or another was faster, what is there now counts: the
/// caller compares the commit.
///
/// # Errors
/// See [`Error`]; 400 where the project does not take it, 403 where the user may not create it.
pub fn create(client: &Client, project: u64, name: &str, sha: &str) -> Result<Branch, Error> {
    let endpoint = branches::CreateBranch::builder().project(project).branch(name).ref_(sha).build();
    let error = match client.create(&built(endpoint)?) {
        Ok(created) => return Ok(created),
        Err(error) => error,
    };
    if error.may_have_taken_effect() || error.status() == Some(400) {
        return find(client, project, name)?.ok_or(error);
    }
    Err(error)
}
