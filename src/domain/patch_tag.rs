//! Patch tags: which tags belong to a release line, and what its next one is called.

use std::{fmt, str::FromStr};

use super::{
    pattern::{Pattern, Values},
    version::ReleaseLine,
};

/// When a project tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In public, once the fix is public.
    AfterSync,
    /// In security before the disclosure; the same tags become public afterwards.
    BeforeSync,
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "after-sync" => Ok(Self::AfterSync),
            "before-sync" => Ok(Self::BeforeSync),
            _ => Err(format!("`{text}` is neither `after-sync` nor `before-sync`")),
        }
    }
}

/// The name of a patch tag, such as `self-hosted-v18.4.2-ee`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PatchTag {
    /// The line that it belongs to.
    pub line: ReleaseLine,
    /// The third number.
    pub patch: u32,
    name: String,
}

impl PatchTag {
    /// Reads a name; `None` when it is no patch tag, such as one of a release candidate.
    pub fn read(pattern: &Pattern, name: &str) -> Option<Self> {
        let values = pattern.read(name)?;
        Some(Self { line: values.line()?, patch: values.patch?, name: name.to_owned() })
    }

    /// The tag with this number.
    pub fn numbered(pattern: &Pattern, line: ReleaseLine, patch: u32) -> Self {
        let name = pattern.write(&Values { patch: Some(patch), ..Values::from_line(line) });
        Self { line, patch, name }
    }

    /// The one behind the highest of exactly this line; its first one where there is none.
    ///
    /// ```
    /// use git_secfix::domain::{patch_tag::PatchTag, pattern::{Pattern, Placeholder::*}};
    /// let pattern = Pattern::parse("v{major}.{minor}.{patch}-ee", &[Major, Minor, Patch]).unwrap();
    /// let names = ["v18.4.9-ee", "v18.4.10-ee", "v18.4.11-rc1-ee", "v18.40.3-ee"];
    /// let next = |line: &str| PatchTag::next(&pattern, line.parse().unwrap(), names).unwrap().to_string();
    /// assert_eq!(next("18.4"), "v18.4.11-ee");
    /// assert_eq!(next("18.5"), "v18.5.0-ee");
    /// ```
    ///
    /// `None` where no number is left.
    pub fn next<'a>(pattern: &Pattern, line: ReleaseLine, names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let of_line = names.into_iter().filter_map(|name| Self::read(pattern, name)).filter(|tag| tag.line == line);
        match of_line.map(|tag| tag.patch).max() {
            None => Some(Self::numbered(pattern, line, 0)),
            Some(highest) => highest.checked_add(1).map(|patch| Self::numbered(pattern, line, patch)),
        }
    }

    /// What all tags of a line begin with.
    pub fn prefix(pattern: &Pattern, line: ReleaseLine) -> String {
        let first = Self::numbered(pattern, line, 0).name;
        let second = Self::numbered(pattern, line, 1).name;
        let common = first.bytes().zip(second.bytes()).take_while(|(one, other)| one == other).count();
        first.get(..common).unwrap_or_default().to_owned()
    }
}

impl fmt::Display for PatchTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pattern::Placeholder::{Major, Minor, Patch};

    #[test]
    fn the_line_is_exact_and_candidates_do_not_count() {
        let pattern = Pattern::parse("self-hosted-v{major}.{minor}.{patch}-ee", &[Major, Minor, Patch]).unwrap();
        let next = |line: &str, names: &[&str]| {
            PatchTag::next(&pattern, line.parse().unwrap(), names.iter().copied()).map(|tag| tag.to_string())
        };
        let names = [
            "self-hosted-v18.2.3-ee",
            "self-hosted-v18.20.7-ee",
            "self-hosted-v18.2.4-rc1-ee",
            "self-hosted-v18.2.05-ee",
            "v18.2.9-ee",
        ];
        assert_eq!(next("18.2", &names).as_deref(), Some("self-hosted-v18.2.4-ee"));
        assert_eq!(next("18.20", &names).as_deref(), Some("self-hosted-v18.20.8-ee"));
        assert_eq!(next("18.3", &names).as_deref(), Some("self-hosted-v18.3.0-ee"));
        assert_eq!(next("18.2", &["self-hosted-v18.2.4294967295-ee"]), None);
        assert_eq!(PatchTag::prefix(&pattern, "18.2".parse().unwrap()), "self-hosted-v18.2.");
    }
}
