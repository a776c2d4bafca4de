//! Merge requests, their threads and approvals.

use serde_json::{Value, json};

use super::{
    super::{
        access,
        approval::{self, RuleState},
        mergeability,
        site::Site,
        state::{Discussion, MergeRequest, Project, State},
    },
    issue, optional_time, pipeline, project, time, user, users,
};

/// As in lists.
pub(in crate::rehearsal) fn row(site: &Site, state: &State, within: &Project, request: &MergeRequest) -> Value {
    let milestone = within.milestones.iter().find(|milestone| Some(milestone.id) == request.milestone);
    let merge_user = request.merge_user.map(|id| user(site, state, id));
    let mut shown = json!({
        "id": request.id,
        "iid": request.iid,
        "project_id": within.id,
        "source_project_id": request.source_project,
        "target_project_id": request.target_project,
        "source_branch": request.source_branch,
        "target_branch": request.target_branch,
        "title": request.title,
        "description": request.description,
        "state": request.state,
        "draft": request.is_draft(),
        "work_in_progress": request.is_draft(),
        "labels": request.labels,
        "milestone": milestone.map(|milestone| project::milestone(site, within, milestone)),
        "author": user(site, state, request.author),
        "assignees": users(site, state, &request.assignees),
        "assignee": request.assignees.first().map(|id| user(site, state, *id)),
        "reviewers": users(site, state, &request.reviewers),
        "sha": request.sha(),
    });
    let later = json!({
        "detailed_merge_status": mergeability::detailed_status(state, within, request),
        "merge_status": mergeability::merge_status(request),
        "has_conflicts": mergeability::merge_status(request) == "cannot_be_merged",
        "blocking_discussions_resolved": !request.has_open_threads(),
        "merge_commit_sha": request.merge_commit_sha,
        "squash_commit_sha": request.squash_commit_sha,
        "merged_at": optional_time(request.merged_at),
        "merge_user": merge_user,
        "merged_by": merge_user,
        "closed_at": optional_time(request.closed_at),
        "merge_when_pipeline_succeeds": request.auto_merge,
        "squash": request.squash,
        "squash_on_merge": request.squash,
        "force_remove_source_branch": request.force_remove_source_branch,
        "should_remove_source_branch": request.should_remove_source_branch,
        "discussion_locked": request.discussion_locked.then_some(true),
        "allow_collaboration": request.allow_collaboration,
        "user_notes_count": request.discussions.iter().flat_map(|thread| &thread.notes).filter(|note| !note.system).count(),
        "prepared_at": optional_time(request.version().map(|version| version.created_at)),
        "web_url": page(site, within, request),
        "reference": format!("!{}", request.iid),
        "references": {
            "short": format!("!{}", request.iid),
            "relative": format!("!{}", request.iid),
            "full": format!("{}!{}", within.path, request.iid),
        },
        "created_at": time(request.created_at),
        "updated_at": time(request.updated_at),
    });
    // In two parts because the macro is recursive.
    if let (Value::Object(shown), Value::Object(later)) = (&mut shown, later) {
        shown.extend(later);
    }
    shown
}

/// As in lists with `view=simple`.
pub(in crate::rehearsal) fn simple(site: &Site, within: &Project, request: &MergeRequest) -> Value {
    json!({
        "id": request.id,
        "iid": request.iid,
        "project_id": within.id,
        "title": request.title,
        "description": request.description,
        "state": request.state,
        "created_at": time(request.created_at),
        "updated_at": time(request.updated_at),
        "web_url": page(site, within, request),
    })
}

/// The page of a merge request.
fn page(site: &Site, within: &Project, request: &MergeRequest) -> String {
    format!("{}/-/merge_requests/{}", site.page(within), request.iid)
}

