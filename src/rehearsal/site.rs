//! Where the server is and where its repositories are.

use std::path::PathBuf;

use super::{repository::Repository, state::Project};

/// What does not change while a server runs.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// `http://127.0.0.1:PORT`, with the relative root when there is one.
    pub(super) url: String,
    /// `/gitlab`, or nothing.
    pub(super) root: String,
    /// The folder of the repositories.
    pub(super) repositories: PathBuf,
    /// The git program.
    pub(super) git: PathBuf,
}

impl Site {
    /// The API's address of something, from `/projects/...` on.
    pub(super) fn api(&self, path: &str) -> String {
        format!("{}/api/v4{path}", self.url)
    }

    /// The page of a project.
    pub(super) fn page(&self, project: &Project) -> String {
        format!("{}/{}", self.url, project.path)
    }

    /// The repository of a project.
    pub(super) fn repository(&self, project: &Project) -> Repository {
        let folder = self.repositories.join(format!("{}.git", project.path));
        Repository::new(folder, self.git.clone(), self.repositories.clone())
    }
}
