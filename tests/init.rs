//! `git secfix init`: what it finds, does, refuses and takes back.

use std::fs;

use crate::support::{CAN, SEC, World, each_git};

fn url(project: &str) -> String {
    format!("git@gitlab.com:{project}.git")
}

/// A clone of this URL, without asking the stub server for anything.
fn clone_of(world: &World, url: &str) {
    world.git(&["remote", "set-url", "origin", url]).ok();
}

#[test]
fn a_fresh_clone_is_made_ready_and_given_back() {
    each_git(|world| {
        let before = world.state();
        let ran = world.secfix(&["init"]).ok();
        insta::allow_duplicates! { insta::assert_snapshot!("init", ran); }
        assert_eq!(world.git(&["remote", "get-url", "security"]).ok().line(), url(SEC));
        assert!(world.git(&["for-each-ref"]).ok().stdout.contains("refs/remotes/security/stable-18-4-ee"));
        let prepared = world.state();
        world.secfix(&["init"]).ok().says("unchanged");
        assert_eq!(world.state(), prepared, "the second time changes nothing");
        world.secfix(&["init", "--undo"]).ok().says("removed: the guard, remote security");
        assert_eq!(world.state(), before, "undo restores the clone exactly");
        world.secfix(&["init", "--undo"]).ok().says("nothing to undo");
    });
}

#[test]
fn check_and_dry_run_change_nothing() {
    let world = World::new();
    let before = world.state();
    world.secfix(&["init", "--check"]).ends(1).says("would be added, would be fetched").says("would be installed");
    world.secfix(&["init", "--dry-run"]).ok().says("would be installed");
    assert_eq!(world.state(), before);
    world.secfix(&["init"]).ok();
    let prepared = world.state();
    world.secfix(&["init", "--check"]).ok();
    world.secfix(&["init", "--undo", "--dry-run"]).ok().says("would be removed: the guard");
    assert_eq!(world.state(), prepared);
}

#[test]
fn canonical_is_found_in_any_spelling_and_under_any_name() {
    for (spelling, security) in [
        (format!("git@gitlab.com:/{CAN}"), url(SEC)),
        (format!("GitLab.com:{CAN}.git"), format!("gitlab.com:{SEC}.git")),
        (format!("ssh://git@gitlab.com/{CAN}.git"), format!("ssh://git@gitlab.com/{SEC}.git")),
        (format!("ssh://git@altssh.gitlab.com:443/{CAN}.git"), format!("ssh://git@altssh.gitlab.com:443/{SEC}.git")),
        (format!("https://gitlab.com/{CAN}"), format!("https://gitlab.com/{SEC}.git")),
        (format!("https://oauth2:SECRET@gitlab.com/{CAN}.git"), format!("https://gitlab.com/{SEC}.git")),
        (format!("gl:{CAN}.git"), format!("gl:{SEC}.git")),
    ] {
        let world = World::new();
        clone_of(&world, &spelling);
        world.git(&["remote", "rename", "origin", "upstream"]).ok();
        let ran = world.secfix(&["init", "--no-fetch"]).ok().never_says("SECRET");
        assert!(ran.stdout.contains("canonical  upstream"), "{spelling}: {ran}");
        assert_eq!(world.git(&["remote", "get-url", "security"]).ok().line(), security, "{spelling}");
        world.secfix(&["doctor"]).ok();
    }
}

#[test]
fn the_protocol_may_be_chosen() {
    let world = World::new();
    world.secfix(&["init", "--no-fetch", "--protocol", "https"]).ok();
    assert_eq!(world.git(&["remote", "get-url", "security"]).ok().line(), format!("https://gitlab.com/{SEC}.git"));
    let world = World::new();
    clone_of(&world, &format!("https://gitlab.com/{CAN}.git"));
    world.secfix(&["init", "--no-fetch", "--protocol", "ssh"]).ok();
    assert_eq!(world.git(&["remote", "get-url", "security"]).ok().line(), url(SEC));
}

#[test]
fn gitlab_itself_is_known_too() {
    let world = World::new();
    clone_of(&world, "https://gitlab.com/gitlab-org/gitlab.git");
    world.secfix(&["init", "--no-fetch"]).ok().says("gitlab.com/gitlab-org/security/gitlab");
    world.secfix(&["config"]).ok().says("{major}-{minor}-stable-ee").says("master");
}

