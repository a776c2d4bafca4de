//! Merge requests with their approvals, threads and versions.

use jiff::Timestamp;

use super::{State, hexadecimal};

/// How far the check is whether a merge request can be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Nobody asked yet.
    Unchecked,
    /// Asked for; so many single reads until it is known.
    Checking(u32),
    /// Known.
    Known {
        /// The branches change the same lines.
        conflict: bool,
        /// The target branch has commits that the source branch lacks.
        behind: bool,
    },
}

/// An approval.
#[derive(Debug, Clone)]
pub struct Approval {
    /// By whom.
    pub user: u64,
    /// When.
    pub approved_at: Timestamp,
}

/// A comment.
#[derive(Debug, Clone)]
pub struct Note {
    /// The id.
    pub id: u64,
    /// The text.
    pub body: String,
    /// Who wrote it.
    pub author: u64,
    /// Whether the server wrote it.
    pub system: bool,
    /// When it was written.
    pub created_at: Timestamp,
}

/// A thread, or a comment that stands alone.
#[derive(Debug, Clone)]
pub struct Discussion {
    /// 40 hexadecimal digits.
    pub id: String,
    /// Whether it is a comment that stands alone; it cannot be resolved.
    pub individual_note: bool,
    /// Its comments, oldest first.
    pub notes: Vec<Note>,
    /// Who resolved it.
    pub resolved_by: Option<u64>,
}

/// What a push made of a merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The id.
    pub id: u64,
    /// The head of the source branch.
    pub head: String,
    /// Where it left the target branch.
    pub base: String,
    /// The head of the target branch.
    pub start: String,
    /// How many commits it has of its own.
    pub commits: usize,
    /// How many files it changes.
    pub changes: usize,
    /// When the server saw it.
    pub created_at: Timestamp,
}

