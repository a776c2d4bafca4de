//! Push mirrors, which the crate lacks.

use std::borrow::Cow;

use gitlab::api::{Endpoint, Pageable, common::NameOrId};
use http::Method;
use serde::Deserialize;

use super::{Client, Error};
use crate::domain::project_words::MirrorStatus;

/// A push mirror of a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mirror {
    /// Whether it runs.
    pub enabled: bool,
    /// Where it pushes to, with the credentials replaced.
    pub url: String,
    /// How its last run is.
    pub update_status: MirrorStatus,
    /// Why the last run failed.
    pub last_error: Option<String>,
}

/// The push mirrors of a project; `None` where the token may not see them, which takes a maintainer.
///
/// # Errors
/// See [`Error`].
pub fn list(client: &Client, project: u64) -> Result<Option<Vec<Mirror>>, Error> {
    let mirrors = client.all(&RemoteMirrors { project: project.into() });
    // GitLab says 401 where 403 is meant: the same token has just read the project.
    match mirrors {
        Err(error) if error.status() == Some(401) => Ok(None),
        mirrors => Error::invisible(mirrors),
    }
}

/// `GET /projects/:id/remote_mirrors`.
struct RemoteMirrors<'a> {
    project: NameOrId<'a>,
}

impl Endpoint for RemoteMirrors<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/remote_mirrors", self.project).into()
    }
}

impl Pageable for RemoteMirrors<'_> {}
