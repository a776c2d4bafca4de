//! Answers of the API, and the bodies that its refusals have.

use std::io;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content: Content,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// What an answer carries.
#[derive(Debug)]
pub(super) enum Content {
    Nothing,
    Json(Value),
    Other { content_type: &'static str, bytes: Vec<u8> },
}

/// What a handler returns: refusals are errors, so that `?` ends it.
pub(super) type Answer = Result<Reply, Reply>;

impl Reply {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, content: Content::Json(body), headers: vec![] }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub(super) fn created(body: Value) -> Self {
        Self::new(201, body)
    }

    pub(super) fn nothing(status: u16) -> Self {
        Self { status, content: Content::Nothing, headers: vec![] }
    }

    pub(super) fn text(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            content: Content::Other { content_type: "text/plain", bytes: bytes.into() },
            headers: vec![],
        }
    }

    /// `{"message": ...}`.
    pub(super) fn message(status: u16, message: impl Into<Value>) -> Self {
        Self::new(status, json!({ "message": message.into() }))
    }

    /// `{"error": ...}`.
    pub(super) fn error(status: u16, error: impl Into<Value>) -> Self {
        Self::new(status, json!({ "error": error.into() }))
    }

    /// `{"message": {"field": ["..."]}}`.
    pub(super) fn invalid(field: &str, what: &str) -> Self {
        Self::message(400, json!({ field: [what] }))
    }

    pub(super) fn bad_request(what: &str) -> Self {
        Self::message(400, what)
    }

    pub(super) fn unauthorized() -> Self {
        Self::message(401, "401 Unauthorized")
    }

    pub(super) fn forbidden() -> Self {
        Self::message(403, "403 Forbidden")
    }

    pub(super) fn forbidden_because(why: &str) -> Self {
        Self::message(403, format!("403 Forbidden - {why}"))
    }

    /// `404 Project Not Found`.
    pub(super) fn not_found(what: &str) -> Self {
        Self::message(404, format!("404 {what} Not Found"))
    }

    /// Without saying what.
    pub(super) fn nowhere() -> Self {
        Self::message(404, "404 Not found")
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }
}

/// Something on this machine failed, such as starting git. What it was stands in a header: the
/// body is as a real server's.
impl From<io::Error> for Reply {
    fn from(error: io::Error) -> Self {
        let why: String = error.to_string().chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).collect();
        Self::message(500, "500 Internal Server Error").with("x-rehearsal-error", why)
    }
}

/// An answer as it is sent.
pub(super) fn into_response(reply: Reply) -> Response<Body> {
    let (kind, bytes) = match reply.content {
        Content::Nothing => (None, vec![]),
        Content::Json(value) => (Some("application/json"), value.to_string().into_bytes()),
        Content::Other { content_type, bytes } => (Some(content_type), bytes),
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status_code(reply.status);
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

pub(super) fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
