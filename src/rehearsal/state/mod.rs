//! Everything that the local GitLab knows besides what is in its repositories: plain data that a
//! test reads and changes. What the endpoints make of it is not here.

mod issue;
mod merge_request;
mod operations;
mod people;
mod pipeline;
mod progress;
mod project;
mod protection;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use issue::{Issue, IssueSpec};
pub use merge_request::{Approval, Check, Discussion, MergeRequest, Note, Version};
pub use operations::{Mirror, RegistryRepository, RegistryTag, Release, Schedule};
pub use people::{Group, Member, Token, TokenKind, TokenSpec, User};
pub use pipeline::{Bridge, BridgeSpec, Downstream, Job, JobSpec, Pipeline, PipelineSpec, RefPipeline};
pub use project::{ApprovalRule, Label, Milestone, Project, Visibility};
pub use protection::Protection;

pub(super) use merge_request::without_draft;
pub(super) use people::level_name;
pub(super) use protection::matches_pattern;

/// What the server knows.
#[derive(Debug, Clone)]
pub struct State {
    /// What `GET /version` says.
    pub version: String,
    /// Whether the tier has approval rules.
    pub premium: bool,
    /// The time of the server; the clock of the machine without it.
    pub now: Option<Timestamp>,
    /// How many single reads of a merge request show that it is not known yet whether it can be merged.
    pub mergeability_reads: u32,
    /// The host in `ssh_url_to_repo`.
    pub ssh_host: String,
    /// Everybody who has an account.
    pub users: Vec<User>,
    /// Every token.
    pub tokens: Vec<Token>,
    /// Groups that have members.
    pub groups: Vec<Group>,
    /// Every project.
    pub projects: Vec<Project>,
    /// Former paths of projects, and the project that each became.
    pub renames: BTreeMap<String, u64>,
    last: Last,
}

/// The last id given of each kind. Those of notes, pipelines and jobs begin where they do on a big
/// instance, so that a client with narrow integers fails here as well.
#[derive(Debug, Clone)]
struct Last {
    small: u64,
    note: u64,
    pipeline: u64,
    job: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: "19.1.0-ee".into(),
            premium: true,
            now: None,
            mergeability_reads: 1,
            ssh_host: "localhost".into(),
            users: vec![],
            tokens: vec![],
            groups: vec![],
            projects: vec![],
            renames: BTreeMap::new(),
            last: Last { small: 100, note: 1 << 31, pipeline: 1 << 31, job: 1 << 33 },
        }
    }
}

impl State {
    /// The time of the server.
    pub fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// A new id for anything small: users, projects, issues, merge requests.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last.small += 1;
        self.last.small
    }

    pub(super) fn next_note_id(&mut self) -> u64 {
        self.last.note += 1;
        self.last.note
    }

    pub(super) fn next_pipeline_id(&mut self) -> u64 {
        self.last.pipeline += 1;
        self.last.pipeline
    }

    pub(super) fn next_job_id(&mut self) -> u64 {
        self.last.job += 1;
        self.last.job
    }
}

/// A number that looks like a hash: 40 hexadecimal digits, as ids of discussions are.
pub(super) fn hexadecimal(number: u64) -> String {
    let mut value = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995_9e37_79b9;
    let mut digits = String::new();
    while digits.len() < 40 {
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
        digits.push_str(&format!("{value:016x}"));
    }
    digits.truncate(40);
    digits
}
