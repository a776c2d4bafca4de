//! Opening a merge request.

use serde_json::{Value, json};

use super::super::{
    access::{self, DEVELOPER},
    call::{Call, RequestAt},
    lifecycle, quick_actions,
    reply::{Answer, Reply},
    state::{Check, MergeRequest, Project},
};
use super::{POST, Route, merge_requests, quick, route};

pub(super) const ROUTES: &[Route] = &[route(POST, "/projects/{id}/merge_requests", create)];

fn create(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["title", "source_branch", "target_branch"])?;
    let wanted = Wanted::read(call)?;
    let source = call.project_at()?;
    call.require_level(source, DEVELOPER)?;
    let target = target_of(call, source)?;
    refuse_what_cannot_be(call, source, target, &wanted)?;

    let author = call.user_id()?;
    let (id, now) = (call.state.next_id(), call.state.now());
    let (actions, description) = quick_actions::extract(&wanted.description);
    quick::make_labels(call.state, target, &wanted.labels);
    let source_project = call.state.projects[source].id;
    let known = |ids: Vec<u64>| ids.into_iter().filter(|id| call.state.user(*id).is_some()).collect::<Vec<_>>();
    let (assignees, reviewers) = (known(wanted.assignees), known(wanted.reviewers));
    let project = &mut call.state.projects[target];
    let is_there = |milestone: &u64| project.milestones.iter().any(|known| known.id == *milestone);
    let squash = match project.squash_option.as_str() {
        "always" => true,
        "never" => false,
        option => wanted.squash.unwrap_or(option == "default_on"),
    };
    let iid = project.merge_requests.iter().map(|request| request.iid).max().unwrap_or_default() + 1;
    let removes = wanted.remove_source_branch.unwrap_or(project.remove_source_branch_after_merge);
    project.merge_requests.push(MergeRequest {
        id,
        iid,
        source_project,
        target_project: project.id,
        source_branch: wanted.source_branch,
        target_branch: wanted.target_branch,
        title: wanted.title,
        description,
        state: "opened".into(),
        author,
        assignees,
        reviewers,
        labels: wanted.labels,
        milestone: wanted.milestone.filter(is_there),
        squash,
        force_remove_source_branch: removes,
        should_remove_source_branch: None,
        discussion_locked: false,
        allow_collaboration: wanted.allow_collaboration,
        versions: vec![],
        has_source: true,
        target_head: None,
        approvals: vec![],
        requested_changes: vec![],
        discussions: vec![],
        merge_commit_sha: None,
        squash_commit_sha: None,
        merged_at: None,
        merge_user: None,
        closed_at: None,
        merge_error: None,
        auto_merge: false,
        rebase_reads: 0,
        check: Check::Unchecked,
        forced_status: None,
        created_at: now,
        updated_at: now,
    });
    let at = RequestAt { project: target, request: project.merge_requests.len() - 1 };
    quick::act(call.state, at, author, &actions);
    lifecycle::refresh(call.site, call.state, at)?;
    // What is worked out in the background is not there yet.
    let mut shown = merge_requests::shown(call, at, Some("preparing"));
    for later in ["changes_count", "diff_refs", "prepared_at", "head_pipeline"] {
        shown[later] = Value::Null;
    }
    Ok(Reply::created(shown))
}

/// What a request asks for.
struct Wanted {
    title: String,
    source_branch: String,
    target_branch: String,
    description: String,
    labels: Vec<String>,
    assignees: Vec<u64>,
    reviewers: Vec<u64>,
    milestone: Option<u64>,
    squash: Option<bool>,
    remove_source_branch: Option<bool>,
    allow_collaboration: bool,
}

impl Wanted {
    fn read(call: &Call<'_>) -> Result<Self, Reply> {
        let given = &call.parameters;
        let text = |name: &str| given.text(name).unwrap_or_default();
        // An older name for a single assignee.
        let single = given.number("assignee_id")?;
        let assignees = given.numbers("assignee_ids")?.unwrap_or_else(|| single.into_iter().collect());
        Ok(Self {
            title: text("title"),
            source_branch: text("source_branch"),
            target_branch: text("target_branch"),
            description: text("description"),
            labels: quick::changed_labels(given, &[]),
            assignees,
            reviewers: given.numbers("reviewer_ids")?.unwrap_or_default(),
            milestone: given.number("milestone_id")?,
            squash: given.flag("squash")?,
            remove_source_branch: given.flag("remove_source_branch")?,
            allow_collaboration: given.flag("allow_collaboration")?.unwrap_or(false),
        })
    }
}

/// The target project: the source project itself unless another is named.
fn target_of(call: &Call<'_>, source: usize) -> Result<usize, Reply> {
    let Some(id) = call.parameters.number("target_project_id")? else { return Ok(source) };
    let position = call.position_of(id).ok_or_else(|| Reply::not_found("Project"))?;
    let target = &call.state.projects[position];
    if !access::sees_project(call.state, target, call.caller.user()) {
        return Err(Reply::not_found("Project"));
    }
    Ok(position)
}

fn refuse_what_cannot_be(call: &Call<'_>, source: usize, target: usize, wanted: &Wanted) -> Result<(), Reply> {
    let (from, to) = (&call.state.projects[source], &call.state.projects[target]);
    if from.archived || to.archived {
        return Err(Reply::forbidden());
    }
    refuse_outside_forks(call, from, to)?;
    if !to.merge_requests_enabled {
        return Err(Reply::message(422, json!(["Merge requests are disabled for this project"])));
    }
    if source == target && wanted.source_branch == wanted.target_branch {
        return Err(Reply::message(422, json!(["You can't use same project/branch for source and target"])));
    }
    if wanted.title.trim().is_empty() {
        return Err(Reply::invalid("title", "can't be blank"));
    }
    if wanted.title.chars().count() > 255 {
        return Err(Reply::invalid("title", "is too long (maximum is 255 characters)"));
    }
    if call.repository_at(source).branch(&wanted.source_branch)?.is_none() {
        return Err(Reply::invalid("source_branch", "does not exist"));
    }
    if call.repository_at(target).branch(&wanted.target_branch)?.is_none() {
        return Err(Reply::invalid("target_branch", "does not exist"));
    }
    refuse_duplicate(to, from.id, (&wanted.source_branch, &wanted.target_branch), None)
}

fn refuse_outside_forks(call: &Call<'_>, from: &Project, to: &Project) -> Result<(), Reply> {
    if access::top_of_forks(call.state, from) == access::top_of_forks(call.state, to) {
        return Ok(());
    }
    Err(Reply::message(422, json!(["Target project is not a fork of the source project"])))
}

/// Refuses a second open merge request from one branch to another.
pub(super) fn refuse_duplicate(
    project: &Project,
    source_project: u64,
    (source, target): (&str, &str),
    but: Option<u64>,
) -> Result<(), Reply> {
    let other = project.merge_requests.iter().find(|request| {
        request.is_open()
            && Some(request.iid) != but
            && request.source_project == source_project
            && request.source_branch == source
            && request.target_branch == target
    });
    match other {
        None => Ok(()),
        Some(other) => {
            let why = format!("Another open merge request already exists for this source branch: !{}", other.iid);
            Err(Reply::message(409, json!([why])))
        }
    }
}