/// On its own, for somebody.
pub(in crate::rehearsal) fn whole(
    site: &Site,
    state: &State,
    within: &Project,
    request: &MergeRequest,
    viewer: Option<u64>,
) -> Value {
    let mut shown = row(site, state, within, request);
    let head = state.head_pipeline(request).and_then(|(id, pipeline)| Some((state.project_by_id(id)?, pipeline)));
    let head = head.filter(|(project, _)| access::sees_project(state, project, viewer));
    let version = request.version().filter(|version| version.commits > 0);
    shown["merge_error"] = json!(request.merge_error);
    shown["head_pipeline"] = head.map_or(Value::Null, |(project, head)| pipeline::whole(site, state, project, head));
    shown["changes_count"] = json!(version.map(|version| match version.changes {
        many @ 1000.. => format!("{}+", many.min(1000)),
        few => few.to_string(),
    }));
    shown["diff_refs"] = json!(version.map(|version| json!({
        "base_sha": version.base,
        "head_sha": version.head,
        "start_sha": version.start,
    })));
    let can_merge = access::may_merge(state, within, &request.target_branch, viewer);
    shown["user"] = json!({ "can_merge": can_merge });
    shown["subscribed"] = json!(viewer == Some(request.author));
    shown["first_contribution"] = json!(false);
    shown
}

/// A thread.
pub(in crate::rehearsal) fn discussion(
    site: &Site,
    state: &State,
    request: &MergeRequest,
    discussion: &Discussion,
) -> Value {
    json!({
        "id": discussion.id,
        "individual_note": discussion.individual_note,
        "notes": notes(site, state, request, discussion),
    })
}

/// The comments of a thread, oldest first.
pub(in crate::rehearsal) fn notes(
    site: &Site,
    state: &State,
    request: &MergeRequest,
    discussion: &Discussion,
) -> Vec<Value> {
    let noteable = ("MergeRequest", request.id, request.iid);
    let show = |note| {
        let mut shown = issue::note(site, state, note, noteable);
        if !discussion.individual_note {
            shown["type"] = json!("DiscussionNote");
            shown["resolvable"] = json!(true);
            shown["resolved"] = json!(discussion.resolved_by.is_some());
            shown["resolved_by"] = json!(discussion.resolved_by.map(|id| user(site, state, id)));
        }
        shown
    };
    discussion.notes.iter().map(show).collect()
}

/// What `approvals` tells.
pub(in crate::rehearsal) fn approvals(
    site: &Site,
    state: &State,
    within: &Project,
    request: &MergeRequest,
    viewer: Option<u64>,
) -> Value {
    let has_approved = viewer.is_some_and(|id| request.approvals.iter().any(|approval| approval.user == id));
    let is_own = viewer == Some(request.author) && !within.merge_requests_author_approval;
    let can_approve = !has_approved && !is_own && access::level(state, within, viewer) >= access::DEVELOPER;
    let approved_by: Vec<_> = request
        .approvals
        .iter()
        .map(|approval| json!({ "user": user(site, state, approval.user), "approved_at": time(approval.approved_at) }))
        .collect();
    let mut shown = json!({
        "user_has_approved": has_approved,
        "user_can_approve": can_approve,
        "approved": !request.approvals.is_empty(),
        "approved_by": approved_by,
    });
    if state.premium {
        let rules = approval::rules(within, request);
        let open = rules.iter().filter(|state| !state.is_approved());
        let short = |state: &RuleState<'_>| json!({ "id": state.rule.id, "name": state.rule.name, "rule_type": state.rule.rule_type });
        shown["id"] = json!(request.id);
        shown["iid"] = json!(request.iid);
        shown["project_id"] = json!(within.id);
        shown["title"] = json!(request.title);
        shown["state"] = json!(request.state);
        shown["merge_status"] = json!(mergeability::merge_status(request));
        shown["approved"] = json!(approval::is_approved(state, within, request));
        shown["approvals_required"] = json!(rules.iter().map(|state| state.rule.approvals_required).sum::<usize>());
        shown["approvals_left"] = json!(rules.iter().map(RuleState::left).sum::<usize>());
        shown["approval_rules_left"] = open.map(short).collect();
        shown["has_approval_rules"] = json!(!rules.is_empty());
    }
    shown
}

/// A rule as it stands for a merge request.
pub(in crate::rehearsal) fn rule_state(site: &Site, state: &State, rule: &RuleState<'_>) -> Value {
    json!({
        "id": rule.rule.id,
        "name": rule.rule.name,
        "rule_type": rule.rule.rule_type,
        "eligible_approvers": users(site, state, &rule.eligible),
        "approvals_required": rule.rule.approvals_required,
        "approved_by": users(site, state, &rule.approved_by),
        "approved": rule.is_approved(),
        "users": users(site, state, &rule.rule.eligible),
        "groups": [],
        "contains_hidden_groups": false,
        "source_rule": null,
        "overridden": false,
        "code_owner": rule.rule.rule_type == "code_owner",
    })
}
