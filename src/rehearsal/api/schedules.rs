//! Pipeline schedules.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::super::{
    access::{self, DEVELOPER, MAINTAINER},
    call::Call,
    lifecycle::{self, Change},
    reply::{Answer, Reply},
    show,
    state::{JobSpec, Pipeline, PipelineSpec, Schedule},
};
use super::{GET, POST, PUT, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/pipeline_schedules", schedules),
    route(GET, "/projects/{id}/pipeline_schedules/{schedule_id}", schedule),
    route(PUT, "/projects/{id}/pipeline_schedules/{schedule_id}", edit),
    route(POST, "/projects/{id}/pipeline_schedules/{schedule_id}/take_ownership", take_ownership),
    route(POST, "/projects/{id}/pipeline_schedules/{schedule_id}/play", play),
    route(GET, "/projects/{id}/pipeline_schedules/{schedule_id}/pipelines", pipelines),
];

fn row(call: &Call<'_>, schedule: &Schedule) -> Value {
    let now = call.state.now();
    let next = schedule.active.then(|| show::time(now.checked_add(1.hour()).unwrap_or(now)));
    json!({
        "id": schedule.id,
        "description": schedule.description,
        "ref": schedule.reference,
        "cron": schedule.cron,
        "cron_timezone": schedule.cron_timezone,
        "next_run_at": next,
        "active": schedule.active,
        "created_at": show::time(now),
        "updated_at": show::time(now),
        "owner": show::user(call.site, call.state, schedule.owner),
    })
}

fn shown(call: &Call<'_>, (at, index): (usize, usize)) -> Value {
    let project = &call.state.projects[at];
    let schedule = &project.schedules[index];
    let mut shown = row(call, schedule);
    let last = schedule.pipelines.last().and_then(|id| project.pipelines.iter().find(|known| known.id == *id));
    shown["last_pipeline"] = json!(last.map(|pipeline| json!({
        "id": pipeline.id,
        "sha": pipeline.sha,
        "ref": pipeline.reference,
        "status": pipeline.status,
    })));
    if call.caller.user() == Some(schedule.owner) || call.level(at) >= MAINTAINER {
        let variable = |(key, value): &(String, String)| json!({ "key": key, "value": value, "variable_type": "env_var", "raw": false });
        shown["variables"] = schedule.variables.iter().map(variable).collect();
    }
    shown
}

fn schedules(call: &mut Call<'_>) -> Answer {
    let scope = call.parameters.word("scope", &["active", "inactive"])?;
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let fits = |schedule: &&Schedule| scope.as_ref().is_none_or(|scope| (scope == "active") == schedule.active);
    let found: Vec<_> = call.state.projects[at].schedules.iter().filter(fits).collect();
    call.page(&found, |call, schedule| row(call, schedule))
}

/// Where the schedule of the route is: positions of the project and in it.
fn find(call: &Call<'_>) -> Result<(usize, usize), Reply> {
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let id = call.captured_number("schedule_id")?;
    let found = call.state.projects[at].schedules.iter().position(|schedule| schedule.id == id);
    Ok((at, found.ok_or_else(|| Reply::not_found("Pipeline Schedule"))?))
}

fn schedule(call: &mut Call<'_>) -> Answer {
    Ok(Reply::ok(shown(call, find(call)?)))
}

fn edit(call: &mut Call<'_>) -> Answer {
    let at = find(call)?;
    let given = call.parameters.clone();
    let is_active = given.flag("active")?;
    let user = call.user_id()?;
    let schedule = &mut call.state.projects[at.0].schedules[at.1];
    // Not even maintainers may change what runs with somebody else's rights.
    if schedule.owner != user {
        return Err(Reply::forbidden());
    }
    schedule.active = is_active.unwrap_or(schedule.active);
    schedule.cron = given.text("cron").unwrap_or_else(|| schedule.cron.clone());
    schedule.description = given.text("description").unwrap_or_else(|| schedule.description.clone());
    if let Some(name) = given.text("ref") {
        schedule.reference = if name.starts_with("refs/") { name } else { format!("refs/heads/{name}") };
    }
    Ok(Reply::ok(shown(call, at)))
}

fn take_ownership(call: &mut Call<'_>) -> Answer {
    let at = find(call)?;
    call.require_level(at.0, MAINTAINER)?;
    let user = call.user_id()?;
    let schedule = &mut call.state.projects[at.0].schedules[at.1];
    let was_own = schedule.owner == user;
    schedule.owner = user;
    let shown = shown(call, at);
    Ok(if was_own { Reply::ok(shown) } else { Reply::created(shown) })
}

fn play(call: &mut Call<'_>) -> Answer {
    let at = find(call)?;
    let (project, user) = (&call.state.projects[at.0], call.user_id()?);
    let (id, reference) = (project.id, project.schedules[at.1].reference.clone());
    if !access::may_run(call.state, project, &reference, Some(user)) {
        return Err(Reply::forbidden());
    }
    let made =
        lifecycle::start_ref_pipeline(call.site, call.state, &Change { project: id, reference: &reference, user })?;
    let pipeline = match made {
        Some(pipeline) => pipeline,
        None => {
            let name = reference.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
            let sha = call.repository_at(at.0).commit(name)?.unwrap_or_default();
            let jobs = vec![JobSpec::new("scheduled", "test", "pending")];
            let spec = PipelineSpec { jobs, user: Some(user), ..PipelineSpec::new(name, &sha, "pending") };
            call.state.add_pipeline(id, spec)
        }
    };
    if let Some(pipeline) = call.state.pipeline_mut(pipeline) {
        pipeline.source = "schedule".into();
    }
    call.state.projects[at.0].schedules[at.1].pipelines.push(pipeline);
    Ok(Reply::message(201, "201 Created"))
}

fn pipelines(call: &mut Call<'_>) -> Answer {
    let at = find(call)?;
    let project = &call.state.projects[at.0];
    let ids = &project.schedules[at.1].pipelines;
    let found: Vec<&Pipeline> = project.pipelines.iter().filter(|pipeline| ids.contains(&pipeline.id)).collect();
    call.page(&found, |call, pipeline| show::pipeline::row(call.site, project, pipeline))
}
