//! What is known of one merge request, in terms that decide something. Values of GitLab that are
//! not known here are kept in the words of the server, and are never good news.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{ci_status::CiStatus, server_word::server_words};

server_words! {
    /// Where a merge request stands in its life: GitLab's `state`.
    pub enum State {
        /// Open.
        Opened = "opened",
        /// A merge is under way.
        Locked = "locked",
        /// Merged.
        Merged = "merged",
        /// Closed without being merged.
        Closed = "closed",
    }
}

server_words! {
    /// GitLab's `detailed_merge_status` (merge requests API, "Merge status").
    pub enum MergeStatus {
        /// Its diff is being made.
        Preparing = "preparing",
        /// Nobody has asked yet.
        Unchecked = "unchecked",
        /// It is being worked out.
        Checking = "checking",
        /// Its approvals are being worked out.
        ApprovalsSyncing = "approvals_syncing",
        /// Nothing is in the way.
        Mergeable = "mergeable",
        /// More approvals are needed.
        NotApproved = "not_approved",
        /// A reviewer asked for changes.
        RequestedChanges = "requested_changes",
        /// Threads are open.
        DiscussionsNotResolved = "discussions_not_resolved",
        /// It is a draft.
        Draft = "draft_status",
        /// It conflicts with its target.
        Conflict = "conflict",
        /// Its target moved.
        NeedRebase = "need_rebase",
        /// Its source is gone, or holds nothing.
        Commits = "commits_status",
        /// A pipeline runs.
        CiStillRunning = "ci_still_running",
        /// A pipeline has not passed.
        CiMustPass = "ci_must_pass",
        /// An external check has not passed.
        StatusChecks = "status_checks_must_pass",
        /// It is closed or merged.
        NotOpen = "not_open",
        /// Another merge request comes first.
        MergeRequestBlocked = "merge_request_blocked",
        /// It is to be merged later.
        MergeTime = "merge_time",
        /// A file is locked.
        LockedPaths = "locked_paths",
        /// A file of LFS is locked.
        LockedLfsFiles = "locked_lfs_files",
        /// Its title names no issue of Jira.
        JiraAssociationMissing = "jira_association_missing",
        /// A policy is violated.
        SecurityPolicyViolations = "security_policy_violations",
        /// Pipelines of a policy have not ended.
        SecurityPolicyPipeline = "security_policy_pipeline_check",
        /// Its title is of another form than the project asks for.
        TitleRegex = "title_regex",
    }
}

/// What GitLab says of merging it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mergeability {
    /// Nothing is in the way.
    Mergeable,
    /// It is still being worked out.
    Computing,
    /// The first thing that is in the way, of those that are known.
    Blocked(MergeBlock),
    /// A value of a newer GitLab.
    Other(String),
}

impl Mergeability {
    /// In a word or two, as reports tell it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Mergeable => "yes",
            Self::Computing => "checking",
            Self::Other(status) => status,
            Self::Blocked(why) => match why {
                MergeBlock::NotApproved => "not approved",
                MergeBlock::RequestedChanges => "changes requested",
                MergeBlock::Threads => "open threads",
                MergeBlock::Draft => "draft",
                MergeBlock::Conflict => "conflict",
                MergeBlock::NeedsRebase => "needs rebase",
                MergeBlock::NothingToMerge => "nothing to merge",
                MergeBlock::Pipeline => "pipeline must pass",
                MergeBlock::NotOpen => "not open",
                MergeBlock::Rule(_) => "a rule of the project",
            },
        }
    }
}

impl Serialize for Mergeability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What keeps GitLab from merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeBlock {
    /// More approvals.
    NotApproved,
    /// A reviewer asked for changes.
    RequestedChanges,
    /// Open threads.
    Threads,
    /// A draft.
    Draft,
    /// A conflict with the target.
    Conflict,
    /// The target moved, and the project merges only what is on top of it.
    NeedsRebase,
    /// The source branch is gone, or holds nothing.
    NothingToMerge,
    /// The pipeline has not passed.
    Pipeline,
    /// Closed or merged.
    NotOpen,
    /// Another rule of the project, with words for what to do about it.
    Rule(&'static str),
}

impl From<&MergeStatus> for Mergeability {
    fn from(status: &MergeStatus) -> Self {
        use MergeBlock as B;
        use MergeStatus as S;
        Self::Blocked(match status {
            S::Mergeable => return Self::Mergeable,
            S::Preparing | S::Unchecked | S::Checking | S::ApprovalsSyncing => return Self::Computing,
            S::NotApproved => B::NotApproved,
            S::RequestedChanges => B::RequestedChanges,
            S::DiscussionsNotResolved => B::Threads,
            S::Draft => B::Draft,
            S::Conflict => B::Conflict,
            S::NeedRebase => B::NeedsRebase,
            S::Commits => B::NothingToMerge,
            S::CiStillRunning | S::CiMustPass => B::Pipeline,
            S::NotOpen => B::NotOpen,
            S::StatusChecks => B::Rule("an external status check has not passed"),
            S::MergeRequestBlocked => B::Rule("another merge request must be merged first"),
            S::MergeTime => B::Rule("it is set to be merged later"),
            S::LockedPaths => B::Rule("somebody has locked a file that it changes"),
            S::LockedLfsFiles => B::Rule("somebody has locked an LFS file that it changes"),
            S::JiraAssociationMissing => B::Rule("the project asks for a Jira issue in its title"),
            S::SecurityPolicyViolations => B::Rule("a security policy of the project is violated"),
            S::SecurityPolicyPipeline => B::Rule("pipelines of a security policy have not finished"),
            S::TitleRegex => B::Rule("the project asks for another form of title"),
            S::Other(other) => return Self::Other(other.clone()),
        })
    }
}

/// The newest pipeline of a merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pipeline {
    /// There is none.
    Missing,
    /// There is none, and the project asks for none.
    NotWanted,
    /// It was skipped, which is enough for the project.
    SkippedAsAllowed,
    /// It succeeded.
    Passed,
    /// It is waiting or running.
    Running,
    /// It waits for a person.
    Manual,
    /// It ran on another commit than the one that would be merged.
    OfAnotherCommit,
    /// It ended otherwise, or has a status that is not known here.
    NotPassed(CiStatus),
}

