//! The table of pushes that the guard is measured by, as real pushes over ssh syntax wherever a
//! push can be made here, on every git. Rows that need the URL lock or a look at the content of
//! files are not here, because neither is built yet.

use std::fs;

use crate::support::{CAN, SEC, World, each_git};

fn can() -> String {
    format!("git@gitlab.com:{CAN}.git")
}

fn sec() -> String {
    format!("git@gitlab.com:{SEC}.git")
}

/// Runs the row and asserts that canonical did not change, whatever git said.
#[track_caller]
fn refused(world: &World, arguments: &[&str]) {
    let before = world.server_refs(CAN);
    let ran = world.git(arguments).refused();
    assert_eq!(world.server_refs(CAN), before, "canonical changed: {ran}");
}

#[test]
fn canonical_is_refused_in_every_spelling() {
    each_git(|world| {
        world.with_fix();
        refused(world, &["push", "origin", "HEAD"]); // 1
        refused(world, &["push", &can(), "HEAD:refs/heads/x"]); // 4
        for url in [
            format!("git@gitlab.com:{CAN}"), // 6
            format!("git@gitlab.com:{CAN}/"),
            format!("git@gitlab.com:/{CAN}.git"),
            format!("ssh://git@gitlab.com:22/{CAN}.git"),         // 8
            format!("ssh://git@altssh.gitlab.com:443/{CAN}.git"), // 9
            format!("gl:{CAN}.git"),                              // 10
            format!("ssh://gl/{CAN}.git"),
        ] {
            refused(world, &["push", &url, "HEAD:refs/heads/x"]);
        }
        // 15, 16, 17
        world.git(&["remote", "set-url", "--push", "security", &can()]).ok();
        refused(world, &["push", "security"]);
        world.git(&["remote", "set-url", "--push", "--add", "security", &sec()]).ok();
        refused(world, &["push", "security"]);
        world.git(&["config", "--unset-all", "remote.security.pushurl"]).ok();
        world.git(&["config", &format!("url.{}.pushInsteadOf", can()), &sec()]).ok();
        refused(world, &["push", "security"]);
        world.git(&["config", "--remove-section", &format!("url.{}", can())]).ok();
        // 18, 19, 27
        world.git(&["config", "remote.pushDefault", "origin"]).ok();
        world.git(&["config", "--unset", "branch.security-prompt-injection.pushRemote"]).ok();
        world.git(&["config", "push.default", "current"]).ok();
        refused(world, &["push"]);
        refused(world, &["push", "--all", "origin"]);
        refused(world, &["-c", "push.default=matching", "push", "origin"]);
        refused(world, &["push", "--dry-run", "origin", "HEAD"]);
    });
}

#[test]
fn spellings_that_no_stub_serves_are_refused_by_the_hook() {
    let world = World::new();
    world.with_fix();
    let hook = |url: &str| world.run(world.command(world.path("work/.git/hooks/pre-push"), &[url, url]));
    for url in [
        format!("https://oauth2:SECRET@gitlab.com/{CAN}.git"), // 5
        "git@gitlab.com:gitlab-org//modelops/applied-ml/code-suggestions/ai-assist".to_owned(),
        "git@GITLAB.com:GitLab-Org/ModelOps/Applied-ML/Code-Suggestions/AI-Assist".to_owned(), // 7
        format!("https://gitlab.com:443/{CAN}.git"),
        format!("git@gitlab.com:gitlab-org/security/../{}.git", &CAN["gitlab-org/".len()..]), // 11
        format!("ext::sh -c x {SEC}"),
        format!("https://gitlab.com/{SEC}.git?x"),
        format!("http://gitlab.com/{SEC}.git"),
        format!("https://gıtlab.com/{SEC}.git"),
        String::new(),
    ] {
        hook(&url).ends(1).refused().never_says("SECRET");
    }
    // 7, 9: the same spellings of security are allowed.
    for url in [
        "git@GITLAB.com:GitLab-Org/Security/ModelOps/Applied-ML/Code-Suggestions/AI-Assist".to_owned(),
        format!("ssh://git@altssh.gitlab.com:443/{SEC}.git"),
        format!("https://oauth2:SECRET@gitlab.com/{SEC}.git"),
        format!("gl:{SEC}.git"),
    ] {
        hook(&url).ok().never_says("SECRET");
    }
}

