//! Release lines such as 18.4, as people write them and as numbers that compare.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use thiserror::Error;

/// A release line: the part of a version that has a stable branch, such as 18.4.
///
/// ```
/// use git_secfix::domain::version::ReleaseLine;
/// let line: ReleaseLine = "v18.4".parse()?;
/// assert_eq!(line, "18-4".parse()?);
/// assert!(line < "18.20".parse()?, "numbers, not text");
/// # Ok::<(), git_secfix::domain::version::ReleaseLineError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseLine {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

/// Why a text is not a release line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReleaseLineError {
    /// Three numbers name one release, not the line that it belongs to.
    #[error("`{text}` is a single release; its line is `{line}`")]
    Patch {
        /// What was written.
        text: String,
        /// The line to write instead.
        line: ReleaseLine,
    },
    /// Anything else.
    #[error("`{0}` is not a release line: write `18-4`, `18.4` or `v18.4`")]
    Malformed(String),
}

impl FromStr for ReleaseLine {
    type Err = ReleaseLineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ReleaseLineError::Malformed(text.to_owned());
        let numbers = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let separator = if numbers.contains('.') { '.' } else { '-' };
        let numbers: Vec<u32> =
            numbers.split(separator).map(parse_number).collect::<Option<_>>().ok_or_else(malformed)?;
        match numbers[..] {
            [major, minor] => Ok(Self { major, minor }),
            [major, minor, _] => Err(ReleaseLineError::Patch { text: text.to_owned(), line: Self { major, minor } }),
            _ => Err(malformed()),
        }
    }
}

/// A decimal number without sign or leading zero, so that every number has one spelling.
pub(crate) fn parse_number(text: &str) -> Option<u32> {
    let canonical =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// The lines that get fixes, newest first: the newest `count` of those that have a patch tag, and every newer one, since a
/// stable branch may exist before its release. Where no line has a tag, the newest `count` lines (process, step 5).
///
/// ```
/// use git_secfix::domain::version::{ReleaseLine, supported};
/// let lines = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<ReleaseLine>>();
/// let all = lines(&["18.1", "18.2", "18.3", "18.4", "18.5"]);
/// assert_eq!(supported(&all, &lines(&["18.1", "18.2", "18.3", "18.4"]), 3), lines(&["18.5", "18.4", "18.3", "18.2"]));
/// assert_eq!(supported(&all, &[], 2), lines(&["18.5", "18.4"]));
/// ```
pub fn supported(lines: &[ReleaseLine], tagged: &[ReleaseLine], count: usize) -> Vec<ReleaseLine> {
    let newest_first = |lines: &[ReleaseLine]| {
        let mut lines = lines.to_vec();
        lines.sort_unstable_by(|a, b| b.cmp(a));
        lines.dedup();
        lines
    };
    let lines = newest_first(lines);
    // A tag of a line whose branch is gone says nothing of the others.
    let tagged: Vec<ReleaseLine> =
        newest_first(tagged).into_iter().filter(|line| lines.contains(line)).take(count).collect();
    match tagged.last() {
        None => lines.into_iter().take(count).collect(),
        Some(oldest) => lines.into_iter().filter(|line| line >= oldest).collect(),
    }
}

impl fmt::Display for ReleaseLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for ReleaseLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_is_one_line() {
        for text in ["18-4", "18.4", "v18.4", "V18-4"] {
            assert_eq!(text.parse(), Ok(ReleaseLine { major: 18, minor: 4 }), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "18", "18.", ".4", "18.04", "018.4", "18.4-rc1", "18-4.2", "+18.4", "1８.4", "18.4.2.1"] {
            assert!(matches!(text.parse::<ReleaseLine>(), Err(ReleaseLineError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_release_is_answered_with_its_line() {
        let error = "18.4.2".parse::<ReleaseLine>().unwrap_err();
        assert_eq!(error.to_string(), "`18.4.2` is a single release; its line is `18.4`");
    }

    #[test]
    fn lines_compare_as_numbers() {
        let mut lines: Vec<ReleaseLine> = ["18.20", "18.2", "9.5"].map(|l| l.parse().unwrap()).into();
        lines.sort();
        assert_eq!(lines.iter().map(ToString::to_string).collect::<Vec<_>>(), ["9.5", "18.2", "18.20"]);
    }
}
