//! The judgement: from jobs and pipelines, in GitLab's words, to how far each service is.

use crate::domain::ci_status::CiStatus;

use super::{DeployTarget, Downstream, Hidden, Job, Pipeline, Service, State, Waiting};

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is one of those that the gate waits for.
    Gate,
    /// It is in a pipeline that one of those started.
    Further,
}

/// A judgement on a job.
struct Judged {
    state: State,
    text: String,
    waiting: Vec<Waiting>,
    /// Jobs that ended without success, and may be run again.
    ended: Vec<Waiting>,
    /// Where to look.
    page: Option<String>,
}

impl Judged {
    fn new(state: State, text: String) -> Self {
        Self { state, text, waiting: vec![], ended: vec![], page: None }
    }

    /// With a place to look, unless one further down is known.
    fn at(self, page: &Option<String>) -> Self {
        Self { page: self.page.or_else(|| page.clone()), ..self }
    }
}

/// How far each service is, by pipelines that ran on the merge or on a commit that holds it. Where several
/// deployed the same service, the best news counts: once it ran with the fix, it is deployed.
pub fn judge(wanted: &DeployTarget, pipelines: &[Pipeline]) -> Vec<Service> {
    let judge_one = |service: &String| {
        let judged = pipelines.iter().map(|pipeline| (judge_service(wanted, service, pipeline), pipeline));
        let best =
            judged.max_by(|(one, of), (other, of_other)| one.state.cmp(&other.state).then(of.id.cmp(&of_other.id)));
        match best {
            Some((judged, pipeline)) => Service {
                name: service.clone(),
                state: judged.state,
                text: judged.text,
                waiting: judged.waiting,
                ended: judged.ended,
                web_url: judged.page.or_else(|| pipeline.web_url.clone()),
                sha: Some(pipeline.sha.clone()),
            },
            None => Service {
                name: service.clone(),
                state: State::Absent,
                text: "no pipeline ran on the merge yet".to_owned(),
                waiting: vec![],
                ended: vec![],
                web_url: None,
                sha: None,
            },
        }
    };
    wanted.services.iter().map(judge_one).collect()
}

/// The newest run of each job.
fn newest(jobs: &[Job]) -> Vec<&Job> {
    let mut newest: Vec<&Job> = Vec::new();
    for job in jobs {
        match newest.iter_mut().find(|known| (&known.name, &known.stage) == (&job.name, &job.stage)) {
            Some(known) if known.id < job.id => *known = job,
            Some(_) => {}
            None => newest.push(job),
        }
    }
    newest
}

fn judge_service(wanted: &DeployTarget, service: &str, pipeline: &Pipeline) -> Judged {
    let jobs = newest(&pipeline.jobs);
    let in_stage: Vec<&Job> = jobs.iter().copied().filter(|job| job.stage == wanted.stage).collect();
    let is_own = |job: &&Job| job.name.contains(service) && !wanted.is_optional(job);
    let own: Vec<&Job> = in_stage.iter().copied().filter(is_own).collect();
    if own.is_empty() {
        return Judged::new(State::Absent, absent(wanted, service, &jobs, &in_stage));
    }
    worst(own.into_iter().map(|job| judge_job(wanted, job, Place::Gate).at(&job.web_url)).collect())
}

/// Which names there were instead: a job may have been renamed.
fn absent(wanted: &DeployTarget, service: &str, jobs: &[&Job], in_stage: &[&Job]) -> String {
    let DeployTarget { stage, .. } = wanted;
    if in_stage.is_empty() {
        let mut stages: Vec<&str> = jobs.iter().map(|job| job.stage.as_str()).collect();
        stages.sort_unstable();
        stages.dedup();
        return match stages[..] {
            [] => "its pipeline has no job".to_owned(),
            _ => format!("the pipeline has no stage `{stage}`, only `{}`", stages.join("`, `")),
        };
    }
    let names: Vec<&str> = in_stage.iter().map(|job| job.name.as_str()).collect();
    format!("no job in stage `{stage}` has `{service}` in its name, only `{}`", names.join("`, `"))
}

/// The worst news, with all the jobs that wait.
fn worst(judged: Vec<Judged>) -> Judged {
    let (mut waiting, mut ended) = (Vec::new(), Vec::new());
    let mut worst: Option<Judged> = None;
    for mut one in judged {
        waiting.append(&mut one.waiting);
        ended.append(&mut one.ended);
        if worst.as_ref().is_none_or(|worst| one.state < worst.state) {
            worst = Some(one);
        }
    }
    let worst = worst.unwrap_or_else(|| Judged::new(State::Unknown, "it has no job".to_owned()));
    Judged { waiting, ended, ..worst }
}

