//! `git secfix merge`.

use std::process::Command;

use git_secfix::rehearsal::{At, Fault, Happening, Injected};

use crate::support::{
    CAN, GitLab, SEC, World, each_git,
    gitlab::{TOKEN, in_worlds},
    sample::sample,
};

/// A fix whose three merge requests are approved, and a maintainer at the keyboard.
fn ready(world: &World) -> GitLab {
    GitLab::approved(world)
}

/// The merge requests of security: target and state, by target.
fn states(gitlab: &GitLab) -> Vec<String> {
    gitlab.pairs().iter().map(|pair| pair.split_once(" -> ").unwrap().1.to_owned()).collect()
}

const ALL_MERGED: [&str; 3] = ["main merged", "stable-18-3-ee merged", "stable-18-4-ee merged"];
const NONE_MERGED: [&str; 3] = ["main opened", "stable-18-3-ee opened", "stable-18-4-ee opened"];

/// Whether every target branch of security holds its branch of the fix.
fn holds_all(world: &World) -> bool {
    let pairs = [
        ("security-prompt-injection", "main"),
        ("security-prompt-injection-18-4", "stable-18-4-ee"),
        ("security-prompt-injection-18-3", "stable-18-3-ee"),
    ];
    pairs.iter().all(|(source, target)| {
        let tip = world.git(&["rev-parse", source]).ok().line();
        world.git_in(&world.server(SEC), &["merge-base", "--is-ancestor", &tip, target]).code == 0
    })
}

#[test]
fn all_are_merged_at_once_when_nothing_blocks() {
    each_git(|world| {
        let gitlab = ready(world);
        let public = world.server_refs(CAN);
        world.secfix(&["merge", "--dry-run"]).ok().says("would be merged");
        assert_eq!(states(&gitlab), NONE_MERGED);
        gitlab.server.clear_log();
        world.secfix(&["merge"]).ok().says("merged").warns("until the deployment nothing of this may become public");
        assert_eq!(states(&gitlab), ALL_MERGED);
        assert!(holds_all(world));
        // Each was pinned to the commit that was reviewed, and the default branch's came first.
        let merges: Vec<_> = gitlab.server.log().into_iter().filter(|logged| logged.path.ends_with("/merge")).collect();
        assert_eq!(merges.len(), 3);
        assert!(merges.iter().all(|logged| logged.body.contains("sha=")), "{merges:?}");
        let tip = world.git(&["rev-parse", "security-prompt-injection"]).ok().line();
        assert!(merges[0].body.contains(&tip));
        world.secfix(&["merge"]).ok().says("merged already").never_says("would");
        world.secfix(&["status"]).ok().says("step 10 of 14: deployment");
        assert_eq!(world.server_refs(CAN), public);
        assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
    });
}

#[test]
fn whatever_blocks_one_keeps_all_from_being_merged() {
    let world = World::new();
    let gitlab = ready(&world);
    let number = *gitlab.requests().last().unwrap();
    type Break = fn(&mut git_secfix::rehearsal::MergeRequest);
    let breaks: [(Break, &str); 4] = [
        (|request| request.approvals.clear(), "approval of !"),
        (|request| request.title = "Draft: x".to_owned(), "is a draft"),
        (|request| request.forced_status = Some("newer_rule".to_owned()), "`newer_rule`"),
        (|request| request.state = "closed".to_owned(), "is closed"),
    ];
    for (break_it, text) in breaks {
        let before = gitlab.server.change(|state| {
            let request = state.merge_request_mut(gitlab.security, number).unwrap();
            let before = request.clone();
            break_it(request);
            before
        });
        world.secfix(&["merge"]).ends(1).warns(text).warns("hint: ");
        assert!(!states(&gitlab).join(" ").contains("merged"), "{text}");
        gitlab.server.change(|state| *state.merge_request_mut(gitlab.security, number).unwrap() = before);
    }
    // All of what blocks is said, of all merge requests.
    gitlab.server.change(|state| {
        for request in &mut state.project_mut(SEC).unwrap().merge_requests {
            request.approvals.clear();
        }
    });
    world.secfix(&["merge"]).ends(1).warns("4 things are in the way").warns("PSIRT approval of !");
}

