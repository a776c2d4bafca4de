//! Projects and the templates in their repositories.

use serde_json::json;

use super::super::{
    access::{self, MAINTAINER},
    call::Call,
    reply::{Answer, Reply},
    show,
};
use super::{GET, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}", project),
    route(GET, "/projects", projects),
    route(GET, "/projects/{id}/variables/{key}", variable),
    route(GET, "/projects/{id}/templates/merge_requests", templates),
    route(GET, "/projects/{id}/templates/merge_requests/{name}", template),
];

fn project(call: &mut Call<'_>) -> Answer {
    let project = call.project()?;
    Ok(Reply::ok(show::project::project(call.site, call.state, project, call.caller.user())))
}

fn projects(call: &mut Call<'_>) -> Answer {
    let search = call.parameters.text("search").unwrap_or_default().to_lowercase();
    let user = call.caller.user();
    let is_mine = call.parameters.flag("membership")?.unwrap_or(false);
    let mut found: Vec<usize> = (0..call.state.projects.len())
        .filter(|&at| {
            let project = &call.state.projects[at];
            access::sees_project(call.state, project, user)
                && project.path.to_lowercase().contains(&search)
                && (!is_mine || access::level(call.state, project, user) > 0)
        })
        .collect();
    found.reverse();
    call.page(&found, |call, &at| {
        show::project::project(call.site, call.state, &call.state.projects[at], call.caller.user())
    })
}

fn variable(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, MAINTAINER)?;
    let key = call.capture("key");
    let value = call.state.projects[at].variables.get(key).ok_or_else(|| Reply::not_found("Variable"))?;
    Ok(Reply::ok(json!({
        "key": key,
        "value": value,
        "variable_type": "env_var",
        "protected": false,
        "masked": false,
        "environment_scope": "*",
    })))
}

/// Where templates are in the repository.
const FOLDER: &str = ".gitlab/merge_request_templates/";

fn templates(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let branch = format!("refs/heads/{}", call.state.projects[at].default_branch);
    let repository = call.repository_at(at);
    let listed = repository.ask(&["ls-tree", "-z", "--name-only", &branch, FOLDER])?.unwrap_or_default();
    let names: Vec<String> = listed
        .split('\0')
        .filter_map(|path| path.strip_prefix(FOLDER)?.strip_suffix(".md").map(str::to_owned))
        .collect();
    call.page(&names, |_, name| json!({ "key": name, "name": name }))
}

fn template(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let name = call.capture("name");
    let file = format!("refs/heads/{}:{FOLDER}{name}.md", call.state.projects[at].default_branch);
    let output = call.repository_at(at).run(&["cat-file", "blob", &file])?;
    if !output.status.success() {
        return Err(Reply::not_found("Template"));
    }
    Ok(Reply::ok(json!({ "name": name, "content": String::from_utf8_lossy(&output.stdout) })))
}
