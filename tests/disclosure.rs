//! The disclosure as one act: what can be known before is said before, all are opened, all are waited for, and only then
//! they are merged.

use std::{thread, time::Duration};

use git_secfix::rehearsal::{At, Fault, Injected, Logged};

use crate::support::{CAN, GitLab, Ran, SEC, World};

const BRANCHES: [&str; 3] = ["main", "stable-18-4-ee", "stable-18-3-ee"];

fn sync(world: &World, more: &[&str]) -> Ran {
    world.secfix(&[&["sync", "--yes", "prompt-injection"], more].concat())
}

fn merged(world: &World) -> Vec<&'static str> {
    let is_merged = |branch: &&&str| world.holds_there(CAN, branch, &world.tip_there(SEC, branch));
    BRANCHES.iter().filter(is_merged).copied().collect()
}

/// Canonical wants an approval of the engineer for one branch.
fn with_rule(gitlab: &GitLab, branch: &str) {
    gitlab.server.change(|state| {
        state.protect_branch(gitlab.canonical, branch, 40, 40);
        state.add_approval_rule(gitlab.canonical, "Release", &[gitlab.engineer], &[branch]);
    });
}

fn approve(gitlab: &GitLab) {
    gitlab.server.change(|state| {
        let open: Vec<u64> = state.project(CAN).unwrap().merge_requests.iter().map(|request| request.iid).collect();
        open.into_iter().for_each(|iid| state.approve(gitlab.canonical, iid, gitlab.engineer));
    });
}

/// Every request was read as it is after the last one was opened, and before the first one was merged.
fn check_order(gitlab: &GitLab) {
    let log = gitlab.server.log();
    let of_canonical = format!("/projects/{}/merge_requests/", gitlab.canonical);
    let at =
        |is: &dyn Fn(&Logged) -> bool| log.iter().enumerate().filter(|(_, row)| is(row)).map(|(at, _)| at).collect();
    let opened: Vec<usize> = at(&|row| row.method == "POST" && row.path.ends_with("/merge_requests"));
    let is_merge =
        |row: &Logged| row.method == "PUT" && row.path.contains(&of_canonical) && row.path.ends_with("/merge");
    let merges: Vec<usize> = at(&is_merge);
    let (Some(last), Some(first)) = (opened.iter().rev().find(|at| **at < merges[0]), merges.first()) else { return };
    for iid in gitlab.requests_of(CAN) {
        let read = format!("{of_canonical}{iid}");
        let is_read = log[*last..*first].iter().any(|row| row.method == "GET" && row.path.ends_with(&read));
        assert!(is_read, "!{iid} was not read between the last opening and the first merge");
    }
}

#[test]
fn none_is_merged_while_one_of_them_cannot_be() {
    for branch in BRANCHES {
        let world = World::new();
        let gitlab = GitLab::deployed(&world);
        with_rule(&gitlab, branch);
        let wants = format!("canonical wants 1 approval by Release (@engineer) for `{branch}`: have them ready");
        world.secfix(&["sync", "--dry-run"]).ok().warns(&wants);
        assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
        let ran = sync(&world, &[]).ends(1).warns(&wants);
        let ran = ran.warns("so none was merged").warns("1 approval by Release (@engineer): http");
        let ran = ran.warns("to send to those who must act:").never_says("somebody pushed");
        ran.warns("hint: git secfix sync prompt-injection --yes prompt-injection --wait");
        assert_eq!((merged(&world).len(), gitlab.requests_of(CAN).len()), (0, 3), "{branch}");
        // Whoever looks later sees that first.
        let status = world.secfix(&["status"]).ok();
        let public = format!("into `{branch}`: 1 approval by Release (@engineer)");
        let (open, blocked) = (status.stdout.find(&public), status.stdout.find("blocked by"));
        assert!(open.is_some() && open < blocked, "{status}");
        approve(&gitlab);
        sync(&world, &["--no-wait"]).ok();
        assert_eq!((merged(&world), gitlab.requests_of(CAN).len()), (BRANCHES.to_vec(), 3));
        check_order(&gitlab);
    }
}

