//! `git secfix branch`.

use crate::support::{CAN, SEC, World, each_git};

fn prepared() -> World {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world
}

fn config(world: &World, key: &str) -> String {
    world.git(&["config", "--get", key]).line()
}

#[test]
fn a_fix_gets_its_branches() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        let ran = world.secfix(&["branch", "prompt-injection", "--backport", "18-4", "-b", "v18.3"]).ok();
        ran.says("security-prompt-injection       tracks security/main            created, checked out")
            .says("security-prompt-injection-18-4  tracks security/stable-18-4-ee  created")
            .says("security-prompt-injection-18-3  tracks security/stable-18-3-ee  created");
        world.git(&["status"]).ok().says("Your branch is up to date with 'security/main'");
        for (branch, merge) in
            [("security-prompt-injection", "main"), ("security-prompt-injection-18-4", "stable-18-4-ee")]
        {
            assert_eq!(config(world, &format!("branch.{branch}.remote")), "security");
            assert_eq!(config(world, &format!("branch.{branch}.pushRemote")), "security");
            assert_eq!(config(world, &format!("branch.{branch}.merge")), format!("refs/heads/{merge}"));
            let commits = world.git(&["rev-parse", branch, &format!("security/{merge}")]).ok().line();
            let (ours, theirs) = commits.split_once('\n').unwrap();
            assert_eq!(ours, theirs);
        }
        // Again: nothing changes.
        let before = world.state();
        world
            .secfix(&["branch", "prompt-injection", "--backport", "18-4", "-b", "v18.3"])
            .ok()
            .says("exists, checked out");
        assert_eq!(world.state(), before);
        // One more line later.
        world
            .secfix(&["branch", "prompt-injection", "-b", "stable-18-2-ee"])
            .ok()
            .says("security-prompt-injection-18-2  tracks security/stable-18-2-ee  created");
    });
}

#[test]
fn all_means_the_supported_lines_newest_first() {
    let world = prepared();
    for line in ["stable-18-10-ee", "stable-17-11-ee", "stable-x-ee"] {
        world.git_in(&world.server(SEC), &["branch", line, "main"]).ok();
    }
    let ran = world.secfix(&["branch", "x", "--backport", "all", "--json"]).ok();
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let lines: Vec<_> =
        answer["branches"].as_array().unwrap().iter().map(|row| row["line"].as_str().unwrap_or("-")).collect();
    assert_eq!(lines, ["-", "18.10", "18.4", "18.3"]);
    world.set("SECFIX_BRANCHES_SUPPORTED", "1");
    world.secfix(&["branch", "y", "--backport", "all"]).ok().says("18-10").never_says("18-4");
}

#[test]
fn names_are_checked() {
    let world = prepared();
    let before = world.state();
    for (name, hint) in [
        ("Prompt Injection", "git secfix branch prompt-injection"),
        ("UPPER", "git secfix branch upper"),
        ("a..b", "git secfix branch a-b"),
        ("x;touch y", "git secfix branch x-touch-y"),
        ("", "git secfix branch prompt-injection"),
        ("cve-2026-1", "git secfix branch cve-2026-1-fix"),
    ] {
        world.secfix(&["branch", name]).ends(2).warns("error: ").warns(&format!("hint: {hint}\n"));
    }
    world.secfix(&["branch"]).ends(2);
    world.secfix(&["branch", "--upload-pack=x"]).ends(2);
    assert_eq!(world.state(), before);
    world.secfix(&["branch", "security-x"]).ok().says("security-x  tracks").never_says("security-security");
}

#[test]
fn versions_are_checked_before_anything_is_fetched() {
    let world = prepared();
    let before = (world.state(), world.read("ssh.log"));
    for (line, why) in [
        ("18.4.2", "its line is `18.4`"),
        ("18", "not a release line"),
        ("18.04", "not a release line"),
        ("latest", "not a release line"),
    ] {
        world.secfix(&["branch", "x", "--backport", line]).ends(2).warns(why);
    }
    assert_eq!((world.state(), world.read("ssh.log")), before);
}

#[test]
fn a_missing_stable_branch_says_who_has_it() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        let before = world.state();
        world.secfix(&["branch", "x", "-b", "18-9"]).ends(1).warns("neither security nor").warns("stable-18-9-ee");
        assert_eq!(world.state(), before);
        world.git_in(&world.server(CAN), &["branch", "stable-18-9-ee", "stable-18-3-ee"]).ok();
        world.git(&["fetch", "--quiet", "origin"]).ok();
        let before = world.state();
        let ran = world.secfix(&["branch", "x", "-b", "18-9"]).ends(1);
        ran.warns("but gitlab-org/modelops").warns("hint: git secfix branch x -b 18-9 --create-stable");
        assert_eq!(world.state(), before);
        assert!(!world.server_refs(SEC).contains("stable-18-9-ee"));
        world.secfix(&["branch", "x", "-b", "18-9", "--create-stable"]).ok().says("tracks security/stable-18-9-ee");
        let line = |project| {
            world.server_refs(project).lines().find(|line| line.contains("stable-18-9-ee")).map(str::to_owned)
        };
        assert!(line(SEC).is_some());
        assert_eq!(line(SEC), line(CAN));
    });
}

