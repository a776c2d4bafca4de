//! Schedules, mirrors, the registry, releases and labels.

use serde_json::json;

use super::{CANONICAL, Local, SECURITY, canonical, security};

#[test]
fn only_its_owner_changes_a_schedule() {
    let local = Local::new();
    let schedule = local.get(&security("/pipeline_schedules?scope=inactive")).is(200).json()[0].clone();
    assert_eq!((&schedule["active"], &schedule["ref"]), (&json!(false), &json!("refs/heads/main")));
    assert_eq!(local.get(&security("/pipeline_schedules?scope=active")).json(), json!([]));
    let path = security(&format!("/pipeline_schedules/{}", schedule["id"]));
    local.send(Some(&local.sample.engineer_token), "PUT", &path, Some(json!({ "active": true }))).is(403);
    local.post(&format!("{path}/take_ownership"), json!({})).is(403);
    assert_eq!(local.maintain("PUT", &path, json!({ "active": true })).is(200).json()["active"], true);
    local.maintain("POST", &format!("{path}/take_ownership"), json!({})).is(200);
    local.server.change(|state| state.project_mut(SECURITY).unwrap().schedules[0].owner = local.sample.psirt);
    local.maintain("PUT", &path, json!({ "active": false })).is(403);
    local.maintain("POST", &format!("{path}/take_ownership"), json!({})).is(201);
    assert_eq!(
        local.maintain("PUT", &path, json!({ "active": false })).is(200).json()["owner"]["username"],
        "maintainer"
    );

    local.post(&format!("{path}/play"), json!({})).is(403);
    let played = local.maintain("POST", &format!("{path}/play"), json!({})).is(201).json();
    assert_eq!(played, json!({ "message": "201 Created" }));
    let pipelines = local.get(&format!("{path}/pipelines")).is(200).json();
    assert_eq!(pipelines[0]["source"], "schedule");
    let shown = local.maintain("GET", &path, json!({})).json();
    assert_eq!((&shown["last_pipeline"]["id"], &shown["variables"]), (&pipelines[0]["id"], &json!([])));
    assert!(local.get(&path).json().get("variables").is_none());
}

#[test]
fn a_mirror_pushes_what_has_not_diverged() {
    let local = Local::new();
    let id = local.maintain("GET", &canonical("/remote_mirrors"), json!({})).is(200).json()[0]["id"].clone();
    let path = canonical(&format!("/remote_mirrors/{id}"));
    local.get(&path).is(401);
    let read = || local.maintain("GET", &path, json!({})).is(200).json();
    assert_eq!(read()["url"], format!("https://*****:*****@gitlab.com/{SECURITY}.git"));
    assert_eq!((&read()["update_status"], &read()["last_update_at"]), (&json!("none"), &json!(null)));

    local.commit(SECURITY, ("main", "main"), "fixed.py", "fixed\n");
    let moved = local.commit(CANONICAL, ("stable-18-4-ee", "main"), "other.py", "other\n");
    local.maintain("POST", &format!("{path}/sync"), json!({})).is(204);
    assert_eq!(read()["update_status"], "started");
    let ended = read();
    assert_eq!(ended["update_status"], "failed");
    let error = "Some refs have diverged and have not been updated on the remote:\n\nrefs/heads/main";
    assert_eq!(ended["last_error"], error);
    // The other branches and the tags arrived.
    assert_eq!(local.git(&local.repository(SECURITY), &["rev-parse", "stable-18-4-ee"]), moved);
    local.get(&security("/repository/tags/self-hosted-v18.4.0-ee")).is(200);

    local.server.change(|state| state.project_mut(CANONICAL).unwrap().mirrors[0].next_result = Some(None));
    local.maintain("POST", &format!("{path}/sync"), json!({})).is(204);
    assert_eq!([read()["update_status"].clone(), read()["last_error"].clone()], [json!("started"), json!(null)]);
    local.server.change(|state| state.project_mut(CANONICAL).unwrap().mirrors[0].enabled = false);
    local.maintain("POST", &format!("{path}/sync"), json!({})).is(400);
}

#[test]
fn images_appear_in_the_registry() {
    let local = Local::new();
    let id = local.get(&canonical("/registry/repositories?tags_count=true")).is(200).json()[0]["id"].as_u64().unwrap();
    let tag = canonical(&format!("/registry/repositories/{id}/tags/self-hosted-v18.4.1-ee"));
    local.get(&tag).is(404);
    local.server.change(|state| state.add_image(id, "self-hosted-v18.4.1-ee"));
    let image = local.get(&tag).is(200).json();
    assert!(image["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(image["digest"].as_str().unwrap().len(), 71);
    assert!(image["location"].as_str().unwrap().ends_with("/model-gateway:self-hosted-v18.4.1-ee"));
    assert_eq!(local.get(&canonical(&format!("/registry/repositories/{id}/tags"))).json()[0]["name"], image["name"]);
}

#[test]
fn releases_are_made_once() {
    let local = Local::new();
    let make = |body| local.post(&canonical("/releases"), body);
    let tag = "self-hosted-v18.4.0-ee";
    assert_eq!(make(json!({ "tag_name": tag, "name": "18.4" })).is(201).json()["name"], "18.4");
    make(json!({ "tag_name": tag })).is(409);
    make(json!({ "tag_name": "v9" })).is(422);
    assert_eq!(make(json!({ "tag_name": "v9", "ref": "main" })).is(201).json()["commit"]["title"], "Add the template");
    assert_eq!(local.get(&canonical(&format!("/releases/{tag}"))).is(200).json()["tag_name"], tag);
    local.get(&canonical("/releases/v10")).is(404);
    assert_eq!(local.get(&canonical(&format!("/repository/tags/{tag}"))).json()["release"]["tag_name"], tag);
}

#[test]
fn labels_and_variables() {
    let local = Local::with(|state| {
        state.project_mut(SECURITY).unwrap().variables.insert("LEVEL".into(), "3".into());
    });
    let label = json!({ "name": "new", "color": "#FF0000" });
    local.post(&security("/labels"), label.clone()).is(201);
    assert_eq!(local.post(&security("/labels"), label).is(409).json(), json!({ "message": "Label already exists" }));
    local.get(&security("/variables/LEVEL")).is(403);
    assert_eq!(local.maintain("GET", &security("/variables/LEVEL"), json!({})).is(200).json()["value"], "3");
    local.maintain("GET", &security("/variables/OTHER"), json!({})).is(404);
}
