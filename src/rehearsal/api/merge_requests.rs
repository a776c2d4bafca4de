//! Merge requests: lists of them, one of them, and what it holds.

use serde_json::{Value, json};

use super::super::{
    access,
    call::{Call, RequestAt},
    lifecycle, mentions, mergeability,
    paging::Totals,
    reply::{Answer, Reply},
    show,
    state::MergeRequest,
};
use super::{GET, POST, Route, job_route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/merge_requests", everywhere),
    job_route(GET, "/projects/{id}/merge_requests", of_project),
    job_route(GET, "/projects/{id}/merge_requests/{iid}", one),
    job_route(GET, "/projects/{id}/merge_requests/{iid}/commits", commits),
    route(GET, "/projects/{id}/merge_requests/{iid}/versions", versions),
    route(GET, "/projects/{id}/merge_requests/{iid}/diffs", diffs),
    job_route(GET, "/projects/{id}/merge_requests/{iid}/pipelines", pipelines),
    route(POST, "/projects/{id}/merge_requests/{iid}/pipelines", start_pipeline),
    route(GET, "/projects/{id}/merge_requests/{iid}/closes_issues", closes_issues),
    route(GET, "/projects/{id}/merge_requests/{iid}/related_issues", related_issues),
];

/// Whether all of these labels are there; `None` and `Any` ask for none and for some.
pub(super) fn has_labels(labels: &[String], wanted: &[String]) -> bool {
    match wanted {
        [one] if one == "None" => labels.is_empty(),
        [one] if one == "Any" => !labels.is_empty(),
        _ => wanted.iter().all(|label| labels.contains(label)),
    }
}

/// Filters of a list.
struct Filter {
    state: Option<String>,
    source_branch: Option<String>,
    target_branch: Option<String>,
    author: Option<u64>,
    assignee: Option<u64>,
    reviewer: Option<u64>,
    labels: Vec<String>,
    without_labels: Vec<String>,
    search: String,
    search_in: String,
    iids: Option<Vec<u64>>,
    is_draft: Option<bool>,
    created_after: Option<String>,
    updated_after: Option<String>,
}

impl Filter {
    fn read(call: &Call<'_>) -> Result<Self, Reply> {
        let given = &call.parameters;
        // An unknown name finds nothing.
        let named = |name: &str| given.text(name).map(|name| call.state.user_named(&name).map_or(0, |user| user.id));
        let person = |name: &str, id: &str| Ok::<_, Reply>(given.number(id)?.or_else(|| named(name)));
        let state = given.word("state", &["opened", "closed", "locked", "merged", "all"])?;
        let is_draft = given.word("wip", &["yes", "no"])?.map(|word| word == "yes");
        Ok(Self {
            state: state.filter(|state| state != "all"),
            source_branch: given.text("source_branch"),
            target_branch: given.text("target_branch"),
            author: person("author_username", "author_id")?,
            assignee: person("assignee_username", "assignee_id")?,
            reviewer: person("reviewer_username", "reviewer_id")?,
            labels: given.list("labels").unwrap_or_default(),
            without_labels: given.nested("not").list("labels").unwrap_or_default(),
            search: given.text("search").unwrap_or_default().to_lowercase(),
            search_in: given.text("in").unwrap_or_else(|| "title,description".into()),
            iids: given.numbers("iids")?,
            is_draft,
            created_after: given.text("created_after"),
            updated_after: given.text("updated_after"),
        })
    }

    fn fits(&self, request: &MergeRequest) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        let after = |wanted: &Option<String>, at| wanted.as_ref().is_none_or(|wanted| show::time(at) > *wanted);
        let is_found = (self.search_in.contains("title") && request.title.to_lowercase().contains(&self.search))
            || (self.search_in.contains("description") && request.description.to_lowercase().contains(&self.search));
        is(&self.state, &request.state)
            && is(&self.source_branch, &request.source_branch)
            && is(&self.target_branch, &request.target_branch)
            && self.author.is_none_or(|id| id == request.author)
            && self.assignee.is_none_or(|id| request.assignees.contains(&id))
            && self.reviewer.is_none_or(|id| request.reviewers.contains(&id))
            && has_labels(&request.labels, &self.labels)
            && !self.without_labels.iter().any(|label| request.labels.contains(label))
            && self.iids.as_ref().is_none_or(|iids| iids.contains(&request.iid))
            && self.is_draft.is_none_or(|is_draft| is_draft == request.is_draft())
            && after(&self.created_after, request.created_at)
            && after(&self.updated_after, request.updated_at)
            && is_found
    }
}

