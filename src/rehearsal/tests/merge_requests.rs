//! Merge requests from the first push to the merge.

use serde_json::{Value, json};

use super::{Local, security};

/// Opens a merge request of a new branch with one commit.
pub(super) fn open(local: &Local, name: &str, target: &str) -> Value {
    local.commit(super::SECURITY, (name, target), "fixed.py", "fixed\n");
    let body = json!({ "source_branch": name, "target_branch": target, "title": format!("Fix {name}") });
    local.post(&security("/merge_requests"), body).is(201).json()
}

#[test]
fn a_merge_request_is_opened_and_read() {
    let local = Local::new();
    let opened = open(&local, "security-x", "main");
    assert_eq!(opened["iid"], 1);
    assert_eq!(opened["state"], "opened");
    assert_eq!(opened["head_pipeline"], Value::Null);
    assert_eq!(opened["detailed_merge_status"], "preparing");

    let first = local.get(&security("/merge_requests/1")).is(200).json();
    assert_eq!(first["detailed_merge_status"], "unchecked");
    let second = local.get(&security("/merge_requests/1")).is(200).json();
    assert_eq!(second["detailed_merge_status"], "not_approved");
    assert_eq!(second["changes_count"], "1");
    assert_eq!(second["head_pipeline"]["status"], "success");
    assert!(second["head_pipeline"]["id"].as_u64().unwrap() > 1 << 31);
    assert_eq!(second["diff_refs"]["head_sha"], second["sha"]);
}
