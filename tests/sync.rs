//! `git secfix sync`: what becomes public, and what does not.

use std::time::Duration;

use git_secfix::rehearsal::{At, Fault, Injected, Logged};

use crate::support::{
    CAN, GitLab, Ran, SEC, World, each_git,
    gitlab::TOKEN,
    skip,
    terminal::{has_terminal, on_a_terminal},
};

const YES: [&str; 3] = ["sync", "--yes", "prompt-injection"];
const BRANCHES: [&str; 3] = ["main", "stable-18-4-ee", "stable-18-3-ee"];

fn sync(world: &World, more: &[&str]) -> Ran {
    world.secfix(&[&YES, more].concat())
}

/// What strangers see of canonical.
fn public(world: &World, gitlab: &GitLab) -> String {
    format!("{}{:?}", world.server_refs(CAN), gitlab.requests_of(CAN))
}

fn holds_security(world: &World) -> bool {
    BRANCHES.iter().all(|branch| world.holds_there(CAN, branch, &world.tip_there(SEC, branch)))
}

#[test]
fn everything_is_shown_and_confirmed_before() {
    each_git(|world| {
        let gitlab = GitLab::deployed(world);
        let before = public(world, &gitlab);
        world
            .secfix(&["sync", "--dry-run"])
            .ok()
            .says("main  2 commits, merges cleanly")
            .says("this fix  A Person      Change fixed")
            .says("merge request: \"Sync main\" from `sync-main-");
        // Nobody is there to type the name, or types another one.
        world.secfix(&["sync"]).ends(2).warns("there is no terminal to confirm on").warns("--yes prompt-injection");
        world.secfix(&["sync", "--yes", "other"]).ends(2).warns("`other` is not the name of this fix");
        world.secfix(&["sync", "--include", "HEAD"]).ends(2).warns("at least seven digits");
        assert_eq!(public(world, &gitlab), before);
        sync(world, &[]).ok().says("merged").warns("next: git secfix tag");
        assert!(holds_security(world));
        assert_eq!(gitlab.requests_of(CAN).len(), 3);
        // Once more: nothing is left to do.
        sync(world, &[]).ok().says("public already");
        world.secfix(&["sync"]).ok();
        assert_eq!(gitlab.requests_of(CAN).len(), 3);
        // Work of others that comes behind it is not touched.
        let other = world.commit_there(SEC, "main", "other", "embargoed too\n");
        sync(world, &[]).ok().says("public already");
        assert!(!world.holds_there(CAN, "main", &other));
        world.secfix(&["status"]).ok().says("step 12 of 14: patch tags").says("git secfix tag prompt-injection");
    });
}

#[test]
fn one_document_tells_all_of_it() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    for (words, state, is_public) in [
        (&["sync", "--dry-run", "--json"][..], "merges cleanly", false),
        (&[&YES[..], &["--json"]].concat(), "merged", true),
    ] {
        let document: serde_json::Value = serde_json::from_str(&world.secfix(words).ok().stdout).unwrap();
        assert_eq!((&document["schema"], &document["public"]), (&1.into(), &is_public.into()));
        assert_eq!(document["branches"][0]["state"], state);
        assert_eq!(document["branches"][0]["commits"].as_array().unwrap().len(), 2);
        assert_eq!(document["branches"][0]["commits"][0]["origin"], "this fix");
    }
}

#[test]
fn merge_commits_and_kept_branches_whatever_the_project_does_by_default() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    gitlab.server.change(|state| {
        let project = state.project_mut(CAN).unwrap();
        project.squash_option = "default_on".to_owned();
        project.remove_source_branch_after_merge = true;
        // Nothing but what the requests say keeps the stable branches.
        state.project_mut(SEC).unwrap().protected_branches.clear();
    });
    let private = world.server_refs(SEC);
    sync(&world, &[]).ok();
    assert!(holds_security(&world));
    assert_eq!(world.server_refs(SEC), private, "security is as it was");
    let log = gitlab.server.log();
    let is_opening = |logged: &&Logged| logged.method == "POST" && logged.path.ends_with("/merge_requests");
    assert_eq!(log.iter().filter(is_opening).count(), 3);
    for logged in log.iter().filter(is_opening) {
        assert_eq!(logged.path, format!("/api/v4/projects/{}/merge_requests", gitlab.security));
        for part in
            [format!("target_project_id={}", gitlab.canonical), "squash=false".into(), "source_branch=sync-".into()]
        {
            assert!(logged.body.contains(&part), "{} lacks {part}", logged.body);
        }
    }
}

