//! Who asks: tokens of requests, what they are worth, and what is said of bad ones.

use axum::http::HeaderMap;
use serde_json::json;

use super::{
    reply::Reply,
    state::{State, Token, TokenKind},
};

/// Who asks.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// Nobody is signed in.
    Anonymous,
    /// Somebody with a token that is good.
    Known(Token),
}

impl Caller {
    /// The id of the user.
    pub(super) fn user(&self) -> Option<u64> {
        match self {
            Self::Anonymous => None,
            Self::Known(token) => Some(token.user),
        }
    }
}

/// The secret of a request, and how it came.
enum Given {
    Private(String),
    Bearer(String),
    Job(String),
}

fn given(headers: &HeaderMap, query: &str) -> Option<Given> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(secret) = header("private-token") {
        return Some(Given::Private(secret));
    }
    if let Some(value) = header("authorization") {
        let (scheme, secret) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Given::Bearer(secret.trim().to_owned()));
        }
    }
    if let Some(secret) = header("job-token") {
        return Some(Given::Job(secret));
    }
    let in_query = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "private_token");
    in_query.map(|(_, secret)| Given::Private(secret.into_owned()))
}

/// The name for the log of whoever's token came with a request; no secret.
pub(super) fn name_for_log(state: &State, headers: &HeaderMap, query: &str) -> Option<String> {
    let secret = match given(headers, query) {
        Some(Given::Private(secret) | Given::Bearer(secret) | Given::Job(secret)) => secret,
        None => basic_password(headers)?,
    };
    let token = state.tokens.iter().find(|token| token.secret == secret);
    let user = token.and_then(|token| state.user(token.user));
    Some(user.map_or("unknown", |user| &user.username).to_owned())
}

/// The password of basic authentication.
pub(super) fn basic_password(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(super::base64::decode(encoded.trim())?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Where a token is shown.
pub(super) struct Door {
    /// Whether something would change.
    pub(super) writes: bool,
    /// Whether tokens of jobs are known here.
    pub(super) takes_job_tokens: bool,
    /// Whether a token of any scope is good enough.
    pub(super) takes_any_scope: bool,
    /// Whether `read_user` is good enough.
    pub(super) takes_read_user: bool,
}

/// Tells who asks, or refuses.
pub(super) fn identify(state: &State, headers: &HeaderMap, query: &str, door: &Door) -> Result<Caller, Reply> {
    let caller = match given(headers, query) {
        None => Caller::Anonymous,
        Some(Given::Job(_)) if !door.takes_job_tokens => Caller::Anonymous,
        Some(given) => Caller::Known(good_token(state, &given)?.clone()),
    };
    match &caller {
        Caller::Anonymous if door.writes => Err(Reply::unauthorized()),
        Caller::Known(token) if token.kind != TokenKind::Job && !door.takes_any_scope => {
            let has = |scope: &str| token.scopes.iter().any(|known| known == scope);
            let is_enough = has("api")
                || (!door.writes && has("read_api"))
                || (!door.writes && door.takes_read_user && has("read_user"));
            let needed = if door.writes { "api" } else { "api read_api" };
            if is_enough { Ok(caller) } else { Err(insufficient(needed)) }
        }
        _ => Ok(caller),
    }
}

fn insufficient(scope: &str) -> Reply {
    let what = "The request requires higher privileges than provided by the access token.";
    Reply::new(403, json!({ "error": "insufficient_scope", "error_description": what, "scope": scope }))
}

fn good_token<'a>(state: &'a State, given: &Given) -> Result<&'a Token, Reply> {
    let fits = |token: &&Token| match given {
        Given::Private(secret) => token.kind == TokenKind::Personal && token.secret == *secret,
        Given::Bearer(secret) => token.kind != TokenKind::Job && token.secret == *secret,
        Given::Job(secret) => token.kind == TokenKind::Job && token.secret == *secret,
    };
    let token = state.tokens.iter().find(fits).ok_or_else(Reply::unauthorized)?;
    let invalid = |why: &str| Reply::new(401, json!({ "error": "invalid_token", "error_description": why.to_owned() }));
    if token.revoked {
        return Err(invalid("Token was revoked. You have to re-authorize from the user."));
    }
    if is_expired(state, token) {
        return Err(invalid("Token is expired. You can either do re-authorization or token refresh."));
    }
    match state.user(token.user) {
        None => Err(Reply::unauthorized()),
        Some(user) if user.state != "active" => Err(Reply::forbidden_because("Your account has been blocked.")),
        Some(_) => Ok(token),
    }
}

/// A token dies at the beginning of the day of its `expires_at`, in UTC.
pub(super) fn is_expired(state: &State, token: &Token) -> bool {
    token.expires_at.as_deref().is_some_and(|day| day <= state.now().strftime("%Y-%m-%d").to_string().as_str())
}

/// The token of a git request.
pub(super) fn git_token<'a>(state: &'a State, headers: &HeaderMap) -> Option<Result<&'a Token, Reply>> {
    let secret = basic_password(headers)?;
    let known = state.tokens.iter().find(|token| token.secret == secret);
    let given = match known.map(|token| token.kind) {
        Some(TokenKind::Job) => Given::Job(secret),
        _ => Given::Bearer(secret),
    };
    Some(good_token(state, &given))
}
