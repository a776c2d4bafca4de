//! What is known of one merge request, in terms that decide something. Values of GitLab that are
//! not known here are kept in the words of the server, and are never good news.

use jiff::Timestamp;

/// Where a merge request stands in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Open.
    Opened,
    /// Closed without being merged.
    Closed,
    /// Merged.
    Merged,
    /// A merge is under way, or GitLab says something newer.
    Other(String),
}

impl State {
    /// From GitLab's `state`.
    pub fn of(text: &str) -> Self {
        match text {
            "opened" => Self::Opened,
            "closed" => Self::Closed,
            "merged" => Self::Merged,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What GitLab says of merging it now: `detailed_merge_status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mergeability {
    /// Nothing is in the way.
    Mergeable,
    /// It is still being worked out.
    Computing,
    /// The first thing that is in the way, of those that are known.
    Blocked(MergeBlock),
    /// A value of a newer GitLab.
    Unknown(String),
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

impl Mergeability {
    /// From GitLab's `detailed_merge_status`.
    pub fn of(text: &str) -> Self {
        use MergeBlock as B;
        Self::Blocked(match text {
            "mergeable" => return Self::Mergeable,
            "preparing" | "unchecked" | "checking" | "approvals_syncing" => return Self::Computing,
            "not_approved" => B::NotApproved,
            "requested_changes" => B::RequestedChanges,
            "discussions_not_resolved" => B::Threads,
            "draft_status" => B::Draft,
            "conflict" => B::Conflict,
            "need_rebase" => B::NeedsRebase,
            "commits_status" => B::NothingToMerge,
            "ci_still_running" | "ci_must_pass" => B::Pipeline,
            "not_open" => B::NotOpen,
            "status_checks_must_pass" => B::Rule("an external status check has not passed"),
            "merge_request_blocked" => B::Rule("another merge request must be merged first"),
            "merge_time" => B::Rule("it is set to be merged later"),
            "locked_paths" => B::Rule("somebody has locked a file that it changes"),
            "locked_lfs_files" => B::Rule("somebody has locked an LFS file that it changes"),
            "jira_association_missing" => B::Rule("the project asks for a Jira issue in its title"),
            "security_policy_violations" => B::Rule("a security policy of the project is violated"),
            "security_policy_pipeline_check" => B::Rule("pipelines of a security policy have not finished"),
            "title_regex" => B::Rule("the project asks for another form of title"),
            other => return Self::Unknown(other.to_owned()),
        })
    }
}

/// The newest pipeline of a merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pipeline {
    /// There is none.
    Missing,
    /// It succeeded.
    Passed,
    /// It is waiting or running.
    Running,
    /// It waits for a person.
    Manual,
    /// It ran on another commit than the one that would be merged.
    OfAnotherCommit,
    /// It ended otherwise, or has a status that is not known here: GitLab's own word.
    NotPassed(String),
}

impl Pipeline {
    /// From GitLab's `status` of a pipeline.
    pub fn of(text: &str) -> Self {
        match text {
            "success" => Self::Passed,
            "created" | "waiting_for_resource" | "preparing" | "pending" | "running" | "scheduled" => Self::Running,
            "manual" => Self::Manual,
            other => Self::NotPassed(other.to_owned()),
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
            assert_eq!(Mergeability::of(status) == Mergeability::Mergeable, status == "mergeable", "{status}");
            assert_eq!(matches!(Mergeability::of(status), Mergeability::Unknown(_)), status.is_empty(), "{status}");
        }
        for newer in ["Mergeable", "mergeable ", "can_be_merged", "ready"] {
            assert_eq!(Mergeability::of(newer), Mergeability::Unknown(newer.to_owned()));
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
            assert_ne!(Pipeline::of(status), Pipeline::Passed, "{status}");
        }
        assert_eq!(Pipeline::of("success"), Pipeline::Passed);
    }
}