#[test]
fn a_project_that_squashes_everything_is_refused_with_the_setting() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().squash_option = "always".to_owned());
    let before = public(&world, &gitlab);
    sync(&world, &[]).ends(1).warns("squashes every merge request").warns("`Squash commits when merging`");
    assert_eq!(public(&world, &gitlab), before);
}

#[test]
fn work_of_others_on_top_waits_for_its_own_disclosure() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let other = world.commit_there(SEC, "stable-18-4-ee", "other", "embargoed too\n");
    sync(&world, &[]).ok().never_says("Other work on other").says("merged");
    assert!(!world.holds_there(CAN, "stable-18-4-ee", &other));
    let all = world.git_in(&world.server(CAN), &["rev-list", "--all"]).ok().stdout;
    assert!(!all.contains(&other), "canonical has the work of others");
    assert_eq!(gitlab.requests_of(CAN).len(), 3);
    // Whoever names it takes it along.
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    let other = world.commit_there(SEC, "stable-18-4-ee", "other", "embargoed too\n");
    sync(&world, &["--include", &other[..12]]).ok().says("cleared   A Person");
    assert!(world.holds_there(CAN, "stable-18-4-ee", &other));
}

#[test]
fn work_of_others_below_blocks_until_it_is_cleared_by_name() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    let other = world.commit_there(SEC, "stable-18-4-ee", "other", "embargoed too\n");
    gitlab.server.change(|state| {
        state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline.bridges[0].job.status = "success".to_owned();
    });
    world.secfix(&["merge"]).ok();
    let before = public(&world, &gitlab);
    let refused = sync(&world, &[]).ends(3).warns("may be another team's embargoed work").warns("Other work on other");
    refused.warns("hint: ask whoever wrote them").warns(&format!("sync prompt-injection --include {}", &other[..12]));
    // Naming something else clears nothing.
    sync(&world, &["--include", "0123456"]).ends(3);
    assert_eq!(public(&world, &gitlab), before);
    // What was cleared is not asked again while it is open in public.
    sync(&world, &["--include", &other[..12], "--no-merge"]).ok().says("cleared   A Person");
    world.secfix(&["sync", "--dry-run"]).ok().says("cleared");
    sync(&world, &[]).ok();
    assert!(world.holds_there(CAN, "stable-18-4-ee", &other));
}

/// Merges canonical into security's `main`, with the content that `then` leaves behind.
fn take_canonical_in(world: &World, then: &[&str]) -> String {
    world.git(&["fetch", "--quiet", "--all"]).ok();
    world.git(&["switch", "--quiet", "--detach", "security/main"]).ok();
    world.git(&["merge", "--quiet", "--no-ff", "-m", "Take canonical in", "origin/main"]).ok();
    if let [file, text] = then {
        world.write(&format!("work/{file}"), text);
        world.git(&["add", "--all"]).ok();
        world.git(&["commit", "--quiet", "--amend", "--no-edit"]).ok();
    }
    let merge = world.git(&["rev-parse", "HEAD"]).ok().line();
    let sec = world.server(SEC).to_string_lossy().into_owned();
    world.git(&["push", "--quiet", "--no-verify", &sec, "HEAD:refs/heads/main"]).ok();
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    merge
}

#[test]
fn canonical_that_was_taken_in_is_explained() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "news", "public\n");
    let merge = take_canonical_in(&world, &[]);
    sync(&world, &[]).ok().says("canonical taken in").warns("`main` took canonical in once since the fix");
    assert!(world.holds_there(CAN, "main", &merge));
}

#[test]
fn a_merge_of_canonical_with_more_in_it_is_somebody_s_work() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "news", "public\n");
    let merge = take_canonical_in(&world, &["smuggled", "embargoed\n"]);
    // Named, it is shown for what it is.
    let before = public(&world, &gitlab);
    world.secfix(&["sync", "--dry-run", "--include", &merge[..12]]).ok().says("cleared").says("Take canonical in");
    assert_eq!(public(&world, &gitlab), before);
    sync(&world, &[]).ok().never_says("Take canonical in");
    let all = world.git_in(&world.server(CAN), &["rev-list", "--all"]).ok().stdout;
    assert!(!all.contains(&merge), "canonical has what was smuggled in");
}

