//! What the servers have: heads and tags of each line, and who may tag.

use anyhow::anyhow;

use crate::{
    domain::{patch_tag::PatchTag, policy::Policy, version::ReleaseLine},
    gitlab::{Client, Error, at_once, branch, compare, project::Project, tag},
    ops::{Failure, connection::unanswered, facts::AfterMerge},
};

/// Which project is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The public one.
    Canonical,
    /// Its private mirror.
    Security,
}

/// What the servers have.
#[derive(Debug)]
pub(super) struct Survey {
    /// The project that is tagged.
    pub(super) project: Project,
    /// Line by line.
    pub(super) lines: Vec<Line>,
    /// The rules that protect tags there; `None` where this token may not see them.
    pub(super) rules: Option<Vec<tag::Rule>>,
}

/// A release line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Which.
    pub(super) line: ReleaseLine,
    /// Its stable branch.
    pub(super) branch: String,
    /// The commit to tag: the newest one of that, and in security the one by which the fix came into it, since what
    /// came behind it may be under embargo.
    pub(super) head: String,
    /// The tag that holds the fix already.
    pub(super) tagged: Option<PatchTag>,
    /// The tag of security that is to be published, with its commit.
    pub(super) private: Option<(PatchTag, String)>,
    /// The names of the tags of the line in both projects.
    pub(super) names: Vec<String>,
}

/// Asks everything at the same time.
pub(super) fn survey(
    client: &Client,
    policy: &Policy,
    after_merge: &AfterMerge,
    security: &Project,
    place: Place,
) -> Result<Survey, Failure> {
    let project = if place == Place::Canonical { &after_merge.canonical } else { security };
    let tagged = if place == Place::Canonical { &after_merge.patch_tags } else { &after_merge.private_tags };
    let wanted: Vec<(ReleaseLine, &str, &str)> = after_merge
        .merged
        .iter()
        .filter_map(|merged| Some((merged.line?, merged.branch.as_str(), merged.commit.as_str())))
        .collect();
    let rules = tag::rules(client, project.id).map_err(unanswered)?;
    let found = at_once(&wanted, |(line, branch, commit)| {
        let start = PatchTag::prefix(&policy.patch_tag, *line);
        let mut names = Vec::new();
        for tags in at_once(&[after_merge.canonical.id, security.id], |id| tag::starting_with(client, *id, &start)) {
            names.extend(tags?.into_iter().map(|tag| tag.name));
        }
        let head = match place {
            Place::Canonical => branch::find(client, project.id, branch)?.map(|found| found.commit.id),
            Place::Security => Some((*commit).to_owned()),
        };
        let holds = match &head {
            Some(head) => compare::has_arrived(client, project.id, commit, head)?,
            None => false,
        };
        let private = after_merge.private_tags.iter().find(|(of, _)| of == line).and_then(|(_, tag)| tag.clone());
        let private = match private.filter(|_| place == Place::Canonical) {
            Some(name) => tag::find(client, security.id, &name.to_string())?.map(|tag| (name, tag.commit.id)),
            None => None,
        };
        Ok::<_, Error>((names, head.filter(|_| holds), private))
    });
    let mut lines = Vec::new();
    for ((line, branch, _), found) in wanted.into_iter().zip(found) {
        let (names, head, private) = found.map_err(unanswered)?;
        let head = head.ok_or_else(|| {
            Failure::not_done(anyhow!("`{branch}` of {} does not hold the fix", project.path_with_namespace))
                .hint("git secfix status")
        })?;
        let tagged = tagged.iter().find(|(of, _)| *of == line).and_then(|(_, tag)| tag.clone());
        lines.push(Line { line, branch: branch.to_owned(), head, tagged, private, names });
    }
    Ok(Survey { project: project.clone(), lines, rules })
}
