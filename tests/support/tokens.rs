//! The two pages of GitLab that know tokens, on a small server of our own.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use jiff::civil::Date;
use serde_json::json;

/// A token of the user `alex`.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) secret: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) expires_at: Option<Date>,
    /// The answer of the real server to a token that was good once.
    pub(crate) dead_because: Option<&'static str>,
}

pub(crate) struct Server {
    url: String,
    /// The token of each request.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(tokens: Vec<Known>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(vec![]));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tokens, log) = (tokens.clone(), Arc::clone(&log));
                std::thread::spawn(move || answer(stream, &tokens, &log));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, tokens: &[Known], log: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut given = String::new();
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("private-token")
        {
            given = value.to_owned();
        }
    }
    log.lock().unwrap().push(given.clone());
    let (status, body) = match tokens.iter().find(|token| token.secret == given) {
        None => (401, json!({ "message": "401 Unauthorized" })),
        Some(Known { dead_because: Some(why), .. }) => {
            (401, json!({ "error": "invalid_token", "error_description": why }))
        }
        Some(token) if path.ends_with("/personal_access_tokens/self") => (
            200,
            json!({ "id": 1, "name": "laptop", "scopes": [token.scope], "active": true, "revoked": false,
                "user_id": 7, "expires_at": token.expires_at }),
        ),
        Some(token) if !token.scope.contains("api") => (403, json!({ "error": "insufficient_scope", "scope": "api" })),
        Some(_) => (200, json!({ "id": 7, "username": "alex", "name": "Alex \u{1b}[2J Example" })),
    };
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()
}