#[test]
fn opened_for_a_maintainer_and_merged_later() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let before = world.server_refs(CAN).lines().filter(|line| line.contains("refs/heads")).count();
    sync(&world, &["--no-merge"]).ok().says("opened, not merged").warns("whoever may merge into canonical merges them");
    assert_eq!(gitlab.requests_of(CAN).len(), 3);
    assert!(!holds_security(&world));
    // A developer may open, and not merge.
    world.set("SECFIX_TOKEN", TOKEN);
    sync(&world, &[]).ends(1).warns("may not merge into `main`, `stable-18-4-ee`, `stable-18-3-ee`");
    assert!(!holds_security(&world));
    world.set("SECFIX_TOKEN", "glpat-maintainer");
    sync(&world, &[]).ok().says("as shown before: !1 into `main`").never_says("this fix").says("merged");
    assert_eq!(gitlab.requests_of(CAN).len(), 3, "the open ones were taken over");
    assert!(holds_security(&world));
    assert_eq!(world.server_refs(CAN).lines().filter(|line| line.contains("refs/heads")).count(), before);
}

/// Runs a sync, and something else while its first merge request is being opened.
fn while_it_is_opened(world: &World, gitlab: &GitLab, more: &[&str], meanwhile: impl FnOnce()) -> Ran {
    let at = At::Matching { method: Some("POST".to_owned()), path_contains: "/merge_requests".to_owned() };
    gitlab.server.inject(Injected { at, fault: Fault::Delay(Duration::from_secs(3)), times: 1 });
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| sync(world, more));
        let is_opening = |logged: &Logged| logged.method == "POST" && logged.path.ends_with("/merge_requests");
        while !gitlab.server.log().iter().any(is_opening) {
            std::thread::sleep(Duration::from_millis(50));
        }
        meanwhile();
        syncing.join().unwrap()
    })
}

#[test]
fn what_comes_to_security_meanwhile_is_not_shown() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let ran = while_it_is_opened(&world, &gitlab, &[], || {
        for branch in BRANCHES {
            world.commit_there(SEC, branch, "other", "embargoed too\n");
        }
    });
    ran.ok().says("merged");
    for branch in BRANCHES {
        assert!(!world.holds_there(CAN, branch, &world.tip_there(SEC, branch)), "{branch}");
    }
    // Nor by a merge request that stays open.
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    sync(&world, &["--no-merge"]).ok();
    let other = world.commit_there(SEC, "main", "other", "embargoed too\n");
    world.secfix(&["status"]).ok();
    gitlab.server.change(|state| state.now());
    let refs = world.git_in(&world.server(CAN), &["rev-list", "--all"]).ok().stdout;
    assert!(!refs.contains(&other), "canonical has the work of others");
}

#[test]
fn a_push_to_the_branch_that_was_made_for_it_is_noticed() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let source = format!("sync-main-{}", &world.tip_there(SEC, "main")[..8]);
    let ran =
        while_it_is_opened(&world, &gitlab, &[], || drop(world.commit_there(SEC, &source, "other", "embargoed\n")));
    ran.ends(3).warns("which was not previewed; it was closed").says("not opened");
    assert_eq!(gitlab.requests_of(CAN).len(), 1, "no other one was opened");
    assert!(!world.holds_there(CAN, "main", &world.tip_there(SEC, &source)));
    sync(&world, &[]).ends(3).warns("is at another commit than its name says");
}

#[test]
fn a_merge_request_of_the_live_branch_must_be_closed_before() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let route = format!("{}/api/v4/projects/{}/merge_requests", gitlab.server.url(), gitlab.security);
    let body = format!("source_branch=main&target_branch=main&title=x&target_project_id={}", gitlab.canonical);
    let token = "PRIVATE-TOKEN: glpat-maintainer";
    world.run(world.command("curl", &["-sf", "-X", "POST", "-H", token, "-d", &body, &route])).ok();
    for more in [&["--dry-run"][..], &["--yes", "prompt-injection"]] {
        let ran = world.secfix(&[&["sync"], more].concat()).ends(3);
        ran.warns("is open from `main` of security itself").warns("hint: close http").warns("then git secfix sync");
    }
    assert_eq!(gitlab.requests_of(CAN).len(), 1);
}

