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
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Commit {
    /// In hexadecimal.
    pub id: String,
}

/// Every branch of a project whose name starts so.
///
/// # Errors
/// See [`Error`].
pub fn starting_with(client: &Client, project: &str, start: &str) -> Result<Vec<Branch>, Error> {
    let endpoint = branches::Branches::builder().project(project).search(format!("^{start}")).build();
    let found: Vec<Branch> = client.all(&built(endpoint)?)?;
    // An older server may not know the anchor.
    Ok(found.into_iter().filter(|branch| branch.name.starts_with(start)).collect())
}
