//! Quick actions: lines of a text that begin with a slash and do something instead of being kept.

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// `/label ~a ~"b c"`
    Label(Vec<String>),
    /// `/unlabel ~a`; without names all of them.
    Unlabel(Vec<String>),
    /// `/relabel ~a`
    Relabel(Vec<String>),
    /// `/assign me @b`
    Assign(Vec<String>),
    /// `/unassign @b`; without names everybody.
    Unassign(Vec<String>),
    /// `/assign_reviewer @b`
    AssignReviewer(Vec<String>),
    /// `/unassign_reviewer @b`; without names everybody.
    UnassignReviewer(Vec<String>),
    /// `/draft`
    Draft,
    /// `/ready`
    Ready,
    /// `/milestone %"18.4"`
    Milestone(String),
    /// `/remove_milestone`
    RemoveMilestone,
    /// `/title New title`
    Title(String),
    /// `/close`
    Close,
    /// `/reopen`
    Reopen,
    /// `/approve`
    Approve,
    /// `/due 2026-11-28`
    Due(String),
    /// `/remove_due_date`
    RemoveDue,
    /// `/confidential`
    Confidential,
    /// One without an effect here, such as `/todo`.
    Other,
}

/// What a text asks for, and the text without it. Code blocks and comments are left alone.
pub(super) fn extract(text: &str) -> (Vec<Action>, String) {
    let (mut actions, mut kept) = (vec![], vec![]);
    let mut fence: Option<&str> = None;
    let mut is_comment = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        let is_plain = fence.is_none() && !is_comment;
        match (fence, mark) {
            (None, Some(mark)) if !is_comment => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) if is_plain => {
                if let Some(action) = action(line) {
                    actions.push(action);
                    continue;
                }
            }
            _ => {}
        }
        if fence.is_none() && mark.is_none() {
            is_comment = ends_in_comment(line, is_comment);
        }
        kept.push(line);
    }
    if actions.is_empty() {
        return (actions, text.to_owned());
    }
    (actions, kept.join("\n").trim_end().to_owned())
}

/// Whether the text after a line is in an HTML comment.
fn ends_in_comment(line: &str, mut is_comment: bool) -> bool {
    let mut rest = line;
    while let Some((_, after)) = rest.split_once(if is_comment { "-->" } else { "<!--" }) {
        is_comment = !is_comment;
        rest = after;
    }
    is_comment
}

fn action(line: &str) -> Option<Action> {
    let line = line.strip_prefix('/')?;
    let (command, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let people = || rest.split_whitespace().map(|name| name.trim_start_matches('@').to_owned()).collect();
    let labels = || names(rest, '~');
    Some(match command {
        "label" | "labels" => Action::Label(labels()),
        "unlabel" | "remove_label" => Action::Unlabel(labels()),
        "relabel" => Action::Relabel(labels()),
        "assign" => Action::Assign(people()),
        "unassign" | "remove_assignee" => Action::Unassign(people()),
        "assign_reviewer" | "reviewer" | "request_review" => Action::AssignReviewer(people()),
        "unassign_reviewer" | "remove_reviewer" => Action::UnassignReviewer(people()),
        "draft" => Action::Draft,
        "ready" => Action::Ready,
        "milestone" => Action::Milestone(names(rest, '%').into_iter().next().unwrap_or_default()),
        "remove_milestone" => Action::RemoveMilestone,
        "title" => Action::Title(rest.to_owned()),
        "close" => Action::Close,
        "reopen" => Action::Reopen,
        "approve" => Action::Approve,
        "due" => Action::Due(rest.to_owned()),
        "remove_due_date" => Action::RemoveDue,
        "confidential" => Action::Confidential,
        "cc" | "todo" | "done" | "subscribe" | "unsubscribe" | "estimate" | "spend" | "weight" | "lock" | "unlock" => {
            Action::Other
        }
        _ => return None,
    })
}

/// The names in `~a ~"b c"`, also without the sign.
fn names(text: &str, sign: char) -> Vec<String> {
    let (mut names, mut rest) = (vec![], text.trim_start());
    while !rest.is_empty() {
        rest = rest.strip_prefix(sign).unwrap_or(rest);
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        if !name.is_empty() {
            names.push(name.trim_end_matches(',').to_owned());
        }
        rest = after.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{Action, extract};

    #[test]
    fn actions_are_taken_out_of_a_text() {
        let text =
            "## Why\n\n/label ~security ~\"type::bug\"\n/assign me\n/draft\n/milestone %18.4\nEnd\n/unknown thing\n";
        let (actions, kept) = extract(text);
        let labels = vec!["security".to_owned(), "type::bug".to_owned()];
        let milestone = Action::Milestone("18.4".into());
        assert_eq!(actions, [Action::Label(labels), Action::Assign(vec!["me".into()]), Action::Draft, milestone]);
        assert_eq!(kept, "## Why\n\nEnd\n/unknown thing");
    }

    #[test]
    fn code_and_comments_are_left_alone() {
        for text in [
            "```\n/draft\n```",
            "~~~ruby\n/draft\n```\n/draft\n~~~",
            "<!-- see\n/draft\n-->",
            "`/draft`",
            "and /draft",
            " text\n  /draft",
            "> /draft",
        ] {
            assert_eq!(extract(text), (vec![], text.to_owned()), "{text}");
        }
        let (actions, kept) = extract("<!-- a -->\n/draft\n```\n/close\n```\n/ready");
        assert_eq!(actions, [Action::Draft, Action::Ready]);
        assert_eq!(kept, "<!-- a -->\n```\n/close\n```");
    }
}
