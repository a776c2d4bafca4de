//! Where `init` puts the guard: work trees, `core.hooksPath` of every scope, and hook managers.

use std::{fs, os::unix::fs::symlink};

use crate::support::{CAN, SEC, World, each_git, skip};

const HOOK: &str = "#!/bin/sh\necho ran >>\"$SRV/../ran\"\n";

/// The guard refuses in this folder, by a real push.
fn guards(world: &World, dir: &str) {
    let dir = world.path(dir);
    world.git_in(&dir, &["push", "origin", "HEAD:refs/heads/x"]).refused().warns("is the public project");
}

/// A push to security that runs the other hook.
fn runs_the_other_hook(world: &World, dir: &str) {
    let _ = fs::remove_file(world.path("ran"));
    world.git_in(&world.path(dir), &["push", "security", "HEAD:refs/heads/feature"]).ok();
    assert_eq!(world.read("ran"), "ran\n", "it must run once");
    world.git_in(&world.path(dir), &["push", "security", ":refs/heads/feature"]).ok();
}

#[test]
fn linked_work_trees_are_guarded() {
    each_git(|world| {
        world.git(&["worktree", "add", "--quiet", "../tree"]).ok();
        world.git_in(&world.path("tree"), &["secfix", "init"]).ok();
        guards(world, "work");
        guards(world, "tree");
        fs::create_dir(world.path("tree/sub")).unwrap();
        guards(world, "tree/sub");
        world.git(&["worktree", "add", "--quiet", "../later"]).ok();
        guards(world, "later");
        world.secfix(&["doctor"]).ok().says("refuses in [world]/tree").says("refuses in [world]/later");
        // A work tree whose folder is gone is no obstacle.
        fs::remove_dir_all(world.path("later")).unwrap();
        world.secfix(&["doctor"]).ok();
        world.secfix(&["init"]).ok();
    });
}

#[test]
fn an_existing_hook_is_kept_and_given_back() {
    each_git(|world| {
        world.write_program("work/.git/hooks/pre-push", HOOK);
        let before = world.state();
        world.secfix(&["init"]).ok().says("an existing hook still runs after it");
        guards(world, "work");
        runs_the_other_hook(world, "work");
        world.secfix(&["init", "--undo"]).ok();
        assert_eq!(world.state(), before);
    });
}

#[test]
fn a_symbolic_link_stays_one() {
    let world = World::new();
    world.write_program("work/scripts/push-hook", HOOK);
    symlink("../../scripts/push-hook", world.path("work/.git/hooks/pre-push")).unwrap();
    let before = world.state();
    world.secfix(&["init"]).ok();
    guards(&world, "work");
    runs_the_other_hook(&world, "work");
    world.secfix(&["init", "--undo"]).ok();
    assert_eq!(world.state(), before);
    assert!(world.path("work/.git/hooks/pre-push").is_symlink());
}

#[test]
fn a_repository_without_a_hooks_folder_gets_one() {
    let world = World::new();
    fs::remove_dir_all(world.path("work/.git/hooks")).unwrap();
    world.secfix(&["init"]).ok();
    guards(&world, "work");
}

#[test]
fn a_hooks_folder_of_the_user_is_wrapped_and_not_touched() {
    each_git(|world| {
        world.write_program("home/hooks/pre-push", HOOK);
        world.write_program("home/hooks/commit-msg", "#!/bin/sh\necho \"hooked\" >>\"$1\"\n");
        world.write("home/.gitconfig", "[core]\n\thooksPath = ~/hooks\n");
        let before = world.state();
        world.secfix(&["init"]).ok().says("an existing hook still runs after it");
        guards(world, "work");
        runs_the_other_hook(world, "work");
        world.commit("app", "x");
        assert!(world.git(&["log", "-1", "--format=%B"]).ok().stdout.contains("hooked"), "other hooks go on");
        // A hook that arrives later is passed on as well.
        world.write_program("home/hooks/post-commit", "#!/bin/sh\necho late >\"$SRV/../late\"\n");
        world.commit("app", "y");
        assert!(world.exists("late"));
        assert_eq!(fs::read_dir(world.path("home/hooks")).unwrap().count(), 3, "nothing of ours is in there");
        let prepared = world.state();
        world.secfix(&["init"]).ok().says("unchanged");
        assert_eq!(world.state(), prepared);
        world.git(&["reset", "--quiet", "--hard", "origin/main"]).ok();
        world.secfix(&["init", "--undo"]).ok().says("core.hooksPath");
        assert_eq!(world.state(), before);
    });
}

