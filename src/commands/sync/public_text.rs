//! The words that strangers read: titles and texts of the merge requests in canonical.

use anyhow::anyhow;

use crate::{
    domain::{
        disclosure::{neutral_description, neutral_title, telling_words},
        fix::FixName,
        project::ProjectPath,
    },
    ops::Failure,
};

/// How titles and texts are made.
pub(super) struct PublicText<'a> {
    /// The configured title, with `{branch}` in it.
    pub(super) pattern: Option<&'a str>,
    /// The public project.
    pub(super) canonical: &'a ProjectPath,
}

impl PublicText<'_> {
    /// The title for a branch.
    pub(super) fn title(&self, branch: &str) -> String {
        self.pattern.map_or_else(|| neutral_title(branch), |pattern| pattern.replace("{branch}", branch))
    }

    /// The text for a branch.
    pub(super) fn description(&self, branch: &str) -> String {
        neutral_description(branch, self.canonical)
    }

    /// Refuses words that tell what the fix is about.
    pub(super) fn check(&self, branch: &str, issue_title: &str, fix: &FixName) -> Result<(), Failure> {
        let text = format!("{}\n{}", self.title(branch), self.description(branch));
        let telling = telling_words(&text, issue_title, fix);
        if telling.is_empty() {
            return Ok(());
        }
        let error = anyhow!("the title \"{}\" tells what the fix is about: {}", self.title(branch), telling.join(", "));
        Err(Failure::refused(error).hint("git secfix config, and set `sync.title` to something neutral"))
    }
}
