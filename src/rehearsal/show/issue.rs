//! Issues and their comments.

use serde_json::{Value, json};

use super::{
    super::{
        site::Site,
        state::{Issue, Note, Project, State},
    },
    optional_time, project, time, user, users,
};

/// An issue.
pub(in crate::rehearsal) fn issue(site: &Site, state: &State, within: &Project, issue: &Issue) -> Value {
    let milestone = within.milestones.iter().find(|milestone| Some(milestone.id) == issue.milestone);
    json!({
        "id": issue.id,
        "iid": issue.iid,
        "project_id": within.id,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "moved_to_id": issue.moved_to_id,
        "confidential": issue.confidential,
        "due_date": issue.due_date,
        "labels": issue.labels,
        "milestone": milestone.map(|milestone| project::milestone(site, within, milestone)),
        "assignees": users(site, state, &issue.assignees),
        "assignee": issue.assignees.first().map(|id| user(site, state, *id)),
        "author": user(site, state, issue.author),
        "type": "ISSUE",
        "issue_type": "issue",
        "severity": "UNKNOWN",
        "user_notes_count": issue.notes.iter().filter(|note| !note.system).count(),
        "web_url": format!("{}/-/issues/{}", site.page(within), issue.iid),
        "references": {
            "short": format!("#{}", issue.iid),
            "relative": format!("#{}", issue.iid),
            "full": format!("{}#{}", within.path, issue.iid),
        },
        "created_at": time(issue.created_at),
        "updated_at": time(issue.updated_at),
        "closed_at": optional_time(issue.closed_at),
    })
}

/// A comment.
pub(in crate::rehearsal) fn note(site: &Site, state: &State, note: &Note, noteable: (&str, u64, u64)) -> Value {
    let (kind, id, iid) = noteable;
    json!({
        "id": note.id,
        "type": null,
        "body": note.body,
        "author": user(site, state, note.author),
        "system": note.system,
        "noteable_type": kind,
        "noteable_id": id,
        "noteable_iid": iid,
        "resolvable": false,
        "confidential": false,
        "internal": false,
        "created_at": time(note.created_at),
        "updated_at": time(note.created_at),
    })
}
