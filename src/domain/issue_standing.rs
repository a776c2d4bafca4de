//! How the issue of a fix stands: what whoever fixes it must know.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{due, project_words::IssueState};

/// An issue, as far as it matters for a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueStanding {
    /// `group/project#34`.
    pub issue: String,
    /// Whether it is open.
    pub state: IssueState,
    /// Whether it lives on in another project.
    pub moved: bool,
    /// Whether only some people can read it.
    pub confidential: bool,
    /// The day by which it is to be done.
    pub due_date: Option<Date>,
    /// How many days are left; negative when it is over.
    pub days_left: Option<i32>,
    /// Its label `severity::N`.
    pub severity: Option<String>,
    /// The user names of those who are to do it.
    pub assignees: Vec<String>,
    /// Whether this token's user is among them; `None` where that cannot be told.
    pub mine: Option<bool>,
    /// Its page.
    pub web_url: String,
}

impl IssueStanding {
    /// What is not as it should be, beside that it is public. `psirt` is whom to ask, by user name or `@group`.
    pub fn warnings(&self, today: Date, psirt: &[String]) -> Vec<String> {
        let Self { issue, web_url, .. } = self;
        let mut texts = Vec::new();
        if self.moved {
            texts.push(format!("{issue} was moved to another project: link the fix to the issue there: {web_url}"));
        } else if self.state != IssueState::Opened {
            texts.push(format!("{issue} is {}", self.state));
        }
        let missing: Vec<&str> = [("due date", self.due_date.is_none()), ("severity", self.severity.is_none())]
            .iter()
            .filter(|(_, is_missing)| *is_missing)
            .map(|(what, _)| *what)
            .collect();
        if !missing.is_empty() && self.state == IssueState::Opened {
            let missing = missing.join(" and no ");
            let whom: Vec<String> = psirt.iter().map(|name| format!("@{} ", name.trim_start_matches('@'))).collect();
            texts.push(format!(
                "{issue} has no {missing}: ask PSIRT in it, such as \"{}please set what is missing: {}\": {web_url}",
                whom.concat(),
                missing.replace(" and no ", ", ")
            ));
        }
        if let (Some(date), Some(..0)) = (self.due_date, self.days_left) {
            texts.push(format!("{issue} was due {} ({date})", due::in_words(date, today)));
        }
        let names: Vec<String> = self.assignees.iter().map(|name| format!("@{name}")).collect();
        match (self.mine, names.is_empty()) {
            (_, true) => texts.push(format!("{issue} is assigned to nobody: take it, or ask who is at work on it")),
            (Some(false), false) => texts.push(format!("{issue} is assigned to {}, and not to you", names.join(", "))),
            _ => {}
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine() -> IssueStanding {
        IssueStanding {
            issue: "g/p#1".to_owned(),
            state: IssueState::Opened,
            moved: false,
            confidential: true,
            due_date: Some("2026-12-31".parse().unwrap()),
            days_left: Some(3),
            severity: Some("severity::2".to_owned()),
            assignees: vec!["ann".to_owned()],
            mine: Some(true),
            web_url: "https://x/1".to_owned(),
        }
    }

    #[test]
    fn each_thing_that_is_amiss_is_told_and_nothing_else() {
        let told = |standing: IssueStanding| {
            standing.warnings("2027-01-02".parse().unwrap(), &["@g/psirt".to_owned()]).join("; ")
        };
        assert_eq!(told(fine()), "");
        assert_eq!(told(IssueStanding { mine: None, ..fine() }), "");
        let cases = [
            (IssueStanding { state: IssueState::Closed, ..fine() }, "g/p#1 is closed"),
            (IssueStanding { days_left: Some(-2), ..fine() }, "g/p#1 was due 2 days ago (2026-12-31)"),
            (IssueStanding { assignees: vec![], mine: Some(false), ..fine() }, "assigned to nobody"),
            (IssueStanding { mine: Some(false), ..fine() }, "is assigned to @ann, and not to you"),
            (IssueStanding { severity: None, ..fine() }, "has no severity: ask PSIRT in it, such as \"@g/psirt please"),
            (IssueStanding { state: IssueState::Closed, moved: true, ..fine() }, "was moved to another project"),
        ];
        for (standing, text) in cases {
            let told = told(standing);
            assert!(told.contains(text) && !told.contains("; "), "{told}");
        }
        let none = IssueStanding { severity: None, due_date: None, days_left: None, ..fine() };
        assert!(told(none).contains("has no due date and no severity"));
    }
}
