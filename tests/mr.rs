//! `git secfix mr`.

use git_secfix::rehearsal::{At, Fault, Injected, TokenSpec, Visibility};

use crate::support::{
    CAN, GitLab, SEC, World, each_git,
    gitlab::{TOKEN, in_worlds},
    sample::sample,
};

const THREE: [&str; 3] = [
    "security-prompt-injection -> main opened",
    "security-prompt-injection-18-3 -> stable-18-3-ee opened",
    "security-prompt-injection-18-4 -> stable-18-4-ee opened",
];

#[test]
fn every_branch_gets_one_in_the_security_project() {
    each_git(|world| {
        let gitlab = GitLab::pushed(world);
        world.secfix(&["mr", "--dry-run"]).ok().says("main            -  would be opened");
        assert_eq!(gitlab.requests(), [0u64; 0]);
        let ran = world.secfix(&["mr"]).ok().says("opened").warns("next: git secfix status prompt-injection");
        assert_eq!(gitlab.pairs(), THREE);
        assert!(ran.stdout.contains(&format!("{}/{SEC}/-/merge_requests/", gitlab.server.url())), "{ran}");
        assert_eq!(gitlab.requests_of(CAN), [0u64; 0], "nothing is ever opened in public");
        gitlab.server.change(|state| {
            for request in &state.project(SEC).unwrap().merge_requests {
                assert_eq!(request.title, "Change fixed");
                assert!(request.description.starts_with(&format!("Related to {CAN}#{}\n\n", gitlab.issue)));
                assert!(request.description.contains("## Checklist"));
                assert_eq!(request.labels, ["security", "severity::2"]);
                assert_eq!((request.source_project, request.target_project), (gitlab.security, gitlab.security));
            }
        });
        // Every request named the project by its number, and said that it is the target as well.
        for logged in gitlab.server.log().iter().filter(|logged| logged.method == "POST") {
            assert_eq!(logged.path, format!("/api/v4/projects/{}/merge_requests", gitlab.security));
            assert!(logged.body.contains(&format!("target_project_id={}", gitlab.security)), "{}", logged.body);
        }
        world.secfix(&["mr"]).ok().says("up to date");
        assert_eq!(gitlab.requests().len(), 3);
    });
}

#[test]
fn the_project_s_template_is_used_and_what_people_write_stays() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    world.git(&["switch", "--quiet", "--detach", "security/main"]).ok();
    world.commit(
        ".gitlab/merge_request_templates/Security Fix.md",
        "## From the template\n\n/label ~\"from template\"\n",
    );
    let sec = world.server(SEC).to_string_lossy().into_owned();
    world.git(&["push", "--quiet", "--no-verify", &sec, "HEAD:main"]).ok();
    world.git(&["switch", "--quiet", "main"]).ok();
    world.with_pushed_fix(gitlab.issue);
    gitlab.server.change(|state| state.add_label(gitlab.security, "from template"));
    let milestone = gitlab.server.change(|state| state.add_milestone(gitlab.security, "18.4"));
    let reviewer = ["--reviewer", "@maintainer"];
    world
        .secfix(
            &[&["mr", "--draft", "--title", "Handle names", "--milestone", "18.4", "-l", "backend"][..], &reviewer]
                .concat(),
        )
        .ok();
    gitlab.server.change(|state| {
        for request in &state.project(SEC).unwrap().merge_requests {
            assert_eq!(request.title, "Draft: Handle names");
            assert!(request.description.contains("## From the template"), "{}", request.description);
            // The server ran the template's quick action.
            assert!(request.labels.contains(&"from template".to_owned()), "{:?}", request.labels);
            assert!(request.labels.contains(&"backend".to_owned()));
            assert_eq!(request.reviewers, [gitlab.maintainer]);
            assert_eq!(request.milestone, Some(milestone));
        }
        let mine = state.merge_request_mut(gitlab.security, 1).unwrap();
        mine.description = "rewritten by a person".to_owned();
        mine.reviewers.push(gitlab.psirt);
    });
    world.secfix(&["mr", "--ready"]).ok().says("updated");
    gitlab.server.change(|state| {
        let mine = state.merge_request(gitlab.security, 1).unwrap();
        assert_eq!(mine.title, "Handle names");
        assert!(mine.description.ends_with("\n\nrewritten by a person"), "{}", mine.description);
        assert!(mine.description.starts_with("Related to "));
        assert_eq!(mine.reviewers, [gitlab.maintainer, gitlab.psirt]);
    });
    world.secfix(&["mr"]).ok().says("up to date").never_says("updated");
    // A colleague has none of the branches, and sees the same.
    let colleague = world.colleague();
    world.secfix_in(&colleague, &["mr", "prompt-injection"]).ok().says("up to date").never_says("updated");
    world.secfix(&["mr", "--title", "Other"]).ok().says("updated");
    assert!(gitlab.server.change(|state| state.merge_request(gitlab.security, 1).unwrap().title == "Other"));
}