#[test]
fn any_pair_of_projects_may_be_named() {
    let world = World::new();
    clone_of(&world, "ssh://git@git.example:2222/team/app.git");
    world.secfix(&["init", "--no-fetch"]).ends(2).warns("no remote leads to").warns("--canonical");
    world.secfix(&["init", "--no-fetch", "--canonical", "team/app"]).ok().says("git.example/team/security/app");
    assert_eq!(
        world.git(&["remote", "get-url", "security"]).ok().line(),
        "ssh://git@git.example:2222/team/security/app.git"
    );
    let prepared = world.state();
    world.secfix(&["init", "--no-fetch"]).ok();
    assert_eq!(world.state(), prepared, "the clone knows its projects by now");
    world.secfix(&["init", "--undo"]).ok();
    world
        .secfix(&["init", "--no-fetch", "--canonical", "origin", "--security", "vault/app", "--remote", "vault"])
        .ok()
        .says("vault");
    assert_eq!(world.git(&["remote", "get-url", "vault"]).ok().line(), "ssh://git@git.example:2222/vault/app.git");
    // The default branch is the one that the remote calls so.
    world.secfix(&["config"]).ok().says("vault/app");
}

#[test]
fn a_relative_url_root_is_found_from_the_project() {
    let world = World::new();
    clone_of(&world, "https://git.example:8443/gitlab/team/app.git");
    world.secfix(&["init", "--no-fetch", "--canonical", "team/app"]).ok();
    assert_eq!(
        world.git(&["remote", "get-url", "security"]).ok().line(),
        "https://git.example:8443/gitlab/team/security/app.git"
    );
    world.secfix(&["guard", "check", "origin"]).ends(3).warns("is the public project team/app");
    world.secfix(&["guard", "check", "security"]).ok();
}

#[test]
fn what_cannot_be_prepared_is_said_and_left() {
    let refused = |prepare: &dyn Fn(&World), arguments: &[&str], code: i32, texts: &[&str]| {
        let world = World::new();
        prepare(&world);
        let before = world.state();
        let ran = world.secfix(&[&["init"], arguments].concat()).ends(code);
        let ran = texts.iter().fold(ran, |ran, text| ran.warns(text));
        assert!(ran.stderr.contains("hint: "), "no hint: {ran}");
        assert_eq!(world.state(), before, "{arguments:?}");
    };
    let remote =
        |name: &'static str, url: String| move |world: &World| drop(world.git(&["remote", "add", name, &url]).ok());
    refused(
        &|world| clone_of(world, "git@gitlab.com:me/fork.git"),
        &[],
        2,
        &["no remote leads to", "origin (git@gitlab.com:me/fork.git)"],
    );
    refused(&|world| drop(world.git(&["remote", "remove", "origin"])), &[], 2, &["this clone has none"]);
    refused(
        &remote("upstream", format!("https://gitlab.com/{CAN}")),
        &[],
        2,
        &["several remotes lead to", "`origin`", "`upstream`", "--canonical origin"],
    );
    refused(
        &remote("security", url("me/fork")),
        &[],
        1,
        &["remote `security` leads to git@gitlab.com:me/fork.git, not to"],
    );
    refused(&remote("security", url(CAN)), &[], 1, &["remote `security` leads to"]);
    refused(&|_| {}, &["--canonical", "nope"], 2, &["there is no remote `nope`"]);
    refused(&|_| {}, &["--canonical", "other/project"], 2, &["no remote leads to other/project"]);
    refused(
        &|world| fs::rename(world.server(SEC), world.path("gone")).unwrap(),
        &[],
        5,
        &["has no project gitlab-org/security", "ask for access"],
    );
    refused(
        &|world| {
            world.write_program(
                "bin/ssh",
                "#!/bin/sh\necho 'git@gitlab.com: Permission denied (publickey).' >&2\nexit 255\n",
            )
        },
        &[],
        5,
        &["did not accept your SSH key", "ssh -T git@gitlab.com"],
    );
    refused(
        &|world| {
            world.write_program("bin/ssh", "#!/bin/sh\necho 'ssh: Could not resolve hostname gitlab.com: Temporary failure in name resolution' >&2\nexit 255\n")
        },
        &[],
        5,
        &["gitlab.com cannot be reached", "--no-fetch"],
    );
}

