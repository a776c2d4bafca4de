//! Branches, tags, commits, comparisons and files.

use serde_json::json;

use super::{CANONICAL, Local, SECURITY, canonical, security};

#[test]
fn branches_are_found_made_and_removed() {
    let local = Local::new();
    let names = |query: &str| {
        let rows = local.get(&security(&format!("/repository/branches{query}"))).is(200).json();
        rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").len(), 4);
    assert_eq!(names("?search=^stable-18-4"), ["stable-18-4-ee"]);
    assert_eq!(names("?search=-ee$").len(), 3);
    assert_eq!(names("?search=^main$"), ["main"]);
    let main = local.get(&security("/repository/branches/main")).is(200).json();
    assert_eq!((&main["default"], &main["protected"], &main["can_push"]), (&json!(true), &json!(true), &json!(false)));

    let make = |branch: &str, from: &str| {
        local.post(&security("/repository/branches"), json!({ "branch": branch, "ref": from }))
    };
    assert_eq!(make("team/fix", "main").is(201).json()["commit"]["id"], main["commit"]["id"]);
    let refused = |branch: &str, from: &str| make(branch, from).is(400).json()["message"].as_str().unwrap().to_owned();
    assert_eq!(refused("team/fix", "main"), "Branch already exists");
    assert_eq!(refused("a..b", "main"), "Branch name is invalid");
    assert_eq!(refused("new", "nowhere"), "Invalid reference name: nowhere");
    assert!(refused("stable-18-5-ee", "main").contains("not allowed to create protected branches"));
    assert_eq!(local.get(&security("/repository/branches/team%2Ffix")).is(200).json()["merged"], true);
    assert_eq!(
        local.send(Some(&local.sample.engineer_token), "HEAD", &security("/repository/branches/main"), None).status,
        204
    );
    assert_eq!(
        local.send(Some(&local.sample.engineer_token), "HEAD", &security("/repository/branches/no"), None).status,
        404
    );
    let delete =
        |name: &str| local.maintain("DELETE", &security(&format!("/repository/branches/{name}")), json!({})).status;
    assert_eq!(
        [delete("team%2Ffix"), delete("team%2Ffix"), delete("main"), delete("stable-18-4-ee")],
        [204, 404, 400, 400]
    );
    assert_eq!(
        local.get(&security("/repository/branches/no")).is(404).json(),
        json!({ "message": "404 Branch Not Found" })
    );

    let rule = json!({ "name": "release-*", "push_access_level": 0, "merge_access_level": 30 });
    let made = local.maintain("POST", &security("/protected_branches"), rule.clone()).is(201).json();
    assert_eq!(made["push_access_levels"][0]["access_level"], 0);
    local.maintain("POST", &security("/protected_branches"), rule).is(409);
    assert_eq!(local.get(&security("/protected_branches")).is(200).json().as_array().unwrap().len(), 3);
    local.maintain("DELETE", &security("/protected_branches/release-*"), json!({})).is(204);
}

#[test]
fn tags_are_found_made_and_removed() {
    let local = Local::new();
    let tags = local.get(&canonical("/repository/tags?order_by=version&sort=asc&search=^self-hosted")).is(200).json();
    assert_eq!(tags.as_array().unwrap().len(), 5);
    let first = local.get(&canonical("/repository/tags/self-hosted-v18.4.0-ee")).is(200).json();
    assert_eq!(
        (&first["target"], &first["message"], &first["protected"]),
        (&first["commit"]["id"], &json!(null), &json!(true))
    );
    let make = |name: &str, from: &str, message: &str| {
        local.post(&canonical("/repository/tags"), json!({ "tag_name": name, "ref": from, "message": message }))
    };
    let made = make("self-hosted-v18.4.1-ee", "stable-18-4-ee", "18.4.1").is(201).json();
    assert_ne!(made["target"], made["commit"]["id"]);
    assert_eq!(made["message"], "18.4.1");
    assert!(made["created_at"].is_string());
    let refused = |name: &str, from: &str| make(name, from, "").is(400).json()["message"].as_str().unwrap().to_owned();
    assert_eq!(refused("self-hosted-v18.4.1-ee", "main"), "Tag self-hosted-v18.4.1-ee already exists");
    assert_eq!(refused("a b", "main"), "Tag name invalid");
    assert_eq!(refused("v1", "nowhere"), "Target nowhere is invalid");
    local.server.change(|state| state.protect_tag(local.sample.canonical, "self-hosted-v*", 40));
    assert_eq!(refused("self-hosted-v18.4.2-ee", "main"), "You are not allowed to create this tag as it is protected.");
    let pipeline = local.get(&canonical("/pipelines?ref=self-hosted-v18.4.1-ee")).is(200).json()[0].clone();
    assert_eq!(pipeline["sha"], made["commit"]["id"]);
    let tag = canonical("/repository/tags/self-hosted-v18.4.1-ee");
    local.send(Some(&local.sample.engineer_token), "DELETE", &tag, None).is(403);
    local.maintain("DELETE", &tag, json!({})).is(204);
    assert_eq!(local.get(&tag).is(404).json(), json!({ "message": "404 Tag Not Found" }));
    local.get(&canonical("/protected_tags")).is(403);
    assert_eq!(
        local.maintain("GET", &canonical("/protected_tags"), json!({})).is(200).json()[0]["name"],
        "self-hosted-v*"
    );
}

#[test]
fn commits_are_read_and_looked_for() {
    let local = Local::new();
    let main = local.get(&security("/repository/commits/main")).is(200).json();
    assert_eq!(
        (&main["title"], &main["short_id"]),
        (&json!("Add the template"), &json!(&main["id"].as_str().unwrap()[..8]))
    );
    assert_eq!(main["committed_date"], "2026-01-04T00:00:00.000+00:00");
    assert_eq!(
        local.get(&security("/repository/commits/nowhere")).is(404).json(),
        json!({ "message": "404 Commit Not Found" })
    );
    let titles = |query: &str| {
        let rows = local.get(&security(&format!("/repository/commits?{query}"))).is(200).json();
        rows.as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles("ref_name=stable-18-3-ee"), ["Add the prompts", "Add the gateway"]);
    assert_eq!(titles("ref_name=stable-18-3-ee..main"), ["Add the template", "Add the workflow service"]);
    assert_eq!(titles("path=prompts.py"), ["Add the prompts"]);
    let refs =
        local.get(&canonical(&format!("/repository/commits/{}/refs?type=branch", "stable-18-4-ee"))).is(200).json();
    assert_eq!(refs, json!([{ "type": "branch", "name": "main" }, { "type": "branch", "name": "stable-18-4-ee" }]));
    let refs = local.get(&canonical("/repository/commits/stable-18-4-ee/refs?type=tag")).is(200).json();
    assert_eq!(refs.as_array().unwrap().len(), 2);

    let fix = local.commit(SECURITY, ("security-x", "main"), "fixed.py", "fixed\n\nfixes\n");
    let pick = security(&format!("/repository/commits/{fix}/cherry_pick"));
    local.maintain("POST", &pick, json!({ "branch": "stable-18-4-ee", "dry_run": true })).is(200);
    let picked = local.maintain("POST", &pick, json!({ "branch": "stable-18-4-ee" })).is(201).json();
    assert_eq!(picked["title"], "Change fixed.py");
    let again = local.maintain("POST", &pick, json!({ "branch": "stable-18-4-ee" })).is(400).json();
    assert_eq!(again["error_code"], "empty");
    local.commit(SECURITY, ("stable-18-3-ee", "main"), "fixed.py", "otherwise\n");
    let clash = local.maintain("POST", &pick, json!({ "branch": "stable-18-3-ee" })).is(400).json();
    assert_eq!(clash["error_code"], "conflict");
}

#[test]
fn projects_are_compared_with_each_other() {
    let local = Local::new();
    let fix = local.commit(SECURITY, ("main", "main"), "fixed.py", "fixed\n");
    let ahead = local.commit(CANONICAL, ("main", "main"), "ahead.py", "ahead\n");
    let from = local.sample.canonical;
    let compared =
        local.get(&security(&format!("/repository/compare?from=main&to=main&from_project_id={from}"))).is(200).json();
    assert_eq!(compared["commits"].as_array().unwrap().len(), 1);
    assert_eq!((&compared["commit"]["id"], &compared["compare_same_ref"]), (&json!(fix), &json!(false)));
    assert_eq!(compared["diffs"].as_array().unwrap().len(), 1);
    assert_eq!(compared["diffs"][0]["new_path"], "fixed.py");
    let straight = local
        .get(&security(&format!("/repository/compare?from={ahead}&to=main&from_project_id={from}&straight=true")))
        .is(200);
    assert_eq!(straight.json()["diffs"].as_array().unwrap().len(), 2);
    // Nothing was copied on the way.
    assert!(!local.git_output(&local.repository(SECURITY), &["cat-file", "-e", &ahead]).status.success());
    local.get(&security("/repository/compare?from=nowhere&to=main")).is(404);
    let base = local.get(&security("/repository/merge_base?refs[]=main&refs[]=stable-18-3-ee")).is(200).json();
    assert_eq!(base["title"], "Add the prompts");
    local.get(&security("/repository/merge_base?refs[]=main")).is(400);
    local.get(&security("/repository/merge_base?refs=main,nowhere")).is(400);
}

#[test]
fn files_are_read() {
    let local = Local::new();
    let path = ".gitlab%2Fmerge_request_templates%2FSecurity%20Fix.md";
    let raw = local.get(&security(&format!("/repository/files/{path}/raw?ref=main"))).is(200);
    assert!(raw.text.starts_with("## What does"));
    let file = local.get(&security("/repository/files/README.md?ref=main")).is(200).json();
    assert_eq!(file["content"], "IyBUaGUgZ2F0ZXdheQo=");
    local.get(&security("/repository/files/README.md?ref=nowhere")).is(404);
    local.get(&security("/repository/files/nothing?ref=main")).is(404);
    let tree = local.get(&security("/repository/tree?ref=stable-18-2-ee")).is(200).json();
    let names: Vec<_> = tree.as_array().unwrap().iter().map(|entry| entry["name"].clone()).collect();
    assert_eq!(names, ["README.md", "app.py"]);
}
