//! What a project says of itself: who sees it, and how it merges.

use super::server_word::server_words;

server_words! {
    /// GitLab's `visibility` of a project.
    pub enum Visibility {
        /// Only members see it.
        Private = "private",
        /// Everybody who is signed in sees it.
        Internal = "internal",
        /// Everybody sees it.
        Public = "public",
    }
}

server_words! {
    /// GitLab's `merge_method` of a project.
    pub enum MergeMethod {
        /// A merge commit for each merge request.
        Merge = "merge",
        /// A merge commit, of what is on top of the target alone.
        RebaseMerge = "rebase_merge",
        /// No merge commits: what is on top of the target becomes the target.
        FastForward = "ff",
    }
}

impl MergeMethod {
    /// Whether only what is on top of the target is merged.
    pub fn needs_fast_forward(&self) -> bool {
        matches!(self, Self::RebaseMerge | Self::FastForward)
    }
}

server_words! {
    /// GitLab's `squash_option` of a project.
    pub enum SquashOption {
        /// Commits are never squashed.
        Never = "never",
        /// Commits are always squashed.
        Always = "always",
        /// As people choose, at first on.
        DefaultOn = "default_on",
        /// As people choose, at first off.
        DefaultOff = "default_off",
    }
}

server_words! {
    /// GitLab's `update_status` of a push mirror.
    pub enum MirrorStatus {
        /// It never ran.
        None = "none",
        /// It runs soon.
        Scheduled = "scheduled",
        /// It runs.
        Started = "started",
        /// It failed, and runs again by itself.
        ToRetry = "to_retry",
        /// Its last run ended.
        Finished = "finished",
        /// Its last run failed.
        Failed = "failed",
    }
}

server_words! {
    /// GitLab's `state` of an issue.
    pub enum IssueState {
        /// It is open.
        Opened = "opened",
        /// It is closed.
        Closed = "closed",
    }
}