#[test]
fn bad_arguments_are_usage() {
    let world = World::new();
    for arguments in [
        &["--canonical", "a/../b"][..],
        &["--security", "x"],
        &["--remote", "--upload-pack=x"],
        &["--protocol", "ftp"],
        &["--undo", "--check"],
        &["stray"],
    ] {
        world.secfix(&[&["init"], arguments].concat()).ends(2).warns("error: ");
    }
    world.secfix(&["init", "--security", CAN]).ends(2).warns("both the public project and its private mirror");
    world.secfix(&["init", "-C", "/nonexistent"]).ends(2).warns("`/nonexistent` is no folder");
}

#[test]
fn it_needs_a_repository_with_a_work_tree() {
    let world = World::new();
    fs::create_dir(world.path("empty")).unwrap();
    world.git_in(&world.path("empty"), &["secfix", "init"]).ends(2).warns("is not in a git repository").warns("hint: ");
    world
        .git_in(&world.server(CAN), &["secfix", "init"])
        .ends(2)
        .warns("is a bare repository")
        .warns("hint: git worktree add");
}

#[test]
fn a_remote_that_is_there_is_kept() {
    let world = World::new();
    world.git(&["remote", "add", "vault", &url(SEC)]).ok();
    let before = world.state();
    world.secfix(&["init"]).ok().says("security   vault ");
    assert!(!world.git(&["remote"]).ok().stdout.contains("security"));
    world.secfix(&["branch", "x"]).ok().says("tracks vault/main");
    world.git(&["switch", "--quiet", "main"]).ok();
    world.git(&["branch", "-D", "security-x"]).ok();
    world.secfix(&["init", "--undo"]).ok();
    world.git(&["for-each-ref", "--format=delete %(refname)", "refs/remotes/vault"]).ok();
    assert!(world.git(&["remote"]).ok().stdout.contains("vault"));
    let after = world.state();
    let config = |state: &str| state.split("config\n").nth(1).unwrap_or_default().to_owned();
    assert_eq!(config(&after), config(&before));
}

#[test]
fn undo_keeps_the_guard_while_there_is_embargoed_work() {
    let world = World::new();
    let before = world.git(&["config", "--list", "--local"]).ok().stdout;
    world.with_fix();
    world.secfix(&["init", "--undo"]).ends(3).warns("`security-prompt-injection`").warns("hint: git fetch origin");
    world.git(&["push", "origin", "HEAD"]).refused();
    world.git(&["switch", "--quiet", "main"]).ok();
    world.git(&["branch", "-D", "security-prompt-injection"]).ok();
    world.secfix(&["branch", "empty"]).ok();
    world.secfix(&["init", "--undo"]).ok();
    assert_eq!(world.git(&["config", "--list", "--local"]).ok().stdout, before);
}

#[test]
fn killed_anywhere_it_finishes_the_next_time() {
    // A git that dies takes the place of a power cut at each step that runs one.
    let reference = World::new();
    reference.secfix(&["init"]).ok();
    let expected = reference.state().replace(&*reference.root().to_string_lossy(), "");
    for dying in ["fetch", "hook", "rev-parse"] {
        let world = World::new();
        let git = fs::read_link(world.path("bin/git")).unwrap();
        fs::remove_file(world.path("bin/git")).unwrap();
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = {dying} ]; then kill -9 $PPID; exit 1; fi\nexec {} \"$@\"\n",
            git.display()
        );
        world.write_program("bin/git", &script);
        let killed = world.run(world.command("git-secfix-init", &[]));
        assert_ne!(killed.code, 0, "{dying}: {killed}");
        fs::remove_file(world.path("bin/git")).unwrap();
        std::os::unix::fs::symlink(&git, world.path("bin/git")).unwrap();
        world.secfix(&["init"]).ok();
        assert_eq!(world.state().replace(&*world.root().to_string_lossy(), ""), expected, "{dying}");
        world.secfix(&["init", "--undo"]).ok();
        assert!(!world.git(&["remote"]).ok().stdout.contains("security"), "{dying}");
    }
}

