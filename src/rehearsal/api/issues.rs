//! Issues.

use serde_json::{Value, json};

use super::super::{
    access::{self, GUEST, PLANNER},
    call::Call,
    lifecycle, mentions,
    reply::{Answer, Reply},
    show,
    state::Issue,
};
use super::{GET, POST, PUT, Route, merge_requests, quick, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/issues", issues),
    route(GET, "/projects/{id}/issues/{iid}", issue),
    route(PUT, "/projects/{id}/issues/{iid}", update),
    route(GET, "/projects/{id}/issues/{iid}/notes", notes),
    route(POST, "/projects/{id}/issues/{iid}/notes", comment),
    route(GET, "/projects/{id}/issues/{iid}/links", links),
    route(POST, "/projects/{id}/issues/{iid}/links", link),
    route(GET, "/projects/{id}/issues/{iid}/related_merge_requests", related_merge_requests),
];

/// Where the issue of the route is: positions of the project and in it.
fn issue_at(call: &Call<'_>) -> Result<(usize, usize), Reply> {
    let at = call.project_at()?;
    let iid = call.captured_number("iid")?;
    let project = &call.state.projects[at];
    let sees = |issue: &&Issue| access::sees_issue(call.state, project, issue, call.caller.user());
    let found = project.issues.iter().position(|issue| issue.iid == iid);
    let position = found.filter(|position| sees(&&project.issues[*position])).ok_or_else(Reply::nowhere)?;
    Ok((at, position))
}

fn shown(call: &Call<'_>, (project, issue): (usize, usize)) -> Value {
    let project = &call.state.projects[project];
    show::issue::issue(call.site, call.state, project, &project.issues[issue])
}

fn issue(call: &mut Call<'_>) -> Answer {
    Ok(Reply::ok(shown(call, issue_at(call)?)))
}

fn issues(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let (parameters, project) = (&call.parameters, &call.state.projects[at]);
    let state = parameters.word("state", &["opened", "closed", "all"])?.filter(|state| state != "all");
    let labels = parameters.list("labels").unwrap_or_default();
    let is_confidential = parameters.flag("confidential")?;
    let search = parameters.text("search").unwrap_or_default().to_lowercase();
    let within = parameters.text("in").unwrap_or_else(|| "title,description".into());
    let iids = parameters.numbers("iids")?;
    let person = |name: &str| parameters.text(name).map(|name| call.state.user_named(&name).map_or(0, |user| user.id));
    let (author, assignee) = (person("author_username"), person("assignee_username"));
    let fits = |issue: &Issue| {
        let is_found = (within.contains("title") && issue.title.to_lowercase().contains(&search))
            || (within.contains("description") && issue.description.to_lowercase().contains(&search));
        access::sees_issue(call.state, project, issue, call.caller.user())
            && state.as_ref().is_none_or(|state| *state == issue.state)
            && merge_requests::has_labels(&issue.labels, &labels)
            && is_confidential.is_none_or(|wanted| wanted == issue.confidential)
            && iids.as_ref().is_none_or(|iids| iids.contains(&issue.iid))
            && author.is_none_or(|author| author == issue.author)
            && assignee.is_none_or(|assignee| issue.assignees.contains(&assignee))
            && is_found
    };
    let mut found: Vec<usize> = (0..project.issues.len()).filter(|&index| fits(&project.issues[index])).collect();
    found.reverse();
    call.page(&found, |call, &index| shown(call, (at, index)))
}

const CHANGES: [&str; 9] = [
    "title",
    "description",
    "due_date",
    "confidential",
    "labels",
    "add_labels",
    "remove_labels",
    "state_event",
    "assignee_ids",
];

fn update(call: &mut Call<'_>) -> Answer {
    call.parameters.require_any(&CHANGES)?;
    let event = call.parameters.word("state_event", &["close", "reopen"])?;
    let is_confidential = call.parameters.flag("confidential")?;
    let at = issue_at(call)?;
    let (user, level) = (call.user_id()?, call.level(at.0));
    let issue = &call.state.projects[at.0].issues[at.1];
    let is_involved = issue.author == user || issue.assignees.contains(&user);
    if level < PLANNER && !is_involved {
        return Err(Reply::forbidden());
    }
    let title = call.parameters.text("title");
    if title.as_ref().is_some_and(|title| title.trim().is_empty()) {
        return Err(Reply::invalid("title", "can't be blank"));
    }
    let labels = quick::changed_labels(&call.parameters, &issue.labels);
    quick::make_labels(call.state, at.0, &labels);
    let due_date = call.parameters.has("due_date").then(|| call.parameters.text("due_date"));
    let description = call.parameters.text("description");
    let assignees = call.parameters.numbers("assignee_ids")?;
    let now = call.state.now();
    let issue = &mut call.state.projects[at.0].issues[at.1];
    issue.title = title.unwrap_or_else(|| issue.title.clone());
    issue.description = description.unwrap_or_else(|| issue.description.clone());
    issue.confidential = is_confidential.unwrap_or(issue.confidential);
    issue.labels = labels;
    issue.assignees = assignees.unwrap_or_else(|| issue.assignees.clone());
    if let Some(date) = due_date {
        issue.due_date = date.filter(|date| !date.is_empty());
    }
    match event.as_deref() {
        Some("close") => (issue.state, issue.closed_at) = ("closed".into(), Some(now)),
        Some(_) => (issue.state, issue.closed_at) = ("opened".into(), None),
        None => {}
    }
    issue.updated_at = now;
    Ok(Reply::ok(shown(call, at)))
}

