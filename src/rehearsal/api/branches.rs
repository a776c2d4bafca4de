//! Branches, and the rules that protect them.

use serde_json::Value;

use super::super::{
    access::{self, DEVELOPER, MAINTAINER},
    call::Call,
    lifecycle::{self, Change},
    reply::{Answer, Reply},
    repository::is_ref_name,
    show,
    state::Protection,
};
use super::{DELETE, GET, MethodFilter, POST, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/repository/branches", branches),
    route(POST, "/projects/{id}/repository/branches", create),
    route(MethodFilter::HEAD, "/projects/{id}/repository/branches/{branch}", exists),
    route(GET, "/projects/{id}/repository/branches/{branch}", branch),
    route(DELETE, "/projects/{id}/repository/branches/{branch}", delete),
    route(GET, "/projects/{id}/protected_branches", rules),
    route(POST, "/projects/{id}/protected_branches", protect),
    route(GET, "/projects/{id}/protected_branches/{name}", rule),
    route(DELETE, "/projects/{id}/protected_branches/{name}", unprotect),
];

/// Whether a name fits a search: `^start`, `end$`, both, or any part of it.
pub(super) fn is_found(name: &str, search: &str) -> bool {
    match (search.strip_prefix('^'), search.strip_suffix('$')) {
        (Some(start), Some(_)) => name == start.trim_end_matches('$'),
        (Some(start), None) => name.starts_with(start),
        (None, Some(end)) => name.ends_with(end),
        (None, None) => name.to_lowercase().contains(&search.to_lowercase()),
    }
}

fn shown(call: &Call<'_>, at: usize, name: &str) -> Answer {
    let (project, repository) = (&call.state.projects[at], call.repository_at(at));
    let tip = repository.branch(name)?.ok_or_else(|| Reply::not_found("Branch"))?;
    let commit = show::commit::one(call.site, project, &repository, &tip)?.unwrap_or(Value::Null);
    let is_default = name == project.default_branch;
    let default = repository.branch(&project.default_branch)?;
    let is_merged = match default {
        Some(default) if !is_default => repository.is_ancestor(&tip, &default)?,
        _ => false,
    };
    let can_push = access::may_push(call.state, project, name, call.caller.user());
    Ok(Reply::ok(show::commit::branch(call.site, project, (name, commit), is_merged, can_push)))
}

fn branches(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let search = call.parameters.text("search").unwrap_or_default();
    let listed = call.repository_at(at).ask(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"])?;
    let listed = listed.unwrap_or_default();
    let names: Vec<&str> = listed.lines().filter(|name| is_found(name, &search)).collect();
    call.page(&names, |call, name| match shown(call, at, name) {
        Ok(Reply { content: super::Content::Json(branch), .. }) => branch,
        _ => Value::Null,
    })
}

fn branch(call: &mut Call<'_>) -> Answer {
    shown(call, call.project_at()?, call.capture("branch"))
}

fn exists(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let tip = call.repository_at(at).branch(call.capture("branch"))?;
    Ok(Reply::nothing(if tip.is_some() { 204 } else { 404 }))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["branch", "ref"])?;
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let name = call.parameters.text("branch").unwrap_or_default();
    let from = call.parameters.text("ref").unwrap_or_default();
    let (repository, user) = (call.repository_at(at), call.user_id()?);
    if !is_ref_name(&name) {
        return Err(Reply::bad_request("Branch name is invalid"));
    }
    if repository.branch(&name)?.is_some() {
        return Err(Reply::bad_request("Branch already exists"));
    }
    let commit = repository.commit(&from)?;
    let commit = commit.ok_or_else(|| Reply::bad_request(&format!("Invalid reference name: {from}")))?;
    let project = &call.state.projects[at];
    if !access::may_push(call.state, project, &name, Some(user)) {
        let why = "GitLab: You are not allowed to create protected branches on this project.";
        return Err(Reply::bad_request(why));
    }
    let reference = format!("refs/heads/{name}");
    if !repository.update(&reference, &commit, Some(""))? {
        return Err(Reply::bad_request(&format!("Failed to create branch '{name}': invalid reference name '{from}'")));
    }
    let change = Change { project: project.id, reference: &reference, user };
    lifecycle::start_ref_pipeline(call.site, call.state, &change)?;
    let shown = shown(call, at, &name)?;
    Ok(Reply { status: 201, ..shown })
}

fn delete(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let name = call.capture("branch").to_owned();
    let (project, repository) = (&call.state.projects[at], call.repository_at(at));
    if repository.branch(&name)?.is_none() {
        return Err(Reply::not_found("Branch"));
    }
    if name == project.default_branch {
        return Err(Reply::bad_request("Cannot remove HEAD branch"));
    }
    if access::is_protected(project, &name) {
        return Err(Reply::bad_request("Protected branch can't be removed"));
    }
    repository.must(&["update-ref", "-d", &format!("refs/heads/{name}")])?;
    Ok(Reply::nothing(204))
}

fn rules(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    call.page(&call.state.projects[at].protected_branches, |_, rule| show::project::protected_branch(rule))
}

fn rule(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let name = call.capture("name");
    let found = call.state.projects[at].protected_branches.iter().find(|rule| rule.name == name);
    Ok(Reply::ok(show::project::protected_branch(found.ok_or_else(Reply::nowhere)?)))
}

fn protect(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["name"])?;
    let at = call.project_at()?;
    call.require_level(at, MAINTAINER)?;
    let name = call.parameters.text("name").unwrap_or_default();
    let level = |given: Option<u64>| u32::try_from(given.unwrap_or(u64::from(MAINTAINER))).unwrap_or(MAINTAINER);
    let push = level(call.parameters.number("push_access_level")?);
    let merge = level(call.parameters.number("merge_access_level")?);
    let allow_force_push = call.parameters.flag("allow_force_push")?.unwrap_or(false);
    let rules = &mut call.state.projects[at].protected_branches;
    if rules.iter().any(|rule| rule.name == name) {
        return Err(Reply::message(409, format!("Protected branch '{name}' already exists")));
    }
    let rule = Protection { allow_force_push, ..Protection::new(&name, push, merge) };
    let shown = show::project::protected_branch(&rule);
    rules.push(rule);
    Ok(Reply::created(shown))
}

fn unprotect(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, MAINTAINER)?;
    let name = call.capture("name").to_owned();
    let rules = &mut call.state.projects[at].protected_branches;
    let before = rules.len();
    rules.retain(|rule| rule.name != name);
    if rules.len() == before { Err(Reply::nowhere()) } else { Ok(Reply::nothing(204)) }
}