fn everywhere(call: &mut Call<'_>) -> Answer {
    let user = call.user_id()?;
    let scope = call.parameters.text("scope").unwrap_or_else(|| "created_by_me".into());
    lifecycle::refresh_everything(call.site, call.state)?;
    let all = (0..call.state.projects.len()).collect::<Vec<_>>();
    list(call, &all, |request| match scope.as_str() {
        "all" => true,
        "assigned_to_me" => request.assignees.contains(&user),
        "reviews_for_me" => request.reviewers.contains(&user),
        _ => request.author == user,
    })
}

fn of_project(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    lifecycle::refresh_project(call.site, call.state, at)?;
    let user = call.caller.user();
    let scope = call.parameters.text("scope").unwrap_or_default();
    list(call, &[at], |request| match scope.as_str() {
        "created_by_me" => Some(request.author) == user,
        "assigned_to_me" => user.is_some_and(|user| request.assignees.contains(&user)),
        _ => true,
    })
}

fn list(call: &mut Call<'_>, projects: &[usize], is_in_scope: impl Fn(&MergeRequest) -> bool) -> Answer {
    let filter = Filter::read(call)?;
    let order = call.parameters.word("order_by", &["created_at", "updated_at", "title", "merged_at"])?;
    let is_ascending = call.parameters.word("sort", &["asc", "desc"])?.as_deref() == Some("asc");
    let is_simple = call.parameters.text("view").as_deref() == Some("simple");
    let mut found: Vec<RequestAt> = vec![];
    for &project in projects {
        let known = &call.state.projects[project];
        if access::sees_project(call.state, known, call.caller.user()) {
            let fitting = known.merge_requests.iter().enumerate();
            let fitting = fitting.filter(|(_, request)| filter.fits(request) && is_in_scope(request));
            found.extend(fitting.map(|(request, _)| RequestAt { project, request }));
        }
    }
    found.sort_by(|one, other| {
        let (one, other) = (call.request(*one), call.request(*other));
        let by_order = match order.as_deref() {
            Some("updated_at") => one.updated_at.cmp(&other.updated_at),
            Some("title") => one.title.cmp(&other.title),
            Some("merged_at") => one.merged_at.cmp(&other.merged_at),
            _ => one.created_at.cmp(&other.created_at),
        };
        by_order.then(one.id.cmp(&other.id))
    });
    if !is_ascending {
        found.reverse();
    }
    if call.parameters.flag("with_merge_status_recheck")? == Some(true) {
        for at in &found {
            mergeability::look(call.site, call.state, *at)?;
        }
    }
    call.page(&found, |call, &at| {
        let (project, request) = (&call.state.projects[at.project], call.request(at));
        if is_simple {
            show::request::simple(call.site, project, request)
        } else {
            show::request::row(call.site, call.state, project, request)
        }
    })
}

/// A merge request on its own, with this status.
pub(super) fn shown(call: &Call<'_>, at: RequestAt, status: Option<&str>) -> Value {
    let project = &call.state.projects[at.project];
    let user = call.caller.user();
    let mut shown = show::request::whole(call.site, call.state, project, call.request(at), user);
    if let Some(status) = status {
        shown["detailed_merge_status"] = json!(status);
        if matches!(status, "unchecked" | "checking") {
            shown["merge_status"] = json!(status);
        }
    }
    shown
}

fn one(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    let status = mergeability::look(call.site, call.state, at)?;
    let mut shown = shown(call, at, Some(&status));
    if call.parameters.flag("include_rebase_in_progress")? == Some(true) {
        let request = call.request_mut(at);
        shown["rebase_in_progress"] = json!(request.rebase_reads > 0);
        request.rebase_reads = request.rebase_reads.saturating_sub(1);
    }
    if call.parameters.flag("include_diverged_commits_count")? == Some(true) {
        let request = call.request(at);
        let count = match (request.sha(), &request.target_head) {
            (Some(head), Some(target)) => call.repository_at(at.project).count(&format!("{head}..{target}"))?,
            _ => 0,
        };
        shown["diverged_commits_count"] = json!(count);
    }
    Ok(Reply::ok(shown))
}

