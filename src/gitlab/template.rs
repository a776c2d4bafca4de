//! Templates for the descriptions of merge requests.

use std::borrow::Cow;

use gitlab::api::{Endpoint, common::NameOrId};
use http::Method;
use serde::Deserialize;

use super::{Client, Error};

#[derive(Deserialize)]
struct Template {
    content: String,
}

/// The text of a template of merge requests; `None` when the project has none of that name.
///
/// # Errors
/// See [`Error`].
pub fn read(client: &Client, project: &str, name: &str) -> Result<Option<String>, Error> {
    let found: Option<Template> =
        Error::absent(client.get(&OneTemplate { project: project.into(), name: name.into() }))?;
    Ok(found.map(|template| template.content))
}

/// `GET /projects/:id/templates/merge_requests/:name`, which the crate lacks.
struct OneTemplate<'a> {
    project: NameOrId<'a>,
    name: NameOrId<'a>,
}

impl Endpoint for OneTemplate<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/templates/merge_requests/{}", self.project, self.name).into()
    }
}