#[test]
fn embargoed_work_goes_nowhere_else() {
    each_git(|world| {
        let embargoed = world.with_fix();
        let fork = world.fork();
        let refused = |arguments: &[&str]| {
            world.git(arguments).refused().warns("embargoed work").warns(&embargoed[..10]);
        };
        refused(&["push", "git@fork.example:SEC.git".replace("SEC", SEC).as_str(), "HEAD:refs/heads/x"]);
        refused(&["push", &fork, "HEAD:refs/heads/innocent"]);
        refused(&["push", &format!("file://{fork}"), "HEAD:refs/heads/innocent"]);
        refused(&["push", &fork, "--all"]);
        // 12, 13, 14
        for path in [SEC, "me/gitlab-org/security/fork", "gitlab-org/security/other"] {
            let host = if path == SEC { "fork.example" } else { "gitlab.com" };
            let server = world.path("srv").join(format!("{path}.git"));
            if !server.exists() {
                world.git(&["init", "--quiet", "--bare", &server.to_string_lossy()]).ok();
            }
            refused(&["push", &format!("git@{host}:{path}.git"), "HEAD:refs/heads/x"]);
        }
        // 25, and a branch on top of it
        world.git(&["tag", "--annotate", "--message", "x", "note"]).ok();
        refused(&["push", &fork, "note"]);
        world.git(&["switch", "--quiet", "--create", "innocent"]).ok();
        world.commit("more", "more\n");
        let ran = world.git(&["push", &fork, "innocent"]).refused();
        ran.warns("security-prompt-injection");
        // Known from security alone, once the local branch is gone.
        world.secfix(&["push", "prompt-injection"]).ok();
        world.git(&["branch", "-D", "security-prompt-injection"]).ok();
        refused_as(world, &fork, "security/security-prompt-injection");
        assert_eq!(world.git_in(&world.path("fork.git"), &["for-each-ref"]).ok().stdout, "");
    });
}

fn refused_as(world: &World, fork: &str, name: &str) {
    world.git(&["push", fork, "HEAD:refs/heads/innocent"]).refused().warns(name);
}

#[test]
fn unrelated_work_may_go_to_a_fork() {
    each_git(|world| {
        world.with_fix();
        let fork = world.fork();
        world.git(&["switch", "--quiet", "--create", "feature", "origin/main"]).ok();
        world.commit("feature", "feature\n");
        world.git(&["push", &fork, "feature"]).ok(); // 24
        world.git(&["push", &format!("file://{fork}"), "feature:again"]).ok();
        world.git(&["push", &fork, "--delete", "feature"]).ok();
        world.secfix(&["guard", "mode", "paranoid"]).ok();
        world.git(&["push", &fork, "feature"]).refused().warns("paranoid");
        world.git(&["push", &fork, "--delete", "again"]).refused();
        world.git(&["push", "security", "feature"]).ok();
    });
}

#[test]
fn what_is_published_may_go_anywhere() {
    each_git(|world| {
        world.with_fix();
        let fork = world.fork();
        world.git(&["push", &fork, "HEAD:refs/heads/x"]).refused();
        // 26: the sync publishes the fix, and this clone learns of it.
        let embargoed = world.git(&["rev-parse", "HEAD"]).ok().line();
        world.secfix(&["push"]).ok();
        world.git_in(&world.server(CAN), &["fetch", "--quiet", &world.server(SEC).to_string_lossy(), &embargoed]).ok();
        world.git_in(&world.server(CAN), &["update-ref", "refs/heads/main", &embargoed]).ok();
        world.git(&["push", &fork, "HEAD:refs/heads/x"]).refused();
        world.git(&["fetch", "--quiet", "origin"]).ok();
        world.git(&["push", &fork, "HEAD:refs/heads/x"]).ok();
        refused(world, &["push", "origin", "HEAD:refs/heads/x"]);
    });
}

