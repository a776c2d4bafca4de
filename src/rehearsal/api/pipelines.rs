//! Pipelines.

use super::super::{
    access::{self, DEVELOPER},
    call::Call,
    lifecycle::{self, Change},
    reply::{Answer, Reply},
    show,
    state::{JobSpec, Pipeline, PipelineSpec},
};
use super::{GET, POST, Route, jobs, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/pipelines", pipelines),
    route(GET, "/projects/{id}/pipelines/latest", latest),
    route(GET, "/projects/{id}/pipelines/{pipeline_id}", pipeline),
    route(POST, "/projects/{id}/pipeline", start),
    route(POST, "/projects/{id}/pipelines/{pipeline_id}/retry", retry),
    route(POST, "/projects/{id}/pipelines/{pipeline_id}/cancel", cancel),
];

fn in_scope(pipeline: &Pipeline, scope: &str) -> bool {
    match scope {
        "running" => pipeline.status == "running",
        "pending" => pipeline.status == "pending",
        "finished" => matches!(pipeline.status.as_str(), "success" | "failed" | "canceled"),
        "branches" => !pipeline.tag && pipeline.merge_request.is_none(),
        _ => pipeline.tag,
    }
}

fn pipelines(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    // A push that nobody has looked at yet may have started one.
    lifecycle::refresh_everything(call.site, call.state)?;
    let given = &call.parameters;
    let scope = given.word("scope", &["running", "pending", "finished", "branches", "tags"])?;
    let order = given.word("order_by", &["id", "status", "ref", "updated_at", "user_id"])?;
    let is_ascending = given.word("sort", &["asc", "desc"])?.as_deref() == Some("asc");
    let (sha, reference, status) = (given.text("sha"), given.text("ref"), given.text("status"));
    let source = given.text("source");
    let since: Option<jiff::Timestamp> = given.text("updated_after").and_then(|text| text.parse().ok());
    let user = given.text("username").map(|name| call.state.user_named(&name).map_or(0, |user| user.id));
    let fits = |pipeline: &Pipeline| {
        sha.as_ref().is_none_or(|sha| *sha == pipeline.sha)
            && reference.as_ref().is_none_or(|name| *name == pipeline.reference)
            && status.as_ref().is_none_or(|status| *status == pipeline.status)
            && source.as_ref().map_or(pipeline.source != "parent_pipeline", |source| *source == pipeline.source)
            && user.is_none_or(|user| user == pipeline.user)
            && since.is_none_or(|since| pipeline.updated_at > since)
            && scope.as_ref().is_none_or(|scope| in_scope(pipeline, scope))
    };
    let project = &call.state.projects[at];
    let mut found: Vec<&Pipeline> = project.pipelines.iter().filter(|pipeline| fits(pipeline)).collect();
    found.sort_by(|one, other| {
        let by_order = match order.as_deref() {
            Some("status") => one.status.cmp(&other.status),
            Some("ref") => one.reference.cmp(&other.reference),
            Some("updated_at") => one.updated_at.cmp(&other.updated_at),
            _ => std::cmp::Ordering::Equal,
        };
        by_order.then(one.id.cmp(&other.id))
    });
    if !is_ascending {
        found.reverse();
    }
    call.page(&found, |call, pipeline| show::pipeline::row(call.site, project, pipeline))
}

pub(super) fn shown(call: &Call<'_>, (project, pipeline): (usize, usize)) -> serde_json::Value {
    let project = &call.state.projects[project];
    show::pipeline::whole(call.site, call.state, project, &project.pipelines[pipeline])
}

fn latest(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let project = &call.state.projects[at];
    let reference = call.parameters.text("ref").unwrap_or_else(|| project.default_branch.clone());
    let head = call.repository_at(at).commit(&reference)?.ok_or_else(Reply::forbidden)?;
    let fits = |pipeline: &&Pipeline| pipeline.reference == reference && pipeline.sha == head;
    let newest = project.pipelines.iter().filter(fits).max_by_key(|pipeline| pipeline.id);
    let newest = newest.ok_or_else(Reply::forbidden)?;
    Ok(Reply::ok(show::pipeline::whole(call.site, call.state, project, newest)))
}

fn pipeline(call: &mut Call<'_>) -> Answer {
    let at = call.pipeline_at()?;
    let now = call.state.now();
    call.state.projects[at.0].pipelines[at.1].go_on(now);
    Ok(Reply::ok(shown(call, at)))
}

fn start(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["ref"])?;
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let name = call.parameters.text("ref").unwrap_or_default();
    let repository = call.repository_at(at);
    let is_tag = repository.branch(&name)?.is_none();
    let Some(sha) = repository.commit(&name)? else {
        return Err(Reply::invalid("base", "Reference not found"));
    };
    let user = call.user_id()?;
    if !access::may_run(call.state, &call.state.projects[at], &name, Some(user)) {
        return Err(Reply::invalid("base", "You do not have sufficient permission to run a pipeline on this ref"));
    }
    let project = call.state.projects[at].id;
    let reference = if is_tag { format!("refs/tags/{name}") } else { format!("refs/heads/{name}") };
    let made = lifecycle::start_ref_pipeline(call.site, call.state, &Change { project, reference: &reference, user })?;
    let id = match made {
        Some(id) => id,
        None => {
            let jobs = vec![JobSpec::new("test", "test", "pending")];
            let spec =
                PipelineSpec { jobs, user: Some(user), tag: is_tag, ..PipelineSpec::new(&name, &sha, "pending") };
            call.state.add_pipeline(project, spec)
        }
    };
    if let Some(pipeline) = call.state.pipeline_mut(id) {
        pipeline.source = "api".into();
    }
    let last = call.state.projects[at].pipelines.len() - 1;
    Ok(Reply::created(shown(call, (at, last))))
}

fn retry(call: &mut Call<'_>) -> Answer {
    let at = call.pipeline_at()?;
    call.require_level(at.0, DEVELOPER)?;
    let failed = |status: &str| matches!(status, "failed" | "canceled");
    let pipeline = &call.state.projects[at.0].pipelines[at.1];
    let bridges = pipeline.bridges.iter().map(|bridge| &bridge.job);
    let again: Vec<u64> = pipeline
        .jobs
        .iter()
        .chain(bridges)
        .filter(|job| failed(&job.status) && !job.retried)
        .map(|job| job.id)
        .collect();
    for id in again {
        jobs::run_again(call, at, id)?;
    }
    Ok(Reply::created(shown(call, at)))
}

fn cancel(call: &mut Call<'_>) -> Answer {
    let at = call.pipeline_at()?;
    call.require_level(at.0, DEVELOPER)?;
    let now = call.state.now();
    let pipeline = &mut call.state.projects[at.0].pipelines[at.1];
    let bridges = pipeline.bridges.iter_mut().map(|bridge| &mut bridge.job);
    for job in pipeline.jobs.iter_mut().chain(bridges).filter(|job| job.is_active()) {
        job.change_status("canceled", now);
    }
    pipeline.settle(now);
    Ok(Reply::ok(shown(call, at)))
}
