//! Merging and rebasing.

use serde_json::{Value, json};

use super::{CANONICAL, Local, SECURITY, merge_requests::open, security};

/// Opens a merge request, approves it and lets its check end.
fn ready(local: &Local, name: &str, target: &str) -> Value {
    let iid = open(local, name, target)["iid"].as_u64().unwrap();
    local.server.change(|state| {
        state.approve(local.sample.security, iid, local.sample.maintainer);
        state.approve(local.sample.security, iid, local.sample.psirt);
    });
    let path = security(&format!("/merge_requests/{iid}"));
    local.get(&path);
    local.get(&path).json()
}

fn tip(local: &Local, project: &str, branch: &str) -> String {
    local.git(&local.repository(project), &["rev-parse", &format!("refs/heads/{branch}")])
}

#[test]
fn a_merge_makes_a_merge_commit() {
    let local = Local::new();
    let text = format!("Closes {CANONICAL}#1");
    let request = ready(&local, "security-x", "main");
    assert_eq!(request["detailed_merge_status"], "mergeable");
    local.maintain("PUT", &security("/merge_requests/1"), json!({ "description": text })).is(200);
    let before = tip(&local, SECURITY, "main");
    let path = security("/merge_requests/1/merge");

    local.send(Some(&local.sample.engineer_token), "PUT", &path, Some(json!({}))).is(401);
    let stale = local.maintain("PUT", &path, json!({ "sha": before })).is(409).json();
    let message = format!("SHA does not match HEAD of source branch: {}", request["sha"].as_str().unwrap());
    assert_eq!(stale, json!({ "message": message }));
    let merged = local.maintain("PUT", &path, json!({ "sha": request["sha"] })).is(200).json();
    assert_eq!(merged["state"], "merged");
    assert_eq!(merged["merge_user"]["username"], "maintainer");
    let after = tip(&local, SECURITY, "main");
    assert_eq!(merged["merge_commit_sha"], after);
    let parents = local.git(&local.repository(SECURITY), &["log", "-1", "--format=%P|%an|%s", "main"]);
    let head = request["sha"].as_str().unwrap();
    assert_eq!(parents, format!("{before} {head}|A Maintainer|Merge branch 'security-x' into 'main'"));
    // The source branch is gone, the issue closed, and the pipeline there.
    local.get(&security("/repository/branches/security-x")).is(404);
    assert_eq!(local.get(&super::canonical("/issues/1")).json()["state"], "closed");
    let pipeline = local.get(&security(&format!("/pipelines?sha={after}"))).json()[0].clone();
    assert_eq!((&pipeline["status"], &pipeline["ref"]), (&json!("manual"), &json!("main")));
    assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], "not_open");
    // Merging again is refused as such.
    local.maintain("PUT", &path, json!({})).is(405);
}

#[test]
fn what_is_not_ready_is_not_merged() {
    let local = Local::new();
    open(&local, "security-x", "main");
    let merge = || local.maintain("PUT", &security("/merge_requests/1/merge"), json!({})).status;
    let status = || local.get(&security("/merge_requests/1")).json()["detailed_merge_status"].clone();
    let change = |body: Value| drop(local.maintain("PUT", &security("/merge_requests/1"), body).is(200));
    // Still being checked, then not approved.
    assert_eq!([merge(), merge()], [405, 405]);
    local.server.change(|state| {
        state.approve(local.sample.security, 1, local.sample.maintainer);
        state.approve(local.sample.security, 1, local.sample.psirt);
    });
    change(json!({ "title": "Draft: x" }));
    assert_eq!((status(), merge()), (json!("draft_status"), 405));
    change(json!({ "title": "x" }));
    let pipeline = local.get(&security("/merge_requests/1")).json()["head_pipeline"]["id"].as_u64().unwrap();
    for (pipeline_status, expected) in
        [("running", "ci_still_running"), ("failed", "ci_must_pass"), ("success", "mergeable")]
    {
        local.server.change(|state| state.set_pipeline_status(pipeline, pipeline_status));
        assert_eq!(status(), expected);
        if expected != "mergeable" {
            assert_eq!(merge(), 405);
        }
    }
    change(json!({ "state_event": "close" }));
    assert_eq!((status(), merge()), (json!("not_open"), 405));
    change(json!({ "state_event": "reopen" }));
    // Reopened: checked anew, while the merge waits for the check.
    assert_eq!([merge(), merge()], [405, 200]);
    assert_eq!(local.maintain("PUT", &security("/merge_requests/9/merge"), json!({})).status, 404);
    local.server.change(|state| state.project_mut(SECURITY).unwrap().merge_needs_sha = true);
    let needed = local.maintain("PUT", &security("/merge_requests/1/merge"), json!({})).is(400).json();
    assert_eq!(needed, json!({ "message": "SHA must be provided when merging" }));
}