#[test]
fn what_is_not_pushed_is_not_reviewed() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    world.secfix(&["mr"]).ends(2).warns("`main` is not a branch of a fix").warns("git secfix mr NAME");
    world
        .secfix(&["mr", "other"])
        .ends(1)
        .warns("the fix `other` has neither a branch nor a merge request")
        .warns("hint: git secfix status --all");
    world.secfix(&["branch", "prompt-injection", "-b", "18-4"]).ok();
    world.commit("fixed", "embargoed\n");
    world.secfix(&["mr"]).ends(1).warns("2 things are in the way").warns("`security-prompt-injection` is not pushed");
    world.secfix(&["push"]).ok();
    let issue = gitlab.issue.to_string();
    world.secfix(&["mr"]).ends(1).warns("no issue is linked").warns("hint: git secfix branch prompt-injection --issue");
    world.secfix(&["branch", "prompt-injection", "--issue", &issue]).ok();
    // A line without its backport keeps no other from its review.
    world
        .secfix(&["mr"])
        .ok()
        .says("main            !1  opened")
        .says("stable-18-4-ee  -   left out")
        .warns("`stable-18-4-ee` is left out: `security-prompt-injection-18-4` does not hold the whole fix")
        .warns("next: git secfix backport prompt-injection");
    world.git(&["branch", "--quiet", "-D", "security-prompt-injection-18-4"]).ok();
    world.commit("fixed", "more\n");
    world.secfix(&["mr"]).ends(1).warns("has commits that are not pushed").never_says("lacks ");
    world.git(&["reset", "--quiet", "--hard", "HEAD~2"]).ok();
    world.secfix(&["mr"]).ends(1).warns("that this clone does not have").warns("git fetch security");
    assert_eq!(gitlab.requests(), [1]);
}

#[test]
fn nothing_is_opened_where_others_can_read() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    for visibility in [Visibility::Public, Visibility::Internal] {
        gitlab.server.change(|state| state.project_mut(SEC).unwrap().visibility = visibility);
        world.secfix(&["mr"]).ends(3).warns("whatever goes on in it is a disclosure");
    }
    gitlab.server.change(|state| state.project_mut(SEC).unwrap().visibility = Visibility::Private);
    gitlab.server.change(|state| state.issue_mut(gitlab.canonical, gitlab.issue).unwrap().confidential = false);
    world.secfix(&["mr"]).ends(3).warns("is public: fix it in the public project");
    gitlab.server.change(|state| state.issue_mut(gitlab.canonical, gitlab.issue).unwrap().confidential = true);
    gitlab.server.change(|state| state.project_mut(SEC).unwrap().archived = true);
    world.secfix(&["mr"]).ends(3).warns("is archived");
    assert_eq!(gitlab.requests(), [0u64; 0]);
    assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
}

#[test]
fn wrong_wishes_are_told_before_anything_is_opened() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    world.secfix(&["mr", "-r", "nobody"]).ends(2).warns("there is no user `nobody`");
    world.secfix(&["mr", "-m", "none"]).ends(2).warns("there is no active milestone `none`");
    world.secfix(&["mr", "--title", " "]).ends(2).warns("the title is empty");
    world.secfix(&["mr", "--issue", "0"]).ends(2).warns("names no issue");
    world
        .secfix(&["mr", "--issue", "9999"])
        .ends(1)
        .warns("#9999 is confidential is not known")
        .warns("may not see it");
    // A wrong number is not remembered.
    world.secfix(&["issue"]).ok().says(&format!("#{} ", gitlab.issue));
    world.secfix(&["mr", "--draft", "--ready"]).ends(2);
    assert_eq!(gitlab.requests(), [0u64; 0]);
}

#[test]
fn a_merge_request_in_the_wrong_place_is_closed_and_said() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    // A server that answers with another merge request than the one that was asked for.
    gitlab.server.change(|state| state.project_mut(SEC).unwrap().members.clone());
    let elsewhere = format!(
        r#"{{"iid":77,"project_id":{},"source_project_id":{},"source_branch":"security-prompt-injection","target_branch":"main","title":"x","state":"opened","web_url":"http://x/public/-/merge_requests/77"}}"#,
        gitlab.canonical, gitlab.security
    );
    let fault = Fault::Body { status: 201, content_type: "application/json".to_owned(), body: elsewhere };
    let at = At::Matching { method: Some("POST".to_owned()), path_contains: "/merge_requests".to_owned() };
    gitlab.server.inject(Injected { at, fault, times: u32::MAX });
    world.secfix(&["mr"]).ends(3).warns("which is not what was asked").warns("tell PSIRT");
    let closings: Vec<_> = gitlab.server.log().into_iter().filter(|logged| logged.method == "PUT").collect();
    assert_eq!(closings[0].path, format!("/api/v4/projects/{}/merge_requests/77", gitlab.canonical));
    assert!(closings[0].body.contains("state_event=close"));
}

