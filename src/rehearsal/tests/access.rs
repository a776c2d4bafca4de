//! Who is let in, and what the others are told.

use serde_json::json;

use super::{CANONICAL, Local, SECURITY, canonical, encoded, read, security};
use crate::rehearsal::{TokenKind, TokenSpec};

#[test]
fn bad_tokens_are_told_apart() {
    let local = Local::with(|state| {
        let user = state.user_named("engineer").unwrap().id;
        state.now = Some("2026-03-02T09:00:00Z".parse().unwrap());
        state.add_token("expired", TokenSpec { expires_at: Some("2026-03-02".into()), ..TokenSpec::of(user) });
        state.add_token("lasting", TokenSpec { expires_at: Some("2026-03-03".into()), ..TokenSpec::of(user) });
        state.add_token("revoked", TokenSpec { revoked: true, ..TokenSpec::of(user) });
        state.add_token("reader", TokenSpec { scopes: vec!["read_api"], ..TokenSpec::of(user) });
        state.add_token("git-only", TokenSpec { scopes: vec!["write_repository"], ..TokenSpec::of(user) });
        state.add_token("job", TokenSpec { kind: TokenKind::Job, ..TokenSpec::of(user) });
        state.add_token("oauth", TokenSpec { kind: TokenKind::OAuth, ..TokenSpec::of(user) });
        let blocked = state.add_user("blocked", "Somebody");
        state.users.iter_mut().find(|user| user.id == blocked).unwrap().state = "blocked".into();
        state.add_token("blocked", TokenSpec::of(blocked));
    });
    let ask = |token: Option<&str>, method: &str, path: &str| {
        let answered = local.send(token, method, path, (method != "GET").then(|| json!({ "body": "x" })));
        (answered.status, answered.json().to_string())
    };
    let unknown = (401, r#"{"message":"401 Unauthorized"}"#.to_owned());
    assert_eq!(ask(Some("nonsense"), "GET", "/user"), unknown);
    // Also where nobody has to sign in.
    assert_eq!(ask(Some("nonsense"), "GET", &canonical("")), unknown);
    assert_eq!(ask(None, "GET", "/user"), unknown);
    assert_eq!(ask(None, "GET", "/version"), unknown);
    assert_eq!(ask(None, "POST", &canonical("/issues/1/notes")), unknown);
    assert_eq!(ask(None, "GET", &canonical("")).0, 200);
    for (token, what) in [("expired", "Token is expired"), ("revoked", "Token was revoked")] {
        let (status, body) = ask(Some(token), "GET", "/user");
        assert_eq!(status, 401);
        assert!(body.contains(r#""error":"invalid_token""#) && body.contains(what), "{body}");
    }
    assert_eq!(ask(Some("lasting"), "GET", "/user").0, 200);
    assert_eq!(ask(Some("reader"), "GET", &security("")).0, 200);
    let (status, body) = ask(Some("reader"), "POST", &canonical("/issues/1/notes"));
    assert_eq!(status, 403);
    assert!(body.contains(r#""error":"insufficient_scope""#) && body.contains(r#""scope":"api""#), "{body}");
    assert_eq!(ask(Some("git-only"), "GET", &canonical("")).0, 403);
    assert_eq!(ask(Some("git-only"), "GET", "/personal_access_tokens/self").0, 200);
    assert_eq!(ask(Some("oauth"), "GET", "/user"), unknown);
    assert_eq!(ask(Some("blocked"), "GET", "/user").0, 403);

    let with = |name: &str, value: &str, path: &str| {
        let url = format!("{}/api/v4{path}", local.server.url());
        read(path, local.client.get(url).header(name, value).send().unwrap()).status
    };
    assert_eq!(with("authorization", "Bearer oauth", "/user"), 200);
    assert_eq!(with("authorization", "Bearer lasting", "/user"), 200);
    assert_eq!(with("authorization", "Bearer oauth", "/personal_access_tokens/self"), 400);
    assert_eq!(with("job-token", "job", &security("/merge_requests")), 200);
    // Elsewhere a job's token counts as none.
    assert_eq!(with("job-token", "job", &security("/issues")), 404);
    assert_eq!(with("job-token", "job", "/user"), 401);
}

#[test]
fn what_one_may_not_see_is_not_there() {
    let local = Local::with(|state| {
        let stranger = state.add_user("stranger", "A Stranger");
        state.add_token("stranger", TokenSpec::of(stranger));
    });
    let stranger = |path: &str| local.send(Some("stranger"), "GET", path, None);
    for path in [security(""), security("/merge_requests"), "/projects/999".into(), "/projects/no%2Fsuch".into()] {
        assert_eq!(stranger(&path).is(404).json(), json!({ "message": "404 Project Not Found" }));
    }
    assert_eq!(stranger(&canonical("/issues/1")).is(404).json(), json!({ "message": "404 Not found" }));
    assert_eq!(stranger(&canonical("/issues")).is(200).json(), json!([]));
    // The parent of a fork is only named to those who see it, and rights only to those signed in.
    let shown = local.get(&security("")).is(200).json();
    assert_eq!(shown["forked_from_project"]["path_with_namespace"], CANONICAL);
    assert_eq!(shown["permissions"]["project_access"]["access_level"], 30);
    assert_eq!(shown["permissions"]["group_access"], json!(null));
    assert!(local.send(None, "GET", &canonical(""), None).is(200).json().get("permissions").is_none());
}

#[test]
fn slashes_have_to_be_encoded_and_verbs_to_fit() {
    let local = Local::new();
    let nowhere = json!({ "error": "404 Not Found" });
    assert_eq!(local.get(&format!("/projects/{SECURITY}")).is(404).json(), nowhere);
    assert_eq!(local.get(&security("/repository/branches/a/b")).is(404).json(), nowhere);
    assert_eq!(local.get("/nonsense").is(404).json(), nowhere);
    let id = local.sample.security;
    assert_eq!(local.get(&format!("/projects/{id}")).is(200).json()["id"], id);
    let wrong = local.maintain("DELETE", &security("/merge_requests"), json!({}));
    assert_eq!(wrong.is(405).json(), json!({ "error": "405 Not Allowed" }));
}

#[test]
fn a_relative_root_is_carried_everywhere() {
    let local = Local::at_root("gitlab", |_| ());
    assert!(local.server.url().ends_with("/gitlab"));
    let shown = local.get(&security("")).is(200).json();
    assert_eq!(shown["web_url"], format!("{}/{SECURITY}", local.server.url()));
    assert_eq!(shown["http_url_to_repo"], format!("{}/{SECURITY}.git", local.server.url()));
    let outside = local.server.url().replace("/gitlab", "") + "/api/v4/version";
    assert_eq!(local.client.get(outside).send().unwrap().status(), 404);
    assert!(local.get("/users?per_page=1").header("link").contains("/gitlab/api/v4/users?"));
    assert_eq!(local.server.log()[0].path, format!("/api/v4{}", security("")));
}

#[test]
fn a_renamed_project_leads_to_its_number() {
    let local = Local::with(|state| {
        let id = state.project(SECURITY).unwrap().id;
        state.renames.insert("old/path".into(), id);
    });
    let id = local.sample.security;
    let moved = local.get("/projects/old%2Fpath/merge_requests?state=opened").is(301);
    let place = format!("{}/api/v4/projects/{id}/merge_requests?state=opened", local.server.url());
    assert_eq!(moved.header("location"), place);
    local
        .post("/projects/old%2Fpath/merge_requests", json!({ "title": "", "source_branch": "", "target_branch": "" }))
        .is(405);
    local.send(None, "GET", "/projects/old%2Fpath", None).is(404);
}

#[test]
fn people_and_the_token_are_told() {
    let local = Local::with(|state| {
        let group = state.add_group("gitlab-org");
        let boss = state.add_user("boss", "The Boss");
        state.add_group_member(group, boss, 50);
    });
    assert_eq!(local.get("/version").is(200).json()["version"], "19.1.0-ee");
    assert_eq!(local.get("/metadata").is(200).json()["enterprise"], true);
    let me = local.get("/user").is(200).json();
    assert_eq!((&me["username"], &me["bot"]), (&json!("engineer"), &json!(false)));
    assert_eq!(local.get("/users?username=PSIRT").json()[0]["id"], local.sample.psirt);
    assert_eq!(local.get("/users?username=nobody").json(), json!([]));
    let token = local.get("/personal_access_tokens/self").is(200).json();
    assert_eq!(
        (&token["scopes"], &token["active"], &token["expires_at"]),
        (&json!(["api"]), &json!(true), &json!(null))
    );

    let boss = local.get("/users?username=boss").json()[0]["id"].clone();
    local.get(&security(&format!("/members/{boss}"))).is(404);
    assert_eq!(local.get(&security(&format!("/members/all/{boss}"))).is(200).json()["access_level"], 50);
    assert_eq!(local.get(&security("/members/all")).json().as_array().unwrap().len(), 4);
    assert_eq!(local.get(&format!("/groups/{}/members/all", encoded("gitlab-org"))).is(200).json()[0]["id"], boss);
}

#[test]
fn an_unchanged_answer_is_not_sent_again() {
    let local = Local::new();
    let tag = local.get(&security("")).header("etag").to_owned();
    let url = format!("{}/api/v4{}", local.server.url(), security(""));
    let token = &local.sample.engineer_token;
    let again = local.client.get(url).header("private-token", token).header("if-none-match", tag).send().unwrap();
    assert_eq!(again.status(), 304);
}

#[test]
fn the_log_names_people_and_no_secrets() {
    let local = Local::new();
    let token = &local.sample.engineer_token;
    local.get(&canonical("/issues/1"));
    local.send(Some("nonsense"), "GET", "/user", None);
    local.send(None, "GET", &format!("/user?private_token={token}&x=1"), None).is(200);
    let log = local.server.log();
    let seen: Vec<_> = log.iter().map(|entry| (entry.token.as_deref(), entry.status)).collect();
    assert_eq!(seen, [(Some("engineer"), 200), (Some("unknown"), 401), (Some("engineer"), 200)]);
    assert_eq!(log[0].path, format!("/api/v4/projects/{}/issues/1", encoded(CANONICAL)));
    assert_eq!(log[2].query, "private_token=[hidden]&x=1");
    assert!(!format!("{log:?}").contains(token.as_str()));
    assert!(!format!("{:?}", local.sample.state).contains(token.as_str()));
    local.server.clear_log();
    assert_eq!(local.server.log(), []);
}
