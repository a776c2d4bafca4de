//! Projects: who can see them, and what this token may do there.

use gitlab::api::projects;
use serde::Deserialize;

use super::{Client, Error, built};
use crate::domain::project_words::{MergeMethod, SquashOption, Visibility};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// The number that every request should name it by: it survives a rename.
    pub id: u64,
    /// Its full path.
    pub path_with_namespace: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// Whether nothing can be changed in it.
    #[serde(default)]
    pub archived: bool,
    /// Its page.
    pub web_url: String,
    /// How it merges.
    #[serde(default)]
    pub merge_method: MergeMethod,
    /// Whether it squashes what is merged.
    #[serde(default)]
    pub squash_option: SquashOption,
    /// Whether this token may open merge requests there, where the server says.
    pub can_create_merge_request_in: Option<bool>,
    /// Whether nothing is merged without a pipeline that succeeded.
    pub only_allow_merge_if_pipeline_succeeds: Option<bool>,
    /// Whether a skipped one is as good.
    pub allow_merge_on_skipped_pipeline: Option<bool>,
    /// What this token may do there; missing where it is nobody's.
    pub permissions: Option<Permissions>,
}

/// What a user may do in a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Permissions {
    /// As a member of the project.
    pub project_access: Option<Access>,
    /// As a member of one of its groups.
    pub group_access: Option<Access>,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Access {
    /// 30 for a developer, 40 for a maintainer.
    pub access_level: u64,
}

/// The access level of a developer.
pub const DEVELOPER: u64 = 30;

/// The access level of a maintainer.
pub const MAINTAINER: u64 = 40;

impl Project {
    /// Whether only members can see it.
    pub fn is_private(&self) -> bool {
        self.visibility == Visibility::Private
    }

    /// Whether the project itself asks for no pipeline. What the server does not say is asked for.
    pub fn wants_no_pipeline(&self) -> bool {
        self.only_allow_merge_if_pipeline_succeeds == Some(false)
    }

    /// Whether a skipped pipeline keeps nobody from merging.
    pub fn takes_skipped_pipelines(&self) -> bool {
        self.wants_no_pipeline() || self.allow_merge_on_skipped_pipeline == Some(true)
    }

    /// The access level of this token's user; 0 where there is none.
    pub fn access_level(&self) -> u64 {
        let permissions = self.permissions.iter();
        let accesses = permissions.flat_map(|all| [&all.project_access, &all.group_access].into_iter().flatten());
        accesses.map(|access| access.access_level).max().unwrap_or_default()
    }
}

/// Reads a project by its full path.
///
/// # Errors
/// See [`Error`]; 404 also when the token may not see it.
pub fn find(client: &Client, path: &str) -> Result<Project, Error> {
    client.get(&built(projects::Project::builder().project(path).build())?)
}