#[test]
fn closed_and_merged_ones_are_left_alone() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    world.secfix(&["mr"]).ok();
    gitlab.server.change(|state| {
        for request in &mut state.project_mut(SEC).unwrap().merge_requests {
            request.state = if request.target_branch == "main" { "merged" } else { "closed" }.to_owned();
        }
    });
    world.secfix(&["mr"]).ok().says("merged already").says("opened");
    assert_eq!(gitlab.requests().len(), 5, "two new ones in place of those that were closed");
}

/// Every fault at every request: an exit code of the table, a message with a hint, nothing twice, and
/// the second run completes.
#[test]
fn any_fault_at_any_request_is_survived() {
    let html = |body: &str| Fault::Body { status: 200, content_type: "text/html".to_owned(), body: body.to_owned() };
    let redirect = Fault::Redirect { status: 302, location: "https://evil.example/".to_owned() };
    let faults: [(Fault, &[i32]); 13] = [
        (Fault::Status(401), &[4]),
        (Fault::Status(403), &[0, 1]),
        (Fault::Status(404), &[0, 1]),
        (Fault::Status(409), &[1]),
        (Fault::Status(422), &[1]),
        (Fault::Status(429), &[0]),
        (Fault::Status(500), &[0, 5]),
        (Fault::Status(502), &[0, 5]),
        (Fault::Dropped, &[0, 5]),
        (Fault::DroppedAfter, &[0]),
        (Fault::Truncated, &[0]),
        (redirect, &[5]),
        (html("<title>Sign in</title>"), &[0, 5]),
    ];
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    gitlab.server.clear_log();
    world.secfix(&["mr"]).ok();
    let count = gitlab.server.log().len();
    assert!(count >= 9, "{count} requests");
    let all: Vec<_> = faults.iter().flat_map(|fault| (0..count).map(move |number| (fault, number))).collect();
    in_worlds(&sample(all, 14, "faults: mr"), |troubles| {
        let world = World::new();
        let gitlab = GitLab::pushed(&world);
        for ((fault, codes), number) in troubles {
            gitlab.server.change(|state| state.project_mut(SEC).unwrap().merge_requests.clear());
            gitlab.server.inject(Injected { at: At::Request(*number), fault: fault.clone(), times: 1 });
            let ran = world.secfix(&["mr"]).never_says(TOKEN);
            gitlab.server.clear_faults();
            assert!(codes.contains(&ran.code), "{fault:?} at request {number}: {ran}");
            if ran.code != 0 {
                ran.warns("error: ").warns("hint: ");
            }
            world.secfix(&["mr"]).ok();
            assert_eq!(gitlab.pairs(), THREE, "{fault:?} at request {number}");
            assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
        }
    });
}

#[test]
fn a_token_that_may_only_read_is_told_so() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    gitlab.server.change(|state| {
        state.add_token("glpat-reader", TokenSpec { scopes: vec!["read_api"], ..TokenSpec::of(gitlab.engineer) });
    });
    world.set("SECFIX_TOKEN", "glpat-reader");
    world.secfix(&["status"]).ok();
    world.secfix(&["mr"]).ends(4).warns("insufficient_scope").warns("git secfix auth login");
}

#[test]
fn their_pages_are_opened_without_the_token() {
    let world = World::new();
    let _gitlab = GitLab::pushed(&world);
    world.write_program("bin/xdg-open", "#!/bin/sh\n{ echo \"$@\"; env; } >>\"$SRV/../browser.log\"\n");
    world.secfix(&["mr", "--web"]).ok();
    let opened = world.read("browser.log");
    assert_eq!(opened.matches("/-/merge_requests/").count(), 3, "{opened}");
    assert!(!opened.contains("SECRET"), "{opened}");
    let json = world.secfix(&["mr", "--json"]).ok();
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["merge_requests"][0]["state"], "up to date");
    assert_eq!(document["merge_requests"][0]["target"], "main");
}

/// Two people at once, or one who is impatient: each branch still has one.
#[test]
fn two_at_once_open_one_each() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| world.secfix(&["mr"]).ok());
        }
    });
    assert_eq!(gitlab.pairs(), THREE);
}

/// Killed at any request that changes something, and run again.
#[test]
fn killed_and_run_again_it_completes() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    for milliseconds in [30, 60, 90, 120, 160, 200, 250] {
        gitlab.server.change(|state| state.project_mut(SEC).unwrap().merge_requests.clear());
        let at = At::Matching { method: Some("POST".to_owned()), path_contains: "merge_requests".to_owned() };
        let delay = Fault::Delay(std::time::Duration::from_millis(100));
        gitlab.server.inject(Injected { at, fault: delay, times: u32::MAX });
        let programs = std::path::Path::new(env!("CARGO_BIN_EXE_git-secfix")).parent().unwrap();
        let mut child = world.command(programs.join("git-secfix-mr"), &[]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        gitlab.server.clear_faults();
        world.secfix(&["mr"]).ok();
        assert_eq!(gitlab.pairs(), THREE, "killed after {milliseconds} ms");
    }
}
