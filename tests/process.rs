//! The process as a whole, as its description has it: a user's way from the clone to the review, over
//! git's smart HTTP, and a colleague who takes over.

use crate::support::{CAN, GitLab, SEC, World, each_git, gitlab::TOKEN};

/// A clone over HTTP, with the engineer's token in a credential helper, as `git` users have it.
fn clone_over_http(world: &World, gitlab: &GitLab, name: &str) -> std::path::PathBuf {
    world.write(
        "home/.gitconfig",
        &format!("[credential]\n\thelper = \"!f() {{ echo username=oauth2; echo password={TOKEN}; }}; f\"\n"),
    );
    let url = format!("{}/{CAN}.git", gitlab.server.url());
    world.git_in(world.root(), &["clone", "--quiet", &url, name]).ok();
    world.path(name)
}

#[test]
fn from_the_clone_to_the_review_over_http() {
    each_git(|world| {
        let gitlab = GitLab::of(world);
        let clone = clone_over_http(world, &gitlab, "over-http");
        let secfix = |arguments: &[&str]| world.secfix_in(&clone, arguments);
        // Nothing but the address of the remote says where GitLab is.
        world.unset("SECFIX_GITLAB_URL");
        secfix(&["init", "--canonical", CAN]).ok().says("guard      pre-push  installed");
        secfix(&["issue", &gitlab.issue.to_string()]).ok().says("confidential");
        let issue = gitlab.issue.to_string();
        secfix(&["branch", "prompt-injection", "-b", "18-4", "-b", "18-3", "--issue", &issue]).ok();
        let commit = |text: &str| {
            std::fs::write(clone.join("fixed"), text).unwrap();
            world.git_in(&clone, &["add", "fixed"]).ok();
            world.git_in(&clone, &["commit", "--quiet", "--message", "Handle names with care"]).ok();
        };
        commit("embargoed\n");
        for line in ["18-4", "18-3"] {
            world.git_in(&clone, &["switch", "--quiet", &format!("security-prompt-injection-{line}")]).ok();
            world.git_in(&clone, &["cherry-pick", "-x", "security-prompt-injection"]).ok();
            // A bare push goes to security, through the guard.
            world.git_in(&clone, &["push", "--quiet"]).ok();
        }
        world.git_in(&clone, &["switch", "--quiet", "security-prompt-injection"]).ok();
        world.git_in(&clone, &["push", "origin", "HEAD"]).refused();
        world.git_in(&clone, &["push", "--quiet"]).ok();
        secfix(&["mr"]).ok();
        secfix(&["status"]).ok().says("step 8 of 14: review");
        assert_eq!(gitlab.pairs().len(), 3);

        let theirs = clone_over_http(world, &gitlab, "colleague");
        let secfix = |arguments: &[&str]| world.secfix_in(&theirs, arguments);
        secfix(&["init", "--canonical", CAN]).ok();
        secfix(&["status", "prompt-injection"]).ok().says("step 8 of 14: review").says("severity::2");
        // The colleague continues: takes the branch over, commits, pushes, completes the merge requests.
        secfix(&["branch", "prompt-injection", "-b", "18-4", "-b", "18-3"]).ok();
        std::fs::write(theirs.join("fixed"), "embargoed, better\n").unwrap();
        world.git_in(&theirs, &["commit", "--quiet", "--all", "--message", "Do it better"]).ok();
        for line in ["18-4", "18-3"] {
            world.git_in(&theirs, &["switch", "--quiet", &format!("security-prompt-injection-{line}")]).ok();
            world.git_in(&theirs, &["cherry-pick", "-x", "security-prompt-injection"]).ok();
        }
        secfix(&["push"]).ok();
        secfix(&["mr", "--title", "Handle names"]).ok().says("updated");
        gitlab.approve_all();
        secfix(&["status"]).ok();
        secfix(&["status"]).ok().says("step 9 of 14: merge");
        assert_eq!(gitlab.pairs().len(), 3);
        // The first engineer sees that somebody else pushed.
        world.secfix_in(&clone, &["status"]).ok().says("that this clone does not have");
        assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
        assert!(!world.server_refs(CAN).contains("security-"));
        assert!(!world.server_refs(CAN).contains("merge-requests"));
        assert!(world.server_refs(SEC).contains("refs/merge-requests/1/head"));
    });
}

