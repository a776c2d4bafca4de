//! Merge requests: opening, reading, listing and editing.

use serde_json::{Value, json};

use super::{CANONICAL, Local, SECURITY, canonical, security};
use crate::rehearsal::{TokenSpec, Visibility};

/// Opens a merge request of a new branch with one commit.
pub(super) fn open(local: &Local, name: &str, target: &str) -> Value {
    local.commit(SECURITY, (name, target), "fixed.py", "fixed\n");
    let body = json!({ "source_branch": name, "target_branch": target, "title": format!("Fix {name}") });
    local.post(&security("/merge_requests"), body).is(201).json()
}

#[test]
fn a_merge_request_is_opened_and_read() {
    let local = Local::new();
    let opened = open(&local, "security-x", "main");
    assert_eq!(opened["iid"], 1);
    assert_eq!(opened["references"]["full"], format!("{SECURITY}!1"));
    assert_eq!(opened["detailed_merge_status"], "preparing");
    for later in ["head_pipeline", "changes_count", "diff_refs", "prepared_at"] {
        assert_eq!(opened[later], Value::Null, "{later}");
    }

    let first = local.get(&security("/merge_requests/1")).is(200).json();
    assert_eq!(first["detailed_merge_status"], "unchecked");
    let second = local.get(&security("/merge_requests/1")).is(200).json();
    assert_eq!(second["detailed_merge_status"], "not_approved");
    assert_eq!(second["changes_count"], "1");
    assert_eq!(second["head_pipeline"]["status"], "success");
    assert!(second["head_pipeline"]["id"].as_u64().unwrap() > 1 << 31);
    assert_eq!(second["diff_refs"]["head_sha"], second["sha"]);
    assert_eq!(second["user"]["can_merge"], false);
    assert_eq!(local.maintain("GET", &security("/merge_requests/1"), json!({})).json()["user"]["can_merge"], true);
    let commits = local.get(&security("/merge_requests/1/commits")).is(200).json();
    assert_eq!((commits.as_array().unwrap().len(), &commits[0]["id"]), (1, &second["sha"]));
    let diffs = local.get(&security("/merge_requests/1/diffs")).is(200).json();
    assert_eq!((&diffs[0]["new_path"], &diffs[0]["new_file"]), (&json!("fixed.py"), &json!(true)));
    let pipelines = local.get(&security("/merge_requests/1/pipelines")).is(200).json();
    assert_eq!(pipelines[0]["ref"], "refs/merge-requests/1/head");
    assert_eq!(local.get(&security("/merge_requests/1/versions")).json().as_array().unwrap().len(), 1);
}

#[test]
fn the_check_takes_the_reads_that_it_takes() {
    for (reads, expected) in [
        (0, vec!["not_approved", "not_approved"]),
        (1, vec!["unchecked", "not_approved"]),
        (3, vec!["unchecked", "checking", "checking", "not_approved"]),
    ] {
        let local = Local::with(|state| state.mergeability_reads = reads);
        open(&local, "security-x", "main");
        let row = || local.get(&security("/merge_requests")).json()[0]["detailed_merge_status"].clone();
        // Lists start no check, however often they are read.
        assert_eq!([row(), row()], ["unchecked", "unchecked"]);
        for status in expected {
            assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], status);
        }
        assert_eq!(row(), "not_approved");
        local.commit(SECURITY, ("main", "main"), "other.py", "other\n");
        let again = local.get(&security("/merge_requests/1")).json()["detailed_merge_status"].clone();
        assert_eq!(again, if reads == 0 { "not_approved" } else { "unchecked" });
    }
}

#[test]
fn list_rows_lack_what_they_lack() {
    let local = Local::new();
    open(&local, "security-x", "main");
    let row = local.get(&security("/merge_requests")).json()[0].clone();
    for lacking in ["head_pipeline", "diff_refs", "changes_count", "user"] {
        assert!(row.get(lacking).is_none(), "{lacking}");
    }
    let path = security("/merge_requests?with_merge_status_recheck=true");
    local.get(&path);
    assert_eq!(local.get(&path).json()[0]["detailed_merge_status"], "not_approved");
    let simple = local.get(&security("/merge_requests?view=simple")).json()[0].clone();
    assert!(simple.get("labels").is_none() && simple["iid"] == 1);
}

