//! Which tag each line gets.

use super::survey::{Line, Survey};
use crate::domain::{patch_tag::PatchTag, pattern::Pattern, version::ReleaseLine};

/// What is to be done for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// A tag holds the fix already.
    Nothing {
        /// The line.
        line: ReleaseLine,
        /// Its stable branch.
        branch: String,
        /// The tag.
        tag: PatchTag,
    },
    /// This commit is to be tagged.
    Create {
        /// The line.
        line: ReleaseLine,
        /// Its stable branch.
        branch: String,
        /// The tag.
        tag: PatchTag,
        /// The commit, in hexadecimal.
        commit: String,
        /// Whether it is in security already, and becomes public under the same name.
        is_private: bool,
    },
}

impl Action {
    /// The line that it is about.
    pub(super) fn line(&self) -> ReleaseLine {
        match self {
            Self::Nothing { line, .. } | Self::Create { line, .. } => *line,
        }
    }
}

/// What is to be done for each line.
///
/// # Errors
/// The line whose numbers are used up.
pub(super) fn plan(survey: &Survey, pattern: &Pattern) -> Result<Vec<Action>, ReleaseLine> {
    survey.lines.iter().map(|line| plan_line(line, pattern)).collect()
}

fn plan_line(found: &Line, pattern: &Pattern) -> Result<Action, ReleaseLine> {
    let Line { line, branch, head, tagged, private, names } = found;
    let branch = branch.clone();
    if let Some(tag) = tagged {
        return Ok(Action::Nothing { line: *line, branch, tag: tag.clone() });
    }
    if let Some((tag, commit)) = private {
        return Ok(Action::Create { line: *line, branch, tag: tag.clone(), commit: commit.clone(), is_private: true });
    }
    let tag = PatchTag::next(pattern, *line, names.iter().map(String::as_str)).ok_or(*line)?;
    Ok(Action::Create { line: *line, branch, tag, commit: head.clone(), is_private: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pattern::Placeholder::{Major, Minor, Patch};

    #[test]
    fn each_line_gets_what_it_lacks() {
        let pattern = Pattern::parse("v{major}.{minor}.{patch}", &[Major, Minor, Patch]).unwrap();
        let tag = |name: &str| PatchTag::read(&pattern, name).unwrap();
        let line = Line {
            line: "18.4".parse().unwrap(),
            branch: "stable-18-4".to_owned(),
            head: "a".repeat(40),
            tagged: None,
            private: None,
            names: vec!["v18.4.1".to_owned(), "v18.4.0".to_owned()],
        };
        let planned = |line: Line| plan_line(&line, &pattern).unwrap();
        let create = |name: &str, letter: &str| Action::Create {
            line: line.line,
            branch: line.branch.clone(),
            tag: tag(name),
            commit: letter.repeat(40),
            is_private: letter == "b",
        };
        assert_eq!(planned(line.clone()), create("v18.4.2", "a"));
        let private = Some((tag("v18.4.2"), "b".repeat(40)));
        assert_eq!(planned(Line { private: private.clone(), ..line.clone() }), create("v18.4.2", "b"));
        let done = planned(Line { private, tagged: Some(tag("v18.4.2")), ..line.clone() });
        assert_eq!(done, Action::Nothing { line: line.line, branch: line.branch.clone(), tag: tag("v18.4.2") });
        let full = Line { names: vec![format!("v18.4.{}", u32::MAX)], ..line.clone() };
        assert_eq!(plan_line(&full, &pattern), Err(line.line));
    }
}
