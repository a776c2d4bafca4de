//! Comments and threads of merge requests.

use serde_json::json;

use super::super::{
    access::{self, DEVELOPER},
    call::{Call, RequestAt},
    lifecycle, quick_actions,
    reply::{Answer, Reply},
    show,
};
use super::{GET, POST, PUT, Route, quick, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/merge_requests/{iid}/notes", notes),
    route(POST, "/projects/{id}/merge_requests/{iid}/notes", comment),
    route(GET, "/projects/{id}/merge_requests/{iid}/discussions", discussions),
    route(POST, "/projects/{id}/merge_requests/{iid}/discussions", open),
    route(GET, "/projects/{id}/merge_requests/{iid}/discussions/{discussion_id}", discussion),
    route(PUT, "/projects/{id}/merge_requests/{iid}/discussions/{discussion_id}", resolve),
    route(POST, "/projects/{id}/merge_requests/{iid}/discussions/{discussion_id}/notes", reply),
];

fn notes(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let request = call.request(at);
    let of_thread = |discussion| show::request::notes(call.site, call.state, request, discussion);
    let mut notes: Vec<_> = request.discussions.iter().flat_map(of_thread).collect();
    notes.sort_by_key(|note| note["id"].as_u64());
    if call.parameters.word("sort", &["asc", "desc"])?.as_deref() != Some("asc") {
        notes.reverse();
    }
    call.page(&notes, |_, note| note.clone())
}

/// The text that is to be written, after what quick actions in it ask for was done.
fn text_to_write(call: &mut Call<'_>, at: RequestAt) -> Result<String, Reply> {
    let body = call.parameters.text("body").unwrap_or_default();
    let (user, request) = (call.user_id()?, call.request(at));
    let level = call.level(at.project);
    if request.discussion_locked && level == 0 {
        return Err(Reply::forbidden());
    }
    if body.trim().is_empty() {
        return Err(Reply::bad_request("400 Bad request - Note {:note=>[\"can't be blank\"]}"));
    }
    let (actions, rest) = quick_actions::extract(&body);
    let may_act = access::may_edit(call.state, &call.state.projects[at.project], request, Some(user));
    if may_act {
        quick::act(call.state, at, user, &actions);
    }
    Ok(rest)
}

fn comment(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["body"])?;
    write(call, true)
}

fn open(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["body"])?;
    write(call, false)
}

fn write(call: &mut Call<'_>, individual_note: bool) -> Answer {
    let at = call.request_at()?;
    let (user, text) = (call.user_id()?, text_to_write(call, at)?);
    if text.is_empty() {
        return Ok(Reply::new(202, json!({ "commands_changes": {}, "summary": ["Applied commands."] })));
    }
    let request = call.request(at);
    let (project, iid) = (request.target_project, request.iid);
    let id = call.state.add_discussion(project, iid, (user, &text), individual_note);
    let request = call.request(at);
    let found = request.discussions.iter().find(|discussion| discussion.id == id).ok_or_else(Reply::nowhere)?;
    let shown = show::request::discussion(call.site, call.state, request, found);
    Ok(Reply::created(if individual_note { shown["notes"][0].clone() } else { shown }))
}

fn discussions(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    lifecycle::refresh(call.site, call.state, at)?;
    let request = call.request(at);
    call.page(&request.discussions, |call, discussion| {
        show::request::discussion(call.site, call.state, request, discussion)
    })
}

/// Where the thread of the route is.
fn find(call: &Call<'_>, at: RequestAt) -> Result<usize, Reply> {
    let id = call.capture("discussion_id");
    let found = call.request(at).discussions.iter().position(|discussion| discussion.id == id);
    found.ok_or_else(|| Reply::not_found("Discussion"))
}

fn discussion(call: &mut Call<'_>) -> Answer {
    let at = call.request_at()?;
    let (index, request) = (find(call, at)?, call.request(at));
    Ok(Reply::ok(show::request::discussion(call.site, call.state, request, &request.discussions[index])))
}

fn resolve(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["resolved"])?;
    let is_resolved = call.parameters.flag("resolved")?.unwrap_or(false);
    let at = call.request_at()?;
    let (index, user) = (find(call, at)?, call.user_id()?);
    if call.level(at.project) < DEVELOPER && call.request(at).author != user {
        return Err(Reply::forbidden());
    }
    let discussion = &mut call.request_mut(at).discussions[index];
    if discussion.individual_note {
        return Err(Reply::bad_request("400 Bad request - Discussion is not resolvable"));
    }
    discussion.resolved_by = is_resolved.then_some(user);
    let request = call.request(at);
    Ok(Reply::ok(show::request::discussion(call.site, call.state, request, &request.discussions[index])))
}

fn reply(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["body"])?;
    let at = call.request_at()?;
    let (index, user) = (find(call, at)?, call.user_id()?);
    let text = text_to_write(call, at)?;
    let note = call.state.new_note(user, &text, false);
    let discussion = &mut call.request_mut(at).discussions[index];
    // A reply makes a thread of a comment.
    discussion.individual_note = false;
    discussion.notes.push(note);
    let request = call.request(at);
    let notes = show::request::notes(call.site, call.state, request, &request.discussions[index]);
    Ok(Reply::created(notes.into_iter().last().unwrap_or_default()))
}
