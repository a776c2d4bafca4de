//! Milestones of a project and of the groups above it.

use std::borrow::Cow;

use gitlab::api::{Endpoint, QueryParams, common::NameOrId};
use http::Method;
use serde::Deserialize;

use super::{Client, Error};

#[derive(Deserialize)]
struct Milestone {
    id: u64,
    title: String,
}

/// The number that requests name a milestone by, `None` when there is none with this title.
///
/// # Errors
/// See [`Error`].
pub fn id_of(client: &Client, project: &str, title: &str) -> Result<Option<u64>, Error> {
    let found: Vec<Milestone> = client.get(&ByTitle { project: project.into(), title })?;
    Ok(found.into_iter().find(|milestone| milestone.title == title).map(|milestone| milestone.id))
}

/// `GET /projects/:id/milestones` with the parameters that the crate's endpoint lacks.
struct ByTitle<'a> {
    project: NameOrId<'a>,
    title: &'a str,
}

impl Endpoint for ByTitle<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/milestones", self.project).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("title", self.title).push("state", "active").push("include_ancestors", true);
        parameters
    }
}