#[test]
fn security_is_kept_from_harm() {
    each_git(|world| {
        world.with_fix();
        world.git(&["config", "push.default", "upstream"]).ok();
        let before = world.server_refs(SEC);
        let refused = |arguments: &[&str], why: &str| {
            world.git(arguments).refused().warns(why).warns("use: git secfix push");
            assert_eq!(world.server_refs(SEC), before, "{arguments:?}");
        };
        // 20
        refused(&["push", "security", ":stable-18-4-ee"], "it deletes `stable-18-4-ee`");
        refused(&["push", "--force", "security", "HEAD:main"], "it changes `main`");
        refused(&["push", "security", "HEAD:main"], "it changes `main`");
        refused(&["push", "security", "HEAD:refs/heads/stable-18-9-ee"], "it changes `stable-18-9-ee`");
        // 21
        refused(&["push", "--mirror", "security"], "mirror push");
        refused(&["push", "security", "HEAD:refs/foreign/x"], "neither a branch nor a tag");
        refused(&["push", "security", "HEAD:refs/tags/self-hosted-v18.4.2-ee"], "patch tag");
        // Push options that would open a merge request in public, in every spelling.
        for option in
            [vec!["-o", "mr.create"], vec!["--push-option=merge_request.create"], vec!["--push-op", "mr.create"]]
        {
            refused(&[&["push"], &option[..], &["security", "HEAD"]].concat(), "merge request in the public project");
        }
        world.git(&["config", "alias.publish", "push -o mr.create"]).ok();
        refused(&["publish", "security", "HEAD"], "mr.create");
        refused(&["-c", "push.pushOption=mr.create", "push", "security", "HEAD"], "mr.create");
        world.git(&["config", "push.pushOption", "mr.create"]).ok();
        refused(&["push", "security", "HEAD"], "mr.create");
        world.git(&["config", "--unset", "push.pushOption"]).ok();
        world.git(&["config", "remote.security.mirror", "true"]).ok();
        world.git(&["config", "--unset", "remote.security.push"]).ok();
        refused(&["push", "security"], "mirror push");
        world.git(&["config", "--unset", "remote.security.mirror"]).ok();
        world.git(&["push", "security", "HEAD"]).ok();
    });
}

#[test]
fn a_guard_that_is_not_in_order_refuses() {
    each_git(|world| {
        world.with_fix();
        // 28: the program is gone.
        let guard = world.path("bin/git-secfix-guard");
        fs::copy(env!("CARGO_BIN_EXE_git-secfix-guard"), &guard).unwrap();
        let hook = world.read("work/.git/hooks/pre-push");
        let line = hook.lines().find(|line| line.starts_with("guard=")).unwrap().to_owned();
        let moved = hook.replace(&line, &format!("guard='{}'", guard.display()));
        world.write_program("work/.git/hooks/pre-push", &moved);
        world.git(&["push", "security", "HEAD"]).ok();
        fs::remove_file(&guard).unwrap();
        let mut push = world.command("git", &["push", "security", "HEAD:refs/heads/again"]);
        push.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
        world.run(push).refused().warns("git-secfix-guard is missing").warns("git secfix init");
        world.write_program("work/.git/hooks/pre-push", &hook);
        // The policy cannot be read, or is gone.
        let policy = world.read("work/.git/secfix.toml");
        let weakened = policy.replace("mode = \"strict\"\n", "");
        for broken in ["nonsense = 1\n", "[branches]\nfix = \"x\"\n", "[[[\n", "\u{0}", "", &weakened] {
            world.write("work/.git/secfix.toml", broken);
            world
                .git(&["push", "security", "HEAD:refs/heads/again"])
                .refused()
                .warns("not in order")
                .warns("secfix.toml");
        }
        fs::remove_file(world.path("work/.git/secfix.toml")).unwrap();
        world.git(&["push", "security", "HEAD:refs/heads/again"]).refused().warns("git secfix init");
        world.write("work/.git/secfix.toml", &policy);
        world.git(&["push", "security", "HEAD:refs/heads/again"]).ok();
    });
}

