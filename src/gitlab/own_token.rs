//! What the server knows of the token that is used.

use gitlab::api::personal_access_tokens::PersonalAccessTokenSelf;
use jiff::civil::Date;
use serde::Deserialize;

use super::{Client, Error, built};
use crate::domain::token_words::Scope;

/// An access token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OwnToken {
    /// The name that its owner gave it.
    pub name: String,
    /// What it may be used for: `api`, `read_api`, …
    pub scopes: Vec<Scope>,
    /// Whether it can be used.
    pub active: bool,
    /// Whether it was taken back.
    #[serde(default)]
    pub revoked: bool,
    /// The day at whose beginning (UTC) it ends.
    pub expires_at: Option<Date>,
}

/// The token of this client; `None` for the kinds that have no such page, of jobs and OAuth.
///
/// # Errors
/// See [`Error`]; 401 when it is not valid.
pub fn own(client: &Client) -> Result<Option<OwnToken>, Error> {
    match client.get(&built(PersonalAccessTokenSelf::builder().build())?) {
        Err(error) if matches!(error.status(), Some(400 | 404)) => Ok(None),
        found => found.map(Some),
    }
}
