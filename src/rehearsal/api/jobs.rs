//! Jobs and bridges of pipelines.

use serde_json::Value;

use super::super::{
    access::{self, DEVELOPER},
    call::Call,
    paging::Totals,
    reply::{Answer, Reply},
    show,
    state::Job,
};
use super::{GET, POST, Route, job_route, route};

pub(super) const ROUTES: &[Route] = &[
    job_route(GET, "/projects/{id}/pipelines/{pipeline_id}/jobs", of_pipeline),
    route(GET, "/projects/{id}/pipelines/{pipeline_id}/bridges", bridges_of_pipeline),
    job_route(GET, "/projects/{id}/jobs", of_project),
    job_route(GET, "/projects/{id}/jobs/{job_id}", job),
    job_route(GET, "/projects/{id}/jobs/{job_id}/trace", trace),
    route(POST, "/projects/{id}/jobs/{job_id}/play", play),
    route(POST, "/projects/{id}/jobs/{job_id}/retry", retry),
    route(POST, "/projects/{id}/jobs/{job_id}/cancel", cancel),
];

/// The jobs that a list shows, newest first.
fn listed<'a>(call: &Call<'_>, jobs: impl Iterator<Item = &'a Job>) -> Result<Vec<&'a Job>, Reply> {
    let scope = call.parameters.list("scope").unwrap_or_default();
    let with_retried = call.parameters.flag("include_retried")?.unwrap_or(false);
    let fits = |job: &&Job| (scope.is_empty() || scope.contains(&job.status)) && (with_retried || !job.retried);
    let mut found: Vec<_> = jobs.filter(fits).collect();
    found.sort_by_key(|job| std::cmp::Reverse(job.id));
    Ok(found)
}

fn of_pipeline(call: &mut Call<'_>) -> Answer {
    let at = call.pipeline_at()?;
    let now = call.state.now();
    call.state.projects[at.0].pipelines[at.1].go_on(now);
    let project = &call.state.projects[at.0];
    let pipeline = &project.pipelines[at.1];
    let found = listed(call, pipeline.jobs.iter())?;
    call.page(&found, |call, job| show::pipeline::job(call.site, call.state, project, pipeline, job))
}

fn bridges_of_pipeline(call: &mut Call<'_>) -> Answer {
    let at = call.pipeline_at()?;
    let now = call.state.now();
    call.state.projects[at.0].pipelines[at.1].go_on(now);
    let project = &call.state.projects[at.0];
    let pipeline = &project.pipelines[at.1];
    let found = listed(call, pipeline.bridges.iter().map(|bridge| &bridge.job))?;
    call.page(&found, |call, job| {
        let bridge = pipeline.bridges.iter().find(|bridge| bridge.job.id == job.id);
        bridge.map_or(Value::Null, |bridge| show::pipeline::bridge(call.site, call.state, project, pipeline, bridge))
    })
}

fn of_project(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let project = &call.state.projects[at];
    let found = listed(call, project.pipelines.iter().flat_map(|pipeline| &pipeline.jobs))?;
    call.page_with(&found, Totals::Withheld, |call, job| {
        let pipeline = project.pipelines.iter().find(|pipeline| pipeline.jobs.iter().any(|known| known.id == job.id));
        pipeline.map_or(Value::Null, |pipeline| show::pipeline::job(call.site, call.state, project, pipeline, job))
    })
}

/// Where the job or bridge of the route is: positions of the project and the pipeline, and its id.
fn find(call: &Call<'_>) -> Result<((usize, usize), u64), Reply> {
    let at = call.project_at()?;
    let id = call.captured_number("job_id")?;
    let found = call.state.projects[at].pipelines.iter().position(|pipeline| pipeline.job(id).is_some());
    Ok(((at, found.ok_or_else(|| Reply::not_found("Job"))?), id))
}

fn shown(call: &Call<'_>, at: (usize, usize), id: u64) -> Answer {
    let project = &call.state.projects[at.0];
    let pipeline = &project.pipelines[at.1];
    if let Some(bridge) = pipeline.bridges.iter().find(|bridge| bridge.job.id == id) {
        return Ok(Reply::ok(show::pipeline::bridge(call.site, call.state, project, pipeline, bridge)));
    }
    let job = pipeline.job(id).ok_or_else(|| Reply::not_found("Job"))?;
    Ok(Reply::ok(show::pipeline::job(call.site, call.state, project, pipeline, job)))
}

