//! Commits.

use std::borrow::Cow;

use gitlab::api::{Endpoint, Pageable, QueryParams, common::NameOrId};
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

#[derive(Deserialize)]
struct Reference {
    name: String,
}

/// The tags that hold a commit; none where the server does not have it.
///
/// # Errors
/// See [`Error`].
pub fn tags_with(client: &Client, project: u64, sha: &str) -> Result<Vec<String>, Error> {
    let endpoint = TagsWith { project: project.into(), sha: sha.into() };
    let found: Option<Vec<Reference>> = Error::absent(client.all(&endpoint))?;
    Ok(found.unwrap_or_default().into_iter().map(|reference| reference.name).collect())
}

/// A commit with its message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// The commit, in hexadecimal.
    pub id: String,
    /// All of its message.
    #[serde(default)]
    pub message: String,
}

/// The commits of a branch that another commit does not have, newest first; none where one of them is not there.
///
/// # Errors
/// See [`Error`].
pub fn since(client: &Client, project: u64, sha: &str, branch: &str) -> Result<Vec<Message>, Error> {
    let found = client.all(&Range { project: project.into(), range: format!("{sha}..{branch}") });
    Ok(Error::absent(found)?.unwrap_or_default())
}

/// `GET /projects/:id/repository/commits` with a range, page by page, which the crate's own is not.
struct Range<'a> {
    project: NameOrId<'a>,
    range: String,
}

impl Endpoint for Range<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/commits", self.project).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("ref_name", &self.range);
        parameters
    }
}

impl Pageable for Range<'_> {}

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

/// `GET /projects/:id/repository/commits/:sha/refs`, page by page, which the crate's own is not.
struct TagsWith<'a> {
    project: NameOrId<'a>,
    sha: NameOrId<'a>,
}

impl Endpoint for TagsWith<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/commits/{}/refs", self.project, self.sha).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("type", "tag");
        parameters
    }
}

impl Pageable for TagsWith<'_> {}