fn commits(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let Some(version) = call.request(at).version() else { return Ok(Reply::ok(json!([]))) };
    let range = format!("{}..{}", version.base, version.head);
    let project = &call.state.projects[at.project];
    let commits = show::commit::log(call.site, project, &call.repository_at(at.project), &[&range, "--"])?;
    call.page_with(&commits.unwrap_or_default(), Totals::Withheld, |_, commit| commit.clone())
}

fn versions(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let request = call.request(at);
    let versions: Vec<_> = request.versions.iter().rev().collect();
    call.page(&versions, |_, version| {
        json!({
            "id": version.id,
            "head_commit_sha": version.head,
            "base_commit_sha": version.base,
            "start_commit_sha": version.start,
            "created_at": show::time(version.created_at),
            "merge_request_id": request.id,
            "state": "collected",
            "real_size": version.changes.to_string(),
        })
    })
}

fn diffs(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let Some(version) = call.request(at).version() else { return Ok(Reply::ok(json!([]))) };
    let diffs = show::commit::diffs(&call.repository_at(at.project), &version.base, &version.head)?;
    call.page(&diffs, |_, diff| diff.clone())
}

fn pipelines(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let request = call.request(at);
    let mut found = vec![];
    for project in &call.state.projects {
        let is_visible = access::sees_project(call.state, project, call.caller.user());
        for pipeline in project.pipelines.iter().filter(|_| is_visible) {
            let is_own = pipeline.merge_request == Some((request.target_project, request.iid));
            let is_of_branch = project.id == request.source_project
                && pipeline.reference == request.source_branch
                && request.versions.iter().any(|version| version.head == pipeline.sha);
            if is_own || is_of_branch {
                found.push((project, pipeline));
            }
        }
    }
    found.sort_by_key(|(_, pipeline)| std::cmp::Reverse(pipeline.id));
    call.page(&found, |call, (project, pipeline)| show::pipeline::row(call.site, project, pipeline))
}

fn start_pipeline(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let source = call.position_of(call.request(at).source_project).ok_or_else(|| Reply::not_found("Project"))?;
    call.require_level(source, access::DEVELOPER)?;
    let request = call.request(at);
    if !request.is_open() || request.sha().is_none() {
        return Err(Reply::message(405, "405 Method Not Allowed"));
    }
    let status = call.state.projects[at.project].new_pipelines.clone().unwrap_or_else(|| "pending".into());
    let id = lifecycle::start_request_pipeline(call.state, at, &status);
    if call.parameters.flag("async")? == Some(true) {
        return Ok(Reply::nothing(202));
    }
    let (project, pipeline) = id
        .and_then(|id| call.state.pipeline(id))
        .and_then(|(project, pipeline)| Some((call.state.project_by_id(project)?, pipeline)))
        .ok_or_else(|| Reply::message(405, "405 Method Not Allowed"))?;
    Ok(Reply::ok(show::pipeline::whole(call.site, call.state, project, pipeline)))
}

/// Issues that are meant, as far as whoever asks may see them.
fn visible_issues(call: &Call<'_>, meant: &[mentions::Mention]) -> Answer {
    let user = call.caller.user();
    let found = meant.iter().filter_map(|(path, iid)| {
        let project = call.state.project(path)?;
        let issue = project.issues.iter().find(|issue| issue.iid == *iid)?;
        access::sees_issue(call.state, project, issue, user).then_some((project, issue))
    });
    let found: Vec<_> = found.collect();
    call.page(&found, |call, (project, issue)| show::issue::issue(call.site, call.state, project, issue))
}

fn closes_issues(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    let (project, request) = (&call.state.projects[at.project], call.request(at));
    if request.target_branch != project.default_branch {
        return Ok(Reply::ok(json!([])));
    }
    visible_issues(call, &mentions::closed(&request.description, &project.path, &call.site.url))
}

fn related_issues(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    let (project, request) = (&call.state.projects[at.project], call.request(at));
    let text = format!("{}\n{}", request.title, request.description);
    visible_issues(call, &mentions::mentioned(&text, &project.path, &call.site.url))
}
