//! `git secfix issue`.

use git_secfix::rehearsal::{At, Fault, Injected, IssueSpec, TokenSpec};

use crate::support::{CAN, GitLab, World, gitlab::DUE};

#[test]
fn a_confidential_issue_is_shown_with_what_is_next() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    let shown = world.secfix(&["issue", &gitlab.issue.to_string()]).ok();
    shown
        .clone()
        .says(&format!("{CAN}#{}  Prompt injection through file names", gitlab.issue))
        .says("confidential")
        .says(&format!("days ({DUE})"))
        .says("severity::2")
        .says("@engineer")
        .says(&format!("git secfix branch NAME --issue {CAN}#{}", gitlab.issue))
        .warns("ask PSIRT in the issue");
    // By its page, as it is copied from a browser, and by its full reference.
    let url = gitlab.server.url();
    for text in [
        format!("{url}/{CAN}/-/issues/{}", gitlab.issue),
        format!("{url}/{CAN}/-/work_items/{}#note_3", gitlab.issue),
        format!("{CAN}#{}", gitlab.issue),
    ] {
        assert_eq!(world.secfix(&["issue", &text]).ok().stdout, shown.stdout, "{text}");
    }
    let json = world.secfix(&["issue", &gitlab.issue.to_string(), "--json"]).ok();
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["may_go_on"], true);
    assert_eq!(document["due_date"], DUE);
}

#[test]
fn the_issue_of_a_fix_is_remembered() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    world.secfix(&["issue"]).ends(2).warns("hint: git secfix issue NUMBER");
    world.secfix(&["branch", "prompt-injection"]).ok();
    world.secfix(&["issue"]).ends(2).warns("no issue is remembered").warns("--issue NUMBER");
    world.secfix(&["branch", "prompt-injection", "--issue", "x/y"]).ends(2).warns("names no issue");
    let issue = gitlab.issue.to_string();
    world.secfix(&["branch", "prompt-injection", "--issue", &issue]).ok();
    world
        .secfix(&["issue"])
        .ok()
        .says(&format!("#{issue}  Prompt injection"))
        .says("commit the fix, then git secfix backport prompt-injection --to all");
    // Git forgets it together with the branch.
    world.git(&["switch", "--quiet", "main"]).ok();
    world.git(&["branch", "--quiet", "-D", "security-prompt-injection"]).ok();
    world.git(&["config", "--get-regexp", "secfixissue"]).ends(1);
}

#[test]
fn a_public_issue_is_refused() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    let spec = IssueSpec { title: "A typo".to_owned(), author: Some(gitlab.engineer), ..IssueSpec::default() };
    let public = gitlab.server.change(|state| state.add_issue(gitlab.canonical, spec)).to_string();
    world
        .secfix(&["issue", &public])
        .ends(3)
        .says("public")
        .warns("is public, so what it is about is known")
        .warns("without backports");
    let json = world.secfix(&["issue", &public, "--json"]).ends(3);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["may_go_on"], false);
}

#[test]
fn what_cannot_be_seen_is_said_in_both_ways() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    world.secfix(&["issue", "9999"]).ends(1).warns("there is no issue").warns("may not see it");
    // Somebody who is no member does not see the confidential one.
    gitlab.server.change(|state| {
        let stranger = state.add_user("stranger", "A Stranger");
        state.add_token("glpat-stranger", TokenSpec::of(stranger));
    });
    world.set("SECFIX_TOKEN", "glpat-stranger");
    world.secfix(&["issue", &gitlab.issue.to_string()]).ends(1).warns("may not see it").never_says("Prompt");
}

#[test]
fn hostile_titles_do_not_reach_the_terminal() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    gitlab.server.change(|state| {
        let issue = state.issue_mut(gitlab.canonical, gitlab.issue).unwrap();
        issue.title = "\x1b]0;gotcha\x07\x1b[2Jnice".to_owned();
    });
    world.secfix(&["issue", &gitlab.issue.to_string()]).ok().never_says("\x1b").says("nice");
}

