//! The REST API: which handler answers which route, and what is done for all of them.

mod approvals;
mod branches;
mod commits;
mod create;
mod discussions;
mod edit;
mod files;
mod instance;
mod issues;
mod jobs;
mod labels;
mod members;
mod merge;
mod merge_requests;
mod mirrors;
mod pipelines;
mod projects;
mod quick;
mod registry;
mod schedules;
mod tags;

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{RawPathParams, Request},
    http::{HeaderMap, Response},
    routing::{MethodFilter, on},
};

use super::{
    call::Call,
    caller::{self, Door},
    parameters::Parameters,
    reply::{Answer, Content, Reply, into_response},
    shared::Shared,
};

type Handler = fn(&mut Call<'_>) -> Answer;

/// A way into the API.
struct Route {
    method: MethodFilter,
    path: &'static str,
    handler: Handler,
    takes_job_tokens: bool,
}

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const PUT: MethodFilter = MethodFilter::PUT;
const DELETE: MethodFilter = MethodFilter::DELETE;

/// A route that is closed to tokens of jobs.
const fn route(method: MethodFilter, path: &'static str, handler: Handler) -> Route {
    Route { method, path, handler, takes_job_tokens: false }
}

/// A route that tokens of jobs may take.
const fn job_route(method: MethodFilter, path: &'static str, handler: Handler) -> Route {
    Route { method, path, handler, takes_job_tokens: true }
}

/// Every route. Each file has its own.
fn routes() -> impl Iterator<Item = &'static Route> {
    let all: [&'static [Route]; 20] = [
        approvals::ROUTES,
        branches::ROUTES,
        commits::ROUTES,
        create::ROUTES,
        discussions::ROUTES,
        edit::ROUTES,
        files::ROUTES,
        instance::ROUTES,
        issues::ROUTES,
        jobs::ROUTES,
        labels::ROUTES,
        members::ROUTES,
        merge::ROUTES,
        merge_requests::ROUTES,
        mirrors::ROUTES,
        pipelines::ROUTES,
        projects::ROUTES,
        registry::ROUTES,
        schedules::ROUTES,
        tags::ROUTES,
    ];
    all.into_iter().flatten()
}

/// The API below the relative root. Routes are found by the path as sent: `%2F` is no slash.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let base = format!("{}/api/v4", shared.site.root);
    let mut router = Router::new();
    for route in routes() {
        let shared = Arc::clone(&shared);
        let answer = move |captures: RawPathParams, request: Request| respond(shared, captures, request, route);
        router = router.route(&format!("{base}{}", route.path), on(route.method, answer));
    }
    router
        .fallback(|| async { into_response(Reply::error(404, "404 Not Found")) })
        .method_not_allowed_fallback(|| async { into_response(Reply::error(405, "405 Not Allowed")) })
}

/// Answers a request on a thread that may wait for git.
async fn respond(
    shared: Arc<Shared>,
    captures: RawPathParams,
    request: Request,
    route: &'static Route,
) -> Response<Body> {
    let captures = captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return into_response(Reply::message(400, "400 Bad Request"));
    };
    let work = move || {
        let request_parts = RequestParts {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
        };
        let reply = answer(&shared, captures, &request_parts, &body, route).unwrap_or_else(|refusal| refusal);
        into_response(if_changed(reply, &request_parts))
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| into_response(Reply::message(500, "500 Internal Server Error")))
}

/// A request before it is known who sent it.
struct RequestParts {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
}

fn answer(
    shared: &Shared,
    captures: HashMap<String, String>,
    request_parts: &RequestParts,
    body: &[u8],
    route: &Route,
) -> Answer {
    let mut state = shared.state();
    let door = Door {
        writes: !matches!(request_parts.method.as_str(), "GET" | "HEAD"),
        takes_job_tokens: route.takes_job_tokens,
        takes_any_scope: route.path == "/personal_access_tokens/self",
        takes_read_user: route.path.starts_with("/user"),
    };
    let caller = caller::identify(&state, &request_parts.headers, &request_parts.query, &door)?;
    let content_type =
        request_parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parameters = Parameters::read(&request_parts.query, content_type, body)?;
    let base = format!("{}/api/v4", shared.site.root);
    let mut call = Call {
        site: &shared.site,
        state: &mut state,
        caller,
        parameters,
        captures,
        method: request_parts.method.clone(),
        path: request_parts.path.strip_prefix(&base).unwrap_or(&request_parts.path).to_owned(),
        query: request_parts.query.clone(),
    };
    (route.handler)(&mut call)
}

/// An answer with its tag; 304 when the client has it already.
fn if_changed(reply: Reply, request_parts: &RequestParts) -> Reply {
    let Content::Json(body) = &reply.content else { return reply };
    if request_parts.method != "GET" || reply.status != 200 {
        return reply;
    }
    let mut hasher = DefaultHasher::new();
    body.to_string().hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let known = request_parts.headers.get("if-none-match").and_then(|value| value.to_str().ok());
    if known == Some(tag.as_str()) { Reply::nothing(304).with("etag", tag) } else { reply.with("etag", tag) }
}
