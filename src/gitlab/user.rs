//! Users and the members of groups.

use std::borrow::Cow;

use gitlab::api::{Endpoint, Pageable, common::NameOrId, users};
use http::Method;
use serde::Deserialize;

use super::{Client, Error, built};

/// A person or a bot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The number that requests name users by.
    pub id: u64,
    /// The name after the `@`.
    pub username: String,
    /// The name that people read.
    #[serde(default)]
    pub name: String,
}

/// Whose token this is.
///
/// # Errors
/// See [`Error`]; 401 when the token is not valid.
pub fn me(client: &Client) -> Result<User, Error> {
    client.get(&built(users::CurrentUser::builder().build())?)
}

/// The user of that name, if there is one.
///
/// # Errors
/// See [`Error`].
pub fn by_name(client: &Client, username: &str) -> Result<Option<User>, Error> {
    let found: Vec<User> = client.get(&built(users::Users::builder().username(username).build())?)?;
    Ok(found.into_iter().find(|user| user.username.eq_ignore_ascii_case(username)))
}

/// The direct members of a group. Those of the groups above it are members as well for GitLab, and may
/// be everybody of a company.
///
/// # Errors
/// See [`Error`]; 404 when the token may not see the group.
pub fn list_members(client: &Client, group: &str) -> Result<Vec<User>, Error> {
    client.all(&Members(group.into()))
}

/// `GET /groups/:id/members`.
struct Members<'a>(NameOrId<'a>);

impl Endpoint for Members<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("groups/{}/members", self.0).into()
    }
}

impl Pageable for Members<'_> {}

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The name after the `@`.
    pub username: String,
    /// 30 for a developer, 40 for a maintainer.
    pub access_level: u64,
}

/// Everybody who is a member of a project, also through its groups; `None` where this token may not read that.
///
/// # Errors
/// See [`Error`].
pub fn members_of_project(client: &Client, project: u64) -> Result<Option<Vec<Member>>, Error> {
    Error::invisible(client.all(&ProjectMembers(project)))
}

/// `GET /projects/:id/members/all`.
struct ProjectMembers(u64);

impl Endpoint for ProjectMembers {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/members/all", self.0).into()
    }
}

impl Pageable for ProjectMembers {}
