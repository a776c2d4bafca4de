//! The status of pipelines, jobs and trigger jobs, in one list of words. A word that is not known here is kept, and is
//! never good news.

use super::server_word::server_words;

server_words! {
    /// GitLab's `status` of a pipeline or a job (jobs API, "Job status values").
    pub enum CiStatus {
        /// Not looked at by a runner yet.
        Created = "created",
        /// Another job holds what it needs.
        WaitingForResource = "waiting_for_resource",
        /// Another system has to answer.
        WaitingForCallback = "waiting_for_callback",
        /// Its runner gets ready.
        Preparing = "preparing",
        /// It waits for a runner.
        Pending = "pending",
        /// It runs.
        Running = "running",
        /// It runs at a later time.
        Scheduled = "scheduled",
        /// Somebody has to start it.
        Manual = "manual",
        /// It succeeded.
        Success = "success",
        /// It failed.
        Failed = "failed",
        /// It is being cancelled.
        Canceling = "canceling",
        /// It was cancelled.
        Canceled = "canceled",
        /// It was skipped.
        Skipped = "skipped",
    }
}

impl CiStatus {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word that GitLab has, and some that it has not.
    const WORDS: [&str; 17] = [
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
    fn one_word_alone_is_success() {
        for word in WORDS {
            let status = CiStatus::from(word);
            assert_eq!(status.as_str(), word);
            assert_eq!(status == CiStatus::Success, word == "success");
        }
        assert_eq!(WORDS.map(CiStatus::from).iter().filter(|status| status.is_under_way()).count(), 7);
    }
}
