//! Which issue a fix is for: `34`, `#34`, `group/project#34`, or the address of its page.

use std::fmt;

use thiserror::Error;

use super::{
    policy::Instance,
    project::{ProjectPath, Server},
};

/// An issue of a project.
///
/// Written as GitLab links it everywhere: `group/project#34`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueRef {
    /// The project that it belongs to.
    pub project: ProjectPath,
    /// The number that people see.
    pub iid: u64,
}

/// Why a text names no issue of this instance.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IssueRefError {
    /// Neither a number nor a reference nor an address.
    #[error("`{0}` names no issue: write `34`, `group/project#34`, or the address of its page")]
    Malformed(String),
    /// The page of another server.
    #[error("`{url}` is not on {expected}")]
    OtherServer {
        /// What was given.
        url: String,
        /// The host that was expected.
        expected: String,
    },
}

impl IssueRef {
    /// Reads what a person writes; a bare number is an issue of `project`.
    ///
    /// # Errors
    /// When it names no issue, or one of another server.
    pub fn read(text: &str, project: &ProjectPath, instance: &Instance) -> Result<Self, IssueRefError> {
        let malformed = || IssueRefError::Malformed(text.to_owned());
        if text.contains("://") {
            return Self::read_page(text, instance);
        }
        let (path, number) = text.rsplit_once('#').unwrap_or(("", text));
        let project = if path.is_empty() { project.clone() } else { path.parse().map_err(|_| malformed())? };
        Ok(Self { project, iid: number_of(number).ok_or_else(malformed)? })
    }

    /// Reads `https://host[/root]/group/project/-/issues/34` or `…/-/work_items/34`, with whatever
    /// follows the number.
    fn read_page(url: &str, instance: &Instance) -> Result<Self, IssueRefError> {
        let malformed = || IssueRefError::Malformed(url.to_owned());
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(malformed)?;
        let (server, path) = rest.split_once('/').ok_or_else(malformed)?;
        let server: Server = server.parse().map_err(|_| malformed())?;
        if !instance.servers.iter().any(|known| known.host == server.host) {
            let expected = instance.servers.first().map_or_else(String::new, ToString::to_string);
            return Err(IssueRefError::OtherServer { url: url.to_owned(), expected });
        }
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = match instance.root.as_str() {
            "" => path,
            root => path.strip_prefix(root).and_then(|path| path.strip_prefix('/')).ok_or_else(malformed)?,
        };
        let (project, number) =
            ["/-/issues/", "/-/work_items/"].iter().find_map(|part| path.split_once(part)).ok_or_else(malformed)?;
        let number = number.split('/').next().unwrap_or_default();
        Ok(Self { project: project.parse().map_err(|_| malformed())?, iid: number_of(number).ok_or_else(malformed)? })
    }

    /// Whether a text names it, as the pages of `project` would link it: `group/project#34`, the address of its page, or
    /// `#34` alone where it is one of that project.
    ///
    /// ```
    /// use git_secfix::domain::issue::IssueRef;
    /// let issue = IssueRef { project: "g/p".parse().unwrap(), iid: 34 };
    /// let (own, other) = ("g/p".parse().unwrap(), "g/q".parse().unwrap());
    /// assert!(issue.is_named_in("Fix it (#34)", &own) && !issue.is_named_in("Fix it (#34)", &other));
    /// assert!(issue.is_named_in("see https://gitlab.com/g/p/-/work_items/34?x", &other));
    /// assert!(!issue.is_named_in("g/p#345, p#34, /g/p/-/issues/341", &other));
    /// ```
    pub fn is_named_in(&self, text: &str, project: &ProjectPath) -> bool {
        let Self { project: own, iid } = self;
        let mut names = vec![format!("{own}#{iid}")];
        names.extend(["issues", "work_items"].map(|kind| format!("/{own}/-/{kind}/{iid}")));
        if own == project {
            names.push(format!("#{iid}"));
        }
        let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        names.iter().any(|name| {
            text.match_indices(name.as_str()).any(|(at, found)| {
                let before = text[..at].chars().next_back();
                let behind = text[at + found.len()..].chars().next();
                // The address of a page has its host in front of it.
                let begins = name.starts_with('/') || before.is_none_or(|c| !is_of_path(c));
                begins && behind.is_none_or(|c| !c.is_ascii_digit())
            })
        })
    }

