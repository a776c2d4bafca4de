//! Merging and rebasing merge requests.

use serde_json::json;

use super::super::{
    access::{self, DEVELOPER},
    call::{Call, RequestAt},
    lifecycle::{self, Change},
    mentions, mergeability,
    merging::{self, Merged, Plan},
    reply::{Answer, Reply},
    repository::Identity,
    state::{Check, MergeRequest, Project},
};
use super::{GET, POST, PUT, Route, merge_requests, route};

pub(super) const ROUTES: &[Route] = &[
    route(PUT, "/projects/{id}/merge_requests/{iid}/merge", merge),
    route(GET, "/projects/{id}/merge_requests/{iid}/merge_ref", merge_ref),
    route(POST, "/projects/{id}/merge_requests/{iid}/cancel_merge_when_pipeline_succeeds", cancel_auto_merge),
    route(PUT, "/projects/{id}/merge_requests/{iid}/rebase", rebase),
];

/// As whoever asks.
pub(super) fn identity(call: &Call<'_>) -> Result<Identity, Reply> {
    let user = call.user()?;
    Ok(Identity { name: user.name.clone(), email: user.email.clone(), at: call.state.now() })
}

fn not_allowed() -> Reply {
    Reply::message(405, "405 Method Not Allowed")
}

fn merge(call: &mut Call<'_>) -> Answer {
    let squash = call.parameters.flag("squash")?;
    let removes = call.parameters.flag("should_remove_source_branch")?;
    let older = call.parameters.flag("merge_when_pipeline_succeeds")?;
    let is_auto = call.parameters.flag("auto_merge")?.or(older).unwrap_or(false);
    let at = call.request_at()?;
    let user = call.user_id()?;
    lifecycle::refresh(call.site, call.state, at)?;

    let (project, request) = (&call.state.projects[at.project], call.request(at));
    if project.merge_needs_sha && !call.parameters.has("sha") {
        return Err(Reply::bad_request("SHA must be provided when merging"));
    }
    if !access::may_merge(call.state, project, &request.target_branch, Some(user)) {
        return Err(Reply::unauthorized());
    }
    if let Some(sha) = call.parameters.text("sha")
        && request.sha() != Some(&sha)
    {
        let head = request.sha().unwrap_or_default();
        return Err(Reply::message(409, format!("SHA does not match HEAD of source branch: {head}")));
    }
    // A check that nobody has asked for yet begins here; until it ends nothing can be merged.
    let status = mergeability::look(call.site, call.state, at)?;
    if status != "mergeable" {
        let is_hopeless = matches!(status.as_str(), "conflict" | "need_rebase" | "commits_status" | "not_open");
        if !is_auto || is_hopeless || !call.request(at).is_open() {
            return Err(not_allowed());
        }
        let request = call.request_mut(at);
        request.auto_merge = true;
        request.merge_user = Some(user);
        return Ok(Reply::ok(merge_requests::shown(call, at, Some(&status))));
    }

    if let Some(why) = call.state.projects[at.project].refuses_merges.clone() {
        call.request_mut(at).merge_error = Some(why);
        return Err(Reply::message(422, "Branch cannot be merged"));
    }
    // What the merge request itself says cannot be undone here.
    let squashes = call.request(at).squash || squash.unwrap_or(false);
    let merged = merge_branches(call, at, squashes)?;
    let Some(merged) = merged else {
        call.request_mut(at).merge_error = Some("Merge failed: the branch cannot be merged".into());
        return Err(Reply::message(422, "Branch cannot be merged"));
    };
    finish(call, at, user, merged, removes)?;
    Ok(Reply::ok(merge_requests::shown(call, at, None)))
}

fn merge_branches(call: &Call<'_>, at: RequestAt, squashes: bool) -> Result<Option<Merged>, Reply> {
    let (project, request) = (&call.state.projects[at.project], call.request(at));
    let (Some(tip), Some(version)) = (&request.target_head, request.version()) else { return Ok(None) };
    let message = call.parameters.text("merge_commit_message");
    let message = message.unwrap_or_else(|| default_message(project, request));
    let squash_message = call.parameters.text("squash_commit_message").unwrap_or_else(|| request.title.clone());
    let plan = Plan {
        target: (&request.target_branch, tip),
        head: &version.head,
        start: &version.start,
        fast_forward: project.merge_method == "ff",
        squash: squashes.then_some(&squash_message),
        message: &message,
    };
    Ok(merging::merge(&call.repository_at(at.project), &plan, &identity(call)?)?)
}

fn default_message(project: &Project, request: &MergeRequest) -> String {
    format!(
        "Merge branch '{}' into '{}'\n\n{}\n\nSee merge request {}!{}",
        request.source_branch, request.target_branch, request.title, project.path, request.iid
    )
}

