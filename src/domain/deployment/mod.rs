//! Whether a fix runs where users are: what the jobs of the deployment say, those of the pipelines that
//! they started included. Whatever is not known to be deployed is not.

mod judge;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::ci_status::CiStatus;

pub use judge::judge;

/// What counts as the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployTarget {
    /// The stage of the jobs, as GitLab names it.
    pub stage: String,
    /// For each service a part of the names of its jobs, letter by letter: names hold brackets and pictures.
    pub services: Vec<String>,
    /// Parts of the names of jobs in pipelines further down that do not belong to the deployment.
    pub optional: Vec<String>,
    /// What counts where a pipeline further down cannot be seen.
    pub hidden: Hidden,
}

impl DeployTarget {
    /// Whether a job need not have run.
    fn is_optional(&self, job: &Job) -> bool {
        self.optional.iter().any(|part| job.name.contains(part.as_str()))
    }
}

/// What counts where a pipeline further down cannot be seen with this token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// Nothing does.
    Refuse,
    /// The status that the trigger job shows of it.
    Status,
}

impl std::str::FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "status" => Ok(Self::Status),
            _ => Err(format!("`{text}` is neither `refuse` nor `status`")),
        }
    }
}

/// A job or a trigger job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id; newer runs of a job have higher ones.
    pub id: u64,
    /// The project that it runs in.
    pub project: u64,
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Its status.
    pub status: CiStatus,
    /// Why it failed, in GitLab's words.
    pub failure: Option<String>,
    /// Its page; trigger jobs have none of their own.
    pub web_url: Option<String>,
    /// Whether it starts another pipeline.
    pub is_trigger: bool,
    /// What it started.
    pub downstream: Option<Downstream>,
}

/// A pipeline that a trigger job started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downstream {
    /// Its id.
    pub id: u64,
    /// Its status, as the trigger job shows it.
    pub status: CiStatus,
    /// Its page.
    pub web_url: Option<String>,
    /// Its jobs; `None` where this token may not see them.
    pub seen: Option<Box<Pipeline>>,
}

/// A pipeline with its jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its id.
    pub id: u64,
    /// The commit that it ran on, in hexadecimal.
    pub sha: String,
    /// Its status.
    pub status: CiStatus,
    /// Its page.
    pub web_url: Option<String>,
    /// Jobs and trigger jobs, in any order, with or without runs that others took the place of.
    pub jobs: Vec<Job>,
}

/// A job that waits for somebody to start it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Its id.
    pub id: u64,
    /// The project that it would run in.
    pub project: u64,
    /// Its name.
    pub name: String,
    /// Whether it is a job that the gate itself names, and not one further down, which may undo a deployment.
    pub is_of_gate: bool,
    /// Where to press it.
    pub web_url: Option<String>,
}

/// How far a service is. From the worst news to the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A job failed.
    Failed,
    /// A job was cancelled.
    Canceled,
    /// A job was skipped.
    Skipped,
    /// There is no such job.
    Absent,
    /// It cannot be told.
    Unknown,
    /// Somebody has to start a job.
    Waiting,
    /// Jobs are waiting or running.
    Running,
    /// It is deployed.
    Deployed,
}

impl State {
    /// Whether it changes without anybody doing something about it, other than starting a job.
    pub fn may_change(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// What is known of the deployment of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// The part of the names of its jobs.
    pub name: String,
    /// How far it is.
    pub state: State,
    /// In words.
    pub text: String,
    /// Jobs that somebody has to start.
    pub waiting: Vec<Waiting>,
    /// Jobs that failed or were cancelled, and may be run again.
    pub ended: Vec<Waiting>,
    /// The page of what this is about: a job, or a pipeline.
    pub web_url: Option<String>,
    /// The commit that the pipeline ran on.
    pub sha: Option<String>,
}

/// That nothing can be told of any service, for the same reason.
pub fn unknown(wanted: &DeployTarget, why: &str) -> Vec<Service> {
    let of = |service: &String| Service {
        name: service.clone(),
        state: State::Unknown,
        text: why.to_owned(),
        waiting: vec![],
        ended: vec![],
        web_url: None,
        sha: None,
    };
    wanted.services.iter().map(of).collect()
}

/// What is missing, service by service.
pub fn missing(services: &[Service]) -> Vec<String> {
    let open = services.iter().filter(|service| service.state != State::Deployed);
    open.map(|service| format!("{} is not deployed: {}", service.name, service.text)).collect()
}