#[test]
fn people_are_waited_for_where_somebody_asks() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    with_rule(&gitlab, "stable-18-3-ee");
    thread::scope(|scope| {
        let syncing = scope.spawn(|| sync(&world, &["--wait"]));
        while gitlab.requests_of(CAN).len() < 3 {
            thread::sleep(Duration::from_millis(50));
        }
        thread::sleep(Duration::from_millis(500));
        assert_eq!(merged(&world), [""; 0]);
        approve(&gitlab);
        syncing.join().unwrap().ok().warns("to send to those who must act");
    });
    assert_eq!(merged(&world), BRANCHES);
    check_order(&gitlab);
    // No longer than they said.
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    with_rule(&gitlab, "main");
    sync(&world, &["--wait", "--timeout", "1s"]).ends(1).warns("--timeout 2s");
    assert_eq!(merged(&world), [""; 0]);
    let _ = gitlab;
}

#[test]
fn who_may_not_open_opens_none() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().merge_requests_enabled = false);
    let before = world.server_refs(SEC);
    sync(&world, &[]).ends(1).warns("may not open merge requests").warns("hint: ask a maintainer of ");
    assert_eq!((gitlab.requests_of(CAN), world.server_refs(SEC)), (vec![], before));
}

#[test]
fn who_may_not_merge_is_told_before_it_is_public() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    world.set("SECFIX_TOKEN", crate::support::gitlab::TOKEN);
    let ran = world.secfix(&["sync", "--dry-run"]).ok();
    ran.warns("this token may not merge into canonical, for `main`, `stable-18-4-ee`, `stable-18-3-ee`: have a maintainer ready")
        .warns(", such as @maintainer");
    assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
}

/// An answer instead of the one that the server would give, once.
fn once(gitlab: &GitLab, method: &str, path: &str, status: u16, body: &str) {
    let at = At::Matching { method: Some(method.to_owned()), path_contains: path.to_owned() };
    let fault = Fault::Body { status, content_type: "application/json".to_owned(), body: body.to_owned() };
    gitlab.server.inject(Injected { at, fault, times: 1 });
}

#[test]
fn a_refusal_that_passes_is_waited_out() {
    let lock = "{\"message\":\"409 Conflict: Resource lock\"}";
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    once(&gitlab, "POST", "/merge_requests", 409, lock);
    once(&gitlab, "PUT", "/merge", 409, lock);
    sync(&world, &[]).ok();
    assert_eq!((merged(&world), gitlab.requests_of(CAN).len()), (BRANCHES.to_vec(), 3));
    // That somebody pushed is told by the commit, and not by the words.
    for (status, body) in [(406, "{}"), (409, "{\"message\":\"SHA does not match HEAD of source branch\"}")] {
        let world = World::new();
        let gitlab = GitLab::deployed(&world);
        once(&gitlab, "PUT", "/merge", status, body);
        sync(&world, &[]).ok().never_says("somebody pushed");
        assert_eq!(merged(&world), BRANCHES, "{status}");
    }
}

#[test]
fn a_rule_that_refuses_is_told_at_once_in_the_words_of_the_server() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let why = "Commit author is not allowed by the push rule";
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().refuses_merges = Some(why.to_owned()));
    let ran = sync(&world, &["--timeout", "20s"]).ends(1).warns(why).warns("hint: ask an owner of that project");
    ran.never_says("within 20s");
    let merges = gitlab.server.log().iter().filter(|row| row.method == "PUT" && row.path.ends_with("/merge")).count();
    assert_eq!(merges, 1, "it was not tried again");
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().refuses_merges = None);
    sync(&world, &[]).ok();
    assert_eq!(merged(&world), BRANCHES);
}

#[test]
fn a_push_to_what_is_open_is_seen_and_closed() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    sync(&world, &["--no-merge"]).ok();
    let source = format!("sync-main-{}", &world.tip_there(SEC, "main")[..8]);
    world.commit_there(SEC, &source, "other", "embargoed\n");
    let status = world.secfix(&["status"]).ok().says("which was never previewed: close it");
    assert!(!status.stdout.contains("into `main`: it can be merged"), "{status}");
    world.secfix(&["sync", "--dry-run"]).ends(3).warns("which was not previewed; close it");
    sync(&world, &[]).ends(3).warns("which was not previewed; it was closed");
    assert_eq!(merged(&world), [""; 0]);
    let is_open = gitlab.server.change(|state| {
        state
            .project(CAN)
            .unwrap()
            .merge_requests
            .iter()
            .any(|found| found.source_branch == source && found.state == "opened")
    });
    assert!(!is_open);
}