/// What follows from a merge.
fn finish(call: &mut Call<'_>, at: RequestAt, user: u64, merged: Merged, removes: Option<bool>) -> Result<(), Reply> {
    let now = call.state.now();
    let request = call.request_mut(at);
    request.state = "merged".into();
    request.merged_at = Some(now);
    request.updated_at = now;
    request.merge_user = Some(user);
    request.merge_commit_sha = merged.merge_commit;
    request.squash_commit_sha = merged.squash_commit;
    request.merge_error = None;
    request.auto_merge = false;
    request.should_remove_source_branch = removes;
    let (iid, source_project) = (request.iid, request.source_project);
    let (source_branch, target_branch) = (request.source_branch.clone(), request.target_branch.clone());
    let removes = removes.unwrap_or(request.force_remove_source_branch);
    let id = call.state.projects[at.project].id;
    call.state.add_system_note(id, iid, user, "merged");

    let source = call.state.project_by_id(source_project).filter(|project| {
        removes && source_branch != project.default_branch && !access::is_protected(project, &source_branch)
    });
    if let Some(source) = source {
        let repository = call.site.repository(source);
        repository.must(&["update-ref", "-d", &format!("refs/heads/{source_branch}")])?;
    }
    let change = Change { project: id, reference: &format!("refs/heads/{target_branch}"), user };
    lifecycle::start_ref_pipeline(call.site, call.state, &change)?;
    close_issues(call, at, user);
    Ok(())
}

/// A merge to the default branch closes the issues that it says it closes.
fn close_issues(call: &mut Call<'_>, at: RequestAt, user: u64) {
    let (project, request) = (&call.state.projects[at.project], call.request(at));
    if request.target_branch != project.default_branch {
        return;
    }
    let meant = mentions::closed(&request.description, &project.path, &call.site.url);
    let now = call.state.now();
    for (path, iid) in meant {
        let found = call.state.project(&path).and_then(|project| {
            let issue = project.issues.iter().find(|issue| issue.iid == iid)?;
            let closes = access::level(call.state, project, Some(user)) >= DEVELOPER;
            (closes && access::sees_issue(call.state, project, issue, Some(user))).then_some(project.id)
        });
        if let Some(issue) = found.and_then(|project| call.state.issue_mut(project, iid)) {
            issue.state = "closed".into();
            issue.closed_at = Some(now);
        }
    }
}

fn merge_ref(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let who = identity(call)?;
    let repository = call.repository_at(at.project);
    let request = call.request(at);
    let refused = || Reply::bad_request("Merge request is not mergeable");
    let (Some(tip), Some(head)) = (&request.target_head, request.sha()) else { return Err(refused()) };
    let tree = merging::merged_tree(&repository, tip, head)?.ok_or_else(refused)?;
    let commit = repository.must_as(&who, &["commit-tree", &tree, "-p", tip, "-p", head, "-m", "Test merge"])?;
    repository.update(&format!("refs/merge-requests/{}/merge", request.iid), &commit, None)?;
    Ok(Reply::ok(json!({ "commit_id": commit })))
}

fn cancel_auto_merge(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    call.require_level(at.project, DEVELOPER)?;
    lifecycle::refresh(call.site, call.state, at)?;
    if !call.request(at).auto_merge {
        return Err(Reply::message(406, "406 Not Acceptable"));
    }
    call.request_mut(at).auto_merge = false;
    Ok(Reply::created(json!({ "status": "success" })))
}

fn rebase(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    let user = call.user_id()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let request = call.request(at);
    let source = call.position_of(request.source_project).ok_or_else(|| Reply::not_found("Project"))?;
    let branch = request.source_branch.clone();
    let project = &call.state.projects[source];
    let may_force = !access::is_protected(project, &branch)
        || project
            .protected_branches
            .iter()
            .any(|rule| rule.allow_force_push && super::super::state::matches_pattern(&rule.name, &branch));
    if !access::may_push(call.state, project, &branch, Some(user)) {
        return Err(Reply::forbidden_because("Cannot push to source branch"));
    }
    if !may_force {
        return Err(Reply::forbidden_because("Source branch is protected from force push"));
    }
    if request.rebase_reads > 0 {
        return Err(Reply::message(
            409,
            "Failed to enqueue the rebase operation, possibly due to a long-lived transaction. Try again later.",
        ));
    }
    if !request.is_open() {
        return Err(not_allowed());
    }
    let (Some(target), Some(head)) = (request.target_head.clone(), request.sha().map(str::to_owned)) else {
        return Err(not_allowed());
    };
    let repository = call.repository_at(source).with_objects_of(&call.repository_at(at.project));
    let rebased = merging::in_work_tree(&repository, &identity(call)?, &head, &["rebase", "--quiet", &target])?;
    let error = match rebased {
        Some(new) => {
            let reference = format!("refs/heads/{branch}");
            if source != at.project {
                // The branch now stands on commits of the target project.
                let theirs = format!("refs/heads/{}", call.request(at).target_branch);
                call.repository_at(source).fetch(&call.repository_at(at.project), &theirs)?;
            }
            let is_set = call.repository_at(source).update(&reference, &new, Some(&head))?;
            (!is_set).then_some("Rebase failed: the source branch has changed")
        }
        None => Some("Rebase failed: Rebase locally, resolve all conflicts, then push the branch."),
    };
    let request = call.request_mut(at);
    request.merge_error = error.map(str::to_owned);
    request.rebase_reads = 1;
    request.check = Check::Unchecked;
    Ok(Reply::new(202, json!({ "rebase_in_progress": true })))
}