#[test]
fn gitlab_under_a_relative_root() {
    let world = World::new();
    let gitlab = GitLab::under(&world, "gitlab");
    let clone = clone_over_http(&world, &gitlab, "over-http");
    world.unset("SECFIX_GITLAB_URL");
    let secfix = |arguments: &[&str]| world.secfix_in(&clone, arguments);
    secfix(&["init", "--canonical", CAN]).ok();
    let page = format!("{}/{CAN}/-/issues/{}", gitlab.server.url(), gitlab.issue);
    secfix(&["issue", &page]).ok().says("confidential");
    secfix(&["branch", "prompt-injection", "--issue", &page]).ok();
    let without = ["branch", "--without", "18-4", "--without", "18-3", "--reason", "they lack the code"];
    secfix(&without).ok().warns("18.3 goes without the fix");
    std::fs::write(clone.join("fixed"), "embargoed\n").unwrap();
    world.git_in(&clone, &["add", "fixed"]).ok();
    world.git_in(&clone, &["commit", "--quiet", "--message", "Fix"]).ok();
    secfix(&["push"]).ok();
    secfix(&["mr"]).ok().says("/gitlab/");
    secfix(&["status"]).ok().says("step 8 of 14: review");
}

/// The token is in no output, no argument, no child's environment and no file.
#[test]
fn a_token_is_nowhere_to_be_seen() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    // Every git that is started tells what it was given before it goes on as the real one.
    let real = std::fs::read_link(world.path("bin/git")).unwrap();
    std::fs::remove_file(world.path("bin/git")).unwrap();
    let spy =
        format!("#!/bin/sh\n{{ echo \"$@\"; env; }} >>\"$SRV/../children.log\"\nexec {} \"$@\"\n", real.display());
    world.write_program("bin/git", &spy);
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_git-secfix")).parent().unwrap();
    let run = |name: &str, arguments: &[&str]| {
        let program = programs.join(format!("git-secfix-{name}"));
        world.run(world.command(program, arguments)).ok().never_says(TOKEN)
    };
    let issue = gitlab.issue.to_string();
    run("init", &["-vv"]);
    run("branch", &["prompt-injection", "--issue", &issue, "-vv"]);
    world.commit("fixed", "embargoed\n");
    // Only what is ours: the commit above was made by this test, with the token in its environment.
    world.write("children.log", "");
    run("push", &["-vv"]);
    run("issue", &[&issue, "-vv"]).warns("GET projects/");
    run("mr", &["-vv"]).warns("POST projects/");
    run("status", &["-vv"]);
    run("status", &["--json", "-vv"]);
    run("config", &["-vv"]);
    let children = world.read("children.log");
    assert!(children.contains("push --atomic") && children.contains("GIT_CONFIG_NOSYSTEM=1"), "the spy saw nothing");
    assert!(!children.contains("SECRET"), "{children}");
    // Errors do not tell it either, wherever the server sends us.
    use git_secfix::rehearsal::{At, Fault, Injected};
    for fault in [
        Fault::Status(401),
        Fault::Status(500),
        Fault::Dropped,
        Fault::Redirect { status: 302, location: "http://127.0.0.1:9/elsewhere".to_owned() },
    ] {
        gitlab.server.inject(Injected { at: At::Every, fault, times: u32::MAX });
        let program = programs.join("git-secfix-status");
        let ran = world.run(world.command(program, &["-vv"])).never_says(TOKEN);
        assert_ne!(ran.code, 0);
        gitlab.server.clear_faults();
    }
    let grep = world.run(world.command("grep", &["-rl", "engineer-SECRET", &world.root().to_string_lossy()]));
    assert_eq!(grep.line(), "", "a file holds the token");
}