#[test]
fn husky_is_wrapped_relative_to_each_work_tree_and_mended_when_it_comes_back() {
    each_git(|world| {
        world.write_program("work/.husky/_/pre-push", HOOK);
        world.git(&["config", "core.hooksPath", ".husky/_"]).ok();
        let before = world.state();
        world.secfix(&["init"]).ok();
        guards(world, "work");
        runs_the_other_hook(world, "work");
        world.git(&["worktree", "add", "--quiet", "../tree"]).ok();
        guards(world, "tree");
        // 29: `npm install` runs husky again, which takes its place back.
        world.git(&["config", "core.hooksPath", ".husky/_"]).ok();
        world.secfix(&["doctor"]).ends(1).says("does not refuse").says("fix: git secfix init");
        world.secfix(&["init"]).ok();
        world.secfix(&["doctor"]).ok();
        guards(world, "work");
        world.git(&["worktree", "remove", "--force", "../tree"]).ok();
        world.git(&["branch", "-D", "tree"]).ok();
        world.secfix(&["init", "--undo"]).ok();
        let config =
            |state: &str| state.split("\nconfig\n").nth(1).unwrap().split("\ndescription").next().unwrap().to_owned();
        assert_eq!(config(&world.state()), config(&before));
    });
}

#[test]
fn a_hooks_path_of_one_work_tree_alone_is_wrapped_there() {
    each_git(|world| {
        world.git(&["config", "extensions.worktreeConfig", "true"]).ok();
        world.git(&["worktree", "add", "--quiet", "../tree"]).ok();
        world.write_program("hooks/pre-push", HOOK);
        let tree = world.path("tree");
        world.git_in(&tree, &["config", "--worktree", "core.hooksPath", &world.path("hooks").to_string_lossy()]).ok();
        world.secfix(&["init"]).ok();
        guards(world, "work");
        guards(world, "tree");
        runs_the_other_hook(world, "tree");
        world.secfix(&["init", "--undo"]).ok();
        let path = world.git_in(&tree, &["config", "--worktree", "core.hooksPath"]).ok().line();
        assert_eq!(path, "[world]/hooks");
    });
}

#[test]
fn a_hooks_path_of_an_included_file_is_found() {
    let world = World::new();
    world.write_program("hooks/pre-push", HOOK);
    world.write("home/work.gitconfig", &format!("[core]\n\thooksPath = {}\n", world.path("hooks").display()));
    world.write(
        "home/.gitconfig",
        &format!("[includeIf \"gitdir:{}/\"]\n\tpath = ~/work.gitconfig\n", world.work().display()),
    );
    world.secfix(&["init"]).ok();
    guards(&world, "work");
    runs_the_other_hook(&world, "work");
}

#[test]
fn a_hooks_path_that_is_included_later_is_overruled() {
    let world = World::new();
    world.write_program("hooks/pre-push", HOOK);
    world.write("late.gitconfig", &format!("[core]\n\thooksPath = {}\n", world.path("hooks").display()));
    let config = world.read("work/.git/config");
    world.write(
        "work/.git/config",
        &format!("{config}[include]\n\tpath = {}\n", world.path("late.gitconfig").display()),
    );
    let before = world.state();
    world.secfix(&["init"]).ok();
    guards(&world, "work");
    runs_the_other_hook(&world, "work");
    world.secfix(&["init", "--undo"]).ok();
    assert_eq!(world.state(), before);
}

