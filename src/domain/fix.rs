//! The name of a fix, and the names of its branches.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{
    pattern::{Pattern, Values, is_ref_name},
    version::ReleaseLine,
};

/// The name of a fix, such as `prompt-injection`: the part that its branch names share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixName(String);

/// Why a text cannot name a fix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FixNameError {
    /// The text holds characters that would not survive every file system and server.
    #[error("`{text}` cannot name a fix: use lower-case letters, digits, `-`, `_` and `.`")]
    Characters {
        /// What was given.
        text: String,
        /// The nearest valid name, where there is one.
        suggestion: Option<FixName>,
    },
    /// Its branch would be taken for the backport branch of another fix.
    #[error("`{0}` ends like a release line, so its branch would look like a backport branch")]
    LooksLikeBackport(String),
}

impl FixName {
    /// The longest name accepted; leaves room for prefixes and a version below 255 bytes.
    const MAX_LEN: usize = 100;

    /// The bare name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FixName {
    type Err = FixNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_plain(text) {
            return Ok(Self(text.to_owned()));
        }
        let suggestion = suggest(text);
        Err(FixNameError::Characters { text: text.to_owned(), suggestion })
    }
}

/// Only what is the same on case-insensitive file systems and needs no quoting anywhere.
fn is_plain(text: &str) -> bool {
    text.len() <= FixName::MAX_LEN
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'))
        && is_ref_name(text)
}

fn suggest(text: &str) -> Option<FixName> {
    let mut name = String::new();
    for c in text.to_ascii_lowercase().chars() {
        let c = if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        if !(c == '-' && name.ends_with('-')) {
            name.push(c);
        }
    }
    name.truncate(FixName::MAX_LEN);
    let name = name.trim_matches(['-', '_']);
    is_plain(name).then(|| FixName(name.to_owned()))
}

impl fmt::Display for FixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which branch of a fix a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FixBranch {
    /// The fix.
    pub fix: FixName,
    /// The release line of a backport branch; `None` for the branch towards the default branch.
    pub line: Option<ReleaseLine>,
}

/// How the branches of a project are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchNames {
    /// The default branch, such as `main`.
    pub default: String,
    /// The stable branch of a line: `stable-{major}-{minor}-ee`.
    pub stable: Pattern,
    /// The branch of a fix: `security-{name}`.
    pub fix: Pattern,
    /// The backport branch of a fix: `security-{name}-{major}-{minor}`.
    pub backport: Pattern,
}

impl BranchNames {
    /// The name of a fix as a person types it: bare, or with what the branch names put before it.
    ///
    /// # Errors
    /// When it holds characters that branch names should not, or would be read as a backport.
    pub fn fix_name(&self, text: &str) -> Result<FixName, FixNameError> {
        let bare = match self.read(text) {
            Some(branch) => return Ok(branch.fix),
            None => text.strip_prefix(self.fix.prefix()).unwrap_or(text),
        };
        let fix: FixName = bare.parse().map_err(|error| self.with_usable_suggestion(error))?;
        let branch = FixBranch { fix, line: None };
        if self.read(&self.write(&branch)) == Some(branch.clone()) {
            Ok(branch.fix)
        } else {
            Err(FixNameError::LooksLikeBackport(text.to_owned()))
        }
    }

    /// A suggestion that would be refused in its turn is made one that is not.
    fn with_usable_suggestion(&self, error: FixNameError) -> FixNameError {
        let FixNameError::Characters { text, suggestion: Some(name) } = error else { return error };
        let is_usable = self.fix_name(name.as_str()).is_ok();
        let suggestion = if is_usable { Some(name) } else { format!("{name}-fix").parse().ok() };
        FixNameError::Characters { text, suggestion }
    }

    /// The name of a branch of a fix.
    pub fn write(&self, branch: &FixBranch) -> String {
        let name = Some(branch.fix.0.clone());
        match branch.line {
            None => self.fix.write(&Values { name, ..Values::default() }),
            Some(line) => self.backport.write(&Values { name, ..Values::from_line(line) }),
        }
    }

    /// Which branch of which fix `name` stands for; `None` when it is none.
    pub fn read(&self, name: &str) -> Option<FixBranch> {
        if let Some(values) = self.backport.read(name)
            && let Some(fix) = values.name.as_deref().and_then(|name| name.parse().ok())
        {
            return Some(FixBranch { fix, line: values.line() });
        }
        let fix = self.fix.read(name)?.name?.parse().ok()?;
        Some(FixBranch { fix, line: None })
    }

