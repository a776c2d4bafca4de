//! The status of pipelines, jobs and trigger jobs, in one list of words. A word that is not known here is kept, and is
//! never good news.

use std::fmt;

use serde::{Deserialize, Serialize};

/// GitLab's `status` of a pipeline or a job (jobs API, "Job status values").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum CiStatus {
    /// Not looked at by a runner yet.
    Created,
    /// Another job holds what it needs.
    WaitingForResource,
    /// Another system has to answer.
    WaitingForCallback,
    /// Its runner gets ready.
    Preparing,
    /// It waits for a runner.
    Pending,
    /// It runs.
    Running,
    /// It runs at a later time.
    Scheduled,
    /// Somebody has to start it.
    Manual,
    /// It succeeded.
    Success,
    /// It failed.
    Failed,
    /// It is being cancelled.
    Canceling,
    /// It was cancelled.
    Canceled,
    /// It was skipped.
    Skipped,
    /// A word of another GitLab.
    Other(String),
}

impl CiStatus {
    /// GitLab's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::WaitingForResource => "waiting_for_resource",
            Self::WaitingForCallback => "waiting_for_callback",
            Self::Preparing => "preparing",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Scheduled => "scheduled",
            Self::Manual => "manual",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
            Self::Other(word) => word,
        }
    }

    /// Whether it goes on by itself: it waits for a machine or runs.
    pub fn is_under_way(&self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::WaitingForResource
                | Self::WaitingForCallback
                | Self::Preparing
                | Self::Pending
                | Self::Running
                | Self::Scheduled
        )
    }
}

impl From<String> for CiStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "created" => Self::Created,
            "waiting_for_resource" => Self::WaitingForResource,
            "waiting_for_callback" => Self::WaitingForCallback,
            "preparing" => Self::Preparing,
            "pending" => Self::Pending,
            "running" => Self::Running,
            "scheduled" => Self::Scheduled,
            "manual" => Self::Manual,
            "success" => Self::Success,
            "failed" => Self::Failed,
            "canceling" => Self::Canceling,
            "canceled" => Self::Canceled,
            "skipped" => Self::Skipped,
            _ => Self::Other(word),
        }
    }
}

impl From<CiStatus> for String {
    fn from(status: CiStatus) -> Self {
        status.as_str().to_owned()
    }
}

impl fmt::Display for CiStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every word that GitLab has, and some that it has not.
    pub(in crate::domain) const WORDS: [&str; 17] = [
        "created",
        "waiting_for_resource",
        "waiting_for_callback",
        "preparing",
        "pending",
        "running",
        "scheduled",
        "manual",
        "success",
        "failed",
        "canceling",
        "canceled",
        "skipped",
        "successful",
        "SUCCESS",
        "warning",
        "",
    ];

    #[test]
    fn every_word_is_kept() {
        for word in WORDS {
            let status = CiStatus::from(word.to_owned());
            assert_eq!(status.as_str(), word);
            assert_eq!(status == CiStatus::Success, word == "success");
        }
        assert_eq!(
            WORDS.map(|word| CiStatus::from(word.to_owned())).iter().filter(|status| status.is_under_way()).count(),
            7
        );
    }
}
