//! The hook among other hooks: what runs after it, with what, and when.

use crate::support::{CAN, SEC, World, each_git, http};

const A: &str = "1111111111111111111111111111111111111111";
const ZERO: &str = "0000000000000000000000000000000000000000";

/// A hook that writes down what it was given.
const NOTING: &str = "#!/bin/sh\necho \"$1 $2\" >\"$SRV/../noted\"\ncat >>\"$SRV/../noted\"\n";

#[test]
fn an_existing_hook_runs_after_an_allow_with_the_same_input() {
    each_git(|world| {
        world.write_program("work/.git/hooks/pre-push", NOTING);
        world.with_fix();
        world.git(&["push", "origin", "HEAD"]).refused();
        assert!(!world.exists("noted"), "it must not run after a refusal");
        world.git(&["push", "security", "HEAD"]).ok();
        let head = world.git(&["rev-parse", "HEAD"]).ok().line();
        let expected =
            format!("security git@gitlab.com:{SEC}.git\nHEAD {head} refs/heads/security-prompt-injection {ZERO}\n");
        assert_eq!(
            world.read("noted").replace("refs/heads/security-prompt-injection refs/heads", "HEAD refs/heads"),
            expected.replace("HEAD HEAD", "HEAD")
        );
    });
}

#[test]
fn an_existing_hook_may_still_refuse() {
    let world = World::new();
    world.write_program("work/.git/hooks/pre-push", "#!/bin/sh\necho tests failed >&2\nexit 3\n");
    world.with_fix();
    world.git(&["push", "security", "HEAD"]).ends(1).warns("tests failed").never_says("refused:");
}

#[test]
fn a_hook_that_reads_nothing_is_no_problem() {
    let world = World::new();
    world.write_program("work/.git/hooks/pre-push", "#!/bin/sh\nexit 0\n");
    world.with_fix();
    let lines = format!("refs/heads/x {A} refs/heads/x {ZERO}\n").repeat(5_000);
    let hook =
        world.command(world.path("work/.git/hooks/pre-push"), &["security", &format!("git@gitlab.com:{SEC}.git")]);
    world.run_with_input(hook, lines.as_bytes()).ok();
}

#[test]
fn a_hook_that_is_not_executable_is_passed_over_as_git_does() {
    let world = World::new();
    world.write("work/.git/hooks/pre-push", "#!/bin/sh\nexit 1\n");
    world.with_fix();
    world.git(&["push", "security", "HEAD"]).ok();
}

#[test]
fn odd_input_refused() {
    let world = World::new();
    world.with_fix();
    let fork = world.fork();
    for url in [format!("git@gitlab.com:{SEC}.git"), fork.clone()] {
        for input in ["garbage\n".to_owned(), format!("x {A} refs/heads/x {ZERO}"), "\u{0}\n".to_owned()] {
            let hook = world.command(world.path("work/.git/hooks/pre-push"), &["x", &url]);
            world.run_with_input(hook, input.as_bytes()).ends(1).refused().warns("line 1");
        }
    }
    let hook = world.command(world.path("work/.git/hooks/pre-push"), &["x", &fork]);
    let unknown = format!("refs/heads/x {A} refs/heads/x {ZERO}\n");
    world.run_with_input(hook, unknown.as_bytes()).ends(1).refused().warns("is not in this repository");
}

#[test]
fn empty_input_is_judged_by_destination_alone() {
    let world = World::new();
    world.with_fix();
    let fork = world.fork();
    let hook = |url: &str| world.run(world.command(world.path("work/.git/hooks/pre-push"), &["x", url]));
    hook(&format!("git@gitlab.com:{SEC}.git")).ok();
    hook(&fork).ok();
    hook(&format!("git@gitlab.com:{CAN}.git")).ends(1).refused();
    world.secfix(&["guard", "mode", "paranoid"]).ok();
    hook(&fork).ends(1).refused();
}

#[test]
fn it_guards_over_smart_http() {
    each_git(|world| {
        let server = http::serve(world);
        let url = |project: &str| format!("http://{server}/{project}.git");
        world
            .git(&["remote", "set-url", "origin", &url("gitlab-org/modelops/applied-ml/code-suggestions/ai-assist")])
            .ok();
        world.secfix(&["init", "--canonical", CAN]).ok().says("added, fetched");
        assert_eq!(
            world.git(&["remote", "get-url", "security"]).ok().line(),
            url(SEC).replace(&*world.root().to_string_lossy(), "[world]")
        );
        world.secfix(&["branch", "x"]).ok();
        world.commit("fixed", "x");
        let before = world.server_refs(CAN);
        world.git(&["push", "origin", "HEAD"]).refused().warns("is the public project");
        assert_eq!(world.server_refs(CAN), before);
        world.secfix(&["push"]).ok();
        assert!(world.server_refs(SEC).contains("refs/heads/security-x"));
    });
}