fn notes(call: &mut Call<'_>) -> Answer {
    let at = issue_at(call)?;
    let issue = &call.state.projects[at.0].issues[at.1];
    let mut notes = issue.notes.clone();
    if call.parameters.text("sort").as_deref() != Some("asc") {
        notes.reverse();
    }
    call.page(&notes, |call, note| show::issue::note(call.site, call.state, note, ("Issue", issue.id, issue.iid)))
}

fn comment(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["body"])?;
    let at = issue_at(call)?;
    let (user, body) = (call.user_id()?, call.parameters.text("body").unwrap_or_default());
    if body.trim().is_empty() {
        return Err(Reply::bad_request("400 Bad request - Note {:note=>[\"can't be blank\"]}"));
    }
    let note = call.state.new_note(user, &body, false);
    let issue = &mut call.state.projects[at.0].issues[at.1];
    issue.notes.push(note.clone());
    issue.updated_at = note.created_at;
    let noteable = ("Issue", issue.id, issue.iid);
    Ok(Reply::created(show::issue::note(call.site, call.state, &note, noteable)))
}

/// Where an issue is, by its global id.
fn position(call: &Call<'_>, id: u64) -> Option<(usize, usize)> {
    call.state
        .projects
        .iter()
        .enumerate()
        .find_map(|(project, known)| Some((project, known.issues.iter().position(|issue| issue.id == id)?)))
}

fn sees(call: &Call<'_>, at: (usize, usize)) -> bool {
    let project = &call.state.projects[at.0];
    access::sees_issue(call.state, project, &project.issues[at.1], call.caller.user())
}

fn links(call: &mut Call<'_>) -> Answer {
    let at = issue_at(call)?;
    let issue = &call.state.projects[at.0].issues[at.1];
    let found = issue.links.iter().filter_map(|&(link, id)| Some((link, position(call, id)?)));
    let shown = found.filter(|&(_, other)| sees(call, other)).map(|(link, other)| {
        let mut shown = shown(call, other);
        shown["issue_link_id"] = json!(link);
        shown["link_type"] = json!("relates_to");
        shown
    });
    Ok(Reply::ok(shown.collect()))
}

fn link(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["target_project_id", "target_issue_iid"])?;
    let at = issue_at(call)?;
    call.require_level(at.0, GUEST)?;
    let key = call.parameters.text("target_project_id").unwrap_or_default();
    let iid = call.parameters.number("target_issue_iid")?;
    let project = call.state.projects.iter().position(|project| project.path == key || key.parse() == Ok(project.id));
    let other = project.and_then(|project| {
        let issues = &call.state.projects[project].issues;
        Some((project, issues.iter().position(|issue| Some(issue.iid) == iid)?))
    });
    let other = other.filter(|other| sees(call, *other)).ok_or_else(Reply::nowhere)?;
    let (source, target) = (call.state.projects[at.0].issues[at.1].id, call.state.projects[other.0].issues[other.1].id);
    if call.state.projects[at.0].issues[at.1].links.iter().any(|(_, id)| *id == target) {
        return Err(Reply::message(409, "Issue(s) already assigned"));
    }
    let id = call.state.next_id();
    call.state.projects[at.0].issues[at.1].links.push((id, target));
    call.state.projects[other.0].issues[other.1].links.push((id, source));
    Ok(Reply::created(json!({
        "id": id,
        "source_issue": shown(call, at),
        "target_issue": shown(call, other),
        "link_type": "relates_to",
    })))
}

fn related_merge_requests(call: &mut Call<'_>) -> Answer {
    let at = issue_at(call)?;
    lifecycle::refresh_everything(call.site, call.state)?;
    let project = &call.state.projects[at.0];
    let wanted = (project.path.clone(), project.issues[at.1].iid);
    let user = call.caller.user();
    let mut found = vec![];
    for (position, project) in call.state.projects.iter().enumerate() {
        if !access::sees_project(call.state, project, user) {
            continue;
        }
        for (index, request) in project.merge_requests.iter().enumerate() {
            let text = format!("{}\n{}", request.title, request.description);
            if mentions::mentioned(&text, &project.path, &call.site.url).contains(&wanted) {
                found.push((position, index));
            }
        }
    }
    call.page(&found, |call, &(position, index)| {
        let project = &call.state.projects[position];
        show::request::row(call.site, call.state, project, &project.merge_requests[index])
    })
}
