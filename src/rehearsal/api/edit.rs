//! Editing a merge request.

use super::super::{
    access,
    call::Call,
    lifecycle, quick_actions,
    reply::{Answer, Reply},
    state::Check,
};
use super::{PUT, Route, create, merge_requests, quick, route};

pub(super) const ROUTES: &[Route] = &[route(PUT, "/projects/{id}/merge_requests/{iid}", edit)];

const CHANGES: [&str; 15] = [
    "assignee_id",
    "assignee_ids",
    "description",
    "discussion_locked",
    "labels",
    "add_labels",
    "remove_labels",
    "milestone_id",
    "remove_source_branch",
    "reviewer_ids",
    "squash",
    "state_event",
    "target_branch",
    "title",
    "allow_collaboration",
];

fn edit(call: &mut Call<'_>) -> Answer {
    call.parameters.require_any(&CHANGES)?;
    let given = call.parameters.clone();
    let event = given.word("state_event", &["close", "reopen"])?;
    let title = given.text("title");
    let (squash, removes) = (given.flag("squash")?, given.flag("remove_source_branch")?);
    let is_locked = given.flag("discussion_locked")?;
    let (assignees, reviewers) = (given.numbers("assignee_ids")?, given.numbers("reviewer_ids")?);
    let milestone = given.number("milestone_id")?;
    let at = call.request_at()?;
    let user = call.user_id()?;
    let project = &call.state.projects[at.project];
    if !access::may_edit(call.state, project, call.request(at), Some(user)) {
        return Err(Reply::forbidden());
    }
    lifecycle::refresh(call.site, call.state, at)?;
    if title.as_ref().is_some_and(|title| title.trim().is_empty()) {
        return Err(Reply::invalid("title", "can't be blank"));
    }
    let target = given.text("target_branch").filter(|target| *target != call.request(at).target_branch);
    if let Some(target) = &target
        && call.repository_at(at.project).branch(target)?.is_none()
    {
        return Err(Reply::invalid("target_branch", "does not exist"));
    }
    let request = call.request(at);
    let opens = event.as_deref() == Some("reopen") && request.state == "closed";
    if opens || (target.is_some() && request.is_open()) {
        let branches = (request.source_branch.as_str(), target.as_deref().unwrap_or(&request.target_branch));
        let project = &call.state.projects[at.project];
        create::refuse_duplicate(project, request.source_project, branches, Some(request.iid))?;
    }

    let labels = quick::changed_labels(&given, &call.request(at).labels);
    quick::make_labels(call.state, at.project, &labels);
    let (actions, description) = match given.text("description") {
        Some(text) => {
            let (actions, rest) = quick_actions::extract(&text);
            (actions, Some(rest))
        }
        None => (vec![], None),
    };
    let known = |ids: Vec<u64>| ids.into_iter().filter(|id| call.state.user(*id).is_some()).collect::<Vec<_>>();
    let (assignees, reviewers) = (assignees.map(known), reviewers.map(known));
    let now = call.state.now();
    let request = call.request_mut(at);
    request.title = title.unwrap_or_else(|| request.title.clone());
    request.description = description.unwrap_or_else(|| request.description.clone());
    request.labels = labels;
    request.assignees = assignees.unwrap_or_else(|| request.assignees.clone());
    request.reviewers = reviewers.unwrap_or_else(|| request.reviewers.clone());
    request.squash = squash.unwrap_or(request.squash);
    request.force_remove_source_branch = removes.unwrap_or(request.force_remove_source_branch);
    request.discussion_locked = is_locked.unwrap_or(request.discussion_locked);
    if given.has("milestone_id") {
        // 0 and nothing take it away.
        request.milestone = milestone.filter(|id| *id > 0);
    }
    match event.as_deref() {
        Some("close") if request.is_open() => {
            (request.state, request.closed_at, request.auto_merge) = ("closed".into(), Some(now), false);
        }
        Some("reopen") if opens => {
            (request.state, request.closed_at, request.check) = ("opened".into(), None, Check::Unchecked);
        }
        _ => {}
    }
    request.updated_at = now;
    if let Some(target) = target {
        lifecycle::retarget(call.site, call.state, at, &target)?;
    }
    quick::act(call.state, at, user, &actions);
    lifecycle::refresh(call.site, call.state, at)?;
    Ok(Reply::ok(merge_requests::shown(call, at, None)))
}
