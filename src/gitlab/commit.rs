//! Commits.

use std::borrow::Cow;

use gitlab::api::{Endpoint, common::NameOrId};
use http::Method;
use serde::Deserialize;

use super::{Client, Error};

#[derive(Deserialize)]
struct Commit {
    parent_ids: Vec<String>,
}

/// The commits that a commit was made from; none where the server does not have it.
///
/// # Errors
/// See [`Error`].
pub fn parents(client: &Client, project: u64, sha: &str) -> Result<Vec<String>, Error> {
    let found: Option<Commit> = Error::absent(client.get(&OneCommit { project: project.into(), sha: sha.into() }))?;
    Ok(found.map(|commit| commit.parent_ids).unwrap_or_default())
}

/// `GET /projects/:id/repository/commits/:sha`.
struct OneCommit<'a> {
    project: NameOrId<'a>,
    sha: NameOrId<'a>,
}

impl Endpoint for OneCommit<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/commits/{}", self.project, self.sha).into()
    }
}
