//! Pipelines with their jobs and bridges.

use jiff::Timestamp;

use super::{MergeRequest, State};

/// Whether something with this status has ended.
pub(in crate::rehearsal) fn is_final(status: &str) -> bool {
    matches!(status, "success" | "failed" | "canceled" | "skipped")
}

/// A job to be made.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// The name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// The status, such as `success` or `manual`.
    pub status: String,
    /// Whether the pipeline goes on when it fails.
    pub allow_failure: bool,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// What it becomes after it was played or retried: one status for each later look at the
    /// pipeline's jobs. The answer to `play` shows `pending`.
    pub then: Vec<String>,
}

impl JobSpec {
    /// A job that succeeds when it is played.
    pub fn new(name: &str, stage: &str, status: &str) -> Self {
        Self {
            name: name.into(),
            stage: stage.into(),
            status: status.into(),
            allow_failure: false,
            failure_reason: (status == "failed").then(|| "script_failure".into()),
            then: vec!["success".into()],
        }
    }
}

/// A trigger job to be made.
#[derive(Debug, Clone)]
pub struct BridgeSpec {
    /// What it shares with jobs.
    pub job: JobSpec,
    /// The id of the pipeline that it started.
    pub downstream: Option<u64>,
    /// What it starts once it is played; at once when its status is final or `running`.
    pub starts: Option<Box<Downstream>>,
}

/// The pipeline that a bridge starts.
#[derive(Debug, Clone)]
pub struct Downstream {
    /// The project that it runs in.
    pub project: u64,
    /// The pipeline.
    pub pipeline: PipelineSpec,
}

/// A pipeline to be made.
#[derive(Debug, Clone, Default)]
pub struct PipelineSpec {
    /// The branch or tag.
    pub reference: String,
    /// The commit.
    pub sha: String,
    /// The status. It is kept until one of its jobs is played, retried or cancelled.
    pub status: String,
    /// Why it was started, such as `push` or `schedule`; `push` when empty.
    pub source: String,
    /// Whether `reference` is a tag.
    pub tag: bool,
    /// Who started it.
    pub user: Option<u64>,
    /// Jobs, in the order of their stages.
    pub jobs: Vec<JobSpec>,
    /// Trigger jobs.
    pub bridges: Vec<BridgeSpec>,
}

impl PipelineSpec {
    /// A pipeline after a push.
    pub fn new(reference: &str, sha: &str, status: &str) -> Self {
        Self { reference: reference.into(), sha: sha.into(), status: status.into(), ..Self::default() }
    }
}

/// The pipeline that changes of some branches or tags get, through the server.
#[derive(Debug, Clone)]
pub struct RefPipeline {
    /// Branches or tags, in which `*` stands for any characters.
    pub pattern: String,
    /// The pipeline; its reference and commit are filled in.
    pub pipeline: PipelineSpec,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// The status.
    pub status: String,
    /// Whether the pipeline goes on when it fails.
    pub allow_failure: bool,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// Whether another run took its place.
    pub retried: bool,
    /// Who started it.
    pub user: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it becomes after it was played or retried.
    pub then: Vec<String>,
    /// What it becomes at the next looks.
    pub coming: Vec<String>,
}

/// A trigger job.
#[derive(Debug, Clone)]
pub struct Bridge {
    /// What it shares with jobs.
    pub job: Job,
    /// The pipeline that it started: project and id.
    pub downstream: Option<(u64, u64)>,
    /// What it starts once it is played.
    pub starts: Option<Box<Downstream>>,
}

