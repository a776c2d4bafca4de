//! A line that goes without the fix, on purpose: which, and why. It stands in the clone until the merge requests are
//! opened, and then as a readable line in the one to the default branch, where a colleague finds it.

use std::fmt;

use serde::Serialize;

use super::version::ReleaseLine;

/// What the line in a merge request begins with.
const START: &str = "Without a backport to ";

/// A line without the fix, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiver {
    /// The line.
    pub line: ReleaseLine,
    /// Why it goes without.
    pub reason: String,
}

impl Waiver {
    /// Those that a text holds, each on a line of its own.
    ///
    /// ```
    /// use git_secfix::domain::waiver::Waiver;
    /// let found = Waiver::read_all("Related to g/p#1\n\nWithout a backport to 18.3: it does not have the parser\n");
    /// assert_eq!(found[0].to_string(), "Without a backport to 18.3: it does not have the parser");
    /// ```
    pub fn read_all(text: &str) -> Vec<Self> {
        let lines = text.lines().filter_map(|line| line.trim().trim_start_matches(['-', '*', ' ']).strip_prefix(START));
        let read = |rest: &str| {
            let (line, reason) = rest.split_once(": ")?;
            let reason = reason.trim();
            (!reason.is_empty()).then(|| Some(Self { line: line.parse().ok()?, reason: reason.to_owned() }))?
        };
        lines.filter_map(read).collect()
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{START}{}: {}", self.line, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let waiver = Waiver { line: "18.3".parse().unwrap(), reason: "no parser: it came with 18.4".to_owned() };
        assert_eq!(Waiver::read_all(&format!("text\n\n- {waiver}\nmore")), [waiver]);
        for text in [
            "Without a backport to 18.3",
            "Without a backport to 18.3: ",
            "Without a backport to x: y",
            "without 18.3: y",
        ] {
            assert_eq!(Waiver::read_all(text), [], "{text}");
        }
    }
}
