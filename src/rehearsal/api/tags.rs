//! Tags, and the rules that protect them.

use serde_json::{Value, json};

use super::super::{
    access::{self, DEVELOPER, MAINTAINER},
    call::Call,
    lifecycle::{self, Change},
    reply::{Answer, Reply},
    repository::is_ref_name,
    show,
};
use super::{DELETE, GET, POST, Route, branches, job_route, merge, route};

pub(super) const ROUTES: &[Route] = &[
    job_route(GET, "/projects/{id}/repository/tags", tags),
    route(POST, "/projects/{id}/repository/tags", create),
    job_route(GET, "/projects/{id}/repository/tags/{tag_name}", tag),
    route(DELETE, "/projects/{id}/repository/tags/{tag_name}", delete),
    route(GET, "/projects/{id}/protected_tags", rules),
    route(GET, "/projects/{id}/protected_tags/{name}", rule),
];

/// A tag as git knows it.
struct Tag {
    name: String,
    is_annotated: bool,
    /// The tag object of an annotated tag, the commit of another.
    target: String,
    commit: String,
    created: i64,
    created_at: String,
    message: String,
}

const FORMAT: &str = "--format=%(refname:lstrip=2)%1f%(objecttype)%1f%(objectname)%1f%(*objectname)%1f\
                      %(creatordate:unix)%1f%(creatordate:iso-strict)%1f%(contents)%1e";

/// The tags below a reference, or all of them.
fn read(call: &Call<'_>, at: usize, pattern: &str) -> Result<Vec<Tag>, Reply> {
    let printed = call.repository_at(at).ask(&["for-each-ref", FORMAT, pattern])?.unwrap_or_default();
    let tags = printed.split('\x1e').filter_map(|record| {
        let fields: Vec<_> = record.trim_start_matches('\n').splitn(7, '\x1f').collect();
        let &[name, kind, target, peeled, created, created_at, message] = fields.as_slice() else { return None };
        let is_annotated = kind == "tag";
        Some(Tag {
            name: name.to_owned(),
            is_annotated,
            target: target.to_owned(),
            commit: if is_annotated { peeled } else { target }.to_owned(),
            created: created.parse().unwrap_or_default(),
            created_at: show::commit::date(created_at),
            message: message.trim_end_matches('\n').to_owned(),
        })
    });
    Ok(tags.collect())
}

fn shown(call: &Call<'_>, at: usize, tag: &Tag) -> Value {
    let project = &call.state.projects[at];
    let commit = show::commit::one(call.site, project, &call.repository_at(at), &tag.commit);
    let release = project.releases.iter().find(|release| release.tag_name == tag.name);
    json!({
        "name": tag.name,
        "message": tag.is_annotated.then_some(&tag.message),
        "target": tag.target,
        "commit": commit.ok().flatten(),
        "release": release.map(|release| json!({ "tag_name": release.tag_name, "description": release.description })),
        "protected": access::is_protected_tag(project, &tag.name),
        "created_at": tag.is_annotated.then_some(&tag.created_at),
    })
}

/// Names in parts that compare as people expect: `v9` before `v10`.
fn version_key(name: &str) -> Vec<(u64, String)> {
    let mut key = vec![];
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(text);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        key.push((0, word.to_owned()));
        key.push((number.parse().unwrap_or(0), String::new()));
        rest = after;
    }
    key
}

fn tags(call: &mut Call<'_>) -> Answer {
    let order = call.parameters.word("order_by", &["updated", "name", "version"])?;
    let is_ascending = call.parameters.word("sort", &["asc", "desc"])?.as_deref() == Some("asc");
    let search = call.parameters.text("search").unwrap_or_default();
    let at = call.project_at()?;
    let mut found = read(call, at, "refs/tags")?;
    found.retain(|tag| branches::is_found(&tag.name, &search));
    match order.as_deref() {
        Some("name") => found.sort_by(|one, other| one.name.cmp(&other.name)),
        Some("version") => found.sort_by_cached_key(|tag| version_key(&tag.name)),
        _ => found.sort_by(|one, other| (one.created, &one.name).cmp(&(other.created, &other.name))),
    }
    if !is_ascending {
        found.reverse();
    }
    call.page(&found, |call, tag| shown(call, at, tag))
}

