//! Approvals of merge requests and the rules for them.

use serde_json::{Value, json};

use super::super::{
    access::{self, DEVELOPER},
    approval,
    call::{Call, RequestAt},
    lifecycle,
    reply::{Answer, Reply},
    show,
};
use super::{GET, POST, Route, job_route, route};

pub(super) const ROUTES: &[Route] = &[
    job_route(GET, "/projects/{id}/merge_requests/{iid}/approvals", approvals),
    route(GET, "/projects/{id}/merge_requests/{iid}/approval_state", approval_state),
    route(POST, "/projects/{id}/merge_requests/{iid}/approve", approve),
    route(POST, "/projects/{id}/merge_requests/{iid}/unapprove", unapprove),
    route(GET, "/projects/{id}/approval_rules", rules),
    route(GET, "/projects/{id}/approvals", settings),
];

fn shown(call: &Call<'_>, at: RequestAt) -> Value {
    let project = &call.state.projects[at.project];
    show::request::approvals(call.site, call.state, project, call.request(at), call.caller.user())
}

fn approvals(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    Ok(Reply::ok(shown(call, at)))
}

fn approval_state(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    if !call.state.premium {
        return Err(Reply::nowhere());
    }
    lifecycle::refresh(call.site, call.state, at)?;
    let rules = approval::rules(&call.state.projects[at.project], call.request(at));
    let rules: Vec<_> = rules.iter().map(|rule| show::request::rule_state(call.site, call.state, rule)).collect();
    Ok(Reply::ok(json!({ "approval_rules_overwritten": false, "rules": rules })))
}

fn approve(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    call.require_level(at.project, DEVELOPER)?;
    lifecycle::refresh(call.site, call.state, at)?;
    let (user, request) = (call.user_id()?, call.request(at));
    if let Some(sha) = call.parameters.text("sha")
        && request.sha() != Some(&sha)
    {
        let head = request.sha().unwrap_or_default();
        return Err(Reply::message(409, format!("SHA does not match HEAD of source branch: {head}")));
    }
    let is_own = request.author == user && !call.state.projects[at.project].merge_requests_author_approval;
    let has_approved = request.approvals.iter().any(|approval| approval.user == user);
    if is_own || has_approved || request.state == "merged" {
        return Err(Reply::unauthorized());
    }
    let (project, iid) = (request.target_project, request.iid);
    call.state.approve(project, iid, user);
    call.state.add_system_note(project, iid, user, "approved this merge request");
    Ok(Reply::created(shown(call, at)))
}

fn unapprove(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let user = call.user_id()?;
    let request = call.request_mut(at);
    let before = request.approvals.len();
    request.approvals.retain(|approval| approval.user != user);
    if request.approvals.len() == before {
        return Err(Reply::nowhere());
    }
    let (project, iid) = (request.target_project, request.iid);
    call.state.add_system_note(project, iid, user, "unapproved this merge request");
    Ok(Reply::created(shown(call, at)))
}

fn rules(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.user_id()?;
    if !call.state.premium {
        return Err(Reply::nowhere());
    }
    let project = &call.state.projects[at];
    call.page(&project.approval_rules, |call, rule| {
        let fits = |name: &str| rule.branches.iter().any(|branch| branch == name);
        let branches: Vec<_> = project
            .protected_branches
            .iter()
            .filter(|protection| fits(&protection.name))
            .map(show::project::protected_branch)
            .collect();
        json!({
            "id": rule.id,
            "name": rule.name,
            "rule_type": rule.rule_type,
            "report_type": null,
            "eligible_approvers": show::users(call.site, call.state, &rule.eligible),
            "approvals_required": rule.approvals_required,
            "users": show::users(call.site, call.state, &rule.eligible),
            "groups": [],
            "contains_hidden_groups": false,
            "protected_branches": branches,
            "applies_to_all_protected_branches": false,
        })
    })
}

fn settings(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.user_id()?;
    if !call.state.premium {
        return Err(Reply::nowhere());
    }
    let project = &call.state.projects[at];
    // Strangers see that a project is there and not how it is run.
    if access::level(call.state, project, call.caller.user()) < DEVELOPER {
        return Err(Reply::forbidden());
    }
    Ok(Reply::ok(json!({
        "approvals_before_merge": 0,
        "reset_approvals_on_push": project.reset_approvals_on_push,
        "selective_code_owner_removals": false,
        "disable_overriding_approvers_per_merge_request": true,
        "merge_requests_author_approval": project.merge_requests_author_approval,
        "merge_requests_disable_committers_approval": false,
        "require_password_to_approve": false,
    })))
}
