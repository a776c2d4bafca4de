//! `git secfix backport`.

use crate::support::{SEC, World, each_git};

const FIX: &str = "security-prompt-injection";

/// A prepared clone with a fix of two commits, and backport branches for these lines.
fn with_lines(world: &World, lines: &[&str]) -> [String; 2] {
    let first = world.with_fix();
    let second = world.commit("second", "more\n");
    for line in lines {
        world.secfix(&["branch", "prompt-injection", "--no-switch", "--backport", line]).ok();
    }
    [first, second]
}

fn branch(line: &str) -> String {
    format!("{FIX}-{line}")
}

fn rev(world: &World, revision: &str) -> String {
    world.git(&["rev-parse", "--verify", "--quiet", revision]).line()
}

/// All references, without the stand-ins of merges that nothing refers to.
fn refs(world: &World) -> String {
    world.git(&["for-each-ref"]).ok().stdout
}

/// The index and the files of the work tree, byte by byte.
fn files(world: &World) -> String {
    let index = std::fs::read(world.path("work/.git/index")).unwrap();
    let status = world.git(&["status", "--porcelain=v2", "--untracked-files=all"]).ok().stdout;
    let mut text = format!("{index:?}\n{status}");
    let mut names: Vec<_> = std::fs::read_dir(world.work()).unwrap().flatten().map(|entry| entry.path()).collect();
    names.sort();
    for file in names.iter().filter(|path| path.is_file()) {
        text.push_str(&format!("{} {:?}\n", file.display(), std::fs::read(file).unwrap()));
    }
    text
}

fn subjects(world: &World, range: &str) -> Vec<String> {
    world.git(&["log", "--reverse", "--format=%s", range]).ok().stdout.lines().map(str::to_owned).collect()
}

