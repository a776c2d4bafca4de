//! Pipelines, jobs and bridges.

use serde_json::{Value, json};

use super::{
    super::{
        site::Site,
        state::{Bridge, Job, Pipeline, Project, State},
    },
    optional_time, time, user,
};

/// As in lists.
pub(in crate::rehearsal) fn row(site: &Site, within: &Project, pipeline: &Pipeline) -> Value {
    json!({
        "id": pipeline.id,
        "iid": pipeline.iid,
        "project_id": within.id,
        "sha": pipeline.sha,
        "ref": pipeline.reference,
        "status": pipeline.status,
        "source": pipeline.source,
        "name": null,
        "web_url": page(site, within, pipeline),
        "created_at": time(pipeline.created_at),
        "updated_at": time(pipeline.updated_at),
    })
}

fn page(site: &Site, within: &Project, pipeline: &Pipeline) -> String {
    format!("{}/-/pipelines/{}", site.page(within), pipeline.id)
}

/// On its own.
pub(in crate::rehearsal) fn whole(site: &Site, state: &State, within: &Project, pipeline: &Pipeline) -> Value {
    let mut shown = row(site, within, pipeline);
    let jobs = pipeline.jobs.iter().chain(pipeline.bridges.iter().map(|bridge| &bridge.job));
    let started = jobs.clone().filter_map(|job| job.started_at).min();
    let is_final = matches!(pipeline.status.as_str(), "success" | "failed" | "canceled" | "skipped");
    let finished = jobs.filter_map(|job| job.finished_at).max().filter(|_| is_final);
    shown["before_sha"] = json!("0".repeat(40));
    shown["tag"] = json!(pipeline.tag);
    shown["user"] = user(site, state, pipeline.user);
    shown["started_at"] = optional_time(started);
    shown["finished_at"] = optional_time(finished);
    shown["committed_at"] = Value::Null;
    shown["duration"] = json!(started.zip(finished).map(|(start, end)| end.as_second() - start.as_second()));
    shown["queued_duration"] = json!(0);
    shown["coverage"] = Value::Null;
    shown["yaml_errors"] = json!(pipeline.yaml_errors);
    shown["detailed_status"] = json!({
        "text": pipeline.status,
        "label": pipeline.status,
        "group": pipeline.status,
        "icon": format!("status_{}", pipeline.status),
        "has_details": true,
    });
    shown
}

/// A job.
pub(in crate::rehearsal) fn job(site: &Site, state: &State, within: &Project, pipeline: &Pipeline, job: &Job) -> Value {
    let duration = job.started_at.zip(job.finished_at).map(|(start, end)| end.as_second() - start.as_second());
    let mut shown = json!({
        "id": job.id,
        "name": job.name,
        "stage": job.stage,
        "status": job.status,
        "allow_failure": job.allow_failure,
        "ref": pipeline.reference,
        "tag": pipeline.tag,
        "coverage": null,
        "created_at": time(job.created_at),
        "started_at": optional_time(job.started_at),
        "finished_at": optional_time(job.finished_at),
        "erased_at": null,
        "duration": duration,
        "queued_duration": null,
        "archived": false,
        "user": user(site, state, job.user),
        "commit": { "id": pipeline.sha, "short_id": pipeline.sha.get(..8) },
        "pipeline": row(site, within, pipeline),
        "web_url": format!("{}/-/jobs/{}", site.page(within), job.id),
    });
    if job.status == "failed" {
        shown["failure_reason"] = json!(job.failure_reason);
    }
    shown
}

/// A trigger job.
pub(in crate::rehearsal) fn bridge(
    site: &Site,
    state: &State,
    within: &Project,
    pipeline: &Pipeline,
    bridge: &Bridge,
) -> Value {
    let mut shown = job(site, state, within, pipeline, &bridge.job);
    let started =
        bridge.downstream.and_then(|(project, id)| Some((state.project_by_id(project)?, state.pipeline(id)?.1)));
    // Shown also to those who may not read it under its project.
    shown["downstream_pipeline"] = started.map_or(Value::Null, |(project, pipeline)| row(site, project, pipeline));
    shown
}