/// A merge request. It belongs to its target project.
#[derive(Debug, Clone)]
pub struct MergeRequest {
    /// The global id.
    pub id: u64,
    /// The number in the target project.
    pub iid: u64,
    /// The project of the source branch.
    pub source_project: u64,
    /// The project of the target branch.
    pub target_project: u64,
    /// The branch with the changes.
    pub source_branch: String,
    /// The branch that gets them.
    pub target_branch: String,
    /// The title; a draft is one by its prefix.
    pub title: String,
    /// The text.
    pub description: String,
    /// `opened`, `closed`, `merged` or `locked`.
    pub state: String,
    /// Who opened it.
    pub author: u64,
    /// Who works on it.
    pub assignees: Vec<u64>,
    /// Who reviews it.
    pub reviewers: Vec<u64>,
    /// Names of labels.
    pub labels: Vec<String>,
    /// The id of its milestone.
    pub milestone: Option<u64>,
    /// Whether its commits become one.
    pub squash: bool,
    /// Whether its author wants the source branch to be removed.
    pub force_remove_source_branch: bool,
    /// Whether whoever merged it wanted the source branch to be removed.
    pub should_remove_source_branch: Option<bool>,
    /// Whether only members may comment.
    pub discussion_locked: bool,
    /// Whether those who may merge may push to the fork.
    pub allow_collaboration: bool,
    /// The commits that it had, oldest first. The last one is what is reviewed.
    pub versions: Vec<Version>,
    /// Whether the source branch is there.
    pub has_source: bool,
    /// The head of the target branch when last looked at.
    pub target_head: Option<String>,
    /// Approvals, oldest first.
    pub approvals: Vec<Approval>,
    /// Reviewers who asked for changes.
    pub requested_changes: Vec<u64>,
    /// Threads, comments and what the server noted, oldest first.
    pub discussions: Vec<Discussion>,
    /// The commit that merged it.
    pub merge_commit_sha: Option<String>,
    /// The commit that its commits became.
    pub squash_commit_sha: Option<String>,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// Who merged it.
    pub merge_user: Option<u64>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Why the last merge or rebase failed.
    pub merge_error: Option<String>,
    /// Whether it is to be merged as soon as it can be.
    pub auto_merge: bool,
    /// How many reads still show a rebase in progress.
    pub rebase_reads: u32,
    /// How far the check is whether it can be merged.
    pub check: Check,
    /// What `detailed_merge_status` says, whatever the truth. Also keeps it from being merged,
    /// unless it is `mergeable`.
    pub forced_status: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl MergeRequest {
    /// Whether the title says that it is a draft.
    pub fn is_draft(&self) -> bool {
        without_draft(&self.title).is_some()
    }

    /// What is reviewed.
    pub fn version(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The head of the source branch, when it has commits of its own.
    pub fn sha(&self) -> Option<&str> {
        self.version().filter(|version| version.commits > 0).map(|version| version.head.as_str())
    }

    /// Whether threads are open.
    pub fn has_open_threads(&self) -> bool {
        self.discussions.iter().any(|discussion| !discussion.individual_note && discussion.resolved_by.is_none())
    }

    /// Whether it is opened.
    pub fn is_open(&self) -> bool {
        self.state == "opened"
    }
}

/// The title of a draft without what makes it one.
pub(in crate::rehearsal) fn without_draft(title: &str) -> Option<&str> {
    ["draft:", "[draft]", "(draft)"].iter().find_map(|prefix| {
        let start = title.get(..prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then(|| title[prefix.len()..].trim_start())
    })
}

impl State {
    /// A merge request.
    pub fn merge_request(&self, project: u64, iid: u64) -> Option<&MergeRequest> {
        self.project_by_id(project)?.merge_requests.iter().find(|request| request.iid == iid)
    }

    /// A merge request, to be changed.
    pub fn merge_request_mut(&mut self, project: u64, iid: u64) -> Option<&mut MergeRequest> {
        let project = self.projects.iter_mut().find(|known| known.id == project)?;
        project.merge_requests.iter_mut().find(|request| request.iid == iid)
    }

    /// Approves a merge request, whether or not this is allowed. One that there is not is left alone.
    pub fn approve(&mut self, project: u64, iid: u64, user: u64) {
        let approved_at = self.now();
        if let Some(request) = self.merge_request_mut(project, iid) {
            request.approvals.retain(|approval| approval.user != user);
            request.approvals.push(Approval { user, approved_at });
        }
    }

    /// Opens a thread in a merge request and returns its id.
    pub fn add_thread(&mut self, project: u64, iid: u64, author: u64, body: &str) -> String {
        self.add_discussion(project, iid, (author, body), false)
    }

    /// Resolves a thread of a merge request.
    pub fn resolve_thread(&mut self, project: u64, iid: u64, thread: &str, user: u64) {
        let Some(request) = self.merge_request_mut(project, iid) else { return };
        for discussion in request.discussions.iter_mut().filter(|discussion| discussion.id == thread) {
            discussion.resolved_by = Some(user);
        }
    }

    pub(in crate::rehearsal) fn add_discussion(
        &mut self,
        project: u64,
        iid: u64,
        (author, body): (u64, &str),
        individual_note: bool,
    ) -> String {
        let note = self.new_note(author, body, false);
        let id = hexadecimal(note.id);
        if let Some(request) = self.merge_request_mut(project, iid) {
            request.updated_at = note.created_at;
            request.discussions.push(Discussion {
                id: id.clone(),
                individual_note,
                notes: vec![note],
                resolved_by: None,
            });
        }
        id
    }

    pub(in crate::rehearsal) fn new_note(&mut self, author: u64, body: &str, system: bool) -> Note {
        Note { id: self.next_note_id(), body: body.to_owned(), author, system, created_at: self.now() }
    }

    /// What the server notes about something that happened.
    pub(in crate::rehearsal) fn add_system_note(&mut self, project: u64, iid: u64, author: u64, body: &str) {
        let note = self.new_note(author, body, true);
        if let Some(request) = self.merge_request_mut(project, iid) {
            let id = hexadecimal(note.id);
            request.discussions.push(Discussion { id, individual_note: true, notes: vec![note], resolved_by: None });
        }
    }
}