fn judge_job(wanted: &DeployTarget, job: &Job, place: Place) -> Judged {
    let Job { name, status, .. } = job;
    let to_press = || Waiting {
        id: job.id,
        project: job.project,
        name: name.clone(),
        is_of_gate: place == Place::Gate,
        web_url: job.web_url.clone(),
    };
    let ended = |state, text| Judged { ended: vec![to_press()], ..Judged::new(state, text) };
    match status {
        CiStatus::Success if job.is_trigger => judge_trigger(wanted, job),
        CiStatus::Success => Judged::new(State::Deployed, format!("`{name}` succeeded")),
        CiStatus::Failed => {
            // What failed is further down, where it can be seen, and may have been tried again there: not every
            // GitLab tells the trigger job of that.
            if let Some(Downstream { seen: Some(_), .. }) = &job.downstream {
                return judge_trigger(wanted, job);
            }
            let why = job.failure.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
            ended(State::Failed, format!("`{name}` failed{why}"))
        }
        CiStatus::Canceled | CiStatus::Canceling => ended(State::Canceled, format!("`{name}` was cancelled")),
        CiStatus::Skipped => Judged::new(State::Skipped, format!("`{name}` was skipped")),
        CiStatus::Manual => {
            let text = format!("`{name}` waits for somebody to start it");
            Judged { waiting: vec![to_press()], ..Judged::new(State::Waiting, text) }
        }
        status if status.is_under_way() => {
            let running = Judged::new(State::Running, format!("`{name}` is {}", status.as_str().replace('_', " ")));
            match &job.downstream {
                // Somebody may have to start a job further down.
                Some(Downstream { seen: Some(pipeline), .. }) => {
                    let further = judge_downstream(wanted, pipeline);
                    if further.state == State::Waiting { further } else { running }
                }
                _ => running,
            }
        }
        other => Judged::new(State::Unknown, format!("`{name}` is `{other}`, which this version does not know")),
    }
}

/// A trigger job is green as soon as its pipeline exists: what counts is what became of that.
fn judge_trigger(wanted: &DeployTarget, job: &Job) -> Judged {
    let name = &job.name;
    let Some(downstream) = &job.downstream else {
        return Judged::new(State::Unknown, format!("what `{name}` started is not shown"));
    };
    let Some(pipeline) = &downstream.seen else {
        return match (wanted.hidden, &downstream.status) {
            (Hidden::Status, CiStatus::Success) => {
                Judged::new(State::Deployed, format!("`{name}` started pipeline {}, which succeeded", downstream.id))
            }
            _ => Judged::new(
                State::Unknown,
                format!("this token may not see pipeline {}, which `{name}` started (`deploy.hidden`)", downstream.id),
            ),
        };
    };
    let further = judge_downstream(wanted, pipeline);
    Judged { text: format!("{}, in pipeline {} of `{name}`", further.text, pipeline.id), ..further }
}

/// In a pipeline that belongs to the deployment everything counts that is not named as optional: what a
/// project lets pass there, such as a job that nobody has started, or that was skipped for it, is often the
/// deployment itself.
fn judge_downstream(wanted: &DeployTarget, pipeline: &Pipeline) -> Judged {
    let jobs = newest(&pipeline.jobs);
    let (optional, counted): (Vec<&Job>, Vec<&Job>) = jobs.into_iter().partition(|job| wanted.is_optional(job));
    let ended = match &pipeline.status {
        CiStatus::Success => State::Deployed,
        CiStatus::Failed => State::Failed,
        CiStatus::Canceled | CiStatus::Canceling => State::Canceled,
        CiStatus::Skipped => State::Skipped,
        CiStatus::Manual => State::Waiting,
        status if status.is_under_way() => State::Running,
        _ => State::Unknown,
    };
    // A pipeline that stands still for an optional job alone is as far as it should be.
    let is_excused = optional.iter().any(|job| job.status == pipeline.status);
    let whole = match ended {
        State::Waiting if is_excused => State::Deployed,
        ended => ended,
    };
    let judged: Vec<Judged> =
        counted.into_iter().map(|job| judge_job(wanted, job, Place::Further).at(&job.web_url)).collect();
    if judged.is_empty() {
        return Judged::new(State::Unknown, "no job can be seen".to_owned());
    }
    let worst = worst(judged);
    // A job that fails or waits says more than its pipeline.
    if whole >= worst.state {
        match worst.state {
            State::Skipped | State::Waiting if !worst.text.contains("`deploy.optional`") => {
                Judged { text: format!("{} (`deploy.optional` names what need not run)", worst.text), ..worst }
            }
            _ => worst,
        }
    } else {
        Judged { state: whole, text: format!("it is `{}`", pipeline.status), ..worst }
    }
}
