//! The container registry.

use gitlab::api::projects::registry::{Repositories, RepositoryTagDetails};
use serde::{Deserialize, de::IgnoredAny};

use super::{Client, Error, built};

/// A repository of images.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Repository {
    /// Its id.
    pub id: u64,
    /// Its name below the project; empty for the project's own.
    #[serde(default)]
    pub name: String,
}

/// The repositories of a project, by number or path; `None` where the token may not see them.
///
/// # Errors
/// See [`Error`].
pub fn repositories(client: &Client, project: &str) -> Result<Option<Vec<Repository>>, Error> {
    Error::invisible(client.all(&built(Repositories::builder().project(project).build())?))
}

/// Whether a repository has an image with this tag.
///
/// # Errors
/// See [`Error`].
pub fn has_image(client: &Client, project: &str, repository: u64, tag: &str) -> Result<bool, Error> {
    let endpoint = RepositoryTagDetails::builder().project(project).repository_id(repository).tag_name(tag).build();
    Ok(Error::absent(client.get::<IgnoredAny>(&built(endpoint)?))?.is_some())
}
