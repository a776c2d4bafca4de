//! What can go wrong between us and GitLab, and whether a request may have taken effect.

use std::time::Duration;

use thiserror::Error as ThisError;

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The request, such as `GET projects/12/issues/3`.
    pub request: String,
    /// The HTTP status code.
    pub status: u16,
    /// The server's own words, on one line; may be empty.
    pub said: String,
    /// The id under which the server's administrators find the request.
    pub request_id: Option<String>,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// Why a token is not accepted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEnd {
    /// Its last day is over.
    Expired,
    /// Somebody took it back.
    Revoked,
    /// The server does not say.
    Unknown,
}

/// Why there is no answer to work with.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Error {
    /// The request did not reach the server.
    #[error("cannot reach {server}: {why}")]
    Unreachable {
        /// Scheme, host and port.
        server: String,
        /// What the network said.
        why: String,
    },
    /// The request went out, and no whole answer came back: it may have taken effect.
    #[error("no answer to {request}: {why}")]
    Lost {
        /// Method and path.
        request: String,
        /// What happened.
        why: String,
    },
    /// The server said no.
    #[error("{}", refusal(.0))]
    Refused(Refused),
    /// The server sent us elsewhere, where a token must not go.
    #[error("{request} is redirected to {to}, where the token must not go")]
    Redirected {
        /// Method and path.
        request: String,
        /// Scheme and host of the other place.
        to: String,
    },
    /// The answer is not what GitLab answers.
    #[error("the answer to {request} cannot be read: {why}")]
    Unreadable {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        why: String,
    },
    /// A list without an end.
    #[error("the list {request} has more than {pages} pages, or does not end")]
    Endless {
        /// Method and path.
        request: String,
        /// How many were read.
        pages: u32,
    },
    /// The connection cannot be set up as configured.
    #[error("{0}")]
    Setup(String),
    /// A mistake of ours.
    #[error("a request cannot be built: {0}")]
    Defect(String),
}

impl Error {
    /// The status code of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refused) => Some(refused.status),
            _ => None,
        }
    }

    /// Whether the server may have done what it was asked to do.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::Unreadable { .. } => true,
            Self::Refused(refused) => refused.status >= 500,
            _ => false,
        }
    }

    /// Whether something else has what the request needs, for a moment: the request was not looked at.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 409 && refused.said.contains("Resource lock"))
    }

    /// Whether the scopes of the token are too small.
    pub fn is_scope(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 403 && refused.said.contains("insufficient_scope"))
    }

    /// Why a token is not accepted (401). GitLab tells it only of tokens that it knows.
    pub fn token_end(&self) -> TokenEnd {
        match self {
            Self::Refused(refused) if refused.said.contains("expired") => TokenEnd::Expired,
            Self::Refused(refused) if refused.said.contains("revoked") => TokenEnd::Revoked,
            _ => TokenEnd::Unknown,
        }
    }

    /// Nothing, where the server has nothing of that name for us, or says that we may not see it.
    ///
    /// # Errors
    /// Every other error.
    pub fn invisible<T>(result: Result<T, Self>) -> Result<Option<T>, Self> {
        match result {
            Err(error) if error.status() == Some(403) && !error.is_scope() => Ok(None),
            result => Self::absent(result),
        }
    }

    /// Nothing, where the server has nothing of that name for us.
    ///
    /// # Errors
    /// Every other error.
    pub fn absent<T>(result: Result<T, Self>) -> Result<Option<T>, Self> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn refusal(refused: &Refused) -> String {
    let Refused { request, status, said, request_id, retry_after } = refused;
    let meaning = match status {
        400 => "the request is not valid",
        401 => "the token is not accepted",
        403 => "this is not allowed",
        404 => "there is none, or the token may not see it",
        405 => "not possible at the moment",
        409 => "something else is in the way",
        422 => "GitLab will not do it",
        429 => "too many requests",
        500..=599 => "the server is in trouble",
        _ => "an unusual answer",
    };
    let mut text = format!("{request}: {meaning} ({status}");
    if !said.is_empty() {
        text.push_str(&format!(": {said}"));
    }
    if let Some(wait) = retry_after {
        text.push_str(&format!("; try again in {} s", wait.as_secs().max(1)));
    }
    if let Some(id) = request_id {
        text.push_str(&format!("; request id {id}"));
    }
    text + ")"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_thing_may_be_a_hidden_one() {
        let refused = Refused {
            request: "GET projects/7".to_owned(),
            status: 404,
            said: "404 Project Not Found".to_owned(),
            request_id: Some("01ABC".to_owned()),
            retry_after: None,
        };
        assert_eq!(
            Error::Refused(refused).to_string(),
            "GET projects/7: there is none, or the token may not see it (404: 404 Project Not Found; request id 01ABC)"
        );
    }
}
