//! Files and folders in repositories.

use serde_json::json;

use super::super::{
    base64,
    call::Call,
    reply::{Answer, Content, Reply},
};
use super::{GET, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/repository/files/{file_path}", file),
    route(GET, "/projects/{id}/repository/files/{file_path}/raw", raw),
    route(GET, "/projects/{id}/repository/tree", tree),
];

/// The commit that is meant, the default branch unless another is named.
fn revision(call: &Call<'_>, at: usize) -> Result<(String, String), Reply> {
    let default = &call.state.projects[at].default_branch;
    let name = call.parameters.text("ref").filter(|name| name != "HEAD").unwrap_or_else(|| default.clone());
    let commit = call.repository_at(at).commit(&name)?.ok_or_else(|| Reply::not_found("Commit"))?;
    Ok((name, commit))
}

/// The content of the file of the route.
fn content(call: &Call<'_>, at: usize, commit: &str) -> Result<Vec<u8>, Reply> {
    let object = format!("{commit}:{}", call.capture("file_path"));
    let output = call.repository_at(at).run(&["cat-file", "blob", &object])?;
    if output.status.success() { Ok(output.stdout) } else { Err(Reply::not_found("File")) }
}

fn file(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let (name, commit) = revision(call, at)?;
    let bytes = content(call, at, &commit)?;
    let (path, repository) = (call.capture("file_path"), call.repository_at(at));
    let blob = repository.ask(&["rev-parse", &format!("{commit}:{path}")])?;
    let last = repository.ask(&["log", "-1", "--format=%H", &commit, "--", path])?;
    Ok(Reply::ok(json!({
        "file_name": path.rsplit('/').next(),
        "file_path": path,
        "size": bytes.len(),
        "encoding": "base64",
        "content": base64::encode(&bytes),
        "ref": name,
        "blob_id": blob,
        "commit_id": commit,
        "last_commit_id": last,
        "execute_filemode": false,
    })))
}

fn raw(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let (_, commit) = revision(call, at)?;
    let bytes = content(call, at, &commit)?;
    Ok(Reply { status: 200, content: Content::Other { content_type: "text/plain", bytes }, headers: vec![] })
}

fn tree(call: &mut Call<'_>) -> Answer {
    let at = call.project_at()?;
    let (_, commit) = revision(call, at)?;
    let path = call.parameters.text("path").unwrap_or_default();
    let folder = if path.is_empty() { String::new() } else { format!("{}/", path.trim_end_matches('/')) };
    let mut arguments = vec!["ls-tree", "-z", "-t"];
    arguments.extend((call.parameters.flag("recursive")? == Some(true)).then_some("-r"));
    arguments.push(&commit);
    arguments.extend((!folder.is_empty()).then_some(folder.as_str()));
    let listed = call.repository_at(at).ask(&arguments)?.unwrap_or_default();
    let entries: Vec<_> = listed
        .split('\0')
        .filter_map(|entry| {
            let (head, path) = entry.split_once('\t')?;
            let mut words = head.split(' ');
            let (mode, kind, id) = (words.next()?, words.next()?, words.next()?);
            path.starts_with(&folder)
                .then(|| json!({ "id": id, "name": path.rsplit('/').next(), "type": kind, "path": path, "mode": mode }))
        })
        .collect();
    if entries.is_empty() {
        return Err(Reply::not_found("Tree"));
    }
    call.page(&entries, |_, entry| entry.clone())
}
