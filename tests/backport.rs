//! `git secfix backport`.

use crate::support::{SEC, World, each_git};

const FIX: &str = "security-prompt-injection";

/// A prepared clone with a fix of two commits, and backport branches for these lines.
pub(crate) fn with_lines(world: &World, lines: &[&str]) -> [String; 2] {
    let first = world.with_fix();
    let second = world.commit("second", "more\n");
    for line in lines {
        world.secfix(&["branch", "prompt-injection", "--no-switch", "--backport", line]).ok();
    }
    [first, second]
}

pub(crate) fn branch(line: &str) -> String {
    format!("{FIX}-{line}")
}

pub(crate) fn rev(world: &World, revision: &str) -> String {
    world.git(&["rev-parse", "--verify", "--quiet", revision]).line()
}

/// All references, without the stand-ins of merges that nothing refers to.
pub(crate) fn refs(world: &World) -> String {
    world.git(&["for-each-ref"]).ok().stdout
}

/// The index and the files of the work tree, byte by byte.
pub(crate) fn files(world: &World) -> String {
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

pub(crate) fn subjects(world: &World, range: &str) -> Vec<String> {
    world.git(&["log", "--reverse", "--format=%s", range]).ok().stdout.lines().map(str::to_owned).collect()
}

pub(crate) fn json(world: &World, arguments: &[&str], code: i32) -> serde_json::Value {
    let ran = world.secfix(&[&["backport", "--json"], arguments].concat()).ends(code);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

pub(crate) fn states(answer: &serde_json::Value) -> Vec<String> {
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
            .warns("next: git secfix branch prompt-injection --issue NUMBER");
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
        world.set("SECFIX_BRANCHES_SUPPORTED", "2");
        world
            .secfix(&["branch", "prompt-injection", "--issue", "34", "--no-switch"])
            .ok()
            .warns("next: git secfix push prompt-injection");
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
        assert!(answer["lines"][0]["commits"][0]["as"].is_null(), "{answer}");
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

#[test]
fn other_work_is_not_overwritten() {
    each_git(|world| {
        with_lines(world, &["18-4", "18-3"]);
        world.git(&["switch", "--quiet", &branch("18-4")]).ok();
        world.commit("mine", "x\n");
        world.git(&["switch", "--quiet", FIX]).ok();
        let before = rev(world, &branch("18-4"));
        let ran = world.secfix(&["backport"]).ends(1);
        ran.says("18-4  nothing picked: it holds")
            .says("Change mine`, which is not of this fix")
            .says("18-3  picked 2 commits");
        assert_eq!(rev(world, &branch("18-4")), before);
        // The way out works.
        world.git(&["branch", "--move", &branch("18-4"), &format!("{}.old", branch("18-4"))]).ok();
        world.secfix(&["backport", "prompt-injection", "--to", "18-4"]).ok().says("18-4  picked 2 commits");
        // An adaptation beside commits of the fix is none of that kind.
        world.git(&["switch", "--quiet", &branch("18-3")]).ok();
        world.commit("adapted", "x\n");
        world.git(&["switch", "--quiet", FIX]).ok();
        world.commit("third", "x\n");
        world.secfix(&["backport"]).ok().says("18-3  picked 1 commit, 2 already contained");
        let range = format!("security/stable-18-3-ee..{}", branch("18-3"));
        assert_eq!(subjects(world, &range), ["Change fixed", "Change second", "Change adapted", "Change third"]);
    });
}

#[test]
fn an_amended_fix_is_not_picked_on_top_of_its_older_self() {
    each_git(|world| {
        with_lines(world, &["18-4"]);
        world.secfix(&["backport"]).ok();
        world.secfix(&["push"]).ok();
        // Another message is no other change.
        world.git(&["commit", "--quiet", "--amend", "--message", "Better words"]).ok();
        world.secfix(&["backport"]).ok().says("already contained");
        world.write("work/second", "other\n");
        world.git(&["commit", "--quiet", "--amend", "--all", "--no-edit"]).ok();
        let before = rev(world, &branch("18-4"));
        let ran = world.secfix(&["backport"]).ends(1);
        ran.says("which the fix has no longer: it was amended or rebased")
            .warns("hint: git secfix backport prompt-injection --to 18-4 --redo");
        assert_eq!(rev(world, &branch("18-4")), before);
        for _ in 0..2 {
            world.secfix(&["backport", "prompt-injection", "--to", "18-4", "--redo"]).ok();
            let range = format!("security/stable-18-4-ee..{}", branch("18-4"));
            assert_eq!(subjects(world, &range), ["Change fixed", "Better words"]);
            assert_eq!(world.git(&["show", &format!("{}:second", branch("18-4"))]).line(), "other");
            world.secfix(&["backport"]).ok().says("already contained");
        }
        assert_eq!(rev(world, &format!("{}@{{1}}", branch("18-4"))), before);
        world.secfix(&["push", "--force-with-lease"]).ok();
    });
}

#[test]
fn a_pick_by_hand_that_was_resolved_is_asked_about() {
    let world = World::new();
    let [first, _] = with_lines(&world, &["18-4"]);
    world.git(&["switch", "--quiet", &branch("18-4")]).ok();
    world.git(&["cherry-pick", &first]).ok();
    world.write("work/fixed", "resolved in another way\n");
    world.git(&["commit", "--quiet", "--amend", "--all", "--no-edit"]).ok();
    world.git(&["switch", "--quiet", FIX]).ok();
    world.secfix(&["backport"]).ends(1).says("and does not say so");
    // It says so, and is believed.
    world.git(&["switch", "--quiet", &branch("18-4")]).ok();
    let message = format!("Change fixed\n\n(cherry picked from commit {first})");
    world.git(&["commit", "--quiet", "--amend", "--message", &message]).ok();
    world.git(&["switch", "--quiet", FIX]).ok();
    world.secfix(&["backport"]).ok().says("picked 1 commit, 1 already contained").says("not the same change");
}

#[test]
fn what_a_colleague_pushed_is_continued() {
    each_git(|world| {
        with_lines(world, &["18-4"]);
        let theirs = branch("18-4");
        world.secfix(&["backport"]).ok();
        world.secfix(&["push"]).ok();
        let pushed = rev(world, &theirs);
        // Another clone made it; here the branch is older, or not there at all.
        world.git(&["update-ref", &format!("refs/heads/{theirs}"), "security/stable-18-4-ee"]).ok();
        std::fs::remove_file(world.path(&format!("work/.git/logs/refs/heads/{theirs}"))).unwrap();
        world.secfix(&["backport"]).ok().says("already contained");
        assert_eq!(rev(world, &theirs), pushed);
        world.git(&["branch", "--quiet", "-D", &theirs]).ok();
        world.secfix(&["backport", "--to", "18-4"]).ok().says("already contained");
        assert_eq!(rev(world, &theirs), pushed);
        // Both went on.
        world.git(&["switch", "--quiet", &theirs]).ok();
        world.git(&["commit", "--quiet", "--amend", "--message", "Mine"]).ok();
        world.git(&["switch", "--quiet", FIX]).ok();
        std::fs::remove_file(world.path(&format!("work/.git/logs/refs/heads/{theirs}"))).unwrap();
        let ran = world.secfix(&["backport"]).ends(1);
        ran.says("has commits that it lacks, and it has others")
            .warns(&format!("hint: git rebase security/{theirs} {theirs}"));
    });
}

#[test]
fn a_branch_in_a_work_tree_moves_with_its_files() {
    each_git(|world| {
        with_lines(world, &["18-4", "18-3"]);
        world.git(&["switch", "--quiet", &branch("18-4")]).ok();
        world.git(&["worktree", "add", "--quiet", "../linked", &branch("18-3")]).ok();
        world.write("work/app", "not committed\n");
        world.write("linked/fixed", "in the way\n");
        let before = rev(world, &branch("18-3"));
        let ran = world.secfix(&["backport"]).ends(1);
        ran.says("18-4  picked 2 commits").says("18-3  nothing picked: changes in [world]/linked would be overwritten");
        assert_eq!(world.read("work/fixed"), "embargoed\n");
        assert_eq!(world.read("work/app"), "not committed\n");
        assert_eq!(world.git(&["status", "--porcelain"]).line(), " M app");
        assert_eq!((rev(world, &branch("18-3")), world.read("linked/fixed").as_str()), (before, "in the way\n"));
        std::fs::remove_file(world.path("linked/fixed")).unwrap();
        world.secfix(&["backport"]).ok().says("18-3  picked 2 commits");
        assert_eq!(world.git_in(&world.path("linked"), &["status", "--porcelain"]).line(), "");
        // In the middle of a rebase nothing is moved.
        world.git(&["switch", "--quiet", FIX, "--force"]).ok();
        world.commit("third", "x\n");
        let linked = world.path("linked");
        world
            .git_in(&linked, &["-c", "sequence.editor=sed -i 1s/pick/edit/", "rebase", "--quiet", "-i", "HEAD~2"])
            .ok();
        let before = rev(world, &branch("18-3"));
        world
            .secfix(&["backport"])
            .ends(1)
            .says("18-4  picked 1 commit")
            .says("18-3  nothing picked: it is being rebased");
        assert_eq!(rev(world, &branch("18-3")), before);
        world.git_in(&linked, &["rebase", "--continue"]).ok();
        world.secfix(&["backport"]).ok();
    });
}

#[test]
fn merges_are_explained_and_picked_only_when_asked() {
    each_git(|world| {
        with_lines(world, &["18-4"]);
        world.git(&["switch", "--quiet", "--create", "topic", "HEAD~1"]).ok();
        world.commit("topic", "x\n");
        world.git(&["switch", "--quiet", FIX]).ok();
        world.git(&["merge", "--quiet", "--no-ff", "--message", "Merge topic", "topic"]).ok();
        let before = refs(world);
        let ran = world.secfix(&["backport"]).ends(1);
        ran.warns("Merge topic` is a merge commit").warns("hint: git secfix backport prompt-injection --mainline 1");
        assert_eq!(refs(world), before);
        world.secfix(&["backport", "--mainline", "3"]).ends(1).warns("has no parent number 3");
        world.secfix(&["backport", "--mainline", "0"]).ends(2);
        world.secfix(&["backport", "--mainline", "1"]).ok().says("picked 3 commits");
        let range = format!("security/stable-18-4-ee..{}", branch("18-4"));
        assert_eq!(subjects(world, &range), ["Change fixed", "Change second", "Merge topic"]);
        assert_eq!(world.git(&["log", "--format=%p", "-1", &branch("18-4")]).line().split(' ').count(), 1);
        assert_eq!(world.git(&["show", &format!("{}:topic", branch("18-4"))]).line(), "x");
        world.secfix(&["backport", "--mainline", "1"]).ok().says("already contained");
        // The default branch, merged into the fix, must not go to a release line.
        world.git(&["switch", "--quiet", "--create", "newer", "security/main"]).ok();
        world.commit("newer", "x\n");
        world.git_in(&world.server(SEC), &["fetch", "--quiet", &world.work().to_string_lossy(), "newer:main"]).ok();
        world.git(&["switch", "--quiet", FIX]).ok();
        world.git(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
        world.git(&["fetch", "--quiet", "security"]).ok();
        world.git(&["merge", "--quiet", "--message", "Merge main", "security/main"]).ok();
        let ran = world.secfix(&["backport"]).ends(1);
        ran.warns("brings commits of the default branch").warns(&format!("hint: git rebase security/main {FIX}"));
        world.git(&["rebase", "--quiet", "security/main", FIX]).ok();
        world.secfix(&["backport", "--predict"]);
    });
}

#[test]
fn a_range_can_be_named() {
    let world = World::new();
    let [first, second] = with_lines(&world, &["18-4"]);
    for (range, why) in [
        ("x", "is no range"),
        ("a...b", "is no range"),
        ("nope..HEAD", "is no commit"),
        ("--output=x..y", "is no commit"),
    ] {
        world.secfix(&["backport", &format!("--from={range}")]).ends(2).warns(why);
    }
    world.secfix(&["backport", "--from", "HEAD..HEAD"]).ends(1).warns("there are no commits in");
    world.secfix(&["backport", "--from", &format!("{first}..{second}")]).ok().says("picked 1 commit");
    // The rest comes later, on top.
    world.secfix(&["backport"]).ok().says("picked 1 commit, 1 already contained");
    let range = format!("security/stable-18-4-ee..{}", branch("18-4"));
    assert_eq!(subjects(&world, &range), ["Change second", "Change fixed"]);
    // After the merge there is nothing between the two branches, and the range is still there.
    world
        .git_in(&world.server(SEC), &["fetch", "--quiet", &world.work().to_string_lossy(), &format!("{FIX}:main")])
        .ok();
    world
        .secfix(&["backport"])
        .ends(1)
        .warns("has no commits that `security/main` does not have")
        .warns("--from FIRST~1..LAST");
    world
        .secfix(&["backport", "--from", &format!("{first}~1..{second}"), "--to", "18-3"])
        .ok()
        .says("picked 2 commits");
}

#[test]
fn all_branches_move_or_none() {
    each_git(|world| {
        with_lines(world, &["18-4", "18-3"]);
        let lock = format!("work/.git/refs/heads/{}.lock", branch("18-3"));
        let before = (refs(world), world.read("work/.git/config"));
        world.write(&lock, "");
        let ran = world.secfix(&["backport", "--to=18-4", "--to=18-3", "--to=18-2"]).ends(1);
        ran.warns("cannot move the branches");
        std::fs::remove_file(world.path(&lock)).unwrap();
        assert_eq!((refs(world), world.read("work/.git/config")), before);
        world.secfix(&["backport", "--to=18-4", "--to=18-3", "--to=18-2"]).ok();
    });
}

#[test]
fn hostile_names_are_only_names() {
    each_git(|world| {
        world.secfix(&["init"]).ok();
        world.secfix(&["branch", "prompt-injection", "-b", "18-4"]).ok();
        for file in ["--output=x", ":(exclude)*", "a b;touch y", "\"quoted\"", "new\u{1b}[31m"] {
            world.write(&format!("work/{file}"), "x\n");
        }
        world.git(&["add", "--all"]).ok();
        world.git(&["commit", "--quiet", "--message", "$(touch y) `touch y` \u{1b}[2J"]).ok();
        world.secfix(&["backport"]).ok().says("picked 1 commit").never_says("\u{1b}");
        world.secfix(&["backport", "--diff"]).ok().never_says("\u{1b}");
        // Conflicts in such files, and branches of such names in security.
        world.git(&["switch", "--quiet", "--create", "stable", "security/stable-18-3-ee"]).ok();
        for file in ["--output=x", "a b;touch y", "new\u{1b}[31m"] {
            world.write(&format!("work/{file}"), "y\n");
        }
        world.git(&["add", "--all"]).ok();
        world.git(&["commit", "--quiet", "--message", "Before"]).ok();
        let dir = world.server(SEC);
        world.git_in(&dir, &["fetch", "--quiet", &world.work().to_string_lossy(), "+stable:stable-18-3-ee"]).ok();
        for name in ["x;touch y", "--upload-pack=touch y", "security-prompt-injection-9-9;touch y"] {
            let name = name.replace(' ', "${IFS}");
            world.git_in(&dir, &["update-ref", &format!("refs/heads/{name}"), "main"]).ok();
        }
        world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
        world.secfix(&["backport", "--to", "18-3"]).ends(6).says("--output=x, a b;touch y").never_says("\u{1b}");
        world.secfix(&["backport", "--continue"]).ends(6);
        world.secfix(&["backport", "--abort"]).ok();
        world.secfix(&["backport", "--upload-pack=x"]).ends(2);
        world.secfix(&["backport", "--", "x;touch y"]).ends(2);
        assert!(!world.exists("work/y") && !world.exists("y"));
    });
}

#[test]
fn killed_at_any_time_it_can_be_run_again() {
    let world = World::new();
    with_lines(&world, &["18-4", "18-3"]);
    let clean = |world: &World| {
        for line in ["18-4", "18-3", "18-2"] {
            let name = format!("refs/heads/{}", branch(line));
            match line {
                "18-2" => drop(world.git(&["branch", "-D", &branch(line)])),
                _ => drop(world.git(&["update-ref", &name, &format!("security/stable-{line}-ee")]).ok()),
            }
        }
    };
    for milliseconds in (0..60).step_by(4) {
        clean(&world);
        let mut child = world.command("git-secfix-backport", &["--no-fetch", "--to=all"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        let _ = child.kill();
        child.wait().unwrap();
        let locks = world.run(world.command("find", &[".git", "-name", "*.lock"])).ok().stdout;
        for lock in locks.lines() {
            std::fs::remove_file(world.work().join(lock)).unwrap();
        }
        world.secfix(&["backport", "--no-fetch", "--to=all"]).ok();
        for line in ["18-4", "18-3", "18-2"] {
            let range = format!("security/stable-{line}-ee..{}", branch(line));
            assert_eq!(subjects(&world, &range), ["Change fixed", "Change second"], "{milliseconds} ms");
        }
        world.git(&["fsck", "--strict", "--no-dangling"]).ok();
    }
}