    /// The issue that the text of a merge request is linked to: the first `Related to` or `Closes`
    /// with a full reference, as [`IssueRef`] writes it, or with the address of its page.
    pub fn linked_in(text: &str, instance: &Instance) -> Option<Self> {
        let mut is_code = false;
        let mut is_comment = false;
        text.lines().find_map(|line| {
            // What people do not see as a link is none: code, and comments of a template.
            if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
                is_code = !is_code;
            }
            let begins_comment = line.contains("<!--");
            let is_hidden = is_code || is_comment || begins_comment;
            is_comment = (is_comment || begins_comment) && !line.contains("-->");
            if is_hidden {
                return None;
            }
            let lower = line.trim_start_matches(['-', '*', ' ']);
            let rest = ["Related to ", "Closes ", "related to ", "closes "]
                .iter()
                .find_map(|verb| lower.strip_prefix(verb))?;
            let word = rest.split_whitespace().next()?.trim_end_matches(['.', ',', '+']);
            // A bare `#34` would be an issue of the merge request's own project.
            let nowhere: ProjectPath = "none/none".parse().ok()?;
            Self::read(word, &nowhere, instance).ok().filter(|issue| issue.project != nowhere)
        })
    }
}

fn number_of(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number > 0 && !text.starts_with('+'))
}

impl fmt::Display for IssueRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.project, self.iid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(root: &str) -> Instance {
        Instance { servers: vec!["gitlab.com".parse().unwrap()], root: root.to_owned() }
    }

    fn read(text: &str, root: &str) -> Result<String, IssueRefError> {
        IssueRef::read(text, &"g/p".parse().unwrap(), &instance(root)).map(|issue| issue.to_string())
    }

    #[test]
    fn every_spelling_is_one_issue() {
        for (text, root, issue) in [
            ("34", "", "g/p#34"),
            ("#34", "", "g/p#34"),
            ("a/b/c#34", "", "a/b/c#34"),
            ("https://gitlab.com/a/b/-/issues/34", "", "a/b#34"),
            ("https://gitlab.com/a/b/-/issues/34/designs?x=1#note_2", "", "a/b#34"),
            ("https://gitlab.com/a/b/-/work_items/34", "", "a/b#34"),
            ("https://gitlab.com/root/a/b/-/issues/34", "root", "a/b#34"),
        ] {
            assert_eq!(read(text, root).as_deref(), Ok(issue), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "0",
            "-1",
            "+3",
            "x",
            "p#3",
            "a/b#",
            "https://gitlab.com/a/b/-/merge_requests/3",
            "https://gitlab.com/",
        ] {
            assert!(matches!(read(text, ""), Err(IssueRefError::Malformed(_))), "{text}");
        }
        let other = read("https://evil.example/a/b/-/issues/34", "").unwrap_err();
        assert_eq!(other.to_string(), "`https://evil.example/a/b/-/issues/34` is not on gitlab.com");
    }

    #[test]
    fn the_link_of_a_merge_request_is_found_again() {
        let found = |text: &str| IssueRef::linked_in(text, &instance("")).map(|issue| issue.to_string());
        assert_eq!(found("## What\n\nRelated to a/b#34.\n").as_deref(), Some("a/b#34"));
        assert_eq!(found("- Closes https://gitlab.com/a/b/-/issues/34+").as_deref(), Some("a/b#34"));
        assert_eq!(found("see a/b#34, related to #35"), None);
        assert_eq!(found("<!--\nCloses a/b#1\n-->\n```\nCloses a/b#2\n```\nCloses a/b#3").as_deref(), Some("a/b#3"));
        assert_eq!(found("<!-- Closes a/b#1 -->"), None);
    }
}
