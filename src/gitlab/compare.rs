//! Which commits one side has and the other has not.

use std::borrow::Cow;

use gitlab::api::{Endpoint, QueryParams, common::NameOrId};
use http::Method;
use serde::Deserialize;

use super::{Client, Error};

#[derive(Deserialize)]
struct Comparison {
    commits: Vec<Commit>,
}

#[derive(Deserialize)]
struct Commit {}

/// Whether a branch, or another commit, holds a commit.
///
/// # Errors
/// See [`Error`]; 404 when one of the two is not there.
pub fn is_in_branch(client: &Client, project: u64, commit: &str, branch: &str) -> Result<bool, Error> {
    let found: Comparison = client.get(&Compare { project: project.into(), from: branch, to: commit })?;
    Ok(found.commits.is_empty())
}

/// Whether a branch of a project that may not even have it holds a commit.
///
/// # Errors
/// See [`Error`].
pub fn has_arrived(client: &Client, project: u64, commit: &str, branch: &str) -> Result<bool, Error> {
    Ok(Error::absent(is_in_branch(client, project, commit, branch))?.unwrap_or(false))
}

/// `GET /projects/:id/repository/compare`: the commits of `to` that `from` does not have.
struct Compare<'a> {
    project: NameOrId<'a>,
    from: &'a str,
    to: &'a str,
}

impl Endpoint for Compare<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/compare", self.project).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("from", self.from).push("to", self.to);
        parameters
    }
}
