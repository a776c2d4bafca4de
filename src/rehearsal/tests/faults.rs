//! What goes wrong on demand.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::json;

use super::{Local, canonical};
use crate::rehearsal::{At, Fault, Happening, Injected};

fn once(fault: Fault) -> Injected {
    Injected { at: At::Request(0), fault, times: 1 }
}

fn note(local: &Local) -> Result<reqwest::blocking::Response, reqwest::Error> {
    let url = format!("{}/api/v4{}", local.server.url(), canonical("/issues/1/notes"));
    let request = local.client.post(url).header("private-token", &local.sample.engineer_token);
    request.header("content-type", "application/json").body(json!({ "body": "hello" }).to_string()).send()
}

fn notes(local: &Local) -> usize {
    let issue = local.sample.issue;
    local.server.change(|state| state.issue_mut(local.sample.canonical, issue).unwrap().notes.len())
}

#[test]
fn statuses_come_with_their_bodies_and_have_no_effect() {
    let local = Local::new();
    for (status, body) in [
        (401, r#"{"message":"401 Unauthorized"}"#),
        (403, r#"{"message":"403 Forbidden"}"#),
        (404, r#"{"message":"404 Not found"}"#),
        (409, r#"{"message":"409 Conflict"}"#),
        (422, r#"{"message":"422 Unprocessable Entity"}"#),
        (429, "Retry later\n"),
        (500, r#"{"message":"500 Internal Server Error"}"#),
        (502, "<title>502 Bad Gateway</title>"),
        (503, "<title>503 Service Unavailable</title>"),
        (504, "<title>504 Gateway Timeout</title>"),
    ] {
        local.server.inject(once(Fault::Status(status)));
        let answer = note(&local).unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().get("retry-after").is_some(), status == 429);
        let is_html = answer.headers()["content-type"] == "text/html";
        assert_eq!(is_html, (502..=504).contains(&status));
        assert!(answer.headers().contains_key("x-request-id"));
        let text = answer.text().unwrap();
        assert!(text.contains(body), "{text}");
    }
    assert_eq!(notes(&local), 0);
    assert_eq!(note(&local).unwrap().status(), 201);
    assert_eq!(notes(&local), 1);
}

#[test]
fn other_answers_can_be_given() {
    let local = Local::new();
    local.server.inject(once(Fault::RetryAfter { status: 503, seconds: 7 }));
    assert_eq!(note(&local).unwrap().headers()["retry-after"], "7");
    let body = Fault::Body { status: 200, content_type: "text/html".into(), body: "<p>sign in</p>".into() };
    local.server.inject(once(body));
    assert_eq!(note(&local).unwrap().text().unwrap(), "<p>sign in</p>");
    local.server.inject(once(Fault::Redirect { status: 302, location: "http://elsewhere.example/".into() }));
    let redirect = note(&local).unwrap();
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (302, &"http://elsewhere.example/".parse().unwrap())
    );
    assert_eq!(notes(&local), 0);
}

#[test]
fn connections_are_closed_before_after_and_within() {
    let local = Local::new();
    local.server.inject(once(Fault::Dropped));
    assert!(note(&local).is_err());
    assert_eq!(notes(&local), 0);

    local.server.inject(once(Fault::DroppedAfter));
    assert!(note(&local).is_err());
    assert_eq!(notes(&local), 1);

    local.server.inject(once(Fault::Truncated));
    let answer = note(&local).unwrap();
    assert_eq!(answer.status(), 201);
    let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert!(length > 100);
    assert!(answer.bytes().is_err());
    assert_eq!(notes(&local), 2);

    let log = local.server.log();
    assert_eq!(log.iter().map(|entry| entry.status).collect::<Vec<_>>(), [0, 0, 201]);
    assert_eq!(note(&local).unwrap().status(), 201);
}

#[test]
fn something_happens_before_or_after_a_request_takes_effect() {
    let local = Arc::new(Local::new());
    let seen = Arc::new(Mutex::new(vec![]));
    let look = || {
        let (local, seen) = (Arc::downgrade(&local), Arc::clone(&seen));
        Happening::new(move || seen.lock().unwrap().push(notes(&local.upgrade().unwrap())))
    };
    for fault in [Fault::Before(look()), Fault::After(look())] {
        local.server.inject(once(fault));
    }
    assert_eq!(note(&local).unwrap().status(), 201);
    assert_eq!(*seen.lock().unwrap(), [0, 1]);
    // Together with a fault that keeps the request from taking effect.
    for fault in [Fault::Before(look()), Fault::Dropped] {
        local.server.inject(once(fault));
    }
    assert!(note(&local).is_err());
    assert_eq!((seen.lock().unwrap().last().copied(), notes(&local)), (Some(1), 1));
}

#[test]
fn faults_strike_where_they_are_meant_to() {
    let local = Local::new();
    let status = |path: &str| local.get(path).status;
    local.server.inject(Injected { at: At::Request(1), fault: Fault::Status(500), times: 2 });
    assert_eq!([status("/user"), status("/user"), status("/user"), status("/user")], [200, 500, 500, 200]);

    let matching = At::Matching { method: Some("GET".into()), path_contains: "ai-assist/issues".into() };
    local.server.inject(Injected { at: matching, fault: Fault::Status(502), times: 1 });
    assert_eq!(status("/user"), 200);
    assert_eq!(note(&local).unwrap().status(), 201);
    assert_eq!([status(&canonical("/issues/1")), status(&canonical("/issues/1"))], [502, 200]);

    local.server.inject(Injected { at: At::Every, fault: Fault::Status(503), times: u32::MAX });
    assert_eq!([status("/user"), status("/version")], [503, 503]);
    local.server.clear_faults();
    assert_eq!(status("/user"), 200);
}

#[test]
fn requests_that_wait_wait_together() {
    let local = Arc::new(Local::new());
    local.server.inject(Injected { at: At::Every, fault: Fault::Delay(Duration::from_millis(400)), times: u32::MAX });
    // A second fault beside the first.
    local.server.inject(Injected { at: At::Request(0), fault: Fault::Status(500), times: 1 });
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let local = Arc::clone(&local);
            thread::spawn(move || local.get("/user").status)
        })
        .collect();
    // All have come before the first is answered.
    loop {
        let log = local.server.log();
        if log.iter().any(|entry| entry.status != 0) {
            assert_eq!(log.len(), 10);
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    let mut statuses: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 200, 500]);
}

#[test]
fn a_server_stops_when_it_is_dropped() {
    let local = Local::new();
    let url = local.server.url();
    local.get("/user").is(200);
    drop(local);
    assert!(reqwest::blocking::get(format!("{url}/api/v4/version")).is_err());
}
