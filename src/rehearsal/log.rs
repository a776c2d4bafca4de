//! What was asked of the server, for tests that look at the requests of a client.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path as sent (`%2F` stays), without the relative root, such as `/api/v4/projects/12/issues/3`.
    pub path: String,
    /// The query as sent, without the question mark and without tokens.
    pub query: String,
    /// The body; empty for git's own requests.
    pub body: String,
    /// The status of the answer; 0 while there is none, and for ever if the connection was closed
    /// without one.
    pub status: u16,
    /// The user whose token came with it, `unknown` for a bad one. Never the token.
    pub token: Option<String>,
    /// When it came, since the start of the server.
    pub started: Duration,
}

/// All requests so far.
pub(super) struct Log {
    start: Instant,
    entries: Mutex<Entries>,
}

/// Entries keep their numbers when the log is cleared: requests under way still end.
#[derive(Default)]
struct Entries {
    cleared: usize,
    kept: Vec<Logged>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Adds a request that has no answer yet.
    pub(super) fn begin(&self, entry: Logged) -> usize {
        let mut entries = self.entries();
        entries.kept.push(entry);
        entries.cleared + entries.kept.len() - 1
    }

    /// Notes the answer.
    pub(super) fn end(&self, number: usize, status: u16) {
        let mut entries = self.entries();
        let cleared = entries.cleared;
        let entry = number.checked_sub(cleared).and_then(|index| entries.kept.get_mut(index));
        if let Some(entry) = entry {
            entry.status = status;
        }
    }

    pub(super) fn all(&self) -> Vec<Logged> {
        self.entries().kept.clone()
    }

    pub(super) fn clear(&self) {
        let mut entries = self.entries();
        entries.cleared += entries.kept.len();
        entries.kept.clear();
    }
}

/// A query without the token that may stand in it.
pub(super) fn without_token(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name @ "private_token", _)) => format!("{name}=[hidden]"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}