fn job(call: &mut Call<'_>) -> Answer {
    let (at, id) = find(call)?;
    if call.state.projects[at.0].pipelines[at.1].bridges.iter().any(|bridge| bridge.job.id == id) {
        // A bridge is no job here.
        return Err(Reply::not_found("Job"));
    }
    let now = call.state.now();
    call.state.projects[at.0].pipelines[at.1].go_on(now);
    shown(call, at, id)
}

fn trace(call: &mut Call<'_>) -> Answer {
    let (at, id) = find(call)?;
    let pipeline = &call.state.projects[at.0].pipelines[at.1];
    let job = pipeline.jobs.iter().find(|job| job.id == id).ok_or_else(|| Reply::not_found("Job"))?;
    Ok(Reply::text(format!("{} is {}\n", job.name, job.status)))
}

fn require_run(call: &Call<'_>, at: (usize, usize)) -> Result<(), Reply> {
    let project = &call.state.projects[at.0];
    let reference = &project.pipelines[at.1].reference;
    if access::may_run(call.state, project, reference, call.caller.user()) { Ok(()) } else { Err(Reply::forbidden()) }
}

fn play(call: &mut Call<'_>) -> Answer {
    let (at, id) = find(call)?;
    require_run(call, at)?;
    let user = call.user_id()?;
    let pipeline = &call.state.projects[at.0].pipelines[at.1];
    let is_playable = pipeline.job(id).is_some_and(|job| matches!(job.status.as_str(), "manual" | "scheduled"));
    if !is_playable {
        return Err(Reply::bad_request("400 Bad request - Unplayable Job"));
    }
    begin(call, at, id, user);
    shown(call, at, id)
}

/// Lets a job begin: it is pending now, and at later looks what comes then.
fn begin(call: &mut Call<'_>, at: (usize, usize), id: u64, user: u64) {
    let now = call.state.now();
    let bridge = call.state.projects[at.0].pipelines[at.1].bridges.iter().find(|bridge| bridge.job.id == id);
    let starts = bridge.and_then(|bridge| bridge.starts.clone());
    let started = call.state.start_downstream(starts);
    let pipeline = &mut call.state.projects[at.0].pipelines[at.1];
    for bridge in pipeline.bridges.iter_mut().filter(|bridge| bridge.job.id == id) {
        bridge.downstream = started.or(bridge.downstream);
    }
    if let Some(job) = pipeline.job_mut(id) {
        job.change_status("pending", now);
        job.user = user;
        job.coming = job.then.clone();
    }
    pipeline.settle(now);
}

/// Puts a new run in the place of an old one, and returns its id.
pub(super) fn run_again(call: &mut Call<'_>, at: (usize, usize), id: u64) -> Result<u64, Reply> {
    let (user, new, now) = (call.user_id()?, call.state.next_job_id(), call.state.now());
    let pipeline = &mut call.state.projects[at.0].pipelines[at.1];
    let old = pipeline.job_mut(id).ok_or_else(|| Reply::not_found("Job"))?;
    let again = Job { id: new, created_at: now, started_at: None, finished_at: None, ..old.clone() };
    old.retried = true;
    let old_bridge = pipeline.bridges.iter().find(|bridge| bridge.job.id == id).cloned();
    match old_bridge {
        Some(mut bridge) => {
            (bridge.job, bridge.downstream) = (again, None);
            pipeline.bridges.push(bridge);
        }
        None => pipeline.jobs.push(again),
    }
    begin(call, at, new, user);
    Ok(new)
}

fn retry(call: &mut Call<'_>) -> Answer {
    let (at, id) = find(call)?;
    require_run(call, at)?;
    let pipeline = &call.state.projects[at.0].pipelines[at.1];
    let is_retryable = pipeline
        .job(id)
        .is_some_and(|job| matches!(job.status.as_str(), "success" | "failed" | "canceled") && !job.retried);
    if !is_retryable {
        return Err(Reply::forbidden_because("Job is not retryable"));
    }
    let new = run_again(call, at, id)?;
    let shown = shown(call, at, new)?;
    Ok(Reply { status: 201, ..shown })
}

fn cancel(call: &mut Call<'_>) -> Answer {
    let (at, id) = find(call)?;
    call.require_level(at.0, DEVELOPER)?;
    let now = call.state.now();
    let pipeline = &mut call.state.projects[at.0].pipelines[at.1];
    if let Some(job) = pipeline.job_mut(id).filter(|job| job.is_active()) {
        job.change_status("canceled", now);
        pipeline.settle(now);
    }
    let shown = shown(call, at, id)?;
    Ok(Reply { status: 201, ..shown })
}