#[test]
fn conflicts_are_found_and_hidden_by_a_missing_approval() {
    let local = Local::new();
    local.commit(SECURITY, ("security-x", "main"), "app.py", "one way\n");
    local.commit(SECURITY, ("main", "main"), "app.py", "another way\n");
    let body = json!({ "source_branch": "security-x", "target_branch": "main", "title": "Fix" });
    local.post(&security("/merge_requests"), body).is(201);
    local.get(&security("/merge_requests/1"));
    let hidden = local.get(&security("/merge_requests/1")).json();
    assert_eq!((&hidden["detailed_merge_status"], &hidden["has_conflicts"]), (&json!("not_approved"), &json!(true)));
    local.server.change(|state| {
        state.approve(local.sample.security, 1, local.sample.maintainer);
        state.approve(local.sample.security, 1, local.sample.psirt);
    });
    assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], "conflict");
    local.maintain("PUT", &security("/merge_requests/1/merge"), json!({})).is(405);
    local.maintain("GET", &security("/merge_requests/1/merge_ref"), json!({})).is(400);

    // A merge that fails in spite of the check.
    let force = |status: Option<&str>| {
        local.server.change(|state| {
            state.merge_request_mut(local.sample.security, 1).unwrap().forced_status = status.map(str::to_owned);
        });
    };
    force(Some("mergeable"));
    let failed = local.maintain("PUT", &security("/merge_requests/1/merge"), json!({})).is(422).json();
    assert_eq!(failed, json!({ "message": "Branch cannot be merged" }));
    force(None);

    // A rebase that cannot be done says so afterwards.
    let started = local.maintain("PUT", &security("/merge_requests/1/rebase"), json!({})).is(202).json();
    assert_eq!(started, json!({ "rebase_in_progress": true }));
    local.maintain("PUT", &security("/merge_requests/1/rebase"), json!({})).is(409);
    let path = security("/merge_requests/1?include_rebase_in_progress=true");
    assert_eq!(local.get(&path).json()["rebase_in_progress"], true);
    let ended = local.get(&path).json();
    assert_eq!(ended["rebase_in_progress"], false);
    assert!(ended["merge_error"].as_str().unwrap().starts_with("Rebase failed"));
}

