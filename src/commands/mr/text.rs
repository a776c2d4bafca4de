//! The title and the text of merge requests.

use crate::domain::{issue::IssueRef, version::ReleaseLine, waiver::Waiver};

/// Where the project has no template: what must be true before a fix is merged.
const CHECKLIST: &str = "\
## Checklist

- [ ] The issue is confidential, and this merge request is in the security project
- [ ] There is a merge request for every supported line, with the same title
- [ ] A test fails without the fix
- [ ] Neither branch names nor commit messages tell how to exploit it
- [ ] A maintainer approved every merge request; PSIRT approved the one to the default branch
";

/// The longest title that GitLab takes, in characters.
const LONGEST_TITLE: usize = 255;

/// The title without the words that make it a draft.
pub(super) fn without_draft(title: &str) -> &str {
    let mut title = title.trim();
    while let Some(rest) = ["Draft:", "[Draft]", "(Draft)"].iter().find_map(|mark| strip_ignoring_case(title, mark)) {
        title = rest.trim_start();
    }
    title
}

fn strip_ignoring_case<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

/// The title as GitLab wants it: one line, not too long, marked where it is a draft.
pub(super) fn title(text: &str, is_draft: bool) -> String {
    let plain: String = without_draft(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let title = if is_draft { format!("Draft: {plain}") } else { plain };
    title.chars().take(LONGEST_TITLE).collect()
}

/// The line that links a merge request to the issue.
pub(super) fn link(issue: &IssueRef, closes: bool) -> String {
    let verb = if closes { "Closes" } else { "Related to" };
    format!("{verb} {issue}")
}

/// The text of a new merge request: the project's template, or the checklist, with the link.
pub(super) fn description(template: Option<&str>, link: Option<&str>) -> String {
    let body = template.map(str::trim).filter(|text| !text.is_empty()).unwrap_or_else(|| CHECKLIST.trim());
    match link {
        Some(link) => format!("{link}\n\n{body}\n"),
        None => format!("{body}\n"),
    }
}

/// The text with the lines that go without the fix below its link: those that it tells of, but for the `covered` ones,
/// which have a backport now, and these. `None` when it says so already.
pub(super) fn with_waivers(text: &str, waivers: &[Waiver], covered: &[ReleaseLine]) -> Option<String> {
    let said = Waiver::told_by(text);
    let is_kept = |old: &&Waiver| !covered.contains(&old.line) && waivers.iter().all(|new| new.line != old.line);
    let mut told: Vec<Waiver> = said.iter().filter(is_kept).chain(waivers).cloned().collect();
    told.sort_by_key(|waiver| std::cmp::Reverse(waiver.line));
    (told != said).then(|| Waiver::tell(&told, text))
}

/// The text with the link as its first line, in place of one to another issue; what people wrote stays.
/// `None` when there is nothing to change: the same issue is linked somewhere, and nothing more was asked.
pub(super) fn with_link(text: &str, link: Option<&str>, is_linked: bool) -> Option<String> {
    let link = link?;
    let text = text.trim_start();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end();
    let closes = link.strip_prefix("Closes ");
    let is_weaker = closes.is_some() && closes == first.strip_prefix("Related to ");
    if is_linked && !is_weaker {
        return None;
    }
    let is_link = |line: &str| {
        let issue = ["Related to ", "Closes "].iter().find_map(|verb| line.strip_prefix(verb));
        issue.is_some_and(|issue| issue.contains('#') && !issue.contains(' '))
    };
    if is_link(first) { Some(format!("{link}\n{rest}")) } else { Some(format!("{link}\n\n{text}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_plain_and_marked_once() {
        assert_eq!(title("  Fix\n it ", false), "Fix it");
        assert_eq!(title("draft: [Draft] Fix", true), "Draft: Fix");
        assert_eq!(title("Draft: Fix", false), "Fix");
        assert_eq!(title(&"ä".repeat(400), true).chars().count(), LONGEST_TITLE);
        assert_eq!(without_draft("Drafting tools"), "Drafting tools");
    }

    #[test]
    fn what_people_wrote_stays() {
        assert_eq!(with_link("text", Some("Related to g/p#1"), true), None);
        assert_eq!(
            with_link("Related to g/p#12\n\ntext", Some("Related to g/p#1"), false).as_deref(),
            Some("Related to g/p#1\n\ntext")
        );
        assert_eq!(
            with_link("Related to g/p#1\ntext", Some("Closes g/p#1"), true).as_deref(),
            Some("Closes g/p#1\ntext")
        );
        assert_eq!(with_link("Closes g/p#1\ntext", Some("Related to g/p#1"), true), None);
        assert_eq!(with_link("text", None, false), None);
        assert_eq!(with_link("\ntext", Some("Related to g/p#1"), false).as_deref(), Some("Related to g/p#1\n\ntext"));
    }

    #[test]
    fn a_line_that_goes_without_is_said_once() {
        let line: ReleaseLine = "18.3".parse().unwrap();
        let waiver = |reason: &str| Waiver::new(line, reason).unwrap();
        let text = with_waivers("Related to g/p#1\n\ntext\n", &[waiver("no parser")], &[]).unwrap();
        assert_eq!(text, "Related to g/p#1\n\nWithout a backport to 18.3: no parser\n\ntext\n");
        assert_eq!(with_waivers(&text, &[waiver("no parser")], &[]), None);
        assert_eq!(with_waivers(&text, &[], &[]), None);
        let again = with_waivers(&text, &[waiver("no such code")], &[]).unwrap();
        assert_eq!(Waiver::told_by(&again), [waiver("no such code")]);
        assert_eq!(with_waivers(&text, &[], &[line]).unwrap(), "Related to g/p#1\n\ntext\n");
    }

    #[test]
    fn a_template_comes_before_the_checklist() {
        assert_eq!(description(Some("hello\n"), Some("Related to g/p#1")), "Related to g/p#1\n\nhello\n");
        assert!(description(Some(" \n"), None).starts_with("## Checklist"));
        assert!(description(None, None).ends_with("default branch\n"));
    }
}