/// A pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// The global id.
    pub id: u64,
    /// The number in its project.
    pub iid: u64,
    /// The branch or tag, or `refs/merge-requests/N/head`.
    pub reference: String,
    /// The commit.
    pub sha: String,
    /// The head of the merge request, when `sha` is a test merge.
    pub source_sha: Option<String>,
    /// The status.
    pub status: String,
    /// Why it was started.
    pub source: String,
    /// Whether `reference` is a tag.
    pub tag: bool,
    /// Who started it.
    pub user: u64,
    /// The merge request that it is for: target project and number there.
    pub merge_request: Option<(u64, u64)>,
    /// What is wrong with its configuration.
    pub yaml_errors: Option<String>,
    /// Jobs, oldest first.
    pub jobs: Vec<Job>,
    /// Trigger jobs, oldest first.
    pub bridges: Vec<Bridge>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl State {
    /// Adds a pipeline with its jobs and all that they started, and returns its id.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_pipeline(&mut self, project: u64, spec: PipelineSpec) -> u64 {
        let (id, now) = (self.next_pipeline_id(), self.now());
        let user = spec.user.or(self.users.first().map(|user| user.id)).unwrap_or_default();
        let jobs = spec.jobs.into_iter().map(|job| self.new_job(job, user)).collect();
        let bridges = spec.bridges.into_iter().map(|bridge| self.new_bridge(bridge, user)).collect();
        let project = self.project_by_id_mut(project);
        let iid = project.pipelines.len() as u64 + 1;
        project.pipelines.push(Pipeline {
            id,
            iid,
            reference: spec.reference,
            sha: spec.sha,
            source_sha: None,
            status: spec.status,
            source: if spec.source.is_empty() { "push".into() } else { spec.source },
            tag: spec.tag,
            user,
            merge_request: None,
            yaml_errors: None,
            jobs,
            bridges,
            created_at: now,
            updated_at: now,
        });
        id
    }

    fn new_job(&mut self, spec: JobSpec, user: u64) -> Job {
        let now = self.now();
        let has_ended = is_final(&spec.status) && spec.status != "skipped";
        Job {
            id: self.next_job_id(),
            name: spec.name,
            stage: spec.stage,
            started_at: (has_ended || spec.status == "running").then_some(now),
            finished_at: has_ended.then_some(now),
            status: spec.status,
            allow_failure: spec.allow_failure,
            failure_reason: spec.failure_reason,
            retried: false,
            user,
            created_at: now,
            then: spec.then,
            coming: vec![],
        }
    }

    fn new_bridge(&mut self, spec: BridgeSpec, user: u64) -> Bridge {
        let job = self.new_job(spec.job, user);
        let known = spec.downstream.and_then(|id| self.pipeline(id).map(|(project, _)| (project, id)));
        let is_started = known.is_none() && job.started_at.is_some();
        let mut bridge = Bridge { job, downstream: known, starts: spec.starts };
        if is_started {
            bridge.downstream = self.start_downstream(bridge.starts.clone());
        }
        bridge
    }

    /// Starts what a bridge starts.
    pub(in crate::rehearsal) fn start_downstream(&mut self, starts: Option<Box<Downstream>>) -> Option<(u64, u64)> {
        let Downstream { project, mut pipeline } = *starts?;
        self.project_by_id(project)?;
        if pipeline.source.is_empty() {
            pipeline.source = "pipeline".into();
        }
        Some((project, self.add_pipeline(project, pipeline)))
    }

    /// A pipeline by its id, with the id of its project.
    pub fn pipeline(&self, id: u64) -> Option<(u64, &Pipeline)> {
        self.projects.iter().find_map(|project| {
            let pipeline = project.pipelines.iter().find(|pipeline| pipeline.id == id)?;
            Some((project.id, pipeline))
        })
    }

    /// A pipeline by its id, to be changed.
    pub fn pipeline_mut(&mut self, id: u64) -> Option<&mut Pipeline> {
        self.projects.iter_mut().flat_map(|project| &mut project.pipelines).find(|pipeline| pipeline.id == id)
    }

    /// The newest pipeline of what is reviewed in a merge request, with the id of its project: its
    /// own or one of its source branch.
    pub fn head_pipeline(&self, request: &MergeRequest) -> Option<(u64, &Pipeline)> {
        let sha = request.sha()?;
        let is_of = |project: u64, pipeline: &Pipeline| {
            let is_own = pipeline.merge_request == Some((request.target_project, request.iid));
            let is_of_branch = project == request.source_project && pipeline.reference == request.source_branch;
            let is_of_head = pipeline.sha == sha || pipeline.source_sha.as_deref() == Some(sha);
            is_of_head && (is_own || (is_of_branch && !pipeline.tag && request.is_open()))
        };
        let all =
            self.projects.iter().flat_map(|project| project.pipelines.iter().map(|pipeline| (project.id, pipeline)));
        all.filter(|(project, pipeline)| is_of(*project, pipeline)).max_by_key(|(_, pipeline)| pipeline.id)
    }
}