#[test]
fn what_is_public_already_is_counted() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    with_rule(&gitlab, "stable-18-3-ee");
    sync(&world, &["--no-wait"]).ends(1).warns("so none was merged");
    // A maintainer merges one of them on its page.
    let tip = world.tip_there(SEC, "main");
    let (from, to) = (world.server(SEC), world.server(CAN));
    world.git_in(&to, &["fetch", "--quiet", &from.to_string_lossy(), &format!("{tip}:refs/heads/main")]).ok();
    sync(&world, &["--no-wait"]).ends(1).warns("and 1 of 3 branches are public already");
}

#[test]
fn whoever_does_not_wait_still_sees_what_the_server_works_out() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    sync(&world, &["--no-wait"]).ok();
    assert_eq!(merged(&world), BRANCHES);
}

#[test]
fn a_server_that_is_away_for_a_moment_is_waited_for() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    with_rule(&gitlab, "main");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sync(&world, &["--wait", "--timeout", "60s"]));
        let is_open = || gitlab.requests_of(CAN).len() == 3;
        while !is_open() {
            thread::sleep(Duration::from_millis(50));
        }
        // Longer than a request is tried again.
        let at = At::Matching { method: Some("GET".to_owned()), path_contains: "/merge_requests/".to_owned() };
        gitlab.server.inject(Injected { at, fault: Fault::Dropped, times: 25 });
        thread::sleep(Duration::from_secs(3));
        gitlab.server.clear_faults();
        approve(&gitlab);
        waiting.join().unwrap().ok();
    });
    assert_eq!(merged(&world), BRANCHES);
}

#[test]
fn what_is_public_is_told_whatever_becomes_of_the_schedule() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let id = gitlab.server.change(|state| state.add_schedule(gitlab.security, "keep alive", gitlab.maintainer));
    gitlab.server.change(|state| {
        let project = state.project_mut(SEC).unwrap();
        project.schedules.iter_mut().filter(|schedule| schedule.id == id).for_each(|schedule| schedule.active = true);
    });
    world.set("SECFIX_SCHEDULE_KEEP_ALIVE", "keep alive");
    let at = At::Matching { method: Some("PUT".to_owned()), path_contains: "/pipeline_schedules/".to_owned() };
    gitlab.server.inject(Injected { at, fault: Fault::Status(500), times: u32::MAX });
    let ran = sync(&world, &[]).ok();
    let rows = ran.stdout.matches("  merged").count();
    assert_eq!(rows, 3, "{ran}");
    ran.warns("warning: ").warns("next: git secfix ");
    assert_eq!(merged(&world), BRANCHES);
}

/// What `status` shows of the disclosure.
fn public_block(world: &World) -> String {
    let status = world.secfix(&["status"]).ok();
    let lines = status.stdout.lines().skip_while(|line| !line.starts_with("public "));
    let block = lines.take_while(|line| line.starts_with("public ") || line.starts_with("            !"));
    block.map(|line| format!("{}\n", line.trim_start_matches("public").trim_start())).collect()
}

#[test]
fn what_is_open_in_public_is_seen_while_a_late_line_is_not_merged() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    sync(&world, &["--no-merge"]).ok();
    assert_eq!(public_block(&world).lines().count(), 3);
    // A line that nobody thought of.
    world.secfix(&["backport", "--to", "18-2"]).ok();
    world.secfix(&["push"]).ok();
    let block = public_block(&world);
    assert_eq!(block.lines().count(), 3, "{block}");
    world.set("SECFIX_TOKEN", crate::support::gitlab::TOKEN);
    world.secfix(&["mr"]).ok();
    assert_eq!(public_block(&world), block);
    let all = world.secfix(&["status", "--all"]).ok();
    assert_eq!(all.stdout.matches("it can be merged: http").count(), 3, "{all}");
}