#[test]
fn a_branch_with_other_work_is_left_alone() {
    let world = prepared();
    world.git(&["switch", "--quiet", "--create", "security-x", "--no-track", "origin/main"]).ok();
    world.commit("mine", "x");
    world.git(&["switch", "--quiet", "main"]).ok();
    let before = world.state();
    let ran = world.secfix(&["branch", "x", "-b", "18-4"]).ends(1);
    ran.warns("`security-x` exists, holds work of its own").warns("hint: git branch --move security-x");
    assert_eq!(world.state(), before);
}

#[test]
fn a_branch_without_work_is_made_to_track() {
    let world = prepared();
    world.git(&["branch", "--no-track", "security-x", "origin/main"]).ok();
    world.secfix(&["branch", "x"]).ok().says("exists, now tracked, checked out");
    assert_eq!(config(&world, "branch.security-x.pushRemote"), "security");
}

#[test]
fn a_colleague_continues_what_was_pushed() {
    let world = World::new();
    let fix = world.with_fix();
    world.secfix(&["push"]).ok();
    let other = world.path("other");
    world.git_in(world.root(), &["clone", "--quiet", &format!("git@gitlab.com:{CAN}.git"), "other"]).ok();
    world.git_in(&other, &["secfix", "init"]).ok();
    world
        .git_in(&other, &["secfix", "branch", "prompt-injection"])
        .ok()
        .says("tracks security/security-prompt-injection  created from what was pushed");
    assert_eq!(world.git_in(&other, &["rev-parse", "HEAD"]).ok().line(), fix);
}

#[test]
fn a_work_tree_that_cannot_switch_undoes_everything() {
    let world = prepared();
    // Security moves on in a file that is changed here.
    world.git(&["switch", "--quiet", "--create", "x", "origin/main"]).ok();
    world.commit("app", "theirs\n");
    world.git_in(&world.server(SEC), &["fetch", "--quiet", &world.work().to_string_lossy(), "x"]).ok();
    world.git_in(&world.server(SEC), &["update-ref", "refs/heads/main", "FETCH_HEAD"]).ok();
    world.git(&["switch", "--quiet", "main"]).ok();
    world.write("work/app", "mine\n");
    world.git(&["fetch", "--quiet", "security"]).ok();
    let before = world.state();
    let ran = world.secfix(&["branch", "y", "-b", "18-4"]).ends(1);
    ran.warns("would be overwritten").warns("hint: git secfix branch y -b 18-4 --no-switch");
    assert_eq!(world.state(), before);
    assert_eq!(world.read("work/app"), "mine\n");
    world.secfix(&["branch", "y", "--no-switch"]).ok().says("created").never_says("checked out");
    assert_eq!(world.read("work/app"), "mine\n");
}

#[test]
fn a_dirty_work_tree_that_can_switch_keeps_its_changes() {
    let world = prepared();
    world.write("work/app", "mine\n");
    world.secfix(&["branch", "x"]).ok();
    assert_eq!(world.read("work/app"), "mine\n");
}

#[test]
fn commits_on_a_detached_head_are_pointed_out() {
    let world = prepared();
    world.git(&["switch", "--quiet", "--detach"]).ok();
    let lost = world.commit("app", "lost\n");
    world.secfix(&["branch", "x"]).ok().says("checked out").warns("leaving 1 commit behind").warns(&lost[..7]);
}

#[test]
fn one_failure_undoes_all() {
    let world = prepared();
    // A branch of this name stands where the folder of the other would have to be.
    world.git(&["config", "--file", &world.path("work/.git/secfix.toml").to_string_lossy(), "--list"]);
    world.git(&["branch", "security-x/y", "origin/main"]).ok();
    let before = world.state();
    world.secfix(&["branch", "x", "-b", "18-4"]).ends(1).warns("error: cannot create the branches");
    assert_eq!(world.state(), before);
}

#[test]
fn a_locked_configuration_undoes_the_branches() {
    let world = prepared();
    let before = world.state();
    world.write("work/.git/config.lock", "");
    world
        .secfix(&["branch", "x", "--no-fetch"])
        .ends(1)
        .warns("config.lock` is being written")
        .warns("hint: if no other git is running: rm ");
    std::fs::remove_file(world.path("work/.git/config.lock")).unwrap();
    assert_eq!(world.state(), before);
}