fn find(call: &Call<'_>, at: usize, name: &str) -> Result<Option<Tag>, Reply> {
    if !is_ref_name(name) {
        return Ok(None);
    }
    let found = read(call, at, &format!("refs/tags/{name}"))?;
    Ok(found.into_iter().find(|tag| tag.name == name))
}

fn tag(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let tag = find(call, at, call.capture("tag_name"))?.ok_or_else(|| Reply::not_found("Tag"))?;
    Ok(Reply::ok(shown(call, at, &tag)))
}

/// Why a tag cannot be made; the same for the API and releases.
pub(super) fn make(call: &mut Call<'_>, at: usize, name: &str, from: &str, message: Option<&str>) -> Result<(), Reply> {
    let (repository, user) = (call.repository_at(at), call.user_id()?);
    if !is_ref_name(name) {
        return Err(Reply::bad_request("Tag name invalid"));
    }
    if repository.tip(&format!("refs/tags/{name}"))?.is_some() {
        return Err(Reply::bad_request(&format!("Tag {name} already exists")));
    }
    let commit = repository.commit(from)?;
    let commit = commit.ok_or_else(|| Reply::bad_request(&format!("Target {from} is invalid")))?;
    if !access::may_create_tag(call.state, &call.state.projects[at], name, Some(user)) {
        return Err(Reply::bad_request("You are not allowed to create this tag as it is protected."));
    }
    let reference = format!("refs/tags/{name}");
    match message.filter(|message| !message.is_empty()) {
        Some(message) => {
            let who = merge::identity(call)?;
            repository.must_as(&who, &["tag", "--annotate", "--message", message, name, &commit])?;
        }
        None if repository.update(&reference, &commit, Some(""))? => {}
        None => return Err(Reply::bad_request(&format!("Tag {name} already exists"))),
    }
    let change = Change { project: call.state.projects[at].id, reference: &reference, user };
    lifecycle::start_ref_pipeline(call.site, call.state, &change)?;
    Ok(())
}

fn create(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["tag_name", "ref"])?;
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let name = call.parameters.text("tag_name").unwrap_or_default();
    let from = call.parameters.text("ref").unwrap_or_default();
    let message = call.parameters.text("message");
    make(call, at, &name, &from, message.as_deref())?;
    let tag = find(call, at, &name)?.ok_or_else(|| Reply::not_found("Tag"))?;
    Ok(Reply::created(shown(call, at, &tag)))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let name = call.capture("tag_name").to_owned();
    find(call, at, &name)?.ok_or_else(|| Reply::not_found("Tag"))?;
    if access::is_protected_tag(&call.state.projects[at], &name) && call.level(at) < MAINTAINER {
        return Err(Reply::forbidden());
    }
    call.repository_at(at).must(&["update-ref", "-d", &format!("refs/tags/{name}")])?;
    Ok(Reply::nothing(204))
}

fn rules(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, MAINTAINER)?;
    call.page(&call.state.projects[at].protected_tags, |_, rule| show::project::protected_tag(rule))
}

fn rule(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    call.require_level(at, MAINTAINER)?;
    let name = call.capture("name");
    let found = call.state.projects[at].protected_tags.iter().find(|rule| rule.name == name);
    Ok(Reply::ok(show::project::protected_tag(found.ok_or_else(Reply::nowhere)?)))
}

#[cfg(test)]
mod tests {
    use super::version_key;

    #[test]
    fn versions_compare_by_their_numbers() {
        let mut names = ["v18.10.0", "v18.9.1", "v18.9.10", "v18.9.2"];
        names.sort_by_cached_key(|name| version_key(name));
        assert_eq!(names, ["v18.9.1", "v18.9.2", "v18.9.10", "v18.10.0"]);
    }
}
