//! A clone that is older than security, or that never had the branches of a fix: a gate judges what security has, and what
//! cannot be judged here is said.

use crate::support::{GitLab, SEC, World};

const LINE: &str = "security-prompt-injection-18-4";
const FIX: &str = "prompt-injection";

#[test]
fn a_gate_judges_what_security_has_now() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    let clone = world.colleague();
    let secfix = |arguments: &[&str]| world.secfix_in(&clone, arguments);
    secfix(&["status", FIX]).ok().never_says("lacks").never_says("cannot be told");
    world.revert_there(SEC, LINE, &["HEAD"]);
    // The server notices a push at the next look, and takes approvals back then.
    world.secfix(&["status"]).ok();
    gitlab.approve_all();
    let ran = secfix(&["merge", FIX]).ends(1).warns(&format!("`{LINE}` lacks "));
    ran.warns("hint: git secfix backport prompt-injection");
    assert!(gitlab.pairs().iter().all(|pair| pair.ends_with("opened")), "{:?}", gitlab.pairs());
    // Whoever only looks sees the same.
    secfix(&["status", FIX]).ok().says(&format!("`{LINE}` lacks ")).never_says("cannot be told");
    world.revert_there(SEC, LINE, &["HEAD"]);
    secfix(&["status", FIX]).ok();
    gitlab.approve_all();
    secfix(&["merge", FIX]).ok();
}

#[test]
fn without_its_server_nothing_is_judged() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    let clone = world.colleague();
    world.revert_there(SEC, LINE, &["HEAD"]);
    world.secfix(&["status"]).ok();
    gitlab.approve_all();
    world.git_in(&clone, &["remote", "set-url", "security", &world.path("nowhere").to_string_lossy()]).ok();
    let ran = world.secfix_in(&clone, &["status", FIX]).ok();
    ran.says(&format!("whether `{LINE}` holds the fix cannot be told: this clone is older than security"))
        .says("next        git fetch security");
    let ran = world.secfix_in(&clone, &["merge", FIX]);
    assert!([1, 5].contains(&ran.code), "{ran}");
    ran.warns("cannot fetch `security`").warns("hint: git fetch security");
    assert!(gitlab.pairs().iter().all(|pair| pair.ends_with("opened")), "{:?}", gitlab.pairs());
}

