//! Git itself over HTTP.

use std::{fs, path::PathBuf};

use serde_json::json;

use super::{CANONICAL, Local, SECURITY, security};
use crate::rehearsal::TokenSpec;

fn url(local: &Local, path: &str, token: Option<&str>) -> String {
    let url = format!("{}/{path}.git", local.server.url());
    token.map_or(url.clone(), |token| url.replace("http://", &format!("http://oauth2:{token}@")))
}

/// Clones with a token and puts a commit on a branch.
fn cloned(local: &Local, path: &str, token: &str, branch: &str) -> PathBuf {
    let work = local.folder.path().join("work");
    local.git(local.folder.path(), &["clone", "--quiet", &url(local, path, Some(token)), "work"]);
    local.git(&work, &["switch", "--quiet", "--create", branch]);
    fs::write(work.join("pushed.py"), "pushed\n").unwrap();
    local.git(&work, &["add", "."]);
    local.git(&work, &["commit", "--quiet", "--message", "Push"]);
    work
}

fn refused(local: &Local, work: &std::path::Path, arguments: &[&str]) -> String {
    let output = local.git_output(work, arguments);
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_clone_is_made_and_pushed_from() {
    for root in ["", "gitlab"] {
        let local = Local::at_root(root, |_| ());
        let work = cloned(&local, SECURITY, &local.sample.engineer_token, "security-x");
        local.git(&work, &["push", "--quiet", "--push-option=ci.skip", "origin", "HEAD"]);
        let head = local.git(&work, &["rev-parse", "HEAD"]);
        assert_eq!(local.git(&local.repository(SECURITY), &["rev-parse", "security-x"]), head);
        // Enough to ask for that git compresses it: it does above 1,024 bytes.
        let repository = local.repository(SECURITY);
        for number in 0..30 {
            let tree = format!("{head}^{{tree}}");
            let commit = ["commit-tree", &tree, "-p", &head, "-m", &number.to_string()];
            let commit = local.git(&repository, &commit);
            local.git(&repository, &["update-ref", &format!("refs/heads/many/{number}"), &commit]);
        }
        local.git(&work, &["fetch", "--quiet", "origin"]);
        assert_eq!(local.git(&work, &["branch", "--remotes", "--list", "origin/many/*"]).lines().count(), 30);
        assert!(local.server.log().iter().any(|entry| {
            entry.path == format!("/{SECURITY}.git/git-receive-pack") && entry.token.as_deref() == Some("engineer")
        }));
    }
}

#[test]
fn those_who_may_not_are_told() {
    let local = Local::with(|state| {
        let stranger = state.add_user("stranger", "A Stranger");
        state.add_token("stranger", TokenSpec::of(stranger));
        let engineer = state.user_named("engineer").unwrap().id;
        state.add_token("reader", TokenSpec { scopes: vec!["read_repository"], ..TokenSpec::of(engineer) });
    });
    let folder = local.folder.path();
    local.git(folder, &["ls-remote", &url(&local, CANONICAL, None)]);
    local.git(folder, &["ls-remote", &url(&local, SECURITY, Some("reader"))]);
    let no_one = refused(&local, folder, &["ls-remote", &url(&local, SECURITY, None)]);
    assert!(no_one.contains("could not read Username") || no_one.contains("Authentication failed"), "{no_one}");
    let bad = refused(&local, folder, &["ls-remote", &url(&local, SECURITY, Some("nonsense"))]);
    assert!(bad.contains("HTTP Basic: Access denied"), "{bad}");
    let stranger = refused(&local, folder, &["ls-remote", &url(&local, SECURITY, Some("stranger"))]);
    assert!(stranger.contains("The project you were looking for could not be found"), "{stranger}");

    let work = cloned(&local, CANONICAL, "stranger", "topic");
    let pushed = refused(&local, &work, &["push", "origin", "HEAD"]);
    assert!(pushed.contains("You are not allowed to push code to this project."), "{pushed}");
    let read_only = refused(&local, &work, &["push", &url(&local, CANONICAL, Some("reader")), "HEAD"]);
    assert!(read_only.contains("403"), "{read_only}");
    let anonymous = refused(&local, &work, &["push", &url(&local, CANONICAL, None), "HEAD"]);
    assert!(anonymous.contains("could not read Username"), "{anonymous}");
}

#[test]
fn rules_refuse_pushes_in_the_words_of_the_server() {
    let local = Local::new();
    let work = cloned(&local, SECURITY, &local.sample.engineer_token, "topic");
    local.git(&work, &["tag", "v1"]);
    local.server.change(|state| state.protect_tag(local.sample.security, "v*", 40));
    for (refspec, why) in [
        ("HEAD:main", "GitLab: You are not allowed to push code to protected branches on this project."),
        ("HEAD:stable-18-5-ee", "GitLab: You are not allowed to create protected branches on this project."),
        (":stable-18-4-ee", "GitLab: You can only delete protected branches using the web interface."),
        ("v1", "GitLab: You are not allowed to create this tag as it is protected."),
    ] {
        let said = refused(&local, &work, &["push", "origin", "HEAD:topic", refspec]);
        assert!(said.contains(why) && said.contains("(pre-receive hook declined)"), "{said}");
    }
    // All or nothing.
    local.get(&security("/repository/branches/topic")).is(404);
    let hidden = refused(&local, &work, &["push", "origin", "HEAD:refs/merge-requests/1/head"]);
    assert!(hidden.contains("refs/merge-requests/1/head"), "{hidden}");

    let maintainer = url(&local, SECURITY, Some(&local.sample.maintainer_token));
    local.git(&work, &["push", "--quiet", &maintainer, "HEAD:main", "v1"]);
    let forced = refused(&local, &work, &["push", "--force", &maintainer, "HEAD^:main"]);
    assert!(forced.contains("force push"), "{forced}");
    let again = refused(&local, &work, &["push", "--force", &maintainer, "HEAD^:refs/tags/v1"]);
    assert!(again.contains("Protected tags cannot be updated."), "{again}");
    // A push to a branch starts what runs there.
    assert_eq!(local.get(&security("/pipelines?ref=main")).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_push_over_http_is_seen_by_merge_requests() {
    let local = Local::new();
    let work = cloned(&local, SECURITY, &local.sample.engineer_token, "security-x");
    local.git(&work, &["push", "--quiet", "origin", "HEAD"]);
    let body = json!({ "source_branch": "security-x", "target_branch": "main", "title": "Fix" });
    local.post(&security("/merge_requests"), body).is(201);
    local.server.change(|state| state.approve(local.sample.security, 1, local.sample.maintainer));
    local.git(&work, &["commit", "--quiet", "--amend", "--message", "Again"]);
    local.git(&work, &["push", "--quiet", "--force", "origin", "HEAD"]);
    // At once, without a look at it.
    local.server.change(|state| {
        let request = state.merge_request(local.sample.security, 1).unwrap();
        assert_eq!((request.versions.len(), request.approvals.len()), (2, 0));
    });
    local.git(&work, &["fetch", "--quiet", "origin", "refs/merge-requests/1/head"]);
}
