//! Issues.

use jiff::Timestamp;

use super::{Note, State};

/// An issue to be made. Its author is the first user unless one is given.
#[derive(Debug, Clone, Default)]
pub struct IssueSpec {
    /// The title.
    pub title: String,
    /// The text.
    pub description: String,
    /// Whether only members, the author and assignees may see it.
    pub confidential: bool,
    /// `YYYY-MM-DD`.
    pub due_date: Option<String>,
    /// Names of labels.
    pub labels: Vec<String>,
    /// Who wrote it.
    pub author: Option<u64>,
    /// Who is to work on it.
    pub assignees: Vec<u64>,
}

/// An issue.
#[derive(Debug, Clone)]
pub struct Issue {
    /// The global id.
    pub id: u64,
    /// The number in its project.
    pub iid: u64,
    /// The title.
    pub title: String,
    /// The text.
    pub description: String,
    /// `opened` or `closed`.
    pub state: String,
    /// The global id of the issue that it was moved to.
    pub moved_to_id: Option<u64>,
    /// Whether only members, the author and assignees may see it.
    pub confidential: bool,
    /// `YYYY-MM-DD`.
    pub due_date: Option<String>,
    /// Names of labels.
    pub labels: Vec<String>,
    /// The id of its milestone.
    pub milestone: Option<u64>,
    /// Who wrote it.
    pub author: u64,
    /// Who is to work on it.
    pub assignees: Vec<u64>,
    /// Its comments, oldest first.
    pub notes: Vec<Note>,
    /// Issues linked to it: id of the link, global id of the issue.
    pub links: Vec<(u64, u64)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

impl State {
    /// Adds an issue and returns its number in the project.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_issue(&mut self, project: u64, spec: IssueSpec) -> u64 {
        let (id, now) = (self.next_id(), self.now());
        let author = spec.author.or(self.users.first().map(|user| user.id)).unwrap_or_default();
        let project = self.project_by_id_mut(project);
        let iid = project.issues.iter().map(|issue| issue.iid).max().unwrap_or_default() + 1;
        project.issues.push(Issue {
            id,
            iid,
            title: spec.title,
            description: spec.description,
            state: "opened".into(),
            moved_to_id: None,
            confidential: spec.confidential,
            due_date: spec.due_date,
            labels: spec.labels,
            milestone: None,
            author,
            assignees: spec.assignees,
            notes: vec![],
            links: vec![],
            created_at: now,
            updated_at: now,
            closed_at: None,
        });
        iid
    }

    /// An issue, to be changed.
    pub fn issue_mut(&mut self, project: u64, iid: u64) -> Option<&mut Issue> {
        let project = self.projects.iter_mut().find(|known| known.id == project)?;
        project.issues.iter_mut().find(|issue| issue.iid == iid)
    }
}
