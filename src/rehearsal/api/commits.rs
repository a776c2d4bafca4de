//! Commits, what contains them, and how they differ.

use serde_json::{Value, json};

use super::super::{
    access::{self, DEVELOPER},
    call::Call,
    lifecycle::{self, Change},
    merging,
    paging::Totals,
    reply::{Answer, Reply},
    show,
};
use super::{GET, POST, Route, merge, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/repository/commits", commits),
    route(GET, "/projects/{id}/repository/commits/{sha}", commit),
    route(GET, "/projects/{id}/repository/commits/{sha}/refs", refs),
    route(GET, "/projects/{id}/repository/commits/{sha}/merge_requests", merge_requests),
    route(POST, "/projects/{id}/repository/commits/{sha}/cherry_pick", cherry_pick),
    route(GET, "/projects/{id}/repository/compare", compare),
    route(GET, "/projects/{id}/repository/merge_base", merge_base),
];

/// The commit that the route names.
fn found(call: &Call<'_>, at: usize) -> Result<String, Reply> {
    call.repository_at(at).commit(call.capture("sha"))?.ok_or_else(|| Reply::not_found("Commit"))
}

fn commit(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let id = found(call, at)?;
    let project = &call.state.projects[at];
    let shown = show::commit::one(call.site, project, &call.repository_at(at), &id)?;
    let mut shown = shown.ok_or_else(|| Reply::not_found("Commit"))?;
    let last = project.pipelines.iter().filter(|pipeline| pipeline.sha == id).max_by_key(|pipeline| pipeline.id);
    shown["project_id"] = json!(project.id);
    shown["status"] = json!(last.map(|pipeline| &pipeline.status));
    shown["last_pipeline"] = json!(last.map(|pipeline| show::pipeline::row(call.site, project, pipeline)));
    Ok(Reply::ok(shown))
}

