//! `git secfix clean`: removes what is published, and nothing else.

use crate::support::{CAN, GitLab, SEC, World, each_git};

fn published(world: &World) -> GitLab {
    let gitlab = GitLab::public(world);
    world.secfix(&["tag"]).ok();
    gitlab
}

fn own_branches(world: &World) -> Vec<String> {
    let listed = world.git(&["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/security-*"]).ok();
    listed.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn branches_go_when_their_work_is_public() {
    each_git(|world| {
        let gitlab = GitLab::deployed(world);
        world.secfix(&["clean"]).ends(1).warns("canonical does not have !");
        world.secfix(&["sync", "--yes", "prompt-injection"]).ok();
        world.secfix(&["tag"]).ok();
        // GitLab keeps the branches of security here, as people may have asked it to.
        for (line, tip) in [("", "security-prompt-injection"), ("-18-4", "security-prompt-injection-18-4")] {
            let tip = world.git(&["rev-parse", tip]).ok().line();
            let sec = world.server(SEC).to_string_lossy().into_owned();
            world
                .git(&[
                    "push",
                    "--quiet",
                    "--no-verify",
                    "--force",
                    &sec,
                    &format!("{tip}:refs/heads/security-prompt-injection{line}"),
                ])
                .ok();
        }
        let before = world.server_refs(SEC);
        world.secfix(&["clean", "--dry-run"]).ok().says("would be removed");
        assert_eq!(world.server_refs(SEC), before);
        // Git does not switch away from what is half done.
        let head = world.git(&["rev-parse", "HEAD"]).ok().line();
        world.write("work/.git/MERGE_HEAD", &format!("{head}\n"));
        world.secfix(&["clean"]).ends(1).says("kept: it is checked out here, and git does not switch away: ");
        assert_eq!(own_branches(world), ["security-prompt-injection"]);
        std::fs::remove_file(world.path("work/.git/MERGE_HEAD")).unwrap();
        assert!(!world.server_refs(SEC).contains("refs/heads/security-"));
        // What nobody committed goes along.
        world.write("work/notes", "mine\n");
        world.secfix(&["clean"]).ok();
        assert!(own_branches(world).is_empty());
        assert_eq!(world.git(&["branch", "--show-current"]).ok().line(), "main");
        assert_eq!(world.read("work/notes"), "mine\n");
        assert!(!world.read("work/.git/config").contains("security-prompt-injection"), "nothing of them is configured");
        world.secfix(&["clean", "prompt-injection"]).ok().says("no branch of the fix is left");
        // The guard stays.
        world.secfix(&["doctor"]).ok();
        let _ = gitlab;
    });
}

#[test]
fn work_that_is_not_public_is_kept() {
    let world = World::new();
    let _gitlab = published(&world);
    world.git(&["switch", "--quiet", "security-prompt-injection-18-4"]).ok();
    let extra = world.commit("later", "not merged\n");
    world.git(&["switch", "--quiet", "--detach", "origin/main"]).ok();
    // Status calls it work that is left out, and so does the gate.
    let ran = world.secfix(&["clean", "prompt-injection"]);
    assert_ne!(ran.code, 0, "{ran}");
    assert_eq!(world.git(&["rev-parse", "security-prompt-injection-18-4"]).ok().line(), extra);
}

#[test]
fn what_was_squashed_is_public_under_another_name() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    gitlab.server.change(|state| {
        let project = state.project_mut(SEC).unwrap();
        project.ref_pipelines[0].pipeline.bridges[0].job.status = "success".to_owned();
        project.merge_requests.iter_mut().for_each(|request| request.squash = true);
    });
    world.secfix(&["merge"]).ok();
    world.secfix(&["sync", "--yes", "prompt-injection"]).ok().says("this fix");
    world.secfix(&["tag"]).ok();
    world.git(&["switch", "--quiet", "--detach", "origin/main"]).ok();
    world.secfix(&["clean", "prompt-injection"]).ok().says("removed");
    assert!(own_branches(&world).is_empty());
    assert!(!world.server_refs(CAN).contains("security-"));
}

#[test]
fn a_branch_in_another_work_tree_is_kept() {
    let world = World::new();
    let _gitlab = published(&world);
    world.git(&["switch", "--quiet", "--detach", "origin/main"]).ok();
    world.git(&["worktree", "add", "--quiet", "../elsewhere", "security-prompt-injection-18-3"]).ok();
    world.secfix(&["clean", "prompt-injection"]).ends(1).says("kept: it is checked out in [world]/elsewhere");
    assert_eq!(own_branches(&world), ["security-prompt-injection-18-3"]);
}
