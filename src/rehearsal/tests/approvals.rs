//! Approvals and threads.

use serde_json::{Value, json};

use super::{Local, merge_requests::open, security};

fn rule<'a>(state: &'a Value, name: &str) -> Option<&'a Value> {
    state["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == name)
}

#[test]
fn approvals_count_by_rule_and_branch() {
    let local = Local::new();
    open(&local, "security-x", "main");
    open(&local, "security-x-18-4", "stable-18-4-ee");
    let approvals = local.get(&security("/merge_requests/1/approvals")).is(200).json();
    assert_eq!((&approvals["approvals_required"], &approvals["approvals_left"]), (&json!(2), &json!(2)));
    // The author's own approval, and a second one, are refused as 401.
    local.post(&security("/merge_requests/1/approve"), json!({})).is(401);
    let sha = local.get(&security("/merge_requests/1")).json()["sha"].clone();
    let wrong = json!({ "sha": "0".repeat(40) });
    local.maintain("POST", &security("/merge_requests/1/approve"), wrong).is(409);
    local.maintain("POST", &security("/merge_requests/1/approve"), json!({ "sha": sha })).is(201);
    local.maintain("POST", &security("/merge_requests/1/approve"), json!({})).is(401);
    let state = local.get(&security("/merge_requests/1/approval_state")).is(200).json();
    assert_eq!(rule(&state, "Maintainers").unwrap()["approved"], true);
    assert_eq!(rule(&state, "Maintainers").unwrap()["approved_by"][0]["username"], "maintainer");
    assert_eq!(rule(&state, "PSIRT").unwrap()["approved"], false);

    let backport = local.get(&security("/merge_requests/2/approval_state")).is(200).json();
    assert!(rule(&backport, "PSIRT").is_none());

    local.server.change(|state| state.approve(local.sample.security, 1, local.sample.psirt));
    assert_eq!(local.get(&security("/merge_requests/1/approvals")).json()["approved"], true);
    assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], "mergeable");
    local.maintain("POST", &security("/merge_requests/1/unapprove"), json!({})).is(201);
    local.maintain("POST", &security("/merge_requests/1/unapprove"), json!({})).is(404);
}

#[test]
fn a_push_takes_approvals_away_if_the_project_says_so() {
    for resets in [true, false] {
        let local = Local::with(|state| {
            state.project_mut(super::SECURITY).unwrap().reset_approvals_on_push = resets;
        });
        let before = open(&local, "security-x", "main");
        local.server.change(|state| state.approve(local.sample.security, 1, local.sample.maintainer));
        let known = local.get(&security("/merge_requests/1")).json();
        local.commit(super::SECURITY, ("security-x", "main"), "more.py", "more\n");
        let after = local.get(&security("/merge_requests/1")).json();
        assert_ne!(after["sha"], before["sha"]);
        assert_eq!(after["detailed_merge_status"], "unchecked");
        assert!(after["prepared_at"].as_str() > known["prepared_at"].as_str());
        assert_ne!(after["head_pipeline"]["id"], known["head_pipeline"]["id"]);
        let approved_by = local.get(&security("/merge_requests/1/approvals")).json()["approved_by"].clone();
        assert_eq!(approved_by.as_array().unwrap().is_empty(), resets);
        let note = local.get(&security("/merge_requests/1/notes")).json()[0].clone();
        assert_eq!((&note["system"], &note["body"]), (&json!(true), &json!("added 1 commit")));
        let head = local.git(&local.repository(super::SECURITY), &["rev-parse", "refs/merge-requests/1/head"]);
        assert_eq!(after["sha"], head);
    }
}

#[test]
fn the_free_tier_has_no_rules() {
    let local = Local::with(|state| state.premium = false);
    open(&local, "security-x", "main");
    local.get(&security("/merge_requests/1/approval_state")).is(404);
    local.get(&security("/approval_rules")).is(404);
    let approvals = local.get(&security("/merge_requests/1/approvals")).is(200).json();
    assert!(approvals.get("approvals_required").is_none() && approvals["approved"] == false);
    local.get(&security("/merge_requests/1"));
    assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], "mergeable");
}

#[test]
fn a_rule_that_nobody_can_satisfy_counts_as_satisfied() {
    let local = Local::with(|state| {
        let project = state.project(super::SECURITY).unwrap().id;
        state.project_by_id_mut(project).approval_rules.clear();
        let engineer = state.user_named("engineer").unwrap().id;
        state.add_approval_rule(project, "Only the author", &[engineer], &[]);
    });
    open(&local, "security-x", "main");
    let state = local.get(&security("/merge_requests/1/approval_state")).json();
    let rule = rule(&state, "Only the author").unwrap();
    assert_eq!((&rule["approved"], &rule["approved_by"]), (&json!(true), &json!([])));
    let rules = local.get(&security("/approval_rules")).is(200).json();
    assert_eq!(rules[0]["protected_branches"], json!([]));
    assert_eq!(local.get(&security("/approvals")).is(200).json()["reset_approvals_on_push"], true);
}

#[test]
fn threads_are_opened_answered_and_resolved() {
    let local = Local::new();
    open(&local, "security-x", "main");
    let thread = local.post(&security("/merge_requests/1/discussions"), json!({ "body": "Why?" })).is(201).json();
    let id = thread["id"].as_str().unwrap();
    assert_eq!(id.len(), 40);
    assert_eq!((&thread["notes"][0]["resolvable"], &thread["notes"][0]["resolved"]), (&json!(true), &json!(false)));
    let reply = json!({ "body": "Because." });
    local.post(&security(&format!("/merge_requests/1/discussions/{id}/notes")), reply).is(201);
    local.post(&security("/merge_requests/1/notes"), json!({ "body": "plain" })).is(201);
    assert_eq!(local.get(&security("/merge_requests/1")).json()["blocking_discussions_resolved"], false);
    local.server.change(|state| {
        state.approve(local.sample.security, 1, local.sample.maintainer);
        state.approve(local.sample.security, 1, local.sample.psirt);
    });
    let status = || local.get(&security("/merge_requests/1")).json()["detailed_merge_status"].clone();
    assert_eq!(status(), "discussions_not_resolved");
    let resolve = json!({ "resolved": true });
    let resolved =
        local.maintain("PUT", &security(&format!("/merge_requests/1/discussions/{id}")), resolve).is(200).json();
    assert_eq!(resolved["notes"].as_array().unwrap().len(), 2);
    assert_eq!(resolved["notes"][1]["resolved_by"]["username"], "maintainer");
    assert_eq!(status(), "mergeable");

    let all = local.get(&security("/merge_requests/1/discussions")).is(200).json();
    let single: Vec<_> = all.as_array().unwrap().iter().map(|thread| thread["individual_note"].clone()).collect();
    assert_eq!(single, [false, true]);
    let newest = local.get(&security("/merge_requests/1/notes")).json()[0].clone();
    assert_eq!((&newest["body"], &newest["resolvable"]), (&json!("plain"), &json!(false)));
}
