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

/// Why a reason is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// There is not a word in it.
    #[error("a reason has words")]
    Empty,
    /// It would change what the page of a merge request shows around it.
    #[error("a reason is plain text, without `<` and control characters")]
    Markup,
}

impl Waiver {
    /// A waiver with a reason that stands on one line.
    ///
    /// # Errors
    /// When the reason says nothing, or is more than plain text.
    pub fn new(line: ReleaseLine, reason: &str) -> Result<Self, BadReason> {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        if !reason.chars().any(char::is_alphanumeric) {
            return Err(BadReason::Empty);
        }
        if reason.contains(|c: char| c == '<' || c.is_control()) {
            return Err(BadReason::Markup);
        }
        Ok(Self { line, reason })
    }

    /// Those that the description of a merge request begins with, above everything else that people write: what stands
    /// further down may be an example, a quotation or a comment. The line that links the issue may stand among them.
    ///
    /// ```
    /// use git_secfix::domain::waiver::Waiver;
    /// let found = Waiver::told_by("Related to g/p#1\n\nWithout a backport to 18.3: it does not have the parser\n");
    /// assert_eq!(found[0].to_string(), "Without a backport to 18.3: it does not have the parser");
    /// ```
    pub fn told_by(description: &str) -> Vec<Self> {
        head(description).filter_map(|(_, told)| told).collect()
    }

    /// A description that begins with these waivers, below its link, instead of those that it begins with.
    pub fn tell(waivers: &[Self], description: &str) -> String {
        let length = head(description).count();
        let (mut top, mut rest) = (Vec::new(), Vec::new());
        for (at, line) in description.lines().enumerate() {
            let is_top = at < length;
            if !is_top {
                rest.push(line);
            } else if Self::read(line).is_none() && !line.trim().is_empty() {
                top.push(line);
            }
        }
        let told = waivers.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let parts = [top.join("\n"), told, rest.join("\n")];
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        format!("{}\n", parts.join("\n\n"))
    }

    fn read(line: &str) -> Option<Self> {
        let (line, reason) = line.trim_end().strip_prefix(START)?.split_once(": ")?;
        Self::new(line.parse().ok()?, reason).ok()
    }
}

/// The first lines of a description, up to the first that is neither empty nor a link nor a waiver.
fn head(description: &str) -> impl Iterator<Item = (&str, Option<Waiver>)> {
    let is_link = |line: &str| line.starts_with("Related to ") || line.starts_with("Closes ");
    description
        .lines()
        .map(|line| (line, Waiver::read(line)))
        .take_while(move |(line, told)| told.is_some() || is_link(line) || line.trim().is_empty())
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{START}{}: {}", self.line, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiver(reason: &str) -> Waiver {
        Waiver::new("18.3".parse().unwrap(), reason).unwrap()
    }

    #[test]
    fn what_is_told_is_read_again_and_replaced() {
        let text = Waiver::tell(&[waiver("no parser: it came with 18.4")], "Related to g/p#1\n\n## Text\nmore\n");
        assert_eq!(
            text,
            "Related to g/p#1\n\nWithout a backport to 18.3: no parser: it came with 18.4\n\n## Text\nmore\n"
        );
        assert_eq!(Waiver::told_by(&text), [waiver("no parser: it came with 18.4")]);
        let again = Waiver::tell(&[waiver("no such code")], &text);
        assert_eq!(Waiver::told_by(&again), [waiver("no such code")]);
        assert_eq!(Waiver::tell(&[], &again), "Related to g/p#1\n\n## Text\nmore\n");
        assert_eq!(Waiver::told_by(&Waiver::tell(&[waiver("x")], "words of people")), [waiver("x")]);
    }

    #[test]
    fn nothing_else_is_a_waiver() {
        let line = "Without a backport to 18.3: no parser";
        for text in [
            "Without a backport to 18.3",
            "Without a backport to 18.3: ",
            "Without a backport to 18.3: \u{200b}",
            "Without a backport to x: y",
            "without a backport to 18.3: y",
            &format!("<!--\n{line}\n-->"),
            &format!("```\n{line}\n```"),
            &format!(">>>\n{line}\n>>>"),
            &format!("> psirt wrote:\n{line}"),
            &format!("---\n{line}\n---"),
            &format!("    {line}"),
            &format!("- {line}"),
            &format!("Related to g/p#1\n\n## Checklist\n\n{line}"),
        ] {
            assert_eq!(Waiver::told_by(text), [], "{text}");
        }
    }

    #[test]
    fn a_reason_is_one_line_of_plain_text() {
        assert_eq!(waiver("a\n b").reason, "a b");
        let line = "18.3".parse().unwrap();
        for (reason, error) in [
            ("", BadReason::Empty),
            ("...", BadReason::Empty),
            ("a <!-- b", BadReason::Markup),
            ("a\u{1b}[1m", BadReason::Markup),
        ] {
            assert_eq!(Waiver::new(line, reason), Err(error), "{reason:?}");
        }
    }
}
