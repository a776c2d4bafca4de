//! Git over HTTP, by git's own `http-backend`.

use std::{
    io::{self, Write},
    process::{Output, Stdio},
    thread,
};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, request::Parts},
};

use super::{
    access, caller,
    receive::{self, Admitted},
    reply::{Content, Reply, into_response},
    repository::git_command,
    shared::Shared,
    state::{Project, State, TokenKind},
};

/// What git wants of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GitService {
    Fetch,
    Push,
}

/// The address of a git request: the project, and what follows it.
fn address<'a>(path: &'a str, query: &str) -> Option<(&'a str, &'a str, GitService)> {
    let (project, rest) = path.trim_start_matches('/').split_once(".git/")?;
    let service = match (rest, query) {
        ("info/refs", "service=git-upload-pack") | ("git-upload-pack", _) => GitService::Fetch,
        ("info/refs", "service=git-receive-pack") | ("git-receive-pack", _) => GitService::Push,
        _ => return None,
    };
    Some((project, rest, service))
}

/// Answers a request that is not for the API.
pub(super) fn answer(shared: &Shared, parts: &Parts, body: &[u8], path: &str) -> Response<Body> {
    let query = parts.uri.query().unwrap_or_default();
    let Some((project, rest, service)) = address(path, query) else {
        return into_response(plain(404, "The page could not be found or you don't have permission to view it."));
    };
    let admitted = match admit(&shared.state(), shared, parts, project, service) {
        Ok(admitted) => admitted,
        Err(Refusal::Reply(reply)) => return into_response(reply),
        Err(Refusal::Moved(id)) => return moved(shared, id, rest, query),
    };
    if rest == "git-receive-pack"
        && let Some(report) = receive::refusal(&shared.state(), &admitted, body)
    {
        let content = Content::Other { content_type: "application/x-git-receive-pack-result", bytes: report };
        return into_response(Reply { status: 200, content, headers: vec![] });
    }
    // The state is not locked here: several may fetch and push at once.
    let before = (rest == "git-receive-pack").then(|| receive::references(&admitted.repository));
    let response = backend(shared, parts, body, &admitted, rest).unwrap_or_else(|error| into_response(error.into()));
    if let Some(Ok(before)) = before {
        // A push that went through must not fail because of what follows from it.
        let _ = receive::follow_up(&shared.site, &mut shared.state(), &admitted, &before);
    }
    response
}

enum Refusal {
    Reply(Reply),
    Moved(u64),
}

impl From<Reply> for Refusal {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

fn plain(status: u16, text: &str) -> Reply {
    Reply { status, content: Content::Other { content_type: "text/plain", bytes: text.into() }, headers: vec![] }
}

fn denied() -> Reply {
    let text = "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was \
                incorrect or you're required to use a token instead of a password.";
    plain(401, text).with("www-authenticate", "Basic realm=\"GitLab\"")
}

fn admit(state: &State, shared: &Shared, parts: &Parts, path: &str, service: GitService) -> Result<Admitted, Refusal> {
    let token = match caller::git_token(state, &parts.headers) {
        None if parts.headers.contains_key("authorization") => return Err(denied().into()),
        None => None,
        Some(Err(_)) => return Err(denied().into()),
        Some(Ok(token)) => Some(token),
    };
    let user = token.map(|token| token.user);
    let renamed = || state.renames.get(path).and_then(|id| state.project_by_id(*id));
    let known = state.project(path).or_else(renamed);
    let Some(project) = known.filter(|project| access::sees_project(state, project, user)) else {
        // Strangers are asked who they are, whether or not there is such a project.
        let text = "The project you were looking for could not be found or you don't have permission to view it.";
        return Err(if user.is_none() { denied() } else { plain(404, text) }.into());
    };
    if user.is_none() && service == GitService::Push {
        return Err(denied().into());
    }
    if let Some(token) = token {
        let allows = |scope: &str| token.scopes.iter().any(|known| known == scope);
        let is_enough = match service {
            _ if token.kind == TokenKind::Job => service == GitService::Fetch,
            GitService::Fetch => allows("api") || allows("read_repository") || allows("write_repository"),
            GitService::Push => allows("api") || allows("write_repository"),
        };
        if !is_enough {
            return Err(plain(403, "You are not allowed to access this project with this token.").into());
        }
    }
    if service == GitService::Push && !may_write(state, project, user) {
        return Err(plain(403, "You are not allowed to push code to this project.").into());
    }
    if state.project(path).is_none() {
        return Err(Refusal::Moved(project.id));
    }
    let repository = shared.site.repository(project);
    Ok(Admitted { project: project.id, user, repository })
}

fn may_write(state: &State, project: &Project, user: Option<u64>) -> bool {
    !project.archived && access::level(state, project, user) >= access::DEVELOPER
}

fn moved(shared: &Shared, id: u64, rest: &str, query: &str) -> Response<Body> {
    let page = shared.state().project_by_id(id).map(|project| shared.site.page(project)).unwrap_or_default();
    into_response(Reply::nothing(301).with("location", format!("{page}.git/{rest}?{query}")))
}

/// Runs `git http-backend` on the repository.
fn backend(shared: &Shared, parts: &Parts, body: &[u8], admitted: &Admitted, rest: &str) -> io::Result<Response<Body>> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let mut command = git_command(&shared.site.git, &shared.site.repositories);
    command
        .args(["-c", "http.receivepack=true", "-c", "receive.advertisePushOptions=true"])
        // They can be fetched and not pushed.
        .args(["-c", "receive.hideRefs=refs/merge-requests", "-c", "receive.hideRefs=refs/pipelines"])
        .args(["-c", "uploadpack.allowAnySHA1InWant=true", "-c", "uploadpack.allowFilter=true"])
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &admitted.repository.folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", format!("/{rest}"))
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env_remove("GIT_PROTOCOL");
    if let Some(encoding) = header("content-encoding") {
        command.env("HTTP_CONTENT_ENCODING", encoding);
    }
    if let Some(version) = header("git-protocol") {
        command.env("GIT_PROTOCOL", version);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let stdin = child.stdin.take();
    let Output { stdout, .. } = thread::scope(|scope| {
        // Beside reading: it may answer before it has read everything.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(body)));
        child.wait_with_output()
    })?;
    from_cgi(&stdout).ok_or_else(|| io::Error::other("git http-backend gave no answer"))
}

/// Reads what a CGI program printed.
fn from_cgi(printed: &[u8]) -> Option<Response<Body>> {
    let end = printed.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&printed[..end]).into_owned();
    let mut response = Response::new(Body::from(printed[end + 4..].to_vec()));
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name == "Status" {
            let code = value.split(' ').next().and_then(|code| code.parse().ok());
            *response.status_mut() = code.and_then(|code| StatusCode::from_u16(code).ok())?;
        } else {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            response.headers_mut().insert(name, HeaderValue::from_str(value).ok()?);
        }
    }
    Some(response)
}
