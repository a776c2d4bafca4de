//! Sending requests: retries, redirects, pages, and many at once.

use std::{
    io::Read,
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use gitlab::api::{Endpoint, Pageable};
use reqwest::{
    Method, StatusCode, blocking,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use url::Url;

use crate::domain::backoff::Backoff;

use super::{
    Error, Options, Refused, answer,
    connection::{self, AT_ONCE, causes, origin},
    link_header, retry,
};

const PER_PAGE: u32 = 100;

/// More rows than 5,000 are no list for a person.
const MOST_PAGES: u32 = 50;

const MOST_REDIRECTS: u32 = 3;

/// How often something is looked for that the server may not show yet.
const MOST_LOOKS: u32 = 4;

const LARGEST_BODY: u64 = 32 << 20;

const TOKEN: HeaderName = HeaderName::from_static("private-token");

/// Told every request with its end, for `-v`: never headers, never bodies.
pub type Trace = Box<dyn Fn(&str) + Send + Sync>;

/// A connection to one instance, with the token of one user.
pub struct Client {
    http: blocking::Client,
    base: Url,
    token: Option<HeaderValue>,
    time_limit: Duration,
    backoff: Backoff,
    trace: Trace,
}

/// An answer's headers and body.
struct Answer {
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A page of a list, and the number of the next one.
struct Page<T> {
    rows: Vec<T>,
    next: Option<u32>,
}

impl Client {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// When the address is none, a file with certificates cannot be read, or the token is malformed.
    pub fn new(options: &Options, token: Option<&str>, trace: Trace) -> Result<Self, Error> {
        let base = connection::base(&options.url)?;
        let http = connection::http(options, &base)?;
        let token = token.map(connection::header).transpose()?;
        let backoff = Backoff::from(options.pause).spread();
        Ok(Self { http, base, token, time_limit: options.time_limit, backoff, trace })
    }

    /// The pauses between questions to this server.
    pub fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// The pause behind a try, counted from 1.
    fn pause(&self, tries: u32) -> Duration {
        self.backoff.pause(tries, fastrand::f64())
    }

    /// Asks until something is found that the server may not show yet, such as what was made a moment ago; tells each
    /// try whether it is the last one.
    pub(super) fn again_while_unseen<T>(
        &self,
        mut look: impl FnMut(bool) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        for tries in 1..MOST_LOOKS {
            if let Some(found) = look(false)? {
                return Ok(Some(found));
            }
            std::thread::sleep(self.pause(tries));
        }
        look(true)
    }

    /// Asks for something: repeated when the answer is lost.
    ///
    /// # Errors
    /// When there is no answer, or none that can be used.
    pub fn get<T: DeserializeOwned>(&self, endpoint: &impl Endpoint) -> Result<T, Error> {
        self.read(endpoint, &self.send(endpoint, &[], true)?)
    }

    /// Changes something to a given state, so that doing it twice is as good as once.
    ///
    /// # Errors
    /// When there is no answer, or none that can be used.
    pub fn put<T: DeserializeOwned>(&self, endpoint: &impl Endpoint) -> Result<T, Error> {
        self.read(endpoint, &self.send(endpoint, &[], true)?)
    }

    /// Creates something: never sent again when it may have taken effect. The caller looks whether
    /// it did.
    ///
    /// # Errors
    /// When there is no answer, or none that can be used.
    pub fn create<T: DeserializeOwned>(&self, endpoint: &impl Endpoint) -> Result<T, Error> {
        self.read(endpoint, &self.send(endpoint, &[], false)?)
    }

    /// Every row of a list.
    ///
    /// # Errors
    /// When a page cannot be had, or the list does not end.
    pub fn all<T: DeserializeOwned>(&self, endpoint: &(impl Endpoint + Pageable)) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        let mut next = Some(1);
        while let Some(number) = next {
            let page = self.page(endpoint, number)?;
            rows.extend(page.rows);
            next = page.next;
            if number >= MOST_PAGES && next.is_some() {
                return Err(Error::Endless { request: described(endpoint), pages: number });
            }
        }
        Ok(rows)
    }

    /// The first rows of a list, where the newest are enough.
    ///
    /// # Errors
    /// When they cannot be had.
    pub fn first_page<T: DeserializeOwned>(&self, endpoint: &(impl Endpoint + Pageable)) -> Result<Vec<T>, Error> {
        Ok(self.page(endpoint, 1)?.rows)
    }

    fn page<T: DeserializeOwned>(&self, endpoint: &(impl Endpoint + Pageable), number: u32) -> Result<Page<T>, Error> {
        let parameters = [("page", number.to_string()), ("per_page", PER_PAGE.to_string())];
        let answer = self.send(endpoint, &parameters, true)?;
        let rows: Vec<T> = self.read(endpoint, &answer)?;
        let next = next_page(&answer.headers, number, rows.len())
            .map_err(|why| Error::Unreadable { request: described(endpoint), why })?;
        Ok(Page { rows, next })
    }

    fn read<T: DeserializeOwned>(&self, endpoint: &impl Endpoint, answer: &Answer) -> Result<T, Error> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            let why = if error.is_data() {
                error.to_string()
            } else {
                let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("unknown");
                format!("it is no JSON but `{kind}`, as from a proxy or a login page: {}", answer::said(&answer.body))
            };
            Error::Unreadable { request: described(endpoint), why }
        })
    }

    /// Sends a request, again where that is safe, and returns the answer if it is a good one.
    fn send(
        &self,
        endpoint: &impl Endpoint,
        parameters: &[(&str, String)],
        is_repeatable: bool,
    ) -> Result<Answer, Error> {
        let request = described(endpoint);
        let mut url = self
            .base
            .join(&format!("api/v4/{}", endpoint.endpoint()))
            .map_err(|error| Error::Defect(format!("{request}: {error}")))?;
        endpoint.parameters().add_to_url(&mut url);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        // The crate leaves a `?` with nothing behind it.
        if url.query() == Some("") {
            url.set_query(None);
        }
        let body = endpoint.body().map_err(|error| Error::Defect(error.to_string()))?;
        let begin = Instant::now();
        for attempt in 1.. {
            let started = Instant::now();
            let ended = self.try_once(&endpoint.method(), url.clone(), body.as_ref(), &request);
            let shown = match &ended {
                Ok(_) => "ok".to_owned(),
                Err(Error::Refused(refused)) => refused.status.to_string(),
                Err(error) => error.to_string(),
            };
            (self.trace)(&format!("{request}: {shown} in {} ms", started.elapsed().as_millis()));
            let error = match ended {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(wait) = retry::wait_before_next(&error, is_repeatable, attempt, self.pause(attempt))
                .filter(|_| begin.elapsed() < self.time_limit)
            else {
                return Err(error);
            };
            (self.trace)(&format!("{request}: again in {} ms", wait.as_millis()));
            std::thread::sleep(wait);
        }
        Err(Error::Defect(request))
    }

    /// Sends a request once, following redirects that stay on this server.
    fn try_once(
        &self,
        method: &Method,
        mut url: Url,
        body: Option<&(&'static str, Vec<u8>)>,
        request: &str,
    ) -> Result<Answer, Error> {
        for _ in 0..=MOST_REDIRECTS {
            let mut builder = self.http.request(method.clone(), url.clone());
            if let Some(token) = &self.token {
                builder = builder.header(TOKEN, token.clone());
            }
            if let Some((kind, body)) = body {
                builder = builder.header(CONTENT_TYPE, *kind).body(body.clone());
            }
            let response = builder.send().map_err(|error| self.failed(error, request))?;
            let (status, headers) = (response.status(), response.headers().clone());
            if let Some(target) = redirected_to(status, &headers, &url) {
                // Another verb than GET would be repeated as a GET by some servers' rules, or not at all.
                let is_ours = origin(&target) == origin(&self.base) && target.path().starts_with(self.base.path());
                if !is_ours || *method != Method::GET {
                    let to = format!("{}{}", origin(&target), target.path());
                    return Err(Error::Redirected { request: request.to_owned(), to });
                }
                url = target;
                continue;
            }
            let body = whole_body(response, request);
            if status.is_success() {
                return Ok(Answer { headers, body: body? });
            }
            return Err(Error::Refused(Refused {
                request: request.to_owned(),
                status: status.as_u16(),
                // The status says enough where the text was cut off.
                said: body.map(|body| answer::said(&body)).unwrap_or_default(),
                request_id: headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned),
                retry_after: retry_after(&headers),
            }));
        }
        Err(Error::Unreadable { request: request.to_owned(), why: "it is redirected again and again".to_owned() })
    }

    fn failed(&self, error: reqwest::Error, request: &str) -> Error {
        let is_unsent = error.is_connect() || error.is_builder();
        let is_late = error.is_timeout();
        let error = error.without_url();
        if is_unsent {
            let why = if is_late { "it did not answer in time".to_owned() } else { causes(&error) };
            return Error::Unreachable { server: origin(&self.base), why };
        }
        let why = if is_late { "the time limit is over".to_owned() } else { causes(&error) };
        Error::Lost { request: request.to_owned(), why }
    }
}

