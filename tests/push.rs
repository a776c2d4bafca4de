//! `git secfix push`.

use crate::support::{CAN, SEC, World, each_git};

#[test]
fn all_branches_are_pushed_and_tracked() {
    each_git(|world| {
        world.with_fix();
        world.secfix(&["branch", "prompt-injection", "-b", "18-4", "-b", "18-3"]).ok();
        world.secfix(&["push", "--dry-run"]).ok().says("would be pushed");
        assert!(!world.server_refs(SEC).contains("security-"));
        world
            .secfix(&["push"])
            .ok()
            .says("security-prompt-injection-18-4  security/security-prompt-injection-18-4  pushed");
        assert_eq!(world.server_refs(SEC).matches("refs/heads/security-prompt-injection").count(), 3);
        assert!(!world.server_refs(CAN).contains("security-"));
        world.git(&["status"]).ok().says("up to date with 'security/security-prompt-injection'");
        world.secfix(&["push"]).ok().says("up to date");
        // From another branch, by name.
        world.git(&["switch", "--quiet", "main"]).ok();
        world
            .secfix(&["push"])
            .ends(2)
            .warns("`main` is not a branch of a fix")
            .warns("hint: git secfix push prompt-injection");
        world.secfix(&["push", "prompt-injection"]).ok();
        world.secfix(&["push", "other"]).ends(1).warns("hint: git secfix branch other");
    });
}

#[test]
fn nothing_is_pushed_when_one_branch_is_rejected() {
    let world = World::new();
    world.with_fix();
    world.secfix(&["branch", "prompt-injection", "-b", "18-4"]).ok();
    // Somebody pushed something else under that name.
    world.git(&["switch", "--quiet", "--create", "theirs", "origin/stable-18-4-ee"]).ok();
    world.commit("theirs", "x");
    world
        .git_in(
            &world.server(SEC),
            &["fetch", "--quiet", &world.work().to_string_lossy(), "theirs:security-prompt-injection-18-4"],
        )
        .ok();
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    let before = world.server_refs(SEC);
    world
        .secfix(&["push"])
        .ends(1)
        .warns("A Person moved `security-prompt-injection-18-4`: security has a commit of it that the branch here lacks")
        .warns("Change theirs")
        .warns("hint: git fetch security && git rebase security/security-prompt-injection-18-4 security-prompt-injection-18-4 && git secfix push prompt-injection");
    assert_eq!(world.server_refs(SEC), before);
    // A lease is not worth more for the look that was taken.
    world.secfix(&["push", "--force-with-lease"]).ends(1).warns("moved `security-prompt-injection-18-4`");
    assert_eq!(world.server_refs(SEC), before);
    // What the hint says works.
    world.git(&["fetch", "--quiet", "security"]).ok();
    let branch = "security-prompt-injection-18-4";
    world.git(&["rebase", "--quiet", &format!("security/{branch}"), branch]).ok();
    world.secfix(&["push", "prompt-injection"]).ok();
}

#[test]
fn force_with_lease_keeps_what_was_not_fetched() {
    let world = World::new();
    world.with_fix();
    world.secfix(&["push"]).ok();
    world.git(&["commit", "--quiet", "--amend", "--message", "Better"]).ok();
    world
        .secfix(&["push"])
        .ends(1)
        .warns("as it was before it was amended or rebased here")
        .warns("hint: git secfix push prompt-injection --force-with-lease");
    world.secfix(&["push", "--force-with-lease"]).ok();
    world.git_in(&world.server(SEC), &["update-ref", "refs/heads/security-prompt-injection", "main"]).ok();
    world.git(&["commit", "--quiet", "--amend", "--message", "Best"]).ok();
    world.secfix(&["push", "--force-with-lease"]).ends(1).warns("so nothing was pushed");
}

