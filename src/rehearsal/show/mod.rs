//! How the API shows things, in JSON.

pub(super) mod commit;
pub(super) mod issue;
pub(super) mod pipeline;
pub(super) mod project;
pub(super) mod request;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{site::Site, state::State};

/// A time with milliseconds, as all times but those of commits are shown.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A time that may be missing.
pub(super) fn optional_time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| time(at).into())
}

/// Somebody, as in lists; null for somebody who is gone.
pub(super) fn user(site: &Site, state: &State, id: u64) -> Value {
    let Some(user) = state.user(id) else { return Value::Null };
    json!({
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": user.state,
        "locked": false,
        "avatar_url": null,
        "web_url": format!("{}/{}", site.url, user.username),
    })
}

/// Several people.
pub(super) fn users(site: &Site, state: &State, ids: &[u64]) -> Value {
    ids.iter().map(|id| user(site, state, *id)).collect()
}