#[test]
fn tokens_reach_no_child() {
    let world = World::new();
    world.write_program("work/.git/hooks/pre-push", "#!/bin/sh\nenv >\"$SRV/../noted\"\n");
    world.with_fix();
    world.set("GITLAB_TOKEN", "glpat-SECRET");
    world.set("SECFIX_TOKEN", "glpat-SECRET");
    world.secfix(&["push"]).ok().never_says("SECRET");
    assert!(!world.read("noted").contains("SECRET"));
    // Nor the ssh that git runs, nor the one that is asked for an alias.
    world.write_program("bin/ssh", "#!/bin/sh\nenv >\"$SRV/../noted\"\nexit 255\n");
    world.secfix(&["branch", "other"]).ends(5);
    assert!(world.read("noted").contains("PATH=") && !world.read("noted").contains("SECRET"));
    world.write("noted", "");
    world.secfix(&["guard", "check", &format!("alias:{CAN}.git"), "HEAD"]).ends(3);
    assert!(world.read("noted").contains("PATH=") && !world.read("noted").contains("SECRET"));
}

#[test]
fn secrets_of_urls_are_never_shown() {
    let world = World::new();
    world.with_fix();
    let never = |arguments: &[&str]| drop(world.git(arguments).never_says("SECRETPW"));
    for url in [
        format!("ssh://git:SECRETPW@fork.example/{SEC}.git"),
        format!("https://oauth2:SECRETPW@gitlab.com/{CAN}.git"),
        "https://oauth2:SECRETPW%40gitlab.com/a/b".to_owned(),
        "https://gitlab.com/a/b?private_token=SECRETPW".to_owned(),
    ] {
        never(&["secfix", "guard", "check", &url]);
        let hook = world.path("work/.git/hooks/pre-push");
        world.run(world.command(&hook, &[&url, &url])).ends(1).never_says("SECRETPW");
        world.secfix(&["guard", "pause", "--for", "1m", "--reason", "x"]).ok();
        world.run(world.command(&hook, &[&url, &url])).ok().never_says("SECRETPW");
        world.secfix(&["guard", "resume"]).ok();
    }
    // Git hands the rewritten URL on, and the one that was typed as the remote's name.
    world.git(&["config", "url.git@gitlab.com:.pushInsteadOf", "https://oauth2:SECRETPW@gitlab.com/"]).ok();
    let typed = format!("https://oauth2:SECRETPW@gitlab.com/{CAN}.git");
    world.git(&["push", &typed, "HEAD:refs/heads/x"]).refused().warns("refused: https://…@gitlab.com/");
    assert!(!world.read("work/.git/secfix/guard.log").contains("SECRETPW"));
}

#[test]
fn tokens_of_a_remote_are_in_no_argument_list() {
    let world = World::new();
    let git = std::fs::read_link(world.path("bin/git")).unwrap();
    std::fs::remove_file(world.path("bin/git")).unwrap();
    world.write_program(
        "bin/git",
        &format!("#!/bin/sh\necho \"$*\" >>\"$SRV/../arguments\"\nexec {} \"$@\"\n", git.display()),
    );
    world.git(&["remote", "set-url", "origin", &format!("https://oauth2:placeholder@gitlab.com/{CAN}.git")]).ok();
    let config = world.read("work/.git/config").replace("placeholder", "SECRETPW");
    world.write("work/.git/config", &config);
    // Not by `git secfix`, which would find git's own folder before ours.
    world.run(world.command("git-secfix-init", &["--no-fetch"])).ok().never_says("SECRETPW");
    world.run(world.command("git-secfix-doctor", &[])).never_says("SECRETPW");
    assert!(world.read("arguments").contains("hook run"));
    assert!(!world.read("arguments").contains("SECRETPW"));
}

#[test]
fn a_hook_that_pushes_elsewhere_keeps_the_hooks_there() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world.git_in(world.root(), &["clone", "--quiet", &format!("git@gitlab.com:{CAN}.git"), "other"]).ok();
    let other = world.path("other");
    world.write_program("other/.git/hooks/pre-push", NOTING);
    world.git_in(&other, &["secfix", "init"]).ok();
    let push =
        format!("#!/bin/sh\nunset GIT_DIR; cd '{}' && git push security HEAD:refs/heads/nested\n", other.display());
    world.write_program("work/.git/hooks/pre-push.before-secfix", &push);
    world.git(&["push", "security", "HEAD:refs/heads/feature"]).ok();
    assert!(world.read("noted").contains("refs/heads/nested"));
}