/// Merged in one of the ways of a project, with the branches of the fix gone; the fix has two commits, and 18.4 as many as
/// asked for.
fn merged(method: &str, squashes: bool, on_line: usize) -> (World, GitLab) {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    world.commit("second", "more of the fix\n");
    world.secfix(&["backport"]).ok();
    for words in [&["push"][..], &["mr"], &["status"]] {
        world.secfix(words).ok();
    }
    if on_line == 1 {
        world.git(&["push", "--quiet", "--force", "security", &format!("{LINE}~1:{LINE}")]).ok();
        world.secfix(&["status"]).ok();
    }
    gitlab.approve_all();
    gitlab.server.change(|state| {
        let project = state.project_mut(SEC).unwrap();
        project.merge_method = method.to_owned();
        project.remove_source_branch_after_merge = true;
        project.merge_requests.iter_mut().for_each(|request| {
            request.squash = squashes;
            request.force_remove_source_branch = true;
        });
    });
    world.unset("SECFIX_TOKEN");
    world.set("SECFIX_TOKEN", "glpat-maintainer");
    // On their pages, which do not look at what a line lacks.
    let page = format!("{}/api/v4/projects/{}/merge_requests", gitlab.server.url(), gitlab.security);
    for iid in gitlab.requests() {
        for _ in 0..20 {
            let merge = ["-sf", "-X", "PUT", "-H", "PRIVATE-TOKEN: glpat-maintainer", &format!("{page}/{iid}/merge")];
            if world.run(world.command("curl", &merge)).code == 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
    assert!(gitlab.pairs().iter().all(|pair| pair.ends_with("merged")), "{:?}", gitlab.pairs());
    (world, gitlab)
}

const METHODS: [(&str, bool); 5] =
    [("merge", false), ("merge", true), ("ff", false), ("ff", true), ("rebase_merge", false)];

#[test]
fn a_line_that_was_merged_with_half_of_the_fix_is_missed_from_any_clone() {
    for (method, squashes) in METHODS {
        let (world, _gitlab) = merged(method, squashes, 1);
        let clone = world.colleague();
        let at = format!("{method}, squashed: {squashes}");
        for said in [world.secfix_in(&clone, &["status", FIX]), world.secfix(&["status", FIX])] {
            let missing =
                said.stdout.contains("`stable-18-4-ee` lacks ") && !said.stdout.contains("`stable-18-3-ee` lacks");
            assert!(missing, "{at}: {said}");
        }
    }
}

#[test]
fn a_follow_up_is_a_part_of_the_fix_and_not_the_whole() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    // One commit more, by a second merge request of the same branches.
    world.commit("second", "more of the fix\n");
    world.secfix(&["backport", "--to", "18-4"]).ok().says("picked 1 commit");
    world.set("SECFIX_TOKEN", crate::support::gitlab::TOKEN);
    world.secfix(&["push"]).ok();
    world.secfix(&["mr"]).ok();
    let status = world.secfix(&["status"]).ok();
    status.says("`stable-18-3-ee` lacks ").never_says("18-4` lacks");
    let _ = gitlab;
}

#[test]
fn what_was_never_pushed_of_a_merged_branch_is_none_of_it() {
    let (world, _gitlab) = merged("merge", false, 1);
    world.git(&["fetch", "--quiet", "--prune", "security"]).ok();
    // The whole pick is here still, and was not merged.
    assert_eq!(world.git(&["log", "-1", "--format=%s", LINE]).ok().line(), "Change second");
    let status = world.secfix(&["status"]).ok().says("`stable-18-4-ee` lacks ");
    status.says(&format!("`{LINE}` has commits that are not pushed, though it is merged"));
}

#[test]
fn what_is_merged_is_judged_where_its_branches_were_never_seen() {
    for (method, squashes) in METHODS {
        let (world, _gitlab) = merged(method, squashes, 2);
        let clone = world.colleague();
        let at = format!("{method}, squashed: {squashes}");
        let said = world.secfix_in(&clone, &["status", FIX]).ok();
        assert!(!said.stdout.contains("lacks") && !said.stdout.contains("cannot be told"), "{at}: {said}");
        // What was taken back is not what the comparison finds.
        let head = world.tip_there(SEC, "stable-18-4-ee");
        let parents = world.git_in(&clone, &["show", "--no-patch", "--format=%P", &head]).ok().line();
        let words: &[&str] = if parents.contains(' ') { &["--mainline", "1", "HEAD"] } else { &["HEAD"] };
        world.revert_there(SEC, "stable-18-4-ee", words);
        world.git_in(&clone, &["fetch", "--quiet", "security"]).ok();
        let said = world.secfix_in(&clone, &["status", FIX]).ok();
        assert!(said.stdout.contains("takes the fix back on `stable-18-4-ee`"), "{at}: {said}");
    }
}

#[test]
fn a_line_that_was_merged_without_the_fix_is_missed_there_too() {
    let world = World::new();
    let gitlab = GitLab::requested(&world);
    world.git(&["switch", "--quiet", LINE]).ok();
    world.git(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
    world.commit("beside", "other work\n");
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    world.secfix(&["push", "--force-with-lease"]).ok();
    world.secfix(&["status"]).ok();
    gitlab.merge_all(&world);
    for branch in ["security-prompt-injection", LINE, "security-prompt-injection-18-3"] {
        world.git_in(&world.server(SEC), &["update-ref", "-d", &format!("refs/heads/{branch}")]).ok();
    }
    let clone = world.colleague();
    let said = world.secfix_in(&clone, &["status", FIX]).ok();
    said.says("`stable-18-4-ee` lacks ").never_says("`stable-18-3-ee` lacks");
}
