//! `git secfix guard`: asked by hand, its mode and its pause.

use crate::support::{CAN, SEC, World};

#[test]
fn check_answers_like_the_hook() {
    let world = World::new();
    world.with_fix();
    let fork = world.fork();
    let check = |arguments: &[&str]| world.secfix(&[&["guard", "check"], arguments].concat());
    check(&["security"]).ok().says("allowed: ");
    check(&[&format!("git@gitlab.com:{SEC}.git"), "HEAD:refs/heads/x"]).ok();
    check(&["origin"]).ends(3).refused();
    check(&[&format!("https://u:SECRET@gitlab.com/{CAN}"), "HEAD"]).ends(3).refused().never_says("SECRET");
    check(&[&fork]).ends(3).refused().warns("embargoed");
    check(&[&fork, "origin/main:refs/heads/x"]).ok();
    check(&[&fork, "main"]).ok();
    check(&["security", ":main"]).ends(3).warns("deletes `main`");
    check(&["security", "HEAD:main"]).ends(3).warns("changes `main`");
    check(&["security", "HEAD:self-hosted-v18.4.2-ee"]).ok();
    check(&["security", "HEAD:refs/tags/self-hosted-v18.4.2-ee"]).ends(3);
    check(&["security", "nonsense"]).ends(2).warns("`nonsense`");
    check(&["security", "HEAD~1"]).ends(2).warns("needs a target");
}

#[test]
fn check_looks_at_every_push_url() {
    let world = World::new();
    world.with_fix();
    world.git(&["remote", "set-url", "--push", "security", &format!("git@gitlab.com:{SEC}.git")]).ok();
    world.git(&["remote", "set-url", "--push", "--add", "security", &format!("git@gitlab.com:{CAN}.git")]).ok();
    let ran = world.secfix(&["guard", "check", "security", "--json"]).ends(3);
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["schema"], 1);
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["destinations"][0]["allowed"], true);
    assert_eq!(answer["destinations"][1]["allowed"], false);
}

#[test]
fn the_mode_is_shown_and_set() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    assert_eq!(world.secfix(&["guard", "mode"]).ok().stdout, "strict\n");
    world.secfix(&["guard", "mode", "paranoid"]).ok();
    assert_eq!(world.secfix(&["guard", "mode"]).ok().stdout, "paranoid\n");
    world.secfix(&["guard", "mode", "off"]).ends(2).warns("strict, paranoid");
    // Another `init` keeps it.
    world.secfix(&["init"]).ok();
    assert_eq!(world.secfix(&["guard", "mode"]).ok().stdout, "paranoid\n");
}

#[test]
fn the_mode_of_an_unprepared_clone_refused() {
    let world = World::new();
    world.secfix(&["guard", "mode"]).ends(3).warns("git secfix init");
    world.secfix(&["guard", "mode", "paranoid"]).ends(1).warns("git secfix init");
}

#[test]
fn a_pause_needs_an_end_and_a_reason() {
    let world = World::new();
    world.with_fix();
    let pause = |arguments: &[&str]| world.secfix(&[&["guard", "pause"], arguments].concat());
    pause(&[]).ends(2);
    pause(&["--for", "15m"]).ends(2).warns("--reason");
    pause(&["--for", "15m", "--reason", "  "]).ends(2);
    for time in ["0s", "-5m", "9h", "nonsense", "15x", "1h 30m"] {
        pause(&["--for", time, "--reason", "x"]).ends(2);
    }
    world.git(&["push", "origin", "HEAD:refs/heads/x"]).refused();
    pause(&["--for", "15m", "--reason", "the server\nlies"]).ok().says("paused until");
    world.secfix(&["doctor"]).ok().says("nothing is checked until");
    world.git(&["push", "origin", "origin/main:refs/heads/x"]).ok().warns("the guard is paused");
    world.secfix(&["guard", "resume"]).ok().says("on again");
    world.secfix(&["guard", "resume"]).ok().says("was not paused");
    world.git(&["push", "origin", "HEAD:refs/heads/x"]).refused();
    let log = world.read("work/.git/secfix/guard.log");
    assert_eq!(log.lines().count(), 3, "{log}");
    assert!(log.contains("the server lies") && log.contains("passed while paused") && log.contains("resumed"), "{log}");
}

#[test]
fn a_pause_ends_by_itself() {
    let world = World::new();
    world.with_fix();
    world.secfix(&["guard", "pause", "--for", "1s", "--reason", "x"]).ok();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    world.git(&["push", "origin", "HEAD:refs/heads/x"]).refused();
    world.secfix(&["doctor"]).ok().never_says("nothing is checked");
}

#[test]
fn a_mistyped_remote_is_no_folder() {
    let world = World::new();
    world.with_fix();
    world.secfix(&["guard", "check", "orgin", "main"]).ends(2).warns("hint: git secfix guard check origin");
    world.secfix(&["guard", "pause", "--for", "1m", "--reason", "x"]).ok();
    world.secfix(&["guard", "check", "security"]).ok().warns("the guard is paused");
}
