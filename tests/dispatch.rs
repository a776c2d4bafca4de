//! The front door: finding programs, listing them, and what every program shares.

use std::fs;

use crate::support::World;

#[test]
fn commands_are_listed() {
    let world = World::new();
    let ran = world.run(world.command("git-secfix", &[])).ok();
    insta::assert_snapshot!("overview", ran);
    world.secfix(&["help"]).ok().says("usage: git secfix COMMAND");
    world.secfix(&["-h"]).ok().says("usage: git secfix COMMAND");
}

#[test]
fn a_foreign_program_on_the_path_is_a_command() {
    let world = World::new();
    world.write_program("bin/git-secfix-party", "#!/bin/sh\necho \"party $*\"\nexit 7\n");
    world.secfix(&["party", "a b", "--json"]).ends(7).says("party a b --json");
    world.secfix(&["help"]).ok().says("party").says("(from the PATH)");
    // One that may not be executed is none.
    world.write("bin/git-secfix-quiet", "x");
    world.secfix(&["quiet"]).ends(2);
}

#[test]
fn its_own_folder_comes_before_the_path() {
    let world = World::new();
    world.write_program("bin/git-secfix-config", "#!/bin/sh\necho evil\n");
    world.secfix(&["config"]).ok().never_says("evil");
}

#[test]
fn a_typo_gets_a_suggestion() {
    let world = World::new();
    world.secfix(&["inti"]).ends(2).warns("`inti` is no command of git secfix").warns("hint: git secfix init\n");
    world.secfix(&["brnch"]).ends(2).warns("hint: git secfix branch\n");
    world.secfix(&["xyzzy"]).ends(2).warns("hint: git secfix help\n");
    world.secfix(&["../../bin/sh"]).ends(2);
    world.secfix(&[""]).ends(2);
    world.secfix(&["--nonsense"]).ends(2).warns("hint: ");
    world.secfix(&["help", "inti"]).ends(2).warns("hint: git secfix init\n");
}

#[test]
fn every_program_has_help_version_and_the_shared_options() {
    let world = World::new();
    for name in ["init", "branch", "push", "guard", "auth", "doctor", "config"] {
        let help = world.secfix(&[name, "--help"]).ok();
        for text in ["Usage: git secfix", "-C <DIR>", "--json", "--quiet", "--verbose", "--color", "Exit codes:"] {
            assert!(help.stdout.contains(text), "{name}: no `{text}` in {help}");
        }
        world.secfix(&[name, "--version"]).ok().says(env!("CARGO_PKG_VERSION"));
        world.secfix(&[name, "--nonsense"]).ends(2).warns("--nonsense");
        world.secfix(&["help", name]).ok().says("Usage: git secfix");
    }
    world.secfix(&["version"]).ok().says(env!("CARGO_PKG_VERSION"));
}

#[test]
fn another_folder_may_be_named() {
    let world = World::new();
    let elsewhere = world.path("home");
    world.git_in(&elsewhere, &["secfix", "init", "-C", &world.work().to_string_lossy()]).ok();
    world.git_in(&elsewhere, &["-C", &world.work().to_string_lossy(), "secfix", "doctor"]).ok();
    world
        .git_in(&elsewhere, &["secfix", "-C", &world.work().to_string_lossy(), "--json", "doctor"])
        .ok()
        .says("\"schema\"");
}

#[test]
fn colour_is_for_terminals_only() {
    let world = World::new();
    world.secfix(&["branch", "x"]).ends(1).never_says("\u{1b}[");
    world.secfix(&["branch", "x", "--color", "always"]).ends(1).warns("\u{1b}[");
    world.set("CLICOLOR_FORCE", "1");
    world.secfix(&["branch", "x"]).ends(1).warns("\u{1b}[");
    world.set("NO_COLOR", "1");
    world.secfix(&["branch", "x", "--color", "never"]).ends(1).never_says("\u{1b}[");
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let world = World::new();
    world.git(&["remote", "set-url", "origin", "git@gitlab.com:x/\u{1b}[2Jy.git"]).ok();
    world.secfix(&["init"]).ends(2).never_says("\u{1b}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::new();
    let script = "git secfix help | true; git secfix config --keys | head -1";
    world.run(world.command("bash", &["-o", "pipefail", "-c", script])).never_says("panicked").never_says("defect");
}

#[test]
fn programs_work_from_a_path_with_spaces_and_quotes() {
    let world = World::new();
    let folder = world.path("it's a folder");
    fs::create_dir(&folder).unwrap();
    for name in ["git-secfix", "git-secfix-init", "git-secfix-guard"] {
        let built = std::path::Path::new(env!("CARGO_BIN_EXE_git-secfix")).with_file_name(name);
        fs::copy(built, folder.join(name)).unwrap();
    }
    world.run(world.command(folder.join("git-secfix"), &["init"])).ok();
    assert!(world.read("work/.git/hooks/pre-push").contains("it'\\''s a folder"));
    world.git(&["push", "origin", "HEAD:refs/heads/x"]).refused().warns("is the public project");
}

#[test]
fn the_words_of_the_front_door_tell_how_they_are_used() {
    let world = World::new();
    for word in ["help", "version", "completions"] {
        world.secfix(&[word, "--help"]).ok().says(&format!("usage: git secfix {word}"));
        world.secfix(&["help", word]).ok().says(&format!("usage: git secfix {word}"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_nobody_gets_is_no_success() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    for arguments in [&["secfix", "help"][..], &["secfix", "branch", "x", "--json"], &["secfix", "config", "--keys"]] {
        let mut command = world.command("git", arguments);
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("error: the answer could not be written: No space left on device"), "{said}");
    }
    // What was done is done.
    world.git(&["rev-parse", "--verify", "security-x"]).ok();
}