#[test]
fn a_message_that_names_the_issue_is_told() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    gitlab.with_release();
    world.write("work/fixed", "embargoed, and better\n");
    world.git(&["commit", "--quiet", "--all", "-m", &format!("Fix it (#{})", gitlab.issue)]).ok();
    for words in [&["backport"][..], &["push"], &["mr"], &["status"]] {
        world.secfix(words).ok();
    }
    gitlab.approve_all();
    world.unset("SECFIX_TOKEN");
    world.set("SECFIX_TOKEN", "glpat-maintainer");
    gitlab.server.change(|state| {
        let after_merge = &mut state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline;
        after_merge.bridges[0].job.status = "success".to_owned();
    });
    world.secfix(&["merge"]).ok();
    let ran = world.secfix(&["sync", "--dry-run"]).ok();
    assert_eq!(ran.stderr.matches("names the confidential issue").count(), 3, "{ran}");
}

#[test]
fn words_that_somebody_changed_are_made_neutral_again() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    sync(&world, &["--no-merge"]).ok();
    gitlab.server.change(|state| {
        let request = &mut state.project_mut(CAN).unwrap().merge_requests[0];
        request.title = "Fix the prompt injection".to_owned();
        request.squash = true;
    });
    sync(&world, &[]).ok();
    gitlab.server.change(|state| assert_eq!(state.project(CAN).unwrap().merge_requests[0].title, "Sync main"));
    assert!(holds_security(&world));
}

#[test]
fn an_overwritten_branch_is_no_public_one() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let old = world.tip_there(CAN, "main");
    world.git_in(&world.server(SEC), &["update-ref", "refs/heads/main", &old]).ok();
    let ran = sync(&world, &[]);
    assert!([1, 3].contains(&ran.code), "{ran}");
    assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
}

#[test]
fn messages_are_shown_whole() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    gitlab.server.change(|state| {
        state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline.bridges[0].job.status = "success".to_owned();
    });
    world.secfix(&["merge"]).ok();
    let ran = world.secfix(&["sync", "--dry-run"]).ok().says("See merge request gitlab-org/security/");
    ran.never_says("names the confidential issue");
}

#[test]
fn words_of_the_issue_are_not_for_strangers() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let before = public(&world, &gitlab);
    world.set("SECFIX_SYNC_TITLE", "Fix prompt injection on {branch}");
    sync(&world, &[]).ends(3).warns("tells what the fix is about: injection, prompt").warns("`sync.title`");
    assert_eq!(public(&world, &gitlab), before);
    world.set("SECFIX_SYNC_TITLE", "Bring {branch} up to date");
    sync(&world, &[]).ok();
    gitlab.server.change(|state| {
        for request in &state.project(CAN).unwrap().merge_requests {
            assert_eq!(request.title, format!("Bring {} up to date", request.target_branch));
            assert!(!request.description.to_lowercase().contains("injection"));
        }
    });
}

#[test]
fn a_pipeline_in_public_is_waited_for() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    gitlab.server.change(|state| {
        state.project_mut(CAN).unwrap().only_allow_merge_if_pipeline_succeeds = true;
        for project in [CAN, SEC] {
            state.project_mut(project).unwrap().new_pipelines = Some("running".to_owned());
        }
    });
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| sync(&world, &[]));
        while gitlab.requests_of(CAN).len() < 3 {
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_millis(700));
        assert!(!holds_security(&world));
        gitlab.server.change(|state| {
            let ids: Vec<u64> =
                state.projects.iter().flat_map(|project| &project.pipelines).map(|found| found.id).collect();
            ids.into_iter().for_each(|id| state.set_pipeline_status(id, "success"));
        });
        syncing.join().unwrap().ok();
    });
    assert!(holds_security(&world));
}

#[test]
fn the_name_is_typed_on_a_terminal() {
    if !has_terminal() {
        return skip("typing on a terminal, which needs script on Linux");
    }
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let question = "type the name of the fix to make it public:";
    let before = public(&world, &gitlab);
    // Whoever does not see the preview, or the question, is not asked.
    for line in ["git secfix sync | cat", "git secfix sync 2>log"] {
        let (_, screen) = on_a_terminal(&world, line, "prompt-injection\r", question, "");
        assert!(!screen.contains(question), "{screen}");
        assert_eq!(public(&world, &gitlab), before);
    }
    // What was typed before the question was there answers nothing.
    let (code, screen) = on_a_terminal(&world, "git secfix sync", "prompt-injection\r", question, "something-else\r");
    assert_eq!(code, 2, "{screen}");
    assert!(screen.contains("`something-else` is not the name of this fix"), "{screen}");
    assert_eq!(public(&world, &gitlab), before);
    let (code, screen) = on_a_terminal(&world, "git secfix sync", "", question, "prompt-injection\r");
    assert_eq!(code, 0, "{screen}");
    assert!(holds_security(&world));
}