#[test]
fn lists_are_filtered() {
    let local = Local::new();
    open(&local, "security-x", "main");
    open(&local, "security-x-18-4", "stable-18-4-ee");
    let change = json!({ "labels": ["security", "a"], "reviewer_ids": [local.sample.psirt], "title": "Draft: Fix x" });
    local.maintain("PUT", &security("/merge_requests/2"), change).is(200);
    local.maintain("PUT", &security("/merge_requests/1"), json!({ "state_event": "close" })).is(200);
    let found = |query: &str| -> Vec<u64> {
        let rows = local.get(&security(&format!("/merge_requests?{query}"))).is(200).json();
        rows.as_array().unwrap().iter().map(|row| row["iid"].as_u64().unwrap()).collect()
    };
    for (query, expected) in [
        ("", vec![2, 1]),
        ("sort=asc", vec![1, 2]),
        ("state=all", vec![2, 1]),
        ("state=opened", vec![2]),
        ("state=closed", vec![1]),
        ("state=merged", vec![]),
        ("source_branch=security-x", vec![1]),
        ("target_branch=stable-18-4-ee", vec![2]),
        ("source_branch=security-x&target_branch=stable-18-4-ee", vec![]),
        ("labels=security", vec![2]),
        ("labels=security,b", vec![]),
        ("labels=None", vec![1]),
        ("labels=Any", vec![2]),
        ("not[labels]=a", vec![1]),
        ("author_username=engineer", vec![2, 1]),
        ("author_username=nobody", vec![]),
        ("reviewer_username=psirt", vec![2]),
        ("search=fix+security&in=title", vec![1]),
        ("iids[]=1&iids[]=2", vec![2, 1]),
        ("wip=yes", vec![2]),
        ("wip=no", vec![1]),
        ("created_after=2099-01-01", vec![]),
        ("draft=yes", vec![2, 1]),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
    let invalid = local.get(&security("/merge_requests?state=nonsense")).is(400).json();
    assert_eq!(invalid, json!({ "error": "state does not have a valid value" }));
    assert_eq!(local.get("/merge_requests").json().as_array().unwrap().len(), 2);
    assert_eq!(local.maintain("GET", "/merge_requests", json!({})).json(), json!([]));
}

#[test]
fn what_cannot_be_opened_is_refused_as_it_is() {
    let local = Local::with(|state| {
        let stranger = state.add_user("stranger", "A Stranger");
        state.add_token("stranger", TokenSpec::of(stranger));
        state.add_project("other/project", Visibility::Public);
    });
    let other = local.server.change(|state| state.project("other/project").unwrap().id);
    open(&local, "security-x", "main");
    let body = |source: &str, target: &str, title: &str| json!({ "source_branch": source, "target_branch": target, "title": title });
    let missing = local.post(&security("/merge_requests"), json!({ "title": "x" })).is(400).json();
    assert_eq!(missing, json!({ "error": "source_branch is missing, target_branch is missing" }));
    let long = "x".repeat(256);
    for (body, status, message) in [
        (
            body("security-x", "main", "Again"),
            409,
            json!(["Another open merge request already exists for this source branch: !1"]),
        ),
        (body("nowhere", "main", "x"), 400, json!({ "source_branch": ["does not exist"] })),
        (body("security-x", "nowhere", "x"), 400, json!({ "target_branch": ["does not exist"] })),
        (body("security-x", "stable-18-4-ee", " "), 400, json!({ "title": ["can't be blank"] })),
        (
            body("security-x", "stable-18-4-ee", &long),
            400,
            json!({ "title": ["is too long (maximum is 255 characters)"] }),
        ),
        (body("main", "main", "x"), 422, json!(["You can't use same project/branch for source and target"])),
    ] {
        assert_eq!(local.post(&security("/merge_requests"), body).is(status).json(), json!({ "message": message }));
    }
    let towards = |id: u64| {
        let mut body = body("security-x", "main", "x");
        body["target_project_id"] = json!(id);
        body
    };
    local.post(&security("/merge_requests"), towards(other)).is(422);
    local.post(&security("/merge_requests"), towards(999)).is(404);
    let as_stranger = |path: &str| local.send(Some("stranger"), "POST", path, Some(body("a", "main", "x"))).status;
    assert_eq!([as_stranger(&security("/merge_requests")), as_stranger(&canonical("/merge_requests"))], [404, 403]);
    local.send(None, "POST", &canonical("/merge_requests"), Some(body("a", "main", "x"))).is(401);
}

#[test]
fn a_merge_request_to_the_parent_shows_its_commits_there() {
    let local = Local::new();
    let head = local.commit(SECURITY, ("stable-18-4-ee", "main"), "fixed.py", "fixed\n");
    let body = json!({
        "source_branch": "stable-18-4-ee", "target_branch": "stable-18-4-ee", "title": "Sync",
        "target_project_id": local.sample.canonical, "remove_source_branch": false,
    });
    let opened = local.post(&security("/merge_requests"), body).is(201).json();
    assert_eq!(opened["project_id"], local.sample.canonical);
    assert_eq!(opened["source_project_id"], local.sample.security);
    assert!(opened["web_url"].as_str().unwrap().contains(&format!("/{CANONICAL}/-/merge_requests/1")));
    // Disclosed at once.
    assert_eq!(local.git(&local.repository(CANONICAL), &["rev-parse", "refs/merge-requests/1/head"]), head);
    // Its pipeline runs in the fork, which strangers cannot see.
    let mine = local.get(&canonical("/merge_requests/1")).json();
    assert_eq!(mine["head_pipeline"]["project_id"], local.sample.security);
    let strangers = local.send(None, "GET", &canonical("/merge_requests/1"), None).is(200).json();
    assert_eq!(strangers["head_pipeline"], Value::Null);
}

#[test]
fn quick_actions_run_and_disappear() {
    let local = Local::new();
    local.commit(SECURITY, ("security-x", "main"), "fixed.py", "fixed\n");
    let template = local.get(&security("/templates/merge_requests/Security%20Fix")).is(200).json();
    let names = local.get(&security("/templates/merge_requests")).is(200).json();
    assert_eq!(names, json!([{ "key": "Security Fix", "name": "Security Fix" }]));
    local.get(&security("/templates/merge_requests/Other")).is(404);
    let text = template["content"].as_str().unwrap();
    assert!(text.contains("%{first_multiline_commit}"));
    let description = format!("{text}/milestone %18.5\n/assign_reviewer @psirt\n/label ~unknown\n```\n/close\n```\n");
    let body = json!({
        "source_branch": "security-x", "target_branch": "main", "title": "Fix", "labels": "made,security",
        "reviewer_ids": [local.sample.maintainer, 999_999], "description": description,
    });
    let opened = local.post(&security("/merge_requests"), body).is(201).json();
    assert_eq!(opened["labels"], json!(["made", "security", "type::bug"]));
    assert_eq!(opened["assignees"][0]["username"], "engineer");
    assert_eq!(opened["reviewers"][0]["username"], "psirt");
    assert_eq!(opened["milestone"]["title"], "18.5");
    assert_eq!((&opened["state"], &opened["draft"]), (&json!("opened"), &json!(false)));
    let kept = opened["description"].as_str().unwrap();
    assert!(
        kept.contains("```\n/close\n```") && kept.contains("/draft\n-->") && !kept.contains("/assign me"),
        "{kept}"
    );
    assert_eq!(local.get(&security("/labels?search=made")).json()[0]["name"], "made");
    assert_eq!(local.get(&security("/milestones?title=18.5")).json()[0]["title"], "18.5");

    local.maintain("POST", &security("/merge_requests/1/notes"), json!({ "body": "/draft" })).is(202);
    assert_eq!(local.get(&security("/merge_requests/1")).json()["title"], "Draft: Fix");
    let status = local.get(&security("/merge_requests/1")).json()["detailed_merge_status"].clone();
    assert_eq!(status, "not_approved");
}

#[test]
fn a_merge_request_is_edited() {
    let local = Local::new();
    open(&local, "security-x", "main");
    let put = |body: Value| local.maintain("PUT", &security("/merge_requests/1"), body);
    put(json!({ "nonsense": 1 })).is(400);
    put(json!({ "title": "" })).is(400);
    let edited =
        put(json!({ "add_labels": "a,b", "reviewer_ids": [local.sample.psirt], "squash": true })).is(200).json();
    assert_eq!((&edited["labels"], &edited["squash"]), (&json!(["a", "b"]), &json!(true)));
    assert_eq!(put(json!({ "remove_labels": "a" })).is(200).json()["labels"], json!(["b"]));
    assert_eq!(put(json!({ "state_event": "close" })).is(200).json()["state"], "closed");
    // A closed one that is not approved says this first.
    assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], "not_approved");
    open(&local, "security-x", "main");
    put(json!({ "state_event": "reopen" })).is(409);
    put(json!({ "state_event": "nonsense" })).is(400);
    let elsewhere = json!({ "target_branch": "stable-18-4-ee" });
    let moved = local.maintain("PUT", &security("/merge_requests/2"), elsewhere).is(200).json();
    assert_eq!(moved["target_branch"], "stable-18-4-ee");
    // What lies between is another now: two commits of its own and the one of main.
    assert_eq!(local.get(&security("/merge_requests/2/commits")).json().as_array().unwrap().len(), 3);
    assert_eq!(moved["state"], "opened");
    assert_eq!(put(json!({ "state_event": "reopen" })).is(200).json()["state"], "opened");
}

#[test]
fn unknown_statuses_can_be_served() {
    let local = Local::new();
    open(&local, "security-x", "main");
    local.server.change(|state| {
        state.merge_request_mut(local.sample.security, 1).unwrap().forced_status = Some("from_the_future".into());
    });
    assert_eq!(local.get(&security("/merge_requests/1")).json()["detailed_merge_status"], "from_the_future");
    local.maintain("PUT", &security("/merge_requests/1/merge"), json!({})).is(405);
}
