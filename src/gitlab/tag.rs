//! Tags, and the rules that protect them.

use gitlab::api::{
    common::NameOrId,
    projects::{
        protected_tags::ProtectedTags,
        repository::tags::{CreateTag, Tag as OneTag, Tags},
    },
};
use serde::Deserialize;

use super::{Client, Error, branch::Commit, built, wildcard};

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// The commit that it leads to, also where it is an annotated one.
    pub commit: Commit,
}

/// A rule that protects tags.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rule {
    /// The names that it is for, with `*` for any characters.
    pub name: String,
    /// Who may create them.
    #[serde(default)]
    pub create_access_levels: Vec<Access>,
}

/// Somebody who may create a protected tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Access {
    /// Everybody with this level, 0 for nobody.
    pub access_level: Option<u64>,
    /// One user.
    pub user_id: Option<u64>,
    /// Everybody of a group.
    pub group_id: Option<u64>,
}

impl Rule {
    /// Whether it is for a tag of this name.
    pub fn is_for(&self, tag: &str) -> bool {
        wildcard::matches(&self.name, tag)
    }

    /// Whether somebody with this access level may create what it is for. Rights of single users and of groups
    /// cannot be told from here, and are taken to be one's own.
    pub fn lets_create(&self, level: u64) -> bool {
        self.create_access_levels.iter().any(|access| match access {
            Access { user_id: Some(_), .. } | Access { group_id: Some(_), .. } => true,
            Access { access_level, .. } => access_level.is_some_and(|needed| needed > 0 && needed <= level),
        })
    }
}

/// Every tag of a project whose name starts with this text.
///
/// # Errors
/// See [`Error`].
pub fn starting_with<'a>(client: &Client, project: impl Into<NameOrId<'a>>, start: &str) -> Result<Vec<Tag>, Error> {
    client.all(&built(Tags::builder().project(project).search(format!("^{start}")).build())?)
}

/// Reads a tag; `None` where there is none.
///
/// # Errors
/// See [`Error`].
pub fn find(client: &Client, project: u64, name: &str) -> Result<Option<Tag>, Error> {
    Error::absent(client.get(&built(OneTag::builder().project(project).tag_name(name).build())?))
}

/// Creates a tag on a commit, an annotated one where it has a message. When the answer is lost or another
/// was faster, what is there now counts: the caller compares the commit.
///
/// # Errors
/// See [`Error`]; 400 or 403 where the user may not create it.
pub fn create(client: &Client, project: u64, name: &str, sha: &str, message: Option<&str>) -> Result<Tag, Error> {
    let mut endpoint = CreateTag::builder();
    endpoint.project(project).tag_name(name).ref_(sha);
    if let Some(message) = message {
        endpoint.message(message);
    }
    let error = match client.create(&built(endpoint.build())?) {
        Ok(created) => return Ok(created),
        Err(error) => error,
    };
    if error.may_have_taken_effect() || error.status() == Some(400) {
        return find(client, project, name)?.ok_or(error);
    }
    Err(error)
}

/// The rules that protect tags; `None` where the token may not see them, which takes a maintainer.
///
/// # Errors
/// See [`Error`].
pub fn rules(client: &Client, project: u64) -> Result<Option<Vec<Rule>>, Error> {
    Error::invisible(client.all(&built(ProtectedTags::builder().project(project).build())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_for_what_their_stars_say() {
        let rule = |name: &str| Rule { name: name.to_owned(), create_access_levels: vec![] };
        for (name, tag, fits) in [
            ("v1", "v1", true),
            ("v1", "v12", false),
            ("self-hosted-v*", "self-hosted-v18.4.1-ee", true),
            ("*-ee", "v1-ee", true),
            ("v*.*-ee", "v18.4-ee", true),
            ("v*.*-ee", "v18-ee", false),
            ("*", "anything", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(rule(name).is_for(tag), fits, "{name} {tag}");
        }
    }

    #[test]
    fn level_zero_is_nobody() {
        let rule = |access_level, user_id| Rule {
            name: "*".to_owned(),
            create_access_levels: vec![Access { access_level: Some(access_level), user_id, group_id: None }],
        };
        assert!(!rule(0, None).lets_create(50));
        assert!(rule(30, None).lets_create(40) && !rule(40, None).lets_create(30));
        assert!(rule(40, Some(7)).lets_create(30));
    }
}
