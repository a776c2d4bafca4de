//! What becomes public with a sync: which commits, whose they are, and the words that strangers read.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{fix::FixName, project::ProjectPath};

/// A commit that canonical does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// Its name, in hexadecimal.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// The rest of its message.
    pub body: String,
    /// Who wrote it.
    pub author: String,
    /// Why it may become public, or why it may not.
    pub origin: Origin,
}

/// Where a commit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum Origin {
    /// It belongs to the fix.
    Fix,
    /// It only took canonical into security: it holds nothing that is not public or told of here.
    TakenIn,
    /// It is somebody else's, and was cleared by its name.
    Cleared,
    /// It is somebody else's work, under embargo.
    Foreign,
}

impl From<Origin> for &'static str {
    fn from(origin: Origin) -> Self {
        origin.in_words()
    }
}

impl Origin {
    /// In a word or two.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Fix => "this fix",
            Self::TakenIn => "canonical taken in",
            Self::Cleared => "cleared",
            Self::Foreign => "not of this fix",
        }
    }
}

/// Whether somebody named this commit, by at least seven of its digits.
pub fn is_named(id: &str, names: &[String]) -> bool {
    names.iter().any(|name| name.len() >= 7 && id.starts_with(&name.to_ascii_lowercase()))
}

/// Words that say nothing, however long they are.
const NEUTRAL: [&str; 38] = [
    "all",
    "and",
    "are",
    "can",
    "for",
    "has",
    "its",
    "new",
    "not",
    "now",
    "off",
    "out",
    "the",
    "use",
    "about",
    "after",
    "before",
    "branch",
    "canonical",
    "change",
    "changes",
    "code",
    "from",
    "into",
    "merge",
    "mirror",
    "public",
    "security",
    "should",
    "stable",
    "sync",
    "than",
    "that",
    "this",
    "update",
    "when",
    "where",
    "with",
];

/// The words of a text for strangers that also stand in the title of the issue or in the name of the fix.
/// They would tell what it is about to people who read nothing else.
pub fn telling_words(text: &str, issue_title: &str, fix: &FixName) -> Vec<String> {
    let words = |text: &str| -> BTreeSet<String> {
        let split = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        split.filter(|word| word.chars().count() >= 3 && !NEUTRAL.contains(&word.as_str())).collect()
    };
    let secret: BTreeSet<String> = words(issue_title).union(&words(fix.as_str())).cloned().collect();
    words(text).intersection(&secret).cloned().collect()
}

/// What a merge request in canonical says where nothing else is configured.
pub fn neutral_title(branch: &str) -> String {
    format!("Sync {branch}")
}

/// The text of a merge request in canonical. It names nothing but what its own page shows.
pub fn neutral_description(branch: &str, canonical: &ProjectPath) -> String {
    format!("Brings `{branch}` of {canonical} up to date with its mirror.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_something_is_found_whatever_its_spelling() {
        let fix: FixName = "prompt-injection".parse().unwrap();
        let title = "Prompt injection through file names";
        assert_eq!(telling_words("Fix PROMPT handling in File names", title, &fix), ["file", "names", "prompt"]);
        assert_eq!(telling_words("injections", title, &fix), [""; 0]);
        assert_eq!(telling_words("Fix XSS in the page", "XSS for all", &fix), ["xss"]);
        let canonical: ProjectPath = "group/project".parse().unwrap();
        for branch in ["main", "stable-18-4-ee"] {
            let text = format!("{}\n{}", neutral_title(branch), neutral_description(branch, &canonical));
            assert_eq!(telling_words(&text, title, &fix), [""; 0]);
        }
    }

    #[test]
    fn a_name_must_be_long_enough_to_mean_one_commit() {
        let names = |name: &str| [name.to_owned()];
        assert!(is_named("abcdef0123", &names("abcdef0")));
        assert!(is_named("abcdef0123", &names("ABCDEF01")));
        assert!(!is_named("abcdef0123", &names("abcdef")));
        assert!(!is_named("abcdef0123", &names("bcdef01")));
    }
}