#[test]
fn which_lines_are_public_already_is_seen() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    with_rule(&gitlab, "stable-18-3-ee");
    sync(&world, &["--no-wait"]).ends(1);
    let tip = world.tip_there(SEC, "main");
    let (from, to) = (world.server(SEC), world.server(CAN));
    world.git_in(&to, &["fetch", "--quiet", &from.to_string_lossy(), &format!("{tip}:refs/heads/main")]).ok();
    let status = world.secfix(&["status"]).ok();
    let rows = |end: &str| status.stdout.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!((rows(" public"), rows(" merged")), (1, 2), "{status}");
    let json: serde_json::Value = serde_json::from_str(&world.secfix(&["status", "--json"]).ok().stdout).unwrap();
    let rows = json["fixes"][0]["targets"].as_array().unwrap().iter();
    let public: Vec<_> = rows.filter(|row| row["public"] == true).map(|row| row["target"].clone()).collect();
    assert_eq!(public, ["main"]);
}

#[test]
fn what_somebody_closed_was_seen_all_the_same() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    sync(&world, &["--no-merge"]).ok();
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().merge_requests[0].state = "closed".to_owned());
    let block = public_block(&world);
    assert!(
        block.starts_with("!1 into `main`: it was closed, and everybody could see what it showed: http"),
        "{block}"
    );
    // Once another is open in its place, that says more.
    sync(&world, &["--no-merge"]).ok();
    let block = public_block(&world);
    assert!(!block.contains("closed") && block.contains("!4 into `main`"), "{block}");
    sync(&world, &[]).ok();
    assert_eq!(public_block(&world), "");
}

#[test]
fn a_disclosure_that_has_begun_is_finished_though_the_issue_is_public() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    sync(&world, &["--no-merge"]).ok();
    let make_public = |gitlab: &GitLab| {
        gitlab.server.change(|state| {
            let issue = state.issue_mut(gitlab.canonical, gitlab.issue).unwrap();
            issue.confidential = false;
        });
    };
    make_public(&gitlab);
    sync(&world, &[]).ok();
    assert_eq!(merged(&world), BRANCHES);
    // Before it has begun, it stops everything.
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    make_public(&gitlab);
    sync(&world, &[]).ends(3).warns("is public");
    assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
}

#[test]
fn a_fix_that_was_taken_back_while_it_is_open_leads_to_people() {
    for branch in ["main", "stable-18-4-ee"] {
        let world = World::new();
        let _gitlab = GitLab::deployed(&world);
        sync(&world, &["--no-merge"]).ok();
        world.revert_there(SEC, branch, &["--mainline", "1", "HEAD"]);
        let by = world.tip_there(SEC, branch);
        let status = world.secfix(&["status"]).ok().says(&format!("{} takes the fix back on `{branch}`", &by[..12]));
        status.says(&format!("next        ask who made {} why, and revert it in `{branch}`", &by[..12]));
        let ran = sync(&world, &[]).ends(3).warns(&format!("hint: ask who made {} why", &by[..12]));
        ran.never_says("deploy --wait");
        assert_eq!(merged(&world), [""; 0]);
        world.revert_there(SEC, branch, &["HEAD"]);
        world.secfix(&["status"]).ok().never_says("takes the fix back");
    }
}

#[test]
fn another_fix_that_is_open_in_public_is_not_this_one() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    // Merged in security before this fix was, and shown alone.
    let other_fix = world.commit_there(SEC, "main", "other", "of another fix\n");
    world.secfix(&["status"]).ok();
    gitlab.approve_all();
    gitlab.server.change(|state| {
        let after_merge = &mut state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline;
        after_merge.bridges[0].job.status = "success".to_owned();
    });
    world.secfix(&["merge"]).ok();
    let other = format!("sync-main-{}", &other_fix[..8]);
    world.git_in(&world.server(SEC), &["branch", &other, &other_fix]).ok();
    let route = format!("{}/api/v4/projects/{}/merge_requests", gitlab.server.url(), gitlab.security);
    let body = format!("source_branch={other}&target_branch=main&title=x&target_project_id={}", gitlab.canonical);
    let token = "PRIVATE-TOKEN: glpat-maintainer";
    world.run(world.command("curl", &["-sf", "-X", "POST", "-H", token, "-d", &body, &route])).ok();
    assert_eq!((public_block(&world), gitlab.requests_of(CAN).len()), (String::new(), 1));
    gitlab.server.change(|state| {
        state.issue_mut(gitlab.canonical, gitlab.issue).unwrap().confidential = false;
    });
    world.secfix(&["deploy"]).ends(1).warns("is public");
}
