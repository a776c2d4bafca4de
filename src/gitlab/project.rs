//! Projects: who can see them, and what this token may do there.

use gitlab::api::projects;
use serde::Deserialize;

use super::{Client, Error, built};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// The number that every request should name it by: it survives a rename.
    pub id: u64,
    /// Its full path.
    pub path_with_namespace: String,
    /// `private`, `internal` or `public`.
    pub visibility: String,
    /// Whether nothing can be changed in it.
    #[serde(default)]
    pub archived: bool,
    /// Its page.
    pub web_url: String,
}

impl Project {
    /// Whether only members can see it.
    pub fn is_private(&self) -> bool {
        self.visibility == "private"
    }
}

/// Reads a project by its full path.
///
/// # Errors
/// See [`Error`]; 404 also when the token may not see it.
pub fn find(client: &Client, path: &str) -> Result<Project, Error> {
    client.get(&built(projects::Project::builder().project(path).build())?)
}