/// The body, up to a size that no answer of GitLab comes near.
fn whole_body(response: blocking::Response, request: &str) -> Result<Vec<u8>, Error> {
    let announced = response.content_length();
    let mut body = Vec::new();
    let read = response.take(LARGEST_BODY + 1).read_to_end(&mut body);
    let why = match read {
        Err(error) => causes(&error),
        Ok(_) if body.len() as u64 > LARGEST_BODY => {
            let why = format!("it is larger than {} MB", LARGEST_BODY >> 20);
            return Err(Error::Unreadable { request: request.to_owned(), why });
        }
        Ok(_) if announced.is_some_and(|length| length != body.len() as u64) => "it was cut off".to_owned(),
        Ok(_) => return Ok(body),
    };
    Err(Error::Lost { request: request.to_owned(), why })
}

/// Method and path, without parameters: a title or a description is nobody's business in a log.
fn described(endpoint: &impl Endpoint) -> String {
    format!("{} {}", endpoint.method(), endpoint.endpoint())
}

/// The number of the page behind this one. Not every proxy lets every header through: what is not said
/// in one is said in the other, and a full page without either is followed by a look at the next.
fn next_page(headers: &HeaderMap, number: u32, rows: usize) -> Result<Option<u32>, String> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    match text("x-next-page") {
        Some("") => Ok(None),
        Some(next) => match next.parse() {
            Ok(next) if next > number => Ok(Some(next)),
            // The same page for ever, or an end that is none: what is missing cannot be told.
            _ => Err(format!("page {number} is followed by `{next}`")),
        },
        None => Ok((link_header::has(headers, "next") || rows >= PER_PAGE as usize).then_some(number + 1)),
    }
}

fn redirected_to(status: StatusCode, headers: &HeaderMap, from: &Url) -> Option<Url> {
    let target = headers.get(LOCATION)?.to_str().ok()?;
    if status.is_redirection() { from.join(target).ok() } else { None }
}

/// `Retry-After` in seconds, else `RateLimit-Reset` as a moment since 1970 where the limit is used up.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    if number("ratelimit-remaining") != Some(0) {
        return None;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(number("ratelimit-reset")?).saturating_sub(now))
}

/// Does independent things at the same time, and returns what became of each, in their order.
pub fn at_once<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(things.len()));
    std::thread::scope(|scope| {
        for _ in 0..things.len().min(AT_ONCE) {
            scope.spawn(|| {
                while let Some((at, thing)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| things.get(at).map(|thing| (at, thing)))
                {
                    let result = work(thing);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_at_once_keep_their_order() {
        let things: Vec<u64> = (0..40).collect();
        let done = at_once(&things, |thing| {
            std::thread::sleep(Duration::from_millis(thing % 3));
            thing * 2
        });
        assert_eq!(done, things.iter().map(|thing| thing * 2).collect::<Vec<_>>());
        assert!(at_once(&[] as &[u8], |_| ()).is_empty());
    }
}