fn json(world: &World, arguments: &[&str], code: i32) -> serde_json::Value {
    let ran = world.secfix(&[&["backport", "--json"], arguments].concat()).ends(code);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

fn states(answer: &serde_json::Value) -> Vec<String> {
    let rows = answer["lines"].as_array().unwrap();
    rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_fix_reaches_all_of_its_lines() {
    each_git(|world| {
        let [first, second] = with_lines(world, &["18-4", "18-3"]);
        // From another branch, and in the middle of other work.
        world.git(&["switch", "--quiet", "main"]).ok();
        world.write("work/app", "changed\n");
        world.write("work/staged", "x\n");
        world.git(&["add", "staged"]).ok();
        world.write("work/untracked", "y\n");
        let before = files(world);
        let ran = world.secfix(&["backport", "prompt-injection"]).ok();
        ran.says("security-prompt-injection-18-4  picked 2 commits")
            .says("security-prompt-injection-18-3  picked 2 commits")
            .warns("next: git secfix push");
        assert_eq!(files(world), before);
        for line in ["18-4", "18-3"] {
            let range = format!("security/stable-{line}-ee..{}", branch(line));
            assert_eq!(subjects(world, &range), ["Change fixed", "Change second"]);
            let body = world.git(&["log", "--format=%B", "-1", &branch(line)]).line();
            assert_eq!(body, format!("Change second\n\n(cherry picked from commit {second})"));
            let body = world.git(&["log", "--format=%B", "-1", &format!("{}~1", branch(line))]).line();
            assert_eq!(body, format!("Change fixed\n\n(cherry picked from commit {first})"));
            let reflog = world.git(&["reflog", "-1", "--format=%gs", &branch(line)]).line();
            assert_eq!(reflog, "secfix backport: picked 2 commits");
        }
        world.git(&["fsck", "--strict"]).ok();
        let before = refs(world);
        world.secfix(&["backport", "prompt-injection"]).ok().says("18-4  already contained");
        assert_eq!(refs(world), before);
    });
}

#[test]
fn missing_branches_are_made_and_only_for_the_lines_that_are_named() {
    each_git(|world| {
        with_lines(world, &[]);
        world
            .secfix(&["backport"])
            .ends(1)
            .warns("has no backport branch here")
            .warns("hint: git secfix backport prompt-injection --to all");
        world.secfix(&["backport", "--to", "v18.4", "--to", "stable-18-2-ee"]).ok().says("18-2  picked 2 commits");
        assert_eq!(
            world.git(&["config", &format!("branch.{}.merge", branch("18-2"))]).line(),
            "refs/heads/stable-18-2-ee"
        );
        assert_eq!(world.git(&["config", &format!("branch.{}.pushRemote", branch("18-2"))]).line(), "security");
        assert!(rev(world, &branch("18-3")).is_empty());
        world.secfix(&["backport", "--to", "all"]).ok().says("18-3  picked 2 commits").says("18-4  already contained");
        world.secfix(&["backport", "--to", "18-9"]).ends(1).warns("neither security nor");
        world.secfix(&["backport", "--to", "18.4.2"]).ends(2).warns("its line is `18.4`");
        world.secfix(&["push"]).ok().says("18-2");
    });
}

#[test]
fn a_prediction_writes_nothing() {
    each_git(|world| {
        with_lines(world, &["18-4"]);
        let objects = |world: &World| world.git(&["count-objects", "-v"]).ok().stdout;
        let before = (world.state(), files(world), objects(world), world.read("ssh.log"));
        world
            .secfix(&["backport", "--predict", "--to", "18-4", "--to", "18-2"])
            .ok()
            .says("18-4  would pick 2 commits")
            .says("18-2");
        world.secfix(&["backport", "--dry-run"]).ok();
        let answer = json(world, &["--predict"], 0);
        assert_eq!(states(&answer), ["picked"]);
        assert_eq!(answer["done"], false);
        assert_eq!((world.state(), files(world), objects(world), world.read("ssh.log")), before);
    });
}

#[test]
fn a_later_commit_is_added_to_what_is_there() {
    each_git(|world| {
        with_lines(world, &["18-4", "18-3"]);
        world.secfix(&["backport"]).ok();
        let before = rev(world, &branch("18-4"));
        let third = world.commit("third", "x\n");
        world.secfix(&["backport"]).ok().says("picked 1 commit, 2 already contained").says("Change third");
        assert_eq!(rev(world, &format!("{}~1", branch("18-4"))), before);
        world.git(&["log", "-1", "--format=%B", &branch("18-4")]).ok().says(&third);
    });
}

#[test]
fn what_is_there_by_another_name_is_contained_or_empty() {
    each_git(|world| {
        let [first, second] = with_lines(world, &["18-4", "18-3", "18-2"]);
        // Picked by hand without a word on it; the same change twice on the stable branch itself.
        world.git(&["switch", "--quiet", &branch("18-4")]).ok();
        world.git(&["cherry-pick", &first]).ok();
        world.git(&["switch", "--quiet", "--create", "stable", "security/stable-18-3-ee"]).ok();
        world.git(&["cherry-pick", &first, &second]).ok();
        world
            .git_in(
                &world.server(SEC),
                &["fetch", "--quiet", &world.work().to_string_lossy(), "+stable:stable-18-3-ee"],
            )
            .ok();
        // Both changes in one commit: nothing is left to do, and no commit is the same.
        world.git(&["switch", "--quiet", "--create", "other", "security/stable-18-2-ee"]).ok();
        world.git(&["cherry-pick", "--no-commit", &first, &second]).ok();
        world.git(&["commit", "--quiet", "--message", "Both"]).ok();
        world
            .git_in(&world.server(SEC), &["fetch", "--quiet", &world.work().to_string_lossy(), "+other:stable-18-2-ee"])
            .ok();
        world.git(&["switch", "--quiet", FIX]).ok();
        let answer = json(world, &[], 0);
        assert_eq!(states(&answer), ["picked", "contained", "empty"], "{answer}");
        assert_eq!(answer["lines"][0]["commits"][0]["outcome"], "contained");
        // Nothing was picked, so the branch stays where it was.
        assert_ne!(rev(world, &branch("18-3")), rev(world, "stable"));
    });
}
