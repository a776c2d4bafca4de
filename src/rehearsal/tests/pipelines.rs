//! Pipelines, jobs and bridges.

use serde_json::{Value, json};

use super::{Local, SECURITY, security};
use crate::rehearsal::{JobSpec, PipelineSpec, TokenSpec, sample::DEPLOYMENTS};

const DEPLOY: &str = "🛫 [duo-workflow-svc] Trigger runway deployment production";

/// Starts what runs after a merge.
fn started(local: &Local) -> (Value, String) {
    let pipeline = local.maintain("POST", &security("/pipeline"), json!({ "ref": "main" })).is(201).json();
    let path = security(&format!("/pipelines/{}", pipeline["id"]));
    (pipeline, path)
}

#[test]
fn a_bridge_is_played_and_its_pipeline_followed() {
    let local = Local::with(|state| {
        let outsider = state.add_user("outsider", "An Outsider");
        let project = state.project(SECURITY).unwrap().id;
        state.add_member(project, outsider, 40);
        state.add_token("outsider", TokenSpec::of(outsider));
    });
    let (pipeline, path) = started(&local);
    assert_eq!(pipeline["status"], "manual");
    let jobs = local.get(&format!("{path}/jobs")).is(200).json();
    let names: Vec<_> = jobs.as_array().unwrap().iter().map(|job| job["name"].clone()).collect();
    // Without bridges, the newest first.
    assert_eq!(names, ["build", "test"]);
    assert!(jobs[0]["id"].as_u64().unwrap() > 1 << 32);
    let bridge = local.get(&format!("{path}/bridges")).is(200).json()[0].clone();
    assert_eq!((&bridge["name"], &bridge["status"]), (&json!(DEPLOY), &json!("manual")));
    assert_eq!(bridge["downstream_pipeline"], Value::Null);
    let job = security(&format!("/jobs/{}", bridge["id"]));
    local.get(&job).is(404);

    // Developers may not run what is protected.
    local.post(&format!("{job}/play"), json!({})).is(403);
    let played = local.maintain("POST", &format!("{job}/play"), json!({})).is(200).json();
    assert_eq!(played["status"], "pending");
    assert_eq!(
        local.maintain("POST", &format!("{job}/play"), json!({})).is(400).json(),
        json!({ "message": "400 Bad request - Unplayable Job" })
    );
    let bridge = local.get(&format!("{path}/bridges")).is(200).json()[0].clone();
    assert_eq!(bridge["status"], "success");
    let child = &bridge["downstream_pipeline"];
    let path_of_child = format!("/projects/{}/pipelines/{}", child["project_id"], child["id"]);
    assert_eq!(local.get(&path_of_child).is(200).json()["status"], "success");
    assert_eq!(local.get(&format!("{path_of_child}/jobs")).is(200).json()[0]["name"], "deploy");
    // Shown to those who cannot read it.
    let outsiders = local.send(Some("outsider"), "GET", &format!("{path}/bridges"), None).is(200).json();
    assert_eq!(outsiders[0]["downstream_pipeline"]["id"], child["id"]);
    local.send(Some("outsider"), "GET", &path_of_child, None).is(404);
    assert_eq!(local.get(&path).json()["status"], "success");
    let deployments = local.get(&format!("/projects/{}/pipelines?source=pipeline", super::encoded(DEPLOYMENTS))).json();
    assert_eq!(deployments.as_array().unwrap().len(), 1);
}

#[test]
fn a_job_is_retried_under_a_new_id() {
    let local = Local::new();
    let id = local.server.change(|state| {
        let jobs = vec![
            JobSpec::new("test", "test", "failed"),
            JobSpec { allow_failure: true, ..JobSpec::new("lint", "test", "failed") },
        ];
        let spec = PipelineSpec { jobs, ..PipelineSpec::new("topic", &"a".repeat(40), "failed") };
        state.add_pipeline(local.sample.security, spec)
    });
    let list = |query: &str| local.get(&security(&format!("/pipelines/{id}/jobs{query}"))).is(200).json();
    let old = list("")[1].clone();
    assert_eq!((&old["name"], &old["failure_reason"]), (&json!("test"), &json!("script_failure")));
    let new = local.post(&security(&format!("/jobs/{}/retry", old["id"])), json!({})).is(201).json();
    assert_ne!(new["id"], old["id"]);
    let again = local.post(&security(&format!("/jobs/{}/retry", old["id"])), json!({})).is(403).json();
    assert_eq!(again, json!({ "message": "403 Forbidden - Job is not retryable" }));
    assert_eq!(list("")[0]["id"], new["id"]);
    assert_eq!(list("").as_array().unwrap().len(), 2);
    assert_eq!(list("?include_retried=true").as_array().unwrap().len(), 3);
    assert_eq!(list("?scope[]=failed").as_array().unwrap().len(), 1);
    // The job that may fail does not count.
    assert_eq!(local.get(&security(&format!("/pipelines/{id}"))).json()["status"], "success");
    local.post(&security(&format!("/jobs/{}/play", new["id"])), json!({})).is(400);
    assert!(local.get(&security(&format!("/jobs/{}/trace", new["id"]))).is(200).text.starts_with("test is "));
}

#[test]
fn pipelines_are_listed_started_and_cancelled() {
    let local = Local::new();
    let (first, _) = started(&local);
    let (second, path) = started(&local);
    let list = |query: &str| {
        let rows = local.get(&security(&format!("/pipelines?{query}"))).is(200).json();
        rows.as_array().unwrap().iter().map(|row| row["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(""), [second["id"].clone(), first["id"].clone()]);
    assert_eq!(list("sort=asc&ref=main&source=api&status=manual"), [first["id"].clone(), second["id"].clone()]);
    for none in ["ref=other", "sha=abc", "status=failed", "source=push", "scope=finished", "username=psirt"] {
        assert_eq!(list(none), [] as [Value; 0], "{none}");
    }
    assert_eq!(local.get(&security("/pipelines/latest?ref=main")).is(200).json()["id"], second["id"]);
    local.get(&security("/pipelines/latest?ref=stable-18-4-ee")).is(403);
    local.get(&security("/pipelines/1")).is(404);
    local.maintain("POST", &format!("{path}/cancel"), json!({})).is(200);
    assert_eq!(local.get(&path).json()["status"], "canceled");
    assert_eq!(local.maintain("POST", &format!("{path}/retry"), json!({})).is(201).json()["status"], "running");
    let refused = local.post(&security("/pipeline"), json!({ "ref": "nowhere" })).is(400).json();
    assert_eq!(refused, json!({ "message": { "base": ["Reference not found"] } }));
}