#[test]
fn force_with_lease_keeps_what_was_fetched_and_never_looked_at() {
    each_git(|world| {
        let first = world.with_fix();
        world.secfix(&["branch", "prompt-injection", "-b", "18-4"]).ok();
        world.secfix(&["push"]).ok();
        let (fix, dir) = ("security-prompt-injection", world.server(SEC));
        // A colleague goes on from there, and `backport` fetches it.
        world.git(&["switch", "--quiet", "--create", "theirs"]).ok();
        world.commit("theirs", "x");
        world.git_in(&dir, &["fetch", "--quiet", &world.work().to_string_lossy(), &format!("theirs:{fix}")]).ok();
        world.git(&["switch", "--quiet", fix]).ok();
        world.git(&["branch", "--quiet", "-D", "theirs"]).ok();
        world.git(&["commit", "--quiet", "--amend", "--message", "Better"]).ok();
        world.secfix(&["backport"]).ok();
        let before = world.server_refs(SEC);
        let ran = world.secfix(&["push", "--force-with-lease"]).ends(1);
        ran.warns("A Person moved `security-prompt-injection`")
            .warns("Change theirs")
            .warns("hint: git fetch security");
        assert_eq!(world.server_refs(SEC), before);
        // Seen, and then dropped on purpose.
        world.git(&["reset", "--quiet", "--hard", &format!("security/{fix}")]).ok();
        world.git(&["reset", "--quiet", "--hard", &first]).ok();
        world.secfix(&["push"]).ends(1).warns("hint: git secfix push prompt-injection --force-with-lease");
        world.secfix(&["push", "--force-with-lease"]).ok();
        assert!(world.server_refs(SEC).contains(&format!("{fix} {first}")));
    });
}

#[test]
fn a_remote_that_leads_elsewhere_is_refused_even_without_the_hook() {
    let world = World::new();
    world.with_fix();
    std::fs::remove_file(world.path("work/.git/hooks/pre-push")).unwrap();
    world.git(&["remote", "set-url", "--push", "security", &format!("git@gitlab.com:{CAN}.git")]).ok();
    let before = world.server_refs(CAN);
    world.secfix(&["push"]).ends(3).warns("pushes to").warns("hint: git config --unset-all remote.security.pushurl");
    assert_eq!(world.server_refs(CAN), before);
}

#[test]
fn a_server_that_cannot_be_reached_is_no_rejection() {
    let world = World::new();
    world.with_fix();
    world.write_program("bin/ssh", "#!/bin/sh\necho 'ssh: Could not resolve hostname gitlab.com' >&2\nexit 255\n");
    world.secfix(&["push"]).ends(5).warns("nothing was pushed").warns("hint: git ls-remote security HEAD");
}

#[test]
fn the_guard_s_refusal_is_passed_on() {
    let world = World::new();
    world.with_fix();
    world.git(&["config", "push.pushOption", "mr.create"]).ok();
    world.secfix(&["push"]).ends(3).warns("the guard refused").warns("mr.create");
}

#[test]
fn hostile_names_are_only_names() {
    each_git(|world| {
        world.with_fix();
        for name in ["security-prompt-injection-9-9;touch${IFS}y", "--upload-pack=touch${IFS}y"] {
            world.git(&["update-ref", &format!("refs/heads/{name}"), "HEAD"]).ok();
        }
        let ran = world.secfix(&["push"]).ok();
        ran.says("security-prompt-injection  security/security-prompt-injection  pushed").never_says("touch");
        for name in ["x;touch y", "--upload-pack=touch y"] {
            world.secfix(&["push", "--", name]).ends(2).warns("cannot name a fix");
            world.set("SECFIX_SECURITY_REMOTE", name);
            world.secfix(&["push"]).ends(2).warns("cannot name a remote");
            world.unset("SECFIX_SECURITY_REMOTE");
        }
        world.secfix(&["push", "--upload-pack=touch y"]).ends(2);
        assert!(!world.server_refs(SEC).contains("touch"));
        assert!(!world.exists("work/y") && !world.exists("y"));
    });
}