#[test]
fn tokens_and_servers_that_fail_have_their_codes() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    let issue = gitlab.issue.to_string();
    for (fault, code, text) in [
        (Fault::Status(401), 4, "the token is not accepted (401"),
        (Fault::Status(403), 1, "this is not allowed (403"),
        (Fault::Status(500), 5, "the server is in trouble (500"),
        (Fault::Status(502), 5, "the server is in trouble (502"),
        (Fault::RetryAfter { status: 429, seconds: 600 }, 5, "too many requests (429"),
        (Fault::Dropped, 5, "no answer to GET projects/"),
        (
            Fault::Redirect { status: 302, location: "https://evil.example/x".to_owned() },
            5,
            "is redirected to https://evil.example",
        ),
        (
            Fault::Body {
                status: 200,
                content_type: "text/html".to_owned(),
                body: "<title>Sign in</title>".to_owned(),
            },
            5,
            "as from a proxy or a login page: Sign in",
        ),
    ] {
        gitlab.server.inject(Injected { at: At::Every, fault, times: u32::MAX });
        world.secfix(&["issue", &issue]).ends(code).warns(text).warns("hint: ").never_says("SECRET");
        gitlab.server.clear_faults();
    }
    world.set("SECFIX_TOKEN", "glpat-wrong");
    world.secfix(&["issue", &issue]).ends(4).warns("401").warns("hint: unset SECFIX_TOKEN").never_says("glpat-wrong");
    world.set("SECFIX_TOKEN", "not a token");
    world
        .secfix(&["issue", &issue])
        .ends(4)
        .warns("`SECFIX_TOKEN`")
        .warns("hint: unset SECFIX_TOKEN")
        .never_says("not a token");
    world.set("SECFIX_TOKEN", "glpat-engineer-SECRET");
    world.set("SECFIX_GITLAB_URL", "http://127.0.0.1:9");
    world.secfix(&["issue", &issue]).ends(5).warns("cannot reach http://127.0.0.1:9");
}

/// Changes the confidential issue of a world.
fn with_issue(gitlab: &GitLab, change: impl FnOnce(&mut git_secfix::rehearsal::Issue)) {
    gitlab.server.change(|state| change(state.issue_mut(gitlab.canonical, gitlab.issue).unwrap()));
}

#[test]
fn what_is_amiss_with_it_is_told_where_work_begins() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    let issue = gitlab.issue.to_string();
    let branch = ["branch", "prompt-injection", "--issue", &issue];
    world.secfix(&branch).ok().never_says("warning");
    world.commit("fixed", "embargoed\n");
    let handle = "@gitlab-com/gl-security/product-security/psirt-group please set";
    for (change, text) in [
        ((|issue| issue.labels.clear()) as fn(&mut git_secfix::rehearsal::Issue), handle),
        (|issue| issue.due_date = Some("2020-01-31".to_owned()), "was due "),
        (|issue| issue.assignees.clear(), "is assigned to nobody"),
        (|issue| issue.state = "closed".to_owned(), "is closed"),
        (|issue| issue.moved_to_id = Some(7), "was moved to another project"),
    ] {
        with_issue(&gitlab, change);
        world.secfix(&["branch"]).ok().warns(text);
        world.secfix(&["push"]).ok().warns(text);
        world.secfix(&["issue"]).ok().warns(text);
        // Who asks no server is told nothing.
        world.secfix(&["branch", "--no-fetch"]).ok().never_says(text);
        world.set("SECFIX_TOKEN", "");
        world.secfix(&["push"]).ok().never_says(text);
        world.set("SECFIX_TOKEN", crate::support::gitlab::TOKEN);
    }
    world.secfix(&["branch", "other", "--issue", "9999"]).ok().warns("there is no issue").warns("may not see it");
    // A server that does not answer keeps nobody from their work.
    let fault = Fault::Delay(std::time::Duration::from_secs(8));
    gitlab.server.inject(Injected { at: At::Every, fault, times: u32::MAX });
    world.secfix(&["branch"]).ok().never_says("moved");
}

#[test]
fn a_public_issue_stops_the_work_and_says_what_is_private_still() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    let before = world.server_refs(crate::support::SEC);
    with_issue(&gitlab, |issue| issue.confidential = false);
    world.commit("fixed", "more\n");
    for command in ["push", "branch"] {
        let ran = world.secfix(&[command]).ends(3).warns("is public, so what it is about is known");
        let ran = ran.warns("is private: nothing of it is public").warns("hint: git secfix init --undo");
        let ran = ran.warns("hint: git push '--force-with-lease=security-prompt-injection:");
        ran.warns(
            " security :security-prompt-injection :security-prompt-injection-18-4 :security-prompt-injection-18-3",
        );
    }
    assert_eq!(world.server_refs(crate::support::SEC), before);
    // What is nowhere else is not hinted away.
    world.git(&["branch", "--quiet", "-D", "security-prompt-injection-18-3"]).ok();
    let ran = world.secfix(&["push"]).ends(3).warns("security-prompt-injection-18-3` is in");
    let hint = ran.stderr.lines().find(|line| line.starts_with("hint: git push ")).unwrap().to_owned();
    assert!(hint.ends_with(" security :security-prompt-injection :security-prompt-injection-18-4"), "{ran}");
    world.secfix(&["branch", "other", "--issue", &gitlab.issue.to_string()]).ends(3).never_says("git push");
    world.git(&["rev-parse", "--verify", "--quiet", "security-other"]).ends(1);
    // It can be pasted, and removes nothing that a colleague pushed since.
    let theirs = world.commit_there(crate::support::SEC, "security-prompt-injection-18-4", "more", "theirs\n");
    let paste = |hint: &str| world.run(world.command("sh", &["-c", hint.strip_prefix("hint: ").unwrap()]));
    paste(&hint).ends(1);
    assert_eq!(world.tip_there(crate::support::SEC, "security-prompt-injection-18-4"), theirs);
}