    /// Whether a branch belongs to a fix by its name alone, even one that we would not choose.
    pub fn looks_like_fix(&self, name: &str) -> bool {
        self.fix.read(name).is_some() || self.backport.read(name).is_some()
    }

    /// The branch that a branch of a fix starts from and is merged into.
    pub fn target(&self, line: Option<ReleaseLine>) -> String {
        match line {
            None => self.default.clone(),
            Some(line) => self.stable.write(&Values::from_line(line)),
        }
    }

    /// What all stable branches begin with or, where that is nothing, end with, as GitLab searches for names: `^stable-`
    /// or `-stable-ee$`.
    pub fn stable_search(&self) -> String {
        if !self.stable.prefix().is_empty() {
            return format!("^{}", self.stable.prefix());
        }
        let [one, other] = [(1, 2), (3, 4)].map(|(major, minor)| self.target(Some(ReleaseLine { major, minor })));
        let common = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
        format!("{}$", &one[one.len() - common..])
    }

    /// Whether fixes reach this branch by merge requests only: the default or a stable branch.
    pub fn is_protected(&self, name: &str) -> bool {
        name == self.default || self.stable.read(name).is_some()
    }

    /// A release line as a person types it: `18-4`, `18.4`, `v18.4` or its stable branch.
    ///
    /// # Errors
    /// When it is none of those.
    pub fn line(&self, text: &str) -> Result<ReleaseLine, super::version::ReleaseLineError> {
        match self.stable.read(text).and_then(|values| values.line()) {
            Some(line) => Ok(line),
            None => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::pattern::Placeholder::{Major, Minor, Name};

    fn names() -> BranchNames {
        BranchNames {
            default: "main".to_owned(),
            stable: Pattern::parse("stable-{major}-{minor}-ee", &[Major, Minor]).unwrap(),
            fix: Pattern::parse("security-{name}", &[Name]).unwrap(),
            backport: Pattern::parse("security-{name}-{major}-{minor}", &[Name, Major, Minor]).unwrap(),
        }
    }

    #[test]
    fn a_prefixed_name_is_the_same_fix() {
        for text in ["prompt-injection", "security-prompt-injection", "security-prompt-injection-18-4"] {
            assert_eq!(names().fix_name(text).unwrap().as_str(), "prompt-injection", "{text}");
        }
    }

    #[test]
    fn bad_names_come_with_a_suggestion() {
        for (text, suggestion) in [
            ("Prompt Injection", Some("prompt-injection")),
            ("fix: äöü!", Some("fix")),
            ("a..b", Some("a-b")),
            ("x.lock", Some("x-lock")),
            ("--upload-pack=x", Some("upload-pack-x")),
            ("x;touch y", Some("x-touch-y")),
            ("CVE-2026-1234", Some("cve-2026-1234-fix")),
            ("", None),
            ("///", None),
        ] {
            match names().fix_name(text).unwrap_err() {
                FixNameError::Characters { suggestion: got, .. } => {
                    assert_eq!(got.as_ref().map(FixName::as_str), suggestion, "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_name_that_ends_like_a_line_is_refused() {
        assert!(matches!(names().fix_name("cve-2026-1"), Err(FixNameError::LooksLikeBackport(_))));
        assert!(names().fix_name("cve-2026-1-x").is_ok());
    }

    #[test]
    fn stable_branches_are_searched_by_what_they_share() {
        assert_eq!(names().stable_search(), "^stable-");
        let stable = Pattern::parse("{major}-{minor}-stable-ee", &[Major, Minor]).unwrap();
        assert_eq!(BranchNames { stable, ..names() }.stable_search(), "-stable-ee$");
    }

    #[test]
    fn stable_and_default_branches_are_protected() {
        for name in ["main", "stable-18-4-ee"] {
            assert!(names().is_protected(name), "{name}");
        }
        for name in ["master", "stable-18-4", "security-x", "main2"] {
            assert!(!names().is_protected(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn branches_are_read_back(name in "[a-z0-9]([a-z0-9._-]{0,12}[a-z0-9])?", line in proptest::option::of((0u32..30, 0u32..30))) {
            let names = names();
            if let Ok(fix) = names.fix_name(&name) {
                let branch = FixBranch { fix, line: line.map(|(major, minor)| ReleaseLine { major, minor }) };
                prop_assert_eq!(names.read(&names.write(&branch)), Some(branch));
            }
        }
    }
}
