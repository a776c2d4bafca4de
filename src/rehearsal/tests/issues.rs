//! Issues.

use serde_json::json;

use super::{CANONICAL, Local, canonical, security};
use crate::rehearsal::TokenSpec;

#[test]
fn an_issue_is_read_and_changed() {
    let local = Local::new();
    let issue = local.get(&canonical("/issues/1")).is(200).json();
    assert_eq!(issue["confidential"], true);
    assert_eq!(issue["references"]["full"], format!("{CANONICAL}#1"));
    assert_eq!(issue["labels"], json!(["bug::vulnerability", "security", "severity::2"]));
    assert_eq!(issue["due_date"].as_str().unwrap().len(), 10);

    let change = json!({ "due_date": "2026-12-24", "add_labels": "severity::1,new", "state_event": "close" });
    let changed = local.maintain("PUT", &canonical("/issues/1"), change).is(200).json();
    assert_eq!(changed["labels"], json!(["bug::vulnerability", "new", "security", "severity::1"]));
    assert_eq!((&changed["state"], &changed["due_date"]), (&json!("closed"), &json!("2026-12-24")));
    let cleared = local.maintain("PUT", &canonical("/issues/1"), json!({ "due_date": "" })).is(200).json();
    assert_eq!(cleared["due_date"], json!(null));
    local.maintain("PUT", &canonical("/issues/1"), json!({ "unknown": 1 })).is(400);
    local.maintain("PUT", &canonical("/issues/9"), json!({ "title": "x" })).is(404);
}

#[test]
fn issues_are_listed_by_filters() {
    let local = Local::new();
    let count =
        |query: &str| local.get(&canonical(&format!("/issues?{query}"))).is(200).json().as_array().unwrap().len();
    assert_eq!(count("state=opened&confidential=true&labels=security,severity::2"), 1);
    for none in
        ["state=closed", "confidential=false", "labels=other", "search=nothing", "iids[]=7", "author_username=engineer"]
    {
        assert_eq!(count(none), 0, "{none}");
    }
    assert_eq!(count("search=prompt&in=title&assignee_username=engineer&iids[]=1"), 1);
    local.get(&canonical("/issues?state=nonsense")).is(400);
}

#[test]
fn issues_are_linked_commented_and_related() {
    let local = Local::with(|state| {
        let project = state.project(super::SECURITY).unwrap().id;
        state.add_issue(project, crate::rehearsal::IssueSpec { title: "Tracking".into(), ..Default::default() });
        let guest = state.add_user("guest", "A Guest");
        state.add_token("guest", TokenSpec::of(guest));
    });
    let link = json!({ "target_project_id": local.sample.security, "target_issue_iid": 1 });
    assert_eq!(
        local.post(&canonical("/issues/1/links"), link.clone()).is(201).json()["target_issue"]["title"],
        "Tracking"
    );
    local.post(&canonical("/issues/1/links"), link).is(409);
    assert_eq!(local.get(&security("/issues/1/links")).is(200).json()[0]["iid"], 1);

    let note = local.post(&canonical("/issues/1/notes"), json!({ "body": "May this be public?" })).is(201).json();
    assert!(note["id"].as_u64().unwrap() > 1 << 31);
    assert_eq!(local.get(&canonical("/issues/1/notes")).json()[0]["body"], "May this be public?");
    local.post(&canonical("/issues/1/notes"), json!({})).is(400);

    super::merge_requests::open(&local, "security-x", "main");
    let text = json!({ "description": format!("Closes {CANONICAL}#1") });
    local.maintain("PUT", &security("/merge_requests/1"), text).is(200);
    let related = local.get(&canonical("/issues/1/related_merge_requests")).is(200).json();
    assert_eq!((related.as_array().unwrap().len(), &related[0]["iid"]), (1, &json!(1)));
    let closes = local.get(&security("/merge_requests/1/closes_issues")).is(200).json();
    assert_eq!(closes[0]["title"], "Prompt injection through file names");
}
