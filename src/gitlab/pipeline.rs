//! Pipelines, their jobs and trigger jobs.

use std::borrow::Cow;

use gitlab::api::{
    Endpoint, Pageable, QueryParams,
    common::NameOrId,
    projects::{
        jobs::{PlayJob, RetryJob},
        pipelines::{Pipeline as OnePipeline, PipelineBridges, PipelineJobs, Pipelines},
    },
};
use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};

use super::{Client, Error, built};
use crate::domain::ci_status::CiStatus;

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pipeline {
    /// The global id; newer ones are higher.
    pub id: u64,
    /// The project that it runs in.
    pub project_id: Option<u64>,
    /// The commit that it runs on.
    pub sha: String,
    /// The branch or tag.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its status.
    pub status: CiStatus,
    /// Why it was started: `push`, `schedule`, …
    pub source: Option<String>,
    /// Its page.
    pub web_url: Option<String>,
}

/// A job or a trigger job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// The global id; newer ones are higher.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Its status.
    pub status: CiStatus,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// Its page.
    pub web_url: Option<String>,
    /// The pipeline that a trigger job started.
    pub downstream_pipeline: Option<Pipeline>,
}

/// The newest pipelines on a branch or tag, at most a hundred, newest first.
///
/// # Errors
/// See [`Error`].
pub fn list_newest(client: &Client, project: u64, reference: &str) -> Result<Vec<Pipeline>, Error> {
    client.first_page(&built(Pipelines::builder().project(project).ref_(reference).build())?)
}

/// The pipelines on a branch that changed since then, newest first.
///
/// # Errors
/// See [`Error`].
pub fn list_since(client: &Client, project: u64, branch: &str, since: Timestamp) -> Result<Vec<Pipeline>, Error> {
    client.all(&Since { project: project.into(), branch, since })
}

/// `GET /projects/:id/pipelines` with a moment: the crate's takes one of another library.
struct Since<'a> {
    project: NameOrId<'a>,
    branch: &'a str,
    since: Timestamp,
}

impl Endpoint for Since<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/pipelines", self.project).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("ref", self.branch).push("updated_after", self.since.to_string());
        parameters
    }
}

impl Pageable for Since<'_> {}

/// The pipelines that ran on a commit, newest first.
///
/// # Errors
/// See [`Error`].
pub fn list_for_commit(client: &Client, project: u64, sha: &str) -> Result<Vec<Pipeline>, Error> {
    client.all(&built(Pipelines::builder().project(project).sha(sha).build())?)
}

/// Reads a pipeline; `None` where the token may not see it.
///
/// # Errors
/// See [`Error`].
pub fn read(client: &Client, project: u64, id: u64) -> Result<Option<Pipeline>, Error> {
    Error::invisible(client.get(&built(OnePipeline::builder().project(project).pipeline(id).build())?))
}

/// The jobs of a pipeline, without those that others took the place of and without trigger jobs; `None`
/// where the token may not see them.
///
/// # Errors
/// See [`Error`].
pub fn jobs(client: &Client, project: u64, id: u64) -> Result<Option<Vec<Job>>, Error> {
    Error::invisible(client.all(&built(PipelineJobs::builder().project(project).pipeline(id).build())?))
}

/// The trigger jobs of a pipeline; `None` where the token may not see them.
///
/// # Errors
/// See [`Error`].
pub fn bridges(client: &Client, project: u64, id: u64) -> Result<Option<Vec<Job>>, Error> {
    Error::invisible(client.all(&built(PipelineBridges::builder().project(project).pipeline(id).build())?))
}

/// Runs a job again that ended without success. Sent once: after a lost answer the caller looks what became of it.
///
/// # Errors
/// See [`Error`]; 403 where the user may not run it, or where it cannot be run again.
pub fn retry(client: &Client, project: u64, job: u64) -> Result<(), Error> {
    client.create::<IgnoredAny>(&built(RetryJob::builder().project(project).job(job).build())?).map(drop)
}

/// Starts a job that waits for somebody. Sent once: after a lost answer the caller looks what became of it.
///
/// # Errors
/// See [`Error`]; 400 where it does not wait any more, 403 where the user may not start it.
pub fn play(client: &Client, project: u64, job: u64) -> Result<(), Error> {
    client.create::<IgnoredAny>(&built(PlayJob::builder().project(project).job(job).build())?).map(drop)
}