#[test]
fn who_may_not_merge_is_told_before_anything_is_merged() {
    let world = World::new();
    let gitlab = ready(&world);
    world.set("SECFIX_TOKEN", TOKEN);
    // One branch is open to developers, the other two are not.
    gitlab.server.change(|state| {
        state.project_mut(SEC).unwrap().protected_branches.clear();
        state.protect_branch(gitlab.security, "stable-18-3-ee", 40, 40);
    });
    world.secfix(&["merge"]).ends(1).warns("may not merge into `stable-18-3-ee`, so nothing was merged");
    assert_eq!(states(&gitlab), NONE_MERGED);
}

#[test]
fn what_would_be_public_at_once_is_not_merged() {
    let world = World::new();
    let gitlab = ready(&world);
    let route = format!("{}/api/v4/projects/{}/merge_requests", gitlab.server.url(), gitlab.security);
    let body = format!("source_branch=main&target_branch=main&title=x&target_project_id={}", gitlab.canonical);
    world
        .run(
            world.command("curl", &["-sf", "-X", "POST", "-H", "PRIVATE-TOKEN: glpat-maintainer", "-d", &body, &route]),
        )
        .ok();
    world.secfix(&["merge"]).ends(1).warns("what is merged into `main` of security is public at once: close http://");
    assert_eq!(states(&gitlab), NONE_MERGED);
}

#[test]
fn a_line_that_was_never_fetched_is_no_line_to_leave_out() {
    let world = World::new();
    let gitlab = ready(&world);
    world.secfix(&["merge"]).ok();
    // The branches of the fix are gone, and this clone knows nothing of the newest line.
    for branch in ["", "-18-4", "-18-3"] {
        let name = format!("security-prompt-injection{branch}");
        world.git_in(&world.server(SEC), &["update-ref", "-d", &format!("refs/heads/{name}")]).ok();
    }
    let theirs = world.colleague();
    for remote in ["origin", "security"] {
        let name = format!("refs/remotes/{remote}/stable-18-4-ee");
        world.git_in(&theirs, &["update-ref", "-d", &name]).ok();
    }
    world.secfix_in(&theirs, &["status", "prompt-injection"]).ok().says("stable-18-4-ee").says("stable-18-3-ee");
    let _ = gitlab;
}

#[test]
fn one_that_fails_in_the_middle_is_finished_later() {
    let world = World::new();
    let gitlab = ready(&world);
    let second = gitlab.server.change(|state| {
        let requests = &state.project(SEC).unwrap().merge_requests;
        requests.iter().find(|request| request.target_branch == "stable-18-4-ee").unwrap().iid
    });
    let at = At::Matching { method: Some("PUT".to_owned()), path_contains: format!("/{second}/merge") };
    let body = r#"{"message":"SHA does not match HEAD of source branch: abc"}"#.to_owned();
    let fault = Fault::Body { status: 409, content_type: "application/json".to_owned(), body };
    gitlab.server.inject(Injected { at, fault, times: u32::MAX });
    world
        .secfix(&["merge"])
        .ends(1)
        .says("not merged")
        .warns(&format!("GitLab does not merge !{second}: it is `opened`, `mergeable`"))
        // No other commit is there.
        .never_says("somebody pushed");
    assert_eq!(states(&gitlab), ["main merged", "stable-18-3-ee opened", "stable-18-4-ee opened"]);
    world.secfix(&["status"]).ok().says("step 9 of 14: merge").says("merged");
    gitlab.server.clear_faults();
    world.secfix(&["merge"]).ok().says("merged already");
    assert_eq!(states(&gitlab), ALL_MERGED);
    assert!(holds_all(&world));
}

