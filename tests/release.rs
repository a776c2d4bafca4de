//! From the review to the public: `merge`, `deploy`, `sync`, `tag`, `verify` and `clean` in a row.

use crate::support::{CAN, GitLab, SEC, World, each_git, gitlab::TOKEN};

/// The maintainer at the keyboard.
fn as_maintainer(world: &World) {
    world.unset("SECFIX_TOKEN");
    world.set("SECFIX_TOKEN", "glpat-maintainer");
}

/// A whole fix with three lines, told in the commands that it takes.
#[test]
fn a_whole_fix_takes_few_commands() {
    each_git(|world| {
        let gitlab = GitLab::of(world);
        gitlab.with_release();
        let issue = gitlab.issue.to_string();
        let commands = std::cell::RefCell::new(Vec::new());
        let secfix = |words: &[&str]| {
            commands.borrow_mut().push(format!("git secfix {}", words.join(" ")));
            world.secfix(words)
        };
        secfix(&["init"]).ok();
        secfix(&["branch", "prompt-injection", "-b", "18-4", "-b", "18-3", "-b", "18-2", "--issue", &issue]).ok();
        world.commit("fixed", "embargoed\n");
        secfix(&["backport"]).ok();
        secfix(&["push"]).ok();
        secfix(&["mr"]).ok();
        gitlab.approve_all();
        as_maintainer(world);
        world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3).warns("is not merged");
        secfix(&["merge"]).ok().warns("next: git secfix deploy prompt-injection --wait");
        world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3).warns("waits for somebody to start it");
        assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
        world.secfix(&["deploy"]).ends(1).says("waiting");
        secfix(&["deploy", "--play", "--wait", "--every", "1"]).ok().says("deployed");
        secfix(&["sync", "--yes", "prompt-injection"]).ok().says("this fix").says("merged");
        secfix(&["tag"]).ok().says("self-hosted-v18.4.0-ee").says("tagged");
        gitlab.publish(world, &["self-hosted-v18.4.0-ee", "self-hosted-v18.3.0-ee", "self-hosted-v18.2.0-ee"]);
        secfix(&["verify"]).ok();
        world.git(&["switch", "--quiet", "--detach", "origin/main"]).ok();
        secfix(&["clean", "prompt-injection"]).ok();
        let commands = commands.into_inner();
        println!("{} commands:\n  {}", commands.len(), commands.join("\n  "));
        assert!(commands.len() <= 12);
        world.secfix(&["status", "prompt-injection"]).ok().says("done");
        assert!(!world.server_refs(SEC).contains("security-prompt"));
        let _ = TOKEN;
    });
}