fn commits(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let (project, repository, given) = (&call.state.projects[at], call.repository_at(at), &call.parameters);
    let wanted = given.text("ref_name").unwrap_or_else(|| project.default_branch.clone());
    let range = match wanted.split_once("..") {
        Some((from, to)) => match (repository.commit(from)?, repository.commit(to.trim_start_matches('.'))?) {
            (Some(from), Some(to)) => format!("{from}..{to}"),
            _ => return Err(Reply::not_found("Commit")),
        },
        None => repository.commit(&wanted)?.ok_or_else(|| Reply::not_found("Commit"))?,
    };
    let mut arguments = vec![];
    arguments.extend(given.text("since").map(|since| format!("--since={since}")));
    arguments.extend(given.text("until").map(|until| format!("--until={until}")));
    if given.flag("first_parent")? == Some(true) {
        arguments.push("--first-parent".into());
    }
    arguments.extend([range, "--".into()]);
    arguments.extend(given.text("path"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let commits = show::commit::log(call.site, project, &repository, &arguments)?.unwrap_or_default();
    call.page_with(&commits, Totals::Withheld, |_, commit| commit.clone())
}

fn refs(call: &mut Call<'_>) -> Answer {
    let kind = call.parameters.word("type", &["branch", "tag", "all"])?.unwrap_or_else(|| "all".into());
    let at = call.project_at()?;
    let (id, repository) = (found(call, at)?, call.repository_at(at));
    let mut refs: Vec<(&str, String)> = vec![];
    for (name, folder) in [("branch", "refs/heads"), ("tag", "refs/tags")] {
        if kind == name || kind == "all" {
            let contains = format!("--contains={id}");
            let listed = repository.ask(&["for-each-ref", "--format=%(refname:lstrip=2)", &contains, folder])?;
            refs.extend(listed.unwrap_or_default().lines().map(|line| (name, line.to_owned())));
        }
    }
    call.page(&refs, |_, (kind, name)| json!({ "type": kind, "name": name }))
}

fn merge_requests(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let (id, repository) = (found(call, at)?, call.repository_at(at));
    lifecycle::refresh_project(call.site, call.state, at)?;
    let project = &call.state.projects[at];
    let mut with_it = vec![];
    for request in &project.merge_requests {
        let is_result = [&request.merge_commit_sha, &request.squash_commit_sha].contains(&&Some(id.clone()));
        let holds = match request.version() {
            Some(version) => {
                repository.is_ancestor(&id, &version.head)? && !repository.is_ancestor(&id, &version.base)?
            }
            None => false,
        };
        if is_result || holds {
            with_it.push(request);
        }
    }
    call.page(&with_it, |call, request| show::request::row(call.site, call.state, project, request))
}

fn cherry_pick(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["branch"])?;
    let is_trial = call.parameters.flag("dry_run")?.unwrap_or(false);
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let (id, repository, user) = (found(call, at)?, call.repository_at(at), call.user_id()?);
    let branch = call.parameters.text("branch").unwrap_or_default();
    let tip = repository.branch(&branch)?.ok_or_else(|| Reply::not_found("Branch"))?;
    if !access::may_push(call.state, &call.state.projects[at], &branch, Some(user)) {
        return Err(Reply::bad_request("You are not allowed to push into this branch"));
    }
    let refused = |code: &str| {
        let why = "Sorry, we cannot cherry-pick this commit automatically. This commit may already have been \
                   cherry-picked, or a more recent commit may have updated some of its content.";
        Reply::new(400, json!({ "message": why, "error_code": code }))
    };
    let is_merge = repository.ask(&["rev-parse", "--verify", "--quiet", &format!("{id}^2")])?.is_some();
    let mut arguments = vec!["cherry-pick", "--allow-empty", "--keep-redundant-commits"];
    arguments.extend(is_merge.then_some("--mainline=1"));
    arguments.push(&id);
    let picked = merging::in_work_tree(&repository, &merge::identity(call)?, &tip, &arguments)?;
    let picked = picked.ok_or_else(|| refused("conflict"))?;
    let tree = |commit: &str| repository.ask(&["rev-parse", &format!("{commit}^{{tree}}")]);
    if tree(&picked)? == tree(&tip)? {
        return Err(refused("empty"));
    }
    if is_trial {
        return Ok(Reply::ok(json!({ "dry_run": "success" })));
    }
    let reference = format!("refs/heads/{branch}");
    if !repository.update(&reference, &picked, Some(&tip))? {
        return Err(refused("conflict"));
    }
    let project = call.state.projects[at].id;
    lifecycle::start_ref_pipeline(call.site, call.state, &Change { project, reference: &reference, user })?;
    let shown = show::commit::one(call.site, &call.state.projects[at], &repository, &picked)?;
    Ok(Reply::created(shown.unwrap_or(Value::Null)))
}

fn compare(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["from", "to"])?;
    let at = call.project_at()?;
    let (from, to) = (call.parameters.text("from").unwrap_or_default(), call.parameters.text("to").unwrap_or_default());
    let is_straight = call.parameters.flag("straight")?.unwrap_or(false);
    let other = match call.parameters.number("from_project_id")? {
        None => at,
        Some(id) => other_project(call, at, id)?,
    };
    let repository = call.repository_at(at).with_objects_of(&call.repository_at(other));
    let unknown = || Reply::not_found("Ref");
    let first = call.repository_at(other).commit(&from)?.ok_or_else(unknown)?;
    let last = call.repository_at(at).commit(&to)?.ok_or_else(unknown)?;
    let project = &call.state.projects[at];
    let range = format!("{first}..{last}");
    let commits = show::commit::log(call.site, project, &repository, &["--reverse", &range, "--"])?;
    let commits = commits.unwrap_or_default();
    let base = if is_straight { Some(first.clone()) } else { repository.merge_base(&first, &last)? };
    let diffs = match base {
        Some(base) => show::commit::diffs(&repository, &base, &last)?,
        None => vec![],
    };
    Ok(Reply::ok(json!({
        "commit": commits.last(),
        "commits": commits,
        "diffs": diffs,
        "compare_timeout": false,
        "compare_same_ref": first == last,
        "web_url": format!("{}/-/compare/{from}...{to}", call.site.page(project)),
    })))
}

/// Another project of the network of forks, when whoever asks may see it.
fn other_project(call: &Call<'_>, at: usize, id: u64) -> Result<usize, Reply> {
    let position = call.position_of(id).ok_or_else(|| Reply::not_found("Project"))?;
    let (project, other) = (&call.state.projects[at], &call.state.projects[position]);
    if !access::sees_project(call.state, other, call.caller.user()) {
        return Err(Reply::not_found("Project"));
    }
    if access::top_of_forks(call.state, project) != access::top_of_forks(call.state, other) {
        return Err(Reply::bad_request(&format!("Source project id:{id} does not belong to this fork network")));
    }
    Ok(position)
}

fn merge_base(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let refs = call.parameters.list("refs").unwrap_or_default();
    if refs.len() < 2 {
        return Err(Reply::bad_request("Provide at least 2 refs"));
    }
    let repository = call.repository_at(at);
    let (mut ids, mut unknown) = (vec![], vec![]);
    for name in &refs {
        match repository.commit(name)? {
            Some(id) => ids.push(id),
            None => unknown.push(name.as_str()),
        }
    }
    if !unknown.is_empty() {
        return Err(Reply::bad_request(&format!("Could not find ref: {}", unknown.join(", "))));
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let base = repository.ask(&[&["merge-base", "--octopus"], ids.as_slice()].concat())?;
    let base = base.filter(|id| !id.is_empty()).ok_or_else(|| Reply::not_found("Merge Base"))?;
    let shown = show::commit::one(call.site, &call.state.projects[at], &repository, &base)?;
    Ok(Reply::ok(shown.unwrap_or(Value::Null)))
}