#[test]
fn lefthook_that_arrives_later_is_found_and_mended() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        // What `lefthook install` does: the hook that it finds becomes `.old`.
        fs::rename(world.path("work/.git/hooks/pre-push"), world.path("work/.git/hooks/pre-push.old")).unwrap();
        world.write_program("work/.git/hooks/pre-push", &format!("{HOOK}# lefthook\n"));
        world.secfix(&["doctor"]).ends(1).says("the hook of lefthook took its place").says("fix: git secfix init");
        world.secfix(&["init"]).ok().says("the hook of lefthook still runs after it");
        assert!(!world.exists("work/.git/hooks/pre-push.old"), "it would keep lefthook from installing again");
        guards(world, "work");
        runs_the_other_hook(world, "work");
        world.secfix(&["init", "--undo"]).ok();
        assert!(world.read("work/.git/hooks/pre-push").contains("# lefthook"));
    });
}

#[test]
fn pre_commit_that_keeps_our_hook_goes_on_guarding() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        // What `pre-commit install -t pre-push` does: the hook that it finds becomes `.legacy`, and runs first.
        fs::rename(world.path("work/.git/hooks/pre-push"), world.path("work/.git/hooks/pre-push.legacy")).unwrap();
        world.write_program(
            "work/.git/hooks/pre-push",
            "#!/bin/sh\n# pre-commit\n\"${0%/*}/pre-push.legacy\" \"$@\" || exit 1\necho ran >>\"$SRV/../ran\"\n",
        );
        guards(world, "work");
        world.secfix(&["doctor"]).ok();
        world.secfix(&["init"]).ok().says("unchanged");
        runs_the_other_hook(world, "work");
        world.secfix(&["init", "--undo"]).ok();
        assert!(!world.exists("work/.git/hooks/pre-push.legacy"), "a hook of ours would refuse for ever");
    });
}

#[test]
fn pre_commit_that_was_there_and_is_installed_again_runs_once() {
    each_git(|world| {
        let hook = "#!/bin/sh\n# pre-commit\nlegacy=\"${0%/*}/pre-push.legacy\"\n[ -z \"$RUNNING\" ] || { echo recursion >&2; exit 1; }\n\
            [ ! -x \"$legacy\" ] || RUNNING=1 \"$legacy\" \"$@\" || exit 1\necho ran >>\"$SRV/../ran\"\n";
        world.write_program("work/.git/hooks/pre-push", hook);
        world.secfix(&["init"]).ok();
        runs_the_other_hook(world, "work");
        fs::rename(world.path("work/.git/hooks/pre-push"), world.path("work/.git/hooks/pre-push.legacy")).unwrap();
        world.write_program("work/.git/hooks/pre-push", hook);
        guards(world, "work");
        runs_the_other_hook(world, "work");
        world.secfix(&["init", "--undo"]).ok();
        let left: Vec<_> =
            fs::read_dir(world.path("work/.git/hooks")).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| name == "pre-push" || name.to_string_lossy().ends_with(".sample")), "{left:?}");
        assert_eq!(world.read("work/.git/hooks/pre-push"), hook);
    });
}

#[test]
fn two_hooks_that_arrived_after_each_other_both_run() {
    let world = World::new();
    world.write_program("work/.git/hooks/pre-push", "#!/bin/sh\necho first >>\"$SRV/../order\"\n");
    world.secfix(&["init"]).ok();
    world.write_program("work/.git/hooks/pre-push", "#!/bin/sh\necho second >>\"$SRV/../order\"\n");
    world.secfix(&["init"]).ok();
    world.git(&["push", "security", "HEAD:refs/heads/feature"]).ok();
    assert_eq!(world.read("order"), "first\nsecond\n");
    world.secfix(&["init", "--undo"]).ok();
    assert!(world.read("work/.git/hooks/pre-push").contains("second"));
    assert!(world.read("work/.git/hooks/pre-push.before-secfix").contains("first"), "nothing is lost");
}

