//! The container registry and releases.

use serde_json::{Value, json};

use super::super::{
    access::{self, DEVELOPER},
    call::Call,
    reply::{Answer, Reply},
    show,
    state::{Project, RegistryRepository, RegistryTag, Release},
};
use super::{GET, POST, Route, job_route, tags};

pub(super) const ROUTES: &[Route] = &[
    job_route(GET, "/projects/{id}/registry/repositories", repositories),
    job_route(GET, "/projects/{id}/registry/repositories/{repository_id}/tags", images),
    job_route(GET, "/projects/{id}/registry/repositories/{repository_id}/tags/{tag_name}", image),
    job_route(GET, "/projects/{id}/releases", releases),
    job_route(GET, "/projects/{id}/releases/{tag_name}", release),
    job_route(POST, "/projects/{id}/releases", create_release),
];

fn path(project: &Project, repository: &RegistryRepository) -> String {
    let path = project.path.to_lowercase();
    if repository.name.is_empty() { path } else { format!("{path}/{}", repository.name) }
}

fn location(call: &Call<'_>, path: &str) -> String {
    let host = call.site.url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    format!("registry.{host}/{path}")
}

fn short(call: &Call<'_>, path: &str, image: &RegistryTag) -> Value {
    let path = format!("{path}:{}", image.name);
    json!({ "name": image.name, "path": path, "location": location(call, &path) })
}

fn repositories(call: &mut Call<'_>) -> Answer {
    let (with_count, with_tags) = (call.parameters.flag("tags_count")?, call.parameters.flag("tags")?);
    let project = call.project()?;
    call.page(&project.registry, |call, repository| {
        let path = path(project, repository);
        let mut shown = json!({
            "id": repository.id,
            "name": repository.name,
            "path": path,
            "project_id": project.id,
            "location": location(call, &path),
            "created_at": show::time(call.state.now()),
            "status": null,
        });
        if with_count == Some(true) {
            shown["tags_count"] = json!(repository.tags.len());
        }
        if with_tags == Some(true) {
            shown["tags"] = repository.tags.iter().map(|image| short(call, &path, image)).collect();
        }
        shown
    })
}

fn find<'a>(call: &'a Call<'_>) -> Result<(&'a Project, &'a RegistryRepository), Reply> {
    let (project, id) = (call.project()?, call.captured_number("repository_id")?);
    let found = project.registry.iter().find(|repository| repository.id == id);
    Ok((project, found.ok_or_else(|| Reply::not_found("Container Repository"))?))
}

fn images(call: &mut Call<'_>) -> Answer {
    let (project, repository) = find(call)?;
    let path = path(project, repository);
    call.page(&repository.tags, |call, image| short(call, &path, image))
}

fn image(call: &mut Call<'_>) -> Answer {
    let (project, repository) = find(call)?;
    let name = call.capture("tag_name");
    let image = repository.tags.iter().find(|image| image.name == name).ok_or_else(|| Reply::not_found("Tag"))?;
    let mut shown = short(call, &path(project, repository), image);
    let number = image.name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let revision = super::super::state::hexadecimal(number);
    shown["revision"] = json!(revision);
    shown["short_revision"] = json!(revision.get(..9));
    shown["digest"] = json!(format!("sha256:{revision}{}", "0".repeat(24)));
    shown["created_at"] = json!(show::time(image.created_at));
    shown["total_size"] = json!(4_294_967_297_u64);
    Ok(Reply::ok(shown))
}

fn shown(call: &Call<'_>, at: usize, release: &Release) -> Value {
    let project = &call.state.projects[at];
    let repository = call.repository_at(at);
    let commit = repository.commit(&release.tag_name).ok().flatten();
    let commit = commit.and_then(|id| show::commit::one(call.site, project, &repository, &id).ok().flatten());
    json!({
        "tag_name": release.tag_name,
        "name": release.name,
        "description": release.description,
        "created_at": show::time(release.released_at),
        "released_at": show::time(release.released_at),
        "upcoming_release": false,
        "author": show::user(call.site, call.state, release.author),
        "commit": commit,
        "commit_path": null,
        "tag_path": format!("/{}/-/tags/{}", project.path, release.tag_name),
        "assets": { "count": 0, "sources": [], "links": [] },
    })
}

fn releases(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let found: Vec<_> = call.state.projects[at].releases.iter().rev().collect();
    call.page(&found, |call, release| shown(call, at, release))
}

fn release(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let name = call.capture("tag_name");
    let found = call.state.projects[at].releases.iter().find(|release| release.tag_name == name);
    Ok(Reply::ok(shown(call, at, found.ok_or_else(Reply::nowhere)?)))
}

fn create_release(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["tag_name"])?;
    let at = call.project_at()?;
    call.require_level(at, DEVELOPER)?;
    let given = call.parameters.clone();
    let tag_name = given.text("tag_name").unwrap_or_default();
    let (project, user) = (&call.state.projects[at], call.user_id()?);
    if project.releases.iter().any(|release| release.tag_name == tag_name) {
        return Err(Reply::message(409, "Release already exists"));
    }
    if !access::may_create_tag(call.state, project, &tag_name, Some(user)) {
        return Err(Reply::forbidden());
    }
    if call.repository_at(at).tip(&format!("refs/tags/{tag_name}"))?.is_none() {
        let from = given.text("ref").ok_or_else(|| Reply::message(422, "Ref is not specified"))?;
        let message = given.text("tag_message");
        tags::make(call, at, &tag_name, &from, message.as_deref())?;
    }
    let release = Release {
        name: given.text("name").unwrap_or_else(|| tag_name.clone()),
        tag_name,
        description: given.text("description").unwrap_or_default(),
        released_at: call.state.now(),
        author: user,
    };
    let shown = shown(call, at, &release);
    call.state.projects[at].releases.push(release);
    Ok(Reply::created(shown))
}