#[test]
fn a_push_after_the_look_is_not_merged() {
    let world = World::new();
    let gitlab = ready(&world);
    // Between the look and the merge, a colleague pushes: the pinned commit is no longer the head.
    let at = At::Matching { method: Some("PUT".to_owned()), path_contains: "/merge".to_owned() };
    let (git, security) = (world.path("bin/git"), world.server(SEC));
    let push = Happening::new(move || {
        let words = ["update-ref", "refs/heads/security-prompt-injection", "refs/heads/main"];
        assert!(Command::new(&git).args(words).current_dir(&security).status().unwrap().success());
    });
    gitlab.server.inject(Injected { at, fault: Fault::Before(push), times: 1 });
    world.secfix(&["merge"]).ends(1).warns("hint: git secfix status");
    assert_eq!(states(&gitlab), NONE_MERGED);
}

#[test]
fn squash_and_fast_forward_projects() {
    for (method, squash) in [("ff", false), ("rebase_merge", false), ("merge", true)] {
        let world = World::new();
        let gitlab = ready(&world);
        gitlab.server.change(|state| {
            let project = state.project_mut(SEC).unwrap();
            project.merge_method = method.to_owned();
            for request in &mut project.merge_requests {
                request.squash = squash;
            }
        });
        world.secfix(&["merge"]).ok();
        assert_eq!(states(&gitlab), ALL_MERGED, "{method} {squash}");
        assert_eq!(holds_all(&world), !squash, "{method} {squash}");
    }
}

#[test]
fn an_answer_that_only_arms_the_merge_is_waited_for() {
    let world = World::new();
    let gitlab = ready(&world);
    let first = gitlab.server.change(|state| {
        let requests = &state.project(SEC).unwrap().merge_requests;
        requests.iter().find(|request| request.target_branch == "main").unwrap().iid
    });
    let page = format!("{}/api/v4/projects/{}/merge_requests/{first}", gitlab.server.url(), gitlab.security);
    let token = "PRIVATE-TOKEN: glpat-maintainer";
    // As with a merge train: accepted, and still open.
    let body = world.run(world.command("curl", &["-sf", "-H", token, &page])).ok().stdout;
    let at = At::Matching { method: Some("PUT".to_owned()), path_contains: format!("/{first}/merge") };
    let fault = Fault::Body { status: 200, content_type: "application/json".to_owned(), body };
    gitlab.server.inject(Injected { at, fault, times: 1 });
    gitlab.server.clear_log();
    std::thread::scope(|scope| {
        let merging = scope.spawn(|| world.secfix(&["merge"]));
        std::thread::sleep(std::time::Duration::from_millis(2500));
        assert_eq!(states(&gitlab), NONE_MERGED, "the others wait for it");
        world.run(world.command("curl", &["-sf", "-X", "PUT", "-H", token, &format!("{page}/merge")])).ok();
        merging.join().unwrap().ok();
    });
    assert_eq!(states(&gitlab), ALL_MERGED);
    let path = format!("/{first}/merge");
    let asked = gitlab.server.log().into_iter().filter(|logged| logged.path.ends_with(&path)).count();
    assert_eq!(asked, 2, "once by the command, and once by the train");
}

#[test]
fn two_at_once_see_it_done() {
    let world = World::new();
    let gitlab = ready(&world);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| world.secfix(&["merge"]).ok());
        }
    });
    assert_eq!(states(&gitlab), ALL_MERGED);
}