#[test]
fn options_are_read_as_git_reads_them() {
    each_git(|world| {
        world.with_fix();
        let refused = |arguments: &[&str], why: &str| {
            let before = world.server_refs(SEC);
            world.git(arguments).refused().warns(why);
            assert_eq!(world.server_refs(SEC), before, "{arguments:?}");
        };
        // The shortest abbreviations, and `--` as a value.
        refused(&["push", "--m", "security"], "mirror push");
        refused(&["push", "--pu", "mr.create", "security", "HEAD"], "mr.create");
        refused(&["push", "-o", "--", "-o", "mr.create", "security", "HEAD"], "mr.create");
        refused(&["-c", "remote.security.mirror=true", "push", "security"], "mirror push");
        // Options of the command line take the place of those of the configuration.
        world.git(&["config", "push.pushOption", &format!("mr.target_project={SEC}")]).ok();
        refused(&["push", "-o", "mr.create", "security", "HEAD"], "mr.create");
        world.git(&["config", "push.pushOption", "mr.create"]).ok();
        world.git(&["config", "--add", "push.pushOption", ""]).ok();
        world.git(&["push", "security", "HEAD"]).ok();
        world.git(&["config", "--unset-all", "push.pushOption"]).ok();
        // Another program at the other end.
        refused(&["push", "--receive-pack=git-receive-pack x;", "security", "HEAD:x"], "--receive-pack");
        world.git(&["config", "remote.security.receivepack", "git-receive-pack x;"]).ok();
        refused(&["push", "security", "HEAD:x"], "remote.security.receivepack");
        world.git(&["config", "--unset", "remote.security.receivepack"]).ok();
        // Git under another name.
        let git = fs::read_link(world.path("bin/git")).unwrap();
        std::os::unix::fs::symlink(git, world.path("bin/g")).unwrap();
        let ran = world.run(world.command("g", &["push", "-o", "mr.create", "security", "HEAD:x"]));
        ran.refused().warns("mr.create");
    });
}

#[test]
fn hosts_are_those_that_git_connects_to() {
    each_git(|world| {
        world.with_fix();
        for url in [
            format!("[evil.example]@gitlab.com:{SEC}.git"),
            format!("ssh://[evil.example]@gitlab.com/{SEC}.git"),
            format!("[evil.example:22]@gitlab.com:{SEC}.git"),
            format!("ssh://a:b@gitlab.com:443/{SEC}.git"),
        ] {
            world.git(&["push", &url, "HEAD:refs/heads/x"]).refused().warns("cannot be told where");
        }
        // What the configuration says may depend on the user and the letter case.
        world.write(
            "home/.ssh/config",
            "Match originalhost sec user evil\n  HostName evil.example\nHost sec gl2\n  HostName gitlab.com\nHost Gl2\n  HostName evil.example\n",
        );
        world.git(&["push", &format!("git@sec:{SEC}.git"), "HEAD:refs/heads/x"]).ok();
        world.git(&["push", &format!("gl2:{SEC}.git"), "HEAD:refs/heads/x"]).ok();
        for url in [format!("evil@sec:{SEC}.git"), format!("Gl2:{SEC}.git")] {
            world.git(&["push", &url, "HEAD:refs/heads/y"]).refused().warns("embargoed");
        }
        // The ssh of the command line, with a configuration of its own.
        world.write("home/other", "Host gx\n  HostName gitlab.com\n");
        let ssh = format!("{} -F ~/other", which::which("ssh").unwrap().display());
        let before = world.server_refs(CAN);
        world.git(&[
            "-c",
            &format!("core.sshCommand={ssh}"),
            "push",
            &format!("gx:{CAN}.git"),
            "origin/main:refs/heads/x",
        ]);
        assert_eq!(world.server_refs(CAN), before);
        world.set("GIT_SSH_COMMAND", &ssh);
        world.secfix(&["guard", "check", &format!("gx:{CAN}.git"), "HEAD"]).ends(3).warns("is the public project");
    });
}
