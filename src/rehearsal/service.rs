//! What happens to each request: it is logged, faults strike, and then the API or git answers it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, Request, Response, header, request::Parts},
};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper_util::service::TowerToHyperService;

use super::{
    api, caller,
    faults::{Fault, Happening, decoded},
    log::{Logged, without_token},
    reply::{Content, Reply, into_response, status_code},
    shared::Shared,
    smart_http,
};

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed on demand")]
pub(super) struct Closed;

/// The service of all connections.
#[derive(Clone)]
pub(super) struct Service {
    shared: Arc<Shared>,
    router: TowerToHyperService<Router>,
    last_request: Arc<AtomicU64>,
}

/// Nobody sends more to a server that is meant for rehearsals.
const MOST_BYTES: usize = 1 << 30;

impl Service {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let router = TowerToHyperService::new(api::router(Arc::clone(&shared)));
        Self { shared, router, last_request: Arc::default() }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
        let started = self.shared.log.elapsed();
        let (parts, body) = request.into_parts();
        let body = to_bytes(Body::new(body), MOST_BYTES).await.map_err(|_| Closed)?;
        let whole_path = parts.uri.path().to_owned();
        let path = whole_path.strip_prefix(&self.shared.site.root).filter(|path| path.starts_with('/'));
        let is_api = path.is_some_and(|path| path.starts_with("/api/"));
        let path = path.unwrap_or(&whole_path).to_owned();
        let method = parts.method.to_string();
        let query = parts.uri.query().unwrap_or_default().to_owned();