#[test]
fn json_is_one_document() {
    let world = World::new();
    let ran = world.secfix(&["init", "--json"]).ok();
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["schema"], 1);
    assert_eq!(answer["command"], "init");
    assert_eq!(answer["security"]["remote"], "security");
    assert_eq!(answer["guard"]["mode"], "strict");
}

#[test]
fn a_submodule_is_a_clone_of_its_own() {
    each_git(|world| {
        world.git_in(world.root(), &["init", "--quiet", "outer"]).ok();
        let outer = world.path("outer");
        world.git_in(&outer, &["submodule", "--quiet", "add", &url(CAN), "inner"]).ok();
        let inner = outer.join("inner");
        world.git_in(&inner, &["secfix", "init"]).ok();
        world.git_in(&inner, &["secfix", "doctor"]).ok();
        world.git_in(&inner, &["push", "origin", "HEAD:refs/heads/x"]).refused();
        assert!(world.exists("outer/.git/modules/inner/secfix.toml"));
        assert!(!world.exists("outer/.git/secfix.toml"));
    });
}

#[test]
fn a_clone_of_a_fork_is_told_how_to_add_the_public_project() {
    let world = World::new();
    clone_of(&world, "git@gitlab.com:me/ai-assist.git");
    let ran = world.secfix(&["init"]).ends(2);
    let hint = format!("git remote add upstream git@gitlab.com:{CAN}.git && git secfix init");
    ran.warns(&format!("hint: {hint}\n"));
    // The hint works when pasted, and fetches what the guard will need to know.
    let shell = world.command("bash", &["-c", &hint]);
    world.run(shell).ok().says("canonical  upstream").says("fetched");
    let fork = world.fork();
    world.git(&["switch", "--quiet", "--create", "feature", "origin/main"]).ok();
    world.commit("feature", "x");
    world.git(&["push", &fork, "feature"]).ok();
}

#[test]
fn a_pasted_url_names_the_project_and_a_known_mirror_is_never_public() {
    let world = World::new();
    world.secfix(&["init", "--no-fetch", "--canonical", &format!("https://gitlab.com/{CAN}")]).ok();
    world.secfix(&["init", "--no-fetch", "--canonical", SEC]).ends(2).warns("is the private mirror of");
}

#[test]
fn a_remote_that_was_replaced_since_survives_undo() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world.git(&["remote", "set-url", "security", "git@gitlab.com:me/mine.git"]).ok();
    world.secfix(&["init", "--undo"]).ok();
    assert_eq!(world.git(&["remote", "get-url", "security"]).ok().line(), "git@gitlab.com:me/mine.git");
}

#[test]
fn undo_sees_embargoed_work_under_any_name() {
    let world = World::new();
    world.with_fix();
    world.git(&["switch", "--quiet", "--detach"]).ok();
    world.git(&["branch", "-D", "security-prompt-injection"]).ok();
    world.secfix(&["push", "x"]).ends(1);
    // Security knows it from a colleague, and here it is only the detached HEAD.
    world.git(&["push", "security", "HEAD:refs/heads/security-prompt-injection"]).ok();
    world.git(&["fetch", "--quiet", "security"]).ok();
    world.secfix(&["init", "--undo"]).ends(3).warns("HEAD of [world]/work");
    world.secfix(&["init", "--undo", "--dry-run"]).ok();
    world.git(&["switch", "--quiet", "main"]).ok();
    world.secfix(&["init", "--undo"]).ok();
}

#[test]
fn a_fetch_that_is_killed_leaves_the_guard_in_place() {
    let world = World::new();
    world.write_program("bin/ssh", "#!/bin/sh\nkill -9 $(ps -o ppid= -p $PPID)\nexit 1\n");
    let ran = world.secfix(&["init"]);
    assert_ne!(ran.code, 0, "{ran}");
    world.run(world.command(world.path("work/.git/hooks/pre-push"), &["origin", &url(CAN)])).ends(1).refused();
}
