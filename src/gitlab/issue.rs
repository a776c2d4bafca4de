//! Issues.

use gitlab::api::projects::issues;
use jiff::civil::Date;
use serde::Deserialize;

use super::{Client, Error, built, merge_request::MergeRequest, user::User};
use crate::domain::project_words::IssueState;

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Issue {
    /// The number that people see.
    pub iid: u64,
    /// Its title.
    pub title: String,
    /// Whether it is open.
    pub state: IssueState,
    /// Whether only some members can read it.
    pub confidential: bool,
    /// The day by which it is to be done.
    pub due_date: Option<Date>,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// Who is to do it.
    #[serde(default)]
    pub assignees: Vec<User>,
    /// The issue that it lives on as, by its number among all issues.
    pub moved_to_id: Option<u64>,
    /// Its page.
    pub web_url: String,
}

impl Issue {
    /// Its label `severity::N`.
    pub fn severity(&self) -> Option<&str> {
        self.labels.iter().map(String::as_str).find(|label| label.starts_with("severity::"))
    }
}

/// Reads an issue of a project, which is named by its full path.
///
/// # Errors
/// See [`Error`]; 404 also for a confidential one that the token may not see.
pub fn read(client: &Client, project: &str, iid: u64) -> Result<Issue, Error> {
    client.get(&built(issues::Issue::builder().project(project).issue(iid).build())?)
}

/// The merge requests of whatever project that are linked to an issue, as far as this token may see them.
///
/// # Errors
/// See [`Error`].
pub fn merge_requests(client: &Client, project: &str, iid: u64) -> Result<Vec<MergeRequest>, Error> {
    client.all(&built(issues::RelatedMergeRequests::builder().project(project).issue(iid).build())?)
}