        let token = self.name_for_log(&parts, &query).await;
        let number = self.shared.log.begin(Logged {
            method: method.clone(),
            path: path.clone(),
            query: without_token(&query),
            body: if is_api { String::from_utf8_lossy(&body).into_owned() } else { String::new() },
            status: 0,
            token,
            started,
        });
        let faults = self.shared.faults.take(&method, &path, is_api);
        let is_below_root = whole_path.starts_with(&format!("{}/", self.shared.site.root));
        let response = self.with_faults(parts, body, &path, is_below_root, is_api, &faults).await?;
        self.shared.log.end(number, response.status().as_u16());
        Ok(self.with_general_headers(response))
    }

    /// Who asks. Not on the thread of the connections, because the state may be locked for a while.
    async fn name_for_log(&self, parts: &Parts, query: &str) -> Option<String> {
        let (shared, headers, query) = (Arc::clone(&self.shared), parts.headers.clone(), query.to_owned());
        let name = move || caller::name_for_log(&shared.state(), &headers, &query);
        tokio::task::spawn_blocking(name).await.ok().flatten()
    }

    async fn with_faults(
        &self,
        parts: Parts,
        body: Bytes,
        path: &str,
        is_below_root: bool,
        is_api: bool,
        faults: &[Fault],
    ) -> Result<Response<Body>, Closed> {
        for fault in faults {
            if let Fault::Delay(time) = fault {
                tokio::time::sleep(*time).await;
            }
        }
        for fault in faults {
            if let Fault::Before(what) = fault {
                happen(what).await;
            }
        }
        if let Some(instead) = faults.iter().find_map(answer_instead) {
            return instead;
        }
        let response = if !is_below_root {
            into_response(Reply::error(404, "404 Not Found"))
        } else if is_api {
            self.answer_api(parts, body).await
        } else {
            self.answer_git(parts, body, path).await
        };
        for fault in faults {
            if let Fault::After(what) = fault {
                happen(what).await;
            }
        }
        if faults.iter().any(|fault| matches!(fault, Fault::DroppedAfter)) {
            return Err(Closed);
        }
        if faults.iter().any(|fault| matches!(fault, Fault::Truncated)) {
            return truncated(response).await;
        }
        Ok(response)
    }

    async fn answer_api(&self, parts: Parts, body: Bytes) -> Response<Body> {
        let request = Request::from_parts(parts, Body::from(body));
        match hyper::service::Service::call(&self.router, request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    async fn answer_git(&self, parts: Parts, body: Bytes, path: &str) -> Response<Body> {
        let shared = Arc::clone(&self.shared);
        let path = decoded(path);
        let reply = tokio::task::spawn_blocking(move || smart_http::answer(&shared, &parts, &body, &path)).await;
        reply.unwrap_or_else(|_| into_response(Reply::message(500, "500 Internal Server Error")))
    }

    /// What GitLab adds to every answer.
    fn with_general_headers(&self, mut response: Response<Body>) -> Response<Body> {
        let number = self.last_request.fetch_add(1, Ordering::Relaxed) + 1;
        let headers = response.headers_mut();
        let request_id = HeaderValue::from_str(&format!("01REHEARSAL{number:015}"));
        headers.extend(request_id.ok().map(|id| (HeaderName::from_static("x-request-id"), id)));
        for (name, value) in [
            ("ratelimit-limit", 2000),
            ("ratelimit-observed", 1),
            ("ratelimit-remaining", 1999),
            ("ratelimit-reset", 4_102_444_800_u32),
        ] {
            headers.entry(HeaderName::from_static(name)).or_insert_with(|| HeaderValue::from(value));
        }
        response
    }
}

/// Not on the thread of the connections: it may take its time, and look at the state.
async fn happen(what: &Happening) {
    let what = what.clone();
    // A panic in it was reported there.
    let _ = tokio::task::spawn_blocking(move || what.happen()).await;
}

/// The answer of a fault that keeps the request from taking effect.
fn answer_instead(fault: &Fault) -> Option<Result<Response<Body>, Closed>> {
    let reply = match fault {
        Fault::Delay(_) | Fault::Before(_) | Fault::After(_) | Fault::DroppedAfter | Fault::Truncated => return None,
        Fault::Dropped => return Some(Err(Closed)),
        Fault::Status(status) => refusal(*status, (*status == 429).then_some(0)),
        Fault::RetryAfter { status, seconds } => refusal(*status, Some(*seconds)),
        Fault::Redirect { status, location } => Reply::nothing(*status).with("location", location),
        Fault::Body { status, content_type, body } => {
            let mut response = Response::new(Body::from(body.clone()));
            *response.status_mut() = status_code(*status);
            let kind = HeaderValue::from_str(content_type).ok();
            response.headers_mut().extend(kind.map(|kind| (header::CONTENT_TYPE, kind)));
            return Some(Ok(response));
        }
    };
    Some(Ok(into_response(reply)))
}

/// The body that goes with a status, from GitLab or from what stands before it.
fn refusal(status: u16, retry_after: Option<u64>) -> Reply {
    let reply = match status {
        401 => Reply::unauthorized(),
        403 => Reply::forbidden(),
        404 => Reply::nowhere(),
        409 => Reply::message(409, "409 Conflict"),
        422 => Reply::message(422, "422 Unprocessable Entity"),
        429 => {
            let bytes = b"Retry later\n".to_vec();
            let content = Content::Other { content_type: "text/plain", bytes };
            let headers = vec![("ratelimit-remaining", "0".to_owned()), ("ratelimit-reset", "0".to_owned())];
            Reply { status, content, headers }
        }
        500 => Reply::message(500, "500 Internal Server Error"),
        502..=504 => {
            let reason = status_code(status).canonical_reason().unwrap_or_default();
            let page = format!(
                "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n</body>\r\n</html>\r\n"
            );
            Reply {
                status,
                content: Content::Other { content_type: "text/html", bytes: page.into_bytes() },
                headers: vec![],
            }
        }
        _ => Reply::message(status, format!("{status} {}", status_code(status).canonical_reason().unwrap_or("Error"))),
    };
    match retry_after {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}

/// The answer with the length of the whole and half of its body.
async fn truncated(response: Response<Body>) -> Result<Response<Body>, Closed> {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, MOST_BYTES).await.map_err(|_| Closed)?;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = Half { rest: Some(whole.slice(..whole.len() / 2)), pause: None };
    Ok(Response::from_parts(parts, Body::new(half)))
}

/// A body that ends with an error, once what came before it is on its way.
struct Half {
    rest: Option<Bytes>,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl HttpBody for Half {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(half) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_millis(20))));
        pause.as_mut().poll(context).map(|()| Some(Err(Closed)))
    }
}
