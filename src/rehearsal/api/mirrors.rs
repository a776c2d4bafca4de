//! Push mirrors.

use std::io;

use serde_json::{Value, json};

use super::super::{
    access::{self, MAINTAINER},
    call::Call,
    receive,
    reply::{Answer, Reply},
    show,
    state::Mirror,
};
use super::{GET, POST, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/remote_mirrors", mirrors),
    route(GET, "/projects/{id}/remote_mirrors/{mirror_id}", mirror),
    route(POST, "/projects/{id}/remote_mirrors/{mirror_id}/sync", sync),
];

fn shown(mirror: &Mirror) -> Value {
    json!({
        "id": mirror.id,
        "enabled": mirror.enabled,
        "url": without_credentials(&mirror.url),
        "update_status": mirror.update_status,
        "last_error": mirror.last_error,
        "last_update_at": show::optional_time(mirror.last_update_at),
        "last_update_started_at": show::optional_time(mirror.last_update_started_at),
        "last_successful_update_at": show::optional_time(mirror.last_successful_update_at),
        "only_protected_branches": mirror.only_protected_branches,
        "keep_divergent_refs": mirror.keep_divergent_refs,
        "auth_method": "password",
        "host_keys": [],
    })
}

/// User and password become `*****`.
fn without_credentials(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return text.to_owned() };
    if !url.username().is_empty() || url.password().is_some() {
        // Both can only fail for addresses that have no host.
        let _ = url.set_username("*****");
        let _ = url.set_password(Some("*****"));
    }
    url.to_string()
}

/// The project of the route; those below a maintainer are told 401 here, and not 403.
fn project_at(call: &Call<'_>) -> Result<usize, Reply> {
    let at = call.project_at()?;
    if call.level(at) < MAINTAINER { Err(Reply::unauthorized()) } else { Ok(at) }
}

fn find(call: &Call<'_>) -> Result<(usize, usize), Reply> {
    let at = project_at(call)?;
    let id = call.captured_number("mirror_id")?;
    let found = call.state.projects[at].mirrors.iter().position(|mirror| mirror.id == id);
    Ok((at, found.ok_or_else(|| Reply::not_found("Remote Mirror"))?))
}

fn mirrors(call: &mut Call<'_>) -> Answer {
    let at = project_at(call)?;
    for index in 0..call.state.projects[at].mirrors.len() {
        go_on(call, (at, index))?;
    }
    call.page(&call.state.projects[at].mirrors, |_, mirror| shown(mirror))
}

fn mirror(call: &mut Call<'_>) -> Answer {
    let at = find(call)?;
    go_on(call, at)?;
    Ok(Reply::ok(shown(&call.state.projects[at.0].mirrors[at.1])))
}

fn sync(call: &mut Call<'_>) -> Answer {
    let at = find(call)?;
    let mirror = &mut call.state.projects[at.0].mirrors[at.1];
    if !mirror.enabled {
        return Err(Reply::bad_request("Mirror is disabled"));
    }
    if !matches!(mirror.update_status.as_str(), "scheduled" | "started") {
        mirror.update_status = "scheduled".into();
        mirror.pending_reads = 1;
    }
    Ok(Reply::nothing(204))
}

/// A run that was asked for begins and ends at later reads.
fn go_on(call: &mut Call<'_>, at: (usize, usize)) -> io::Result<()> {
    let now = call.state.now();
    let mirror = &mut call.state.projects[at.0].mirrors[at.1];
    if !matches!(mirror.update_status.as_str(), "scheduled" | "started") {
        return Ok(());
    }
    if mirror.pending_reads > 0 {
        mirror.pending_reads -= 1;
        mirror.update_status = "started".into();
        mirror.last_update_started_at = Some(now);
        return Ok(());
    }
    let error = match mirror.next_result.take() {
        Some(result) => result,
        None => push(call, at)?,
    };
    let mirror = &mut call.state.projects[at.0].mirrors[at.1];
    mirror.update_status = if error.is_some() { "failed" } else { "finished" }.into();
    if error.is_none() {
        mirror.last_successful_update_at = Some(now);
    }
    mirror.last_error = error;
    mirror.last_update_at = Some(now);
    Ok(())
}

/// Pushes to the project that the address ends in, when this server has it; the text of the error.
fn push(call: &Call<'_>, at: (usize, usize)) -> io::Result<Option<String>> {
    let project = &call.state.projects[at.0];
    let mirror = &project.mirrors[at.1];
    let address = mirror.url.trim_end_matches(".git");
    let ends = |path: &str| address.strip_suffix(path).is_some_and(|start| start.ends_with(['/', ':']));
    let other = call.state.projects.iter().find(|other| other.id != project.id && ends(&other.path));
    let Some(other) = other else { return Ok(None) };
    let (source, target) = (call.site.repository(project), call.site.repository(other));
    let theirs = receive::references(&target)?;
    let mut diverged = vec![];
    for (reference, id) in receive::references(&source)? {
        let branch = reference.strip_prefix("refs/heads/");
        let is_wanted =
            !mirror.only_protected_branches || branch.is_none_or(|name| access::is_protected(project, name));
        let their_id = theirs.get(&reference);
        if !is_wanted || their_id == Some(&id) {
            continue;
        }
        let is_forward = match their_id {
            None => true,
            // A commit that this repository does not have is not in front of its own.
            Some(their_id) => source.is_ancestor(their_id, &id)?,
        };
        if is_forward || !mirror.keep_divergent_refs {
            target.fetch(&source, &format!("+{reference}:{reference}"))?;
        } else {
            diverged.push(reference);
        }
    }
    let said = "Some refs have diverged and have not been updated on the remote:";
    Ok((!diverged.is_empty()).then(|| format!("{said}\n\n{}", diverged.join("\n"))))
}