#[test]
fn a_bare_push_never_reaches_canonical_or_a_protected_branch() {
    each_git(|world| {
        for (number, default) in ["nothing", "current", "upstream", "simple", "matching", "tracking"].iter().enumerate()
        {
            let name = format!("fix{number}x");
            if number == 0 {
                world.secfix(&["init"]).ok();
            }
            world.git(&["config", "push.default", default]).ok();
            world.secfix(&["branch", &name]).ok();
            world.commit("fixed", default);
            let protected = |project| {
                let refs = world.server_refs(project);
                refs.lines().filter(|line| !line.contains("security-")).map(str::to_owned).collect::<Vec<_>>()
            };
            let before = (protected(CAN), protected(SEC), world.server_refs(CAN));
            world.git(&["push"]).ok();
            assert_eq!((protected(CAN), protected(SEC), world.server_refs(CAN)), before, "{default}");
            assert!(world.server_refs(SEC).contains(&format!("refs/heads/security-{name}\u{20}")), "{default}");
            // Without our setting git's own rules hold, and the guard answers what they let through.
            world.git(&["config", "--unset", "remote.security.push"]).ok();
            world.commit("fixed", "more");
            world.git(&["push"]);
            assert_eq!((protected(CAN), protected(SEC), world.server_refs(CAN)), before, "{default}");
            world.git(&["config", "remote.security.push", "HEAD"]).ok();
        }
    });
}

#[test]
fn dry_run_changes_nothing() {
    let world = prepared();
    let before = world.state();
    world.secfix(&["branch", "x", "-b", "18-4", "--dry-run"]).ok().says("would be created");
    assert_eq!(world.state(), before);
}

#[test]
fn it_needs_a_prepared_clone() {
    let world = World::new();
    world.secfix(&["branch", "x"]).ends(1).warns("hint: git secfix init");
    world.secfix(&["init"]).ok();
    world.git(&["remote", "remove", "security"]).ok();
    world.secfix(&["branch", "x"]).ends(1).warns("there is no remote `security`").warns("hint: git secfix init");
}

#[test]
fn a_server_that_is_gone_is_said_with_the_way_round() {
    let world = prepared();
    std::fs::rename(world.path("srv"), world.path("gone")).unwrap();
    let before = world.state();
    world.secfix(&["branch", "x"]).ends(5).warns("cannot fetch `security`").warns("--no-fetch");
    assert_eq!(world.state(), before);
    world.secfix(&["branch", "x", "--no-fetch"]).ok();
}

#[test]
fn work_committed_before_its_branch_is_pointed_out() {
    let world = prepared();
    world.commit("app", "the fix, on main\n");
    let ran = world.secfix(&["branch", "late"]).ok();
    ran.warns("`main` holds commits that no remote has").warns("git cherry-pick security/main..main");
    world.git(&["cherry-pick", "security/main..main"]).ok();
    // From now on they are known for a fix by their content only; the ids on main are not.
    world.git(&["switch", "--quiet", "security-late"]).ok();
    world.secfix(&["branch", "late"]).ok().never_says("holds commits");
}

#[test]
fn a_line_that_only_canonical_has_is_not_passed_over() {
    let world = prepared();
    world.git_in(&world.server(CAN), &["branch", "stable-18-5-ee", "main"]).ok();
    world.git(&["fetch", "--quiet", "origin"]).ok();
    world.secfix(&["branch", "x", "--backport", "all"]).ends(1).warns("stable-18-5-ee").warns("--create-stable");
    let before = (world.state(), world.server_refs(SEC));
    world
        .secfix(&["branch", "x", "--backport", "all", "--create-stable", "--dry-run"])
        .ok()
        .says("with its stable branch in security");
    assert_eq!((world.state(), world.server_refs(SEC)), before);
    world
        .secfix(&["branch", "x", "--backport", "all", "--create-stable"])
        .ok()
        .says("security-x-18-5")
        .never_says("18-2");
    assert!(world.server_refs(SEC).contains("refs/heads/stable-18-5-ee"));
}

#[test]
fn without_a_network_the_branches_start_from_canonical() {
    each_git(|world| {
        std::fs::rename(world.path("srv"), world.path("gone")).unwrap();
        world.secfix(&["init", "--no-fetch"]).ok();
        world.secfix(&["branch", "x"]).ends(5).warns("hint: git secfix branch x --no-fetch");
        let ran = world.secfix(&["branch", "x", "--backport", "18-4", "--no-fetch"]).ok();
        ran.says("security-x       tracks security/main")
            .warns("security was never fetched")
            .warns("git fetch security");
        world.git(&["status"]).ok().says("security/main");
        world.commit("fixed", "x");
        world.secfix(&["guard", "check", "origin"]).ends(3);
        std::fs::rename(world.path("gone"), world.path("srv")).unwrap();
        world.git(&["push", "origin", "HEAD"]).refused();
        world.git(&["fetch", "--quiet", "security"]).ok();
        world.secfix(&["push"]).ok();
        world.git(&["status"]).ok().says("up to date with 'security/security-x'");
    });
}
