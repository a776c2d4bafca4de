//! Projects.

use serde_json::{Value, json};

use super::super::{
    access,
    site::Site,
    state::{Milestone, Project, Protection, State, level_name},
};

/// A project, for somebody.
pub(in crate::rehearsal) fn project(site: &Site, state: &State, project: &Project, user: Option<u64>) -> Value {
    let page = site.page(project);
    let namespace = project.path.rsplit_once('/').map_or("", |(namespace, _)| namespace);
    let mut shown = json!({
        "id": project.id,
        "name": project.name(),
        "path": project.name(),
        "path_with_namespace": project.path,
        "name_with_namespace": project.path.replace('/', " / "),
        "namespace": { "full_path": namespace, "kind": "group" },
        "visibility": project.visibility.as_str(),
        "default_branch": project.default_branch,
        "archived": project.archived,
        "http_url_to_repo": format!("{page}.git"),
        "ssh_url_to_repo": format!("git@{}:{}.git", state.ssh_host, project.path),
        "web_url": page,
        "merge_requests_enabled": project.merge_requests_enabled,
        "can_create_merge_request_in": project.merge_requests_enabled && user.is_some(),
        "issues_enabled": true,
        "jobs_enabled": true,
        "merge_method": project.merge_method,
        "squash_option": project.squash_option,
        "only_allow_merge_if_pipeline_succeeds": project.only_allow_merge_if_pipeline_succeeds,
        "allow_merge_on_skipped_pipeline": project.allow_merge_on_skipped_pipeline,
        "only_allow_merge_if_all_discussions_are_resolved": project.only_allow_merge_if_all_discussions_are_resolved,
        "remove_source_branch_after_merge": project.remove_source_branch_after_merge,
    });
    let parent = project.forked_from.and_then(|id| state.project_by_id(id));
    if let Some(parent) = parent.filter(|parent| access::sees_project(state, parent, user)) {
        shown["forked_from_project"] = json!({
            "id": parent.id,
            "name": parent.name(),
            "path_with_namespace": parent.path,
            "web_url": site.page(parent),
        });
    }
    if let Some(user) = user {
        let level = |level: u32| {
            if level == 0 { Value::Null } else { json!({ "access_level": level, "notification_level": 3 }) }
        };
        shown["permissions"] = json!({
            "project_access": level(access::direct_level(state, project, user)),
            "group_access": level(access::group_level(state, &project.path, user)),
        });
    }
    shown
}

/// A milestone.
pub(in crate::rehearsal) fn milestone(site: &Site, project: &Project, milestone: &Milestone) -> Value {
    json!({
        "id": milestone.id,
        "iid": milestone.iid,
        "project_id": project.id,
        "title": milestone.title,
        "description": "",
        "state": milestone.state,
        "due_date": milestone.due_date,
        "start_date": null,
        "web_url": format!("{}/-/milestones/{}", site.page(project), milestone.iid),
    })
}

fn levels(level: u32, users: &[u64]) -> Value {
    let of_level = json!({
        "id": level + 1000,
        "access_level": level,
        "access_level_description": level_name(level),
        "user_id": null,
        "group_id": null,
        "deploy_key_id": null,
    });
    let of_user = |user: &u64| json!({ "id": user + 2000, "access_level": 40, "access_level_description": "User", "user_id": user, "group_id": null });
    std::iter::once(of_level).chain(users.iter().map(of_user)).collect()
}

/// A rule for branches.
pub(in crate::rehearsal) fn protected_branch(rule: &Protection) -> Value {
    json!({
        "name": rule.name,
        "push_access_levels": levels(rule.push_level, &rule.users),
        "merge_access_levels": levels(rule.merge_level, &rule.users),
        "allow_force_push": rule.allow_force_push,
        "unprotect_access_levels": [],
        "code_owner_approval_required": false,
    })
}

/// A rule for tags.
pub(in crate::rehearsal) fn protected_tag(rule: &Protection) -> Value {
    json!({ "name": rule.name, "create_access_levels": levels(rule.push_level, &rule.users) })
}
