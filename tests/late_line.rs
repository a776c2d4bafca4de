//! A line that is noticed late is caught up with at any time: after the merge, after the disclosure, from another clone.

use crate::support::{CAN, GitLab, Ran, SEC, World, gitlab::TOKEN};

/// A release line appears that was not supported before.
fn appears(world: &World) {
    world.unset("SECFIX_BRANCHES_SUPPORTED");
    world.set("SECFIX_BRANCHES_SUPPORTED", "3");
}

fn deploy(gitlab: &GitLab) {
    gitlab.server.change(|state| {
        state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline.bridges[0].job.status = "success".to_owned();
    });
}

/// Merged in one of the ways of a project, with the branches of the fix gone.
fn merged(method: &str, squashes: bool) -> (World, GitLab) {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    deploy(&gitlab);
    gitlab.server.change(|state| {
        let project = state.project_mut(SEC).unwrap();
        project.merge_method = method.to_owned();
        project.remove_source_branch_after_merge = true;
        project.merge_requests.iter_mut().for_each(|request| {
            request.squash = squashes;
            request.force_remove_source_branch = true;
        });
    });
    world.secfix(&["merge"]).ok();
    (world, gitlab)
}

/// A clone that has never seen the branches of the fix.
fn colleague(world: &World) -> impl Fn(&[&str]) -> Ran {
    let clone = world.colleague();
    move |arguments| world.secfix_in(&clone, arguments)
}

#[test]
fn its_commits_are_found_however_they_were_merged() {
    for (method, squashes) in [("merge", false), ("merge", true), ("ff", false), ("ff", true), ("rebase_merge", false)]
    {
        let (world, _gitlab) = merged(method, squashes);
        appears(&world);
        let secfix = colleague(&world);
        let at = format!("{method}, squashed: {squashes}");
        let ran = secfix(&["status", "prompt-injection"]).ok();
        assert!(ran.stdout.contains("18.2 is supported and has no backport"), "{at}: {ran}");
        assert!(ran.stdout.contains("next        git secfix backport prompt-injection --to 18-2"), "{at}: {ran}");
        let ran = secfix(&["backport", "prompt-injection", "--to", "18-2"]);
        assert!(ran.code == 0 && ran.stdout.contains("security-prompt-injection-18-2  picked 1 commit"), "{at}: {ran}");
        let tree = world.path("colleague");
        let fixed = world.git_in(&tree, &["show", "security-prompt-injection-18-2:fixed"]).ok().line();
        assert_eq!(fixed, "embargoed", "{at}");
        // Again, there is nothing to pick.
        secfix(&["backport", "prompt-injection"]).ok().says("already contained");
    }
}

#[test]
fn without_a_server_the_merge_tells() {
    let (world, _gitlab) = merged("merge", false);
    let secfix = colleague(&world);
    world.unset("SECFIX_TOKEN");
    secfix(&["backport", "prompt-injection", "--to", "18-2"]).ok().says("picked 1 commit");
    // What no merge tells is named.
    let (world, _gitlab) = merged("ff", false);
    let secfix = colleague(&world);
    world.unset("SECFIX_TOKEN");
    let ran = secfix(&["backport", "prompt-injection", "--to", "18-2"]).ends(1);
    ran.warns("there is no branch `security-prompt-injection`").warns("--to 18-2 --from A..B");
}

#[test]
fn it_is_caught_up_with_after_the_disclosure() {
    let world = World::new();
    let gitlab = GitLab::public(&world);
    world.secfix(&["tag"]).ok();
    world.git_in(&world.server(CAN), &["tag", "self-hosted-v18.2.0-ee", "stable-18-2-ee"]).ok();
    appears(&world);
    world.secfix(&["status"]).ok().says("18.2 is supported and has no backport");
    let step = |arguments: &[&str], next: &str| world.secfix(arguments).ok().warns(&format!("next: {next}"));
    step(&["backport", "--to", "18-2"], "git secfix push prompt-injection");
    step(&["push"], "git secfix mr prompt-injection");
    // Nobody approves their own.
    let keys = |token: &str| {
        world.unset("SECFIX_TOKEN");
        world.set("SECFIX_TOKEN", token);
    };
    keys(TOKEN);
    step(&["mr"], "git secfix status prompt-injection --watch");
    keys("glpat-maintainer");
    gitlab.approve_all();
    world.secfix(&["merge"]).ok().says("merged already");
    world.secfix(&["sync", "--yes", "prompt-injection"]).ok().says("public already").says("stable-18-2-ee");
    assert!(world.holds_there(CAN, "stable-18-2-ee", &world.tip_there(SEC, "stable-18-2-ee")));
    world.secfix(&["tag"]).ok().says("stable-18-2-ee").says("tagged already");
    let tags = world.server_refs(CAN);
    assert_eq!(tags.matches("refs/tags/self-hosted-v18.2.").count(), 2, "{tags}");
}
