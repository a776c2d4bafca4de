//! `git secfix doctor`: says what is wrong, and the command that mends it.

use std::fs;

use crate::support::{CAN, SEC, World, each_git};

#[test]
fn a_prepared_clone_is_healthy() {
    each_git(|world| {
        world.secfix(&["doctor"]).ends(1).says("it is not prepared").says("fix: git secfix init");
        world.secfix(&["init"]).ok();
        let before = world.state();
        world.secfix(&["doctor"]).ok().never_says("BAD").never_says("warning");
        world.secfix(&["doctor", "-v"]).ok().warns("[world]/work: hooks are in [world]/work/.git/hooks");
        assert_eq!(world.state(), before);
    });
}

#[test]
fn the_whole_answer() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world.git(&["config", "remote.pushDefault", "origin"]).ok();
    world
        .git(&["remote", "set-url", "--add", "--push", "security", &format!("https://u:SECRET@gitlab.com/{CAN}.git")])
        .ok();
    fs::remove_file(world.path("work/.git/hooks/pre-push")).unwrap();
    let mut ran = world.secfix(&["doctor"]).ends(1).never_says("SECRET");
    let version = world.git(&["version"]).ok().line().replace("git version ", "");
    let short = version.rsplit_once('.').map_or(version.as_str(), |(short, _)| short).to_owned();
    ran.stdout = ran.stdout.replace(&format!("  {short}\n"), "  [version]\n");
    insta::assert_snapshot!("doctor", ran);
}

#[test]
fn each_ailment_is_found() {
    let found = |ail: &dyn Fn(&World), code: i32, text: &str| {
        let world = World::new();
        world.secfix(&["init"]).ok();
        ail(&world);
        world.secfix(&["doctor"]).ends(code).says(text).says("fix: ");
    };
    found(&|world| drop(world.git(&["remote", "remove", "security"])), 1, "there is no remote `security`");
    found(&|world| drop(world.git(&["remote", "remove", "origin"])), 1, "no remote leads to");
    let pushed = |world: &World| {
        world.git(&["remote", "set-url", "--push", "origin", &format!("git@gitlab.com:{SEC}.git")]).ok();
    };
    found(&pushed, 1, "its branches prove nothing");
    found(&|world| world.write("work/.git/secfix.toml", "x = 1\n"), 1, "secfix.toml:1: unknown key `x`");
    let broken_and_gone = |world: &World| {
        world.write("work/.git/secfix.toml", "x = 1\n");
        fs::remove_file(world.path("work/.git/hooks/pre-push")).unwrap();
    };
    found(&broken_and_gone, 1, "does not refuse");
    found(&|world| world.write("home/.config/git-secfix/config.toml", "x = 1\n"), 1, "config.toml:1: unknown key `x`");
    found(&|world| world.write_program("work/.git/hooks/pre-push", "#!/bin/sh\nexit 0\n"), 1, "does not refuse");
    found(
        &|world| world.write_program("work/.git/hooks/pre-push", "#!/bin/sh\necho no >&2; exit 1\n"),
        1,
        "something else refused",
    );
    found(&|world| drop(world.git(&["config", "core.hooksPath", "/nonexistent"])), 1, "does not refuse");
    found(&|world| drop(world.git(&["config", "remote.security.mirror", "true"])), 0, "configured as a mirror");
    found(
        &|world| drop(world.git(&["branch", "--track", "security-x", "origin/main"])),
        0,
        "`security-x` tracks origin",
    );
}

#[test]
fn json_is_one_document() {
    let world = World::new();
    let ran = world.secfix(&["doctor", "--json"]).ends(1);
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["healthy"], false);
    assert_eq!(answer["findings"][1]["health"], "bad");
}