impl Pipeline {
    /// In a word, as reports tell it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Missing | Self::NotWanted => "none",
            Self::SkippedAsAllowed => "skipped",
            Self::Passed => "passed",
            Self::Running => "running",
            Self::Manual => "manual",
            Self::OfAnotherCommit => "outdated",
            Self::NotPassed(status) => status.as_str(),
        }
    }
}

impl Serialize for Pipeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<&CiStatus> for Pipeline {
    fn from(status: &CiStatus) -> Self {
        match status {
            CiStatus::Success => Self::Passed,
            CiStatus::Manual => Self::Manual,
            status if status.is_under_way() => Self::Running,
            status => Self::NotPassed(status.clone()),
        }
    }
}

/// The approval of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleApproval {
    /// The role as configured, such as `maintainer`.
    pub role: String,
    /// Whether it is there.
    pub state: ApprovalState,
}

/// Whether a role has approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalState {
    /// Somebody of the role approved.
    Approved {
        /// The user names.
        by: Vec<String>,
    },
    /// Nobody of the role approved.
    Missing,
    /// It cannot be told who belongs to the role; the text says why.
    CannotTell(String),
    /// The role does not look at this merge request.
    NotNeeded,
}

/// One person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The user name.
    pub by: String,
    /// When; older servers do not say.
    pub at: Option<Timestamp>,
}

/// What is known of one merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// The number that people see.
    pub iid: u64,
    /// Its page.
    pub web_url: String,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// Whether it is marked as a draft.
    pub is_draft: bool,
    /// The commit that would be merged, in hexadecimal.
    pub head: Option<String>,
    /// What GitLab says of merging it.
    pub mergeability: Mergeability,
    /// Whether the source conflicts with the target, which other obstacles may hide.
    pub has_conflicts: bool,
    /// Its newest pipeline.
    pub pipeline: Pipeline,
    /// The page of that pipeline.
    pub pipeline_url: Option<String>,
    /// The approval of each role.
    pub roles: Vec<RoleApproval>,
    /// Whether the server enforces approvals by rules.
    pub has_rules: bool,
    /// Every approval there is.
    pub approvals: Vec<Approval>,
    /// When its source was last pushed.
    pub pushed_at: Option<Timestamp>,
    /// How many threads are open.
    pub open_threads: usize,
}

impl MergeRequest {
    /// One that was opened just now: nobody has looked at it, and no pipeline ran.
    pub fn just_opened(iid: u64, web_url: String, title: String, is_draft: bool) -> Self {
        Self {
            iid,
            web_url,
            title,
            state: State::Opened,
            is_draft,
            head: None,
            mergeability: Mergeability::Computing,
            has_conflicts: false,
            pipeline: Pipeline::Missing,
            pipeline_url: None,
            roles: vec![],
            has_rules: true,
            approvals: vec![],
            pushed_at: None,
            open_threads: 0,
        }
    }

    /// Who approved before the newest push, and so has not seen it.
    pub fn outdated_approvals(&self) -> Vec<&str> {
        let Some(pushed) = self.pushed_at else { return vec![] };
        self.approvals
            .iter()
            .filter(|approval| approval.at.is_some_and(|at| at < pushed))
            .map(|approval| approval.by.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value of GitLab 19.
    const KNOWN: [&str; 25] = [
        "preparing",
        "unchecked",
        "checking",
        "approvals_syncing",
        "mergeable",
        "not_approved",
        "requested_changes",
        "discussions_not_resolved",
        "draft_status",
        "conflict",
        "need_rebase",
        "commits_status",
        "ci_still_running",
        "ci_must_pass",
        "status_checks_must_pass",
        "not_open",
        "merge_request_blocked",
        "merge_time",
        "locked_paths",
        "locked_lfs_files",
        "jira_association_missing",
        "security_policy_violations",
        "security_policy_pipeline_check",
        "title_regex",
        "",
    ];

    #[test]
    fn one_value_alone_is_ready() {
        for status in KNOWN {
            let read = Mergeability::from(&MergeStatus::from(status));
            assert_eq!(read == Mergeability::Mergeable, status == "mergeable", "{status}");
            assert_eq!(matches!(read, Mergeability::Other(_)), status.is_empty(), "{status}");
        }
        for newer in ["Mergeable", "mergeable ", "can_be_merged", "ready"] {
            assert_eq!(Mergeability::from(&MergeStatus::from(newer)), Mergeability::Other(newer.to_owned()));
        }
    }

    #[test]
    fn one_status_alone_has_passed() {
        for status in [
            "created",
            "waiting_for_resource",
            "preparing",
            "pending",
            "running",
            "failed",
            "canceling",
            "canceled",
            "skipped",
            "manual",
            "scheduled",
            "successful",
            "warning",
            "",
        ] {
            assert_ne!(Pipeline::from(&CiStatus::from(status)), Pipeline::Passed, "{status}");
        }
        assert_eq!(Pipeline::from(&CiStatus::Success), Pipeline::Passed);
    }
}
