//! What may go wrong on the way to a real server, on demand.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Something that shall go wrong.
#[derive(Debug, Clone)]
pub struct Injected {
    /// Where.
    pub at: At,
    /// What.
    pub fault: Fault,
    /// With how many of the requests that it fits; `u32::MAX` for all.
    pub times: u32,
}

/// The requests that a fault is for.
#[derive(Debug, Clone)]
pub enum At {
    /// The API request of this number from now on, counted from 0, and those right after it if the
    /// fault comes several times. Requests of git are not counted.
    Request(usize),
    /// Requests of a method, or of any, whose path holds a text, as sent or decoded. Also those of git.
    Matching {
        /// The method; any without it.
        method: Option<String>,
        /// The text.
        path_contains: String,
    },
    /// Every API request.
    Every,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The request has no effect, and this status is the answer, with the body that GitLab (or,
    /// for 502, 503 and 504, a proxy before it) sends with it.
    Status(u16),
    /// As [`Fault::Status`], with a `Retry-After`.
    RetryAfter {
        /// The status.
        status: u16,
        /// When to try again.
        seconds: u64,
    },
    /// The request has no effect, and this is the answer.
    Body {
        /// The status.
        status: u16,
        /// The type of the body.
        content_type: String,
        /// The body.
        body: String,
    },
    /// The request waits, then goes on as usual.
    Delay(Duration),
    /// This happens first; then the request goes on as usual, or as another fault has it.
    Before(Happening),
    /// The request takes effect, and this happens before its answer is sent.
    After(Happening),
    /// The connection is closed before the request takes effect.
    Dropped,
    /// The request takes effect, and the connection is closed without an answer.
    DroppedAfter,
    /// The request takes effect, and the connection is closed within its answer.
    Truncated,
    /// The request has no effect and is sent elsewhere.
    Redirect {
        /// The status, such as 302.
        status: u16,
        /// Where to.
        location: String,
    },
}

/// Something that a test does at a certain moment of a request, such as ending the client, or what a job of the
/// project would do. No request is held up by it but its own, and it may change the state of the server.
#[derive(Clone)]
pub struct Happening(Arc<dyn Fn() + Send + Sync>);

impl Happening {
    /// This.
    pub fn new(what: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(what))
    }

    /// Lets it happen.
    pub(super) fn happen(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Happening")
    }
}

/// The faults that are active.
#[derive(Default)]
pub(super) struct Faults(Mutex<Active>);

#[derive(Default)]
struct Active {
    /// API requests so far.
    seen: usize,
    /// With the number of the first request for those that go by number.
    faults: Vec<(usize, Injected)>,
}

impl Faults {
    fn active(&self) -> MutexGuard<'_, Active> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, fault: Injected) {
        let mut active = self.active();
        let first = match fault.at {
            At::Request(number) => active.seen + number,
            _ => 0,
        };
        active.faults.push((first, fault));
    }

    pub(super) fn clear(&self) {
        self.active().faults.clear();
    }

    /// The faults of a request, in the order in which they were added.
    pub(super) fn take(&self, method: &str, path: &str, is_api: bool) -> Vec<Fault> {
        let mut active = self.active();
        let number = active.seen;
        active.seen += usize::from(is_api);
        let mut taken = vec![];
        for (first, injected) in &mut active.faults {
            let fits = match &injected.at {
                At::Request(_) => is_api && number >= *first,
                At::Every => is_api,
                At::Matching { method: wanted, path_contains } => {
                    let is_method = wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
                    is_method && (path.contains(path_contains) || decoded(path).contains(path_contains))
                }
            };
            if fits && injected.times > 0 {
                injected.times -= u32::from(injected.times != u32::MAX);
                taken.push(injected.fault.clone());
            }
        }
        active.faults.retain(|(_, injected)| injected.times > 0);
        taken
    }
}

/// A path with what is written `%2F` and the like in plain.
pub(super) fn decoded(path: &str) -> String {
    // Only `+` is special in a form and plain in a path.
    let text = path.replace('+', "%2B");
    url::form_urlencoded::parse(text.replace('&', "%26").replace('=', "%3D").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}