/// Every fault at every request: a code of the table and a hint, and the second run completes.
#[test]
fn any_fault_at_any_request_is_survived() {
    let html = |body: &str| Fault::Body { status: 200, content_type: "text/html".to_owned(), body: body.to_owned() };
    let redirect = Fault::Redirect { status: 302, location: "https://evil.example/".to_owned() };
    let faults: [Fault; 12] = [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(405),
        Fault::Status(409),
        Fault::Status(422),
        Fault::Status(429),
        Fault::Status(502),
        Fault::Dropped,
        Fault::DroppedAfter,
        redirect,
        html("<title>Sign in</title>"),
    ];
    let world = World::new();
    let gitlab = ready(&world);
    world.secfix(&["status"]).ok();
    gitlab.server.clear_log();
    world.secfix(&["merge"]).ok();
    let count = gitlab.server.log().len();
    // Reading is tried everywhere by `status`: here, what is asked from the first merge on.
    let numbers = count.saturating_sub(9)..count;
    let all: Vec<_> = faults.iter().flat_map(|fault| numbers.clone().map(move |number| (fault, number))).collect();
    in_worlds(&sample(all, 12, "faults: merge at its end"), |troubles| {
        let world = World::new();
        let gitlab = ready(&world);
        world.secfix(&["status"]).ok();
        // Everything as it was before the merge: the state of the server, and security's branches.
        let requests = gitlab.server.change(|state| state.project(SEC).unwrap().merge_requests.clone());
        let refs = world.server_refs(SEC);
        let here = world.git(&["for-each-ref", "--format=%(refname) %(objectname)", "refs/remotes"]).ok().stdout;
        let reset = || {
            for (name, id) in here.lines().filter_map(|line| line.split_once(' ')) {
                world.git(&["update-ref", "--no-deref", name, id]).ok();
            }
            for line in refs.lines().filter(|line| line.contains("refs/heads/")) {
                let (name, id) = line.split_once(' ').unwrap();
                world.git_in(&world.server(SEC), &["update-ref", name, id]).ok();
            }
            gitlab.server.change(|state| state.project_mut(SEC).unwrap().merge_requests = requests.clone());
        };
        for (fault, number) in troubles {
            reset();
            gitlab.server.inject(Injected { at: At::Request(*number), fault: (*fault).clone(), times: 1 });
            let ran = world.secfix(&["merge"]).never_says("glpat");
            gitlab.server.clear_faults();
            assert!([0, 1, 4, 5].contains(&ran.code), "{fault:?} at request {number}: {ran}");
            if ran.code != 0 {
                ran.warns("error: ").warns("hint: ");
            }
            world.secfix(&["merge"]).ok();
            assert_eq!(states(&gitlab), ALL_MERGED, "{fault:?} at request {number}");
            assert!(holds_all(&world), "{fault:?} at request {number}");
            assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
        }
    });
}

/// Whether a pipeline is needed, the project says; one that failed always blocks.
#[test]
fn without_a_pipeline_the_project_s_own_setting_decides() {
    for (pipeline, must_succeed, takes_skipped, blocks) in [
        (None, false, false, None),
        (None, true, false, Some("has no pipeline")),
        (Some("skipped"), false, false, None),
        (Some("skipped"), true, true, None),
        (Some("skipped"), true, false, Some("has not passed: `skipped`")),
        (Some("failed"), false, true, Some("has not passed: `failed`")),
    ] {
        let world = World::new();
        let gitlab = ready(&world);
        gitlab.server.change(|state| {
            let project = state.project_mut(SEC).unwrap();
            project.only_allow_merge_if_pipeline_succeeds = must_succeed;
            project.allow_merge_on_skipped_pipeline = takes_skipped;
            match pipeline {
                None => project.pipelines.clear(),
                Some(status) => project.pipelines.iter_mut().for_each(|found| {
                    found.status = status.to_owned();
                    found.jobs.iter_mut().for_each(|job| job.status = status.to_owned());
                }),
            }
        });
        let ran = world.secfix(&["merge", "--timeout", "1s"]);
        let at = format!("{pipeline:?}, {must_succeed}, {takes_skipped}: {ran}");
        match blocks {
            None => assert_eq!((ran.code, states(&gitlab)), (0, ALL_MERGED.map(str::to_owned).to_vec()), "{at}"),
            Some(text) => assert!(ran.code == 1 && ran.stderr.contains(text), "{at}"),
        }
    }
}