#[test]
fn no_guard_means_none() {
    let world = World::new();
    world.secfix(&["init", "--no-guard"]).ok().says("left as it is, as asked");
    assert!(!world.exists("work/.git/hooks/pre-push"));
    world.secfix(&["doctor"]).ends(1).says("does not refuse");
    assert_ne!(SEC, CAN);
}

#[test]
fn the_hook_is_plain_posix_shell() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    let hook = world.path("work/.git/hooks/pre-push");
    let url = format!("git@gitlab.com:{CAN}.git");
    for shell in ["dash", "bash", "busybox", "zsh"] {
        let Ok(shell_path) = which::which(shell) else {
            skip(&format!("the hook in {shell}, which is not on this machine"));
            continue;
        };
        let hook = hook.to_string_lossy().into_owned();
        let arguments: Vec<&str> =
            if shell == "busybox" { vec!["sh", &hook, "origin", &url] } else { vec![&hook, "origin", &url] };
        world.run(world.command(shell_path, &arguments)).ends(1).refused();
    }
}

#[test]
fn a_hook_that_lost_its_mode_is_mended() {
    each_git(|world| {
        use std::os::unix::fs::PermissionsExt;
        world.secfix(&["init"]).ok();
        fs::set_permissions(world.path("work/.git/hooks/pre-push"), fs::Permissions::from_mode(0o644)).unwrap();
        world.secfix(&["init", "--check"]).ends(1).says("would be installed");
        world.secfix(&["branch", "x"]).ok().warns("the guard does not stand in this work tree");
        world.secfix(&["init"]).ok().says("installed");
        guards(world, "work");
    });
}

#[test]
fn hooks_put_into_our_folder_survive_undo() {
    let world = World::new();
    world.write("home/.gitconfig", "[core]\n\thooksPath = ~/hooks\n");
    world.secfix(&["init"]).ok();
    world.write_program("work/.git/secfix/hooks/pre-commit", "#!/bin/sh\n# mine\n");
    world.secfix(&["init", "--undo"]).ok();
    assert!(world.read("work/.git/secfix/hooks/pre-commit").contains("# mine"));
    assert!(!world.exists("work/.git/secfix/hooks/pre-push"));
    world.secfix(&["init", "--undo"]).ok();
}

#[test]
fn a_work_tree_may_have_any_name() {
    let world = World::new();
    world.git(&["config", "extensions.worktreeConfig", "true"]).ok();
    for (tree, hooks) in [("work", "one"), ("git", "two")] {
        if tree == "git" {
            world.git(&["worktree", "add", "--quiet", "../git"]).ok();
        }
        world.write_program(&format!("{hooks}/pre-push"), &format!("#!/bin/sh\necho {hooks} >\"$SRV/../ran\"\n"));
        let path = world.path(hooks);
        world.git_in(&world.path(tree), &["config", "--worktree", "core.hooksPath", &path.to_string_lossy()]).ok();
    }
    world.secfix(&["init"]).ok();
    for (tree, hooks) in [("work", "one"), ("git", "two")] {
        guards(&world, tree);
        world.git_in(&world.path(tree), &["push", "security", &format!("HEAD:refs/heads/{hooks}")]).ok();
        assert_eq!(world.read("ran"), format!("{hooks}\n"));
    }
}

#[test]
fn a_folder_of_hooks_that_is_a_link_is_wrapped() {
    let world = World::new();
    fs::rename(world.path("work/.git/hooks"), world.path("shared-hooks")).unwrap();
    symlink(world.path("shared-hooks"), world.path("work/.git/hooks")).unwrap();
    world.write_program("shared-hooks/pre-push", HOOK);
    let before = world.state();
    world.secfix(&["init"]).ok();
    guards(&world, "work");
    runs_the_other_hook(&world, "work");
    world.secfix(&["init", "--undo"]).ok();
    assert_eq!(world.state(), before);
}