#[test]
fn a_rebase_moves_the_branch() {
    let local = Local::with(|state| state.project_mut(SECURITY).unwrap().merge_method = "ff".into());
    ready(&local, "security-x", "main");
    let target = local.commit(SECURITY, ("main", "main"), "other.py", "other\n");
    local.get(&security("/merge_requests/1"));
    assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], "need_rebase");
    local.maintain("PUT", &security("/merge_requests/1/merge"), json!({})).is(405);
    local.maintain("PUT", &security("/merge_requests/1/rebase"), json!({})).is(202);
    let repository = local.repository(SECURITY);
    assert_eq!(local.git(&repository, &["rev-parse", "security-x^"]), target);
    assert_eq!(local.git(&repository, &["log", "-1", "--format=%an", "security-x"]), "A");
    assert_eq!(local.git(&repository, &["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);

    // The rebase was a push: approvals are gone. After them, fast-forward without a merge commit.
    local.server.change(|state| {
        state.project_mut(SECURITY).unwrap().approval_rules.clear();
    });
    local.get(&security("/merge_requests/1"));
    let head = local.get(&security("/merge_requests/1")).json()["sha"].clone();
    let merged = local.maintain("PUT", &security("/merge_requests/1/merge"), json!({ "sha": head })).is(200).json();
    assert_eq!((&merged["state"], &merged["merge_commit_sha"]), (&json!("merged"), &Value::Null));
    assert_eq!(tip(&local, SECURITY, "main"), head.as_str().unwrap());
}

#[test]
fn a_branch_is_rebased_onto_another_project() {
    let local = Local::new();
    local.commit(SECURITY, ("topic", "main"), "fixed.py", "fixed\n");
    let ahead = local.commit(CANONICAL, ("main", "main"), "ahead.py", "ahead\n");
    let body = json!({
        "source_branch": "topic", "target_branch": "main", "title": "Sync",
        "target_project_id": local.sample.canonical,
    });
    local.post(&security("/merge_requests"), body).is(201);
    local.maintain("PUT", &super::canonical("/merge_requests/1/rebase"), json!({})).is(202);
    let repository = local.repository(SECURITY);
    assert_eq!(local.git(&repository, &["rev-parse", "topic^"]), ahead);
    local.git(&repository, &["fsck", "--connectivity-only"]);
    assert_eq!(local.get(&super::canonical("/merge_requests/1")).json()["merge_error"], Value::Null);
}

#[test]
fn a_squash_makes_one_commit_of_many() {
    let local = Local::new();
    let request = ready(&local, "security-x", "main");
    let before = tip(&local, SECURITY, "main");
    let body = json!({ "sha": request["sha"], "squash": true, "squash_commit_message": "One", "should_remove_source_branch": false });
    let merged = local.maintain("PUT", &security("/merge_requests/1/merge"), body).is(200).json();
    let squash = merged["squash_commit_sha"].as_str().unwrap();
    let repository = local.repository(SECURITY);
    assert_eq!(local.git(&repository, &["log", "-1", "--format=%P %s", squash]), format!("{before} One"));
    assert_eq!(local.git(&repository, &["log", "-1", "--format=%P", "main"]), format!("{before} {squash}"));
    local.get(&security("/repository/branches/security-x")).is(200);
}

#[test]
fn auto_merge_is_armed_and_a_push_disarms_it() {
    let local = Local::with(|state| state.project_mut(SECURITY).unwrap().new_pipelines = Some("running".into()));
    ready(&local, "security-x", "main");
    let armed =
        local.maintain("PUT", &security("/merge_requests/1/merge"), json!({ "auto_merge": true })).is(200).json();
    assert_eq!((&armed["state"], &armed["merge_when_pipeline_succeeds"]), (&json!("opened"), &json!(true)));
    let cancel = security("/merge_requests/1/cancel_merge_when_pipeline_succeeds");
    local.maintain("POST", &cancel, json!({})).is(201);
    local.maintain("POST", &cancel, json!({})).is(406);
    local.maintain("PUT", &security("/merge_requests/1/merge"), json!({ "auto_merge": true })).is(200);
    local.commit(SECURITY, ("security-x", "main"), "more.py", "more\n");
    assert_eq!(local.get(&security("/merge_requests/1")).json()["merge_when_pipeline_succeeds"], false);
}

#[test]
fn a_push_of_its_commits_merges_a_merge_request() {
    let local = Local::new();
    let request = open(&local, "security-x", "main");
    local.get(&security("/merge_requests/1"));
    local.git(&local.repository(SECURITY), &["update-ref", "refs/heads/main", request["sha"].as_str().unwrap()]);
    assert_eq!(local.get(&security("/merge_requests?state=merged")).json()[0]["iid"], 1);
    let merged = local.get(&security("/merge_requests/1")).json();
    assert_eq!((&merged["state"], &merged["sha"]), (&json!("merged"), &request["sha"]));
}

#[test]
fn a_protected_source_branch_stays() {
    let local = Local::new();
    local.commit(SECURITY, ("main", "main"), "fixed.py", "fixed\n");
    let body = json!({
        "source_branch": "main", "target_branch": "main", "title": "Sync",
        "target_project_id": local.sample.canonical, "remove_source_branch": true,
    });
    local.post(&security("/merge_requests"), body).is(201);
    local.get(&super::canonical("/merge_requests/1"));
    let path = super::canonical("/merge_requests/1/merge");
    let merged = local.maintain("PUT", &path, json!({ "should_remove_source_branch": true })).is(200).json();
    assert_eq!(merged["state"], "merged");
    let head = tip(&local, SECURITY, "main");
    let contained = local.git_output(&local.repository(CANONICAL), &["merge-base", "--is-ancestor", &head, "main"]);
    assert!(contained.status.success());
}

#[test]
fn an_empty_or_headless_merge_request_is_told() {
    let local = Local::new();
    let repository = local.repository(SECURITY);
    local.git(&repository, &["branch", "empty", "main"]);
    let body = json!({ "source_branch": "empty", "target_branch": "main", "title": "Nothing" });
    local.post(&security("/merge_requests"), body).is(201);
    ready(&local, "security-x", "main");
    local.git(&repository, &["update-ref", "-d", "refs/heads/security-x"]);
    local.server.change(|state| state.project_mut(SECURITY).unwrap().approval_rules.clear());
    for iid in [1, 2] {
        local.get(&security(&format!("/merge_requests/{iid}")));
        let shown = local.get(&security(&format!("/merge_requests/{iid}"))).json();
        assert_eq!(shown["detailed_merge_status"], "commits_status", "{iid}");
        assert_eq!(shown["sha"].is_null(), iid == 1);
    }
}
