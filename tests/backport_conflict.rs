//! `git secfix backport` where commits do not fit: a work tree for each conflict, and every way out of it.

use std::{os::unix::process::CommandExt, path::PathBuf, process::Stdio, time::Duration};

use crate::support::{SEC, World, each_git};

const FIX: &str = "security-prompt-injection";
const LINE: &str = "security-prompt-injection-18-4";

/// The file `app` is another one on 18.4 and 18.3, in the same way.
fn with_conflicts(world: &World) {
    world.secfix(&["init"]).ok();
    for line in ["18-4", "18-3"] {
        let stable = format!("stable-{line}-ee");
        world.git(&["switch", "--quiet", "--create", &stable, &format!("security/{stable}")]).ok();
        world.commit("app", "app\nolder\n");
        let dir = world.server(SEC);
        world.git_in(&dir, &["fetch", "--quiet", &world.work().to_string_lossy(), &format!("{stable}:{stable}")]).ok();
        world.git(&["switch", "--quiet", "main"]).ok();
        world.git(&["branch", "--quiet", "-D", &stable]).ok();
    }
    world.git(&["fetch", "--quiet", "security"]).ok();
    world.secfix(&["branch", "prompt-injection"]).ok();
    world.commit("before", "x\n");
    world.commit("app", "app\nfixed\n");
    world.commit("after", "y\n");
}

fn folder(world: &World, line: &str) -> PathBuf {
    world.path(&format!("work-backport-prompt-injection-{line}"))
}

fn resolve(world: &World, line: &str) {
    std::fs::write(folder(world, line).join("app"), "app\nolder and fixed\n").unwrap();
    world.git_in(&folder(world, line), &["add", "app"]).ok();
}

fn refs(world: &World) -> String {
    world.git(&["for-each-ref"]).ok().stdout
}

fn picks(world: &World, line: &str) -> Vec<String> {
    let range = format!("security/stable-{line}-ee..{FIX}-{line}");
    world.git(&["log", "--reverse", "--format=%s", &range]).ok().stdout.lines().map(str::to_owned).collect()
}

fn has_no_leftovers(world: &World) {
    assert_eq!(world.git(&["worktree", "list"]).ok().stdout.lines().count(), 1);
    assert!(!folder(world, "18-4").exists() && !folder(world, "18-3").exists());
}

const ALL: [&str; 3] = ["Change before", "Change app", "Change after"];

#[test]
fn the_other_lines_finish_and_a_conflict_gets_a_work_tree() {
    each_git(|world| {
        with_conflicts(world);
        world.write("work/app", "not committed\n");
        let ran = world.secfix(&["backport", "--predict", "--to=all"]).ends(6);
        ran.says("18-4  would conflict in app").says("18-2  would pick 3 commits");
        assert_eq!(world.git(&["worktree", "list"]).ok().stdout.lines().count(), 1);
        let ran = world.secfix(&["backport", "--to=all"]).ends(6);
        ran.says("security-prompt-injection-18-4  conflict in app: to resolve in [world]/work-backport-prompt-injection-18-4")
            .says("security-prompt-injection-18-2  picked 3 commits")
            .warns("hint: once it is edited: git -C [world]/work-backport-prompt-injection-18-4 add -- app && git secfix backport prompt-injection --continue");
        assert_eq!(world.read("work/app"), "not committed\n");
        let status = world.git_in(&folder(world, "18-4"), &["status"]).ok();
        status.says("git cherry-pick --continue").says(&format!("On branch {LINE}"));
        assert!(std::fs::read_to_string(folder(world, "18-4").join("app")).unwrap().contains("<<<<<<<"));
        // Again: it is not begun a second time.
        world.secfix(&["backport"]).ends(6).says("its conflict waits in").warns("--continue");
        let answer: serde_json::Value =
            serde_json::from_str(&world.secfix(&["backport", "--predict", "--json"]).ends(6).stdout).unwrap();
        assert_eq!(answer["lines"][0]["state"], "conflict");
        assert_eq!(answer["lines"][0]["work_tree"], "[world]/work-backport-prompt-injection-18-4");
        // What is pushed meanwhile is told to be unfinished.
        let ran = world.secfix(&["push", "--dry-run"]).ok();
        ran.warns(
            "`security-prompt-injection-18-4` is pushed as it is now, without what is in conflict in [world]/work-",
        );
        world.secfix(&["backport", "--continue"]).ends(6).warns("unresolved in");
        // Resolved on one line, and replayed on the other.
        resolve(world, "18-4");
        let ran = world.secfix(&["backport", "--continue"]).ok();
        ran.says("security-prompt-injection-18-4  picked, with the conflict resolved")
            .says("18-3  picked")
            .warns("next: git secfix branch prompt-injection --issue NUMBER");
        for line in ["18-4", "18-3", "18-2"] {
            assert_eq!(picks(world, line), ALL, "{line}");
        }
        for line in ["18-4", "18-3"] {
            assert_eq!(world.git(&["show", &format!("{FIX}-{line}:app")]).line(), "app\nolder and fixed");
            let body = world.git(&["log", "-1", "--format=%B%an", &format!("{FIX}-{line}~1")]).ok();
            body.says("Change app\n\n(cherry picked from commit ").never_says("Conflicts");
        }
        has_no_leftovers(world);
        let before = refs(world);
        world
            .secfix(&["backport"])
            .ok()
            .says("18-4  already contained, not the same change as the fix: look with --diff")
            .says("18-2  already contained");
        let original = world.git(&["rev-parse", "--short", &format!("{FIX}~2")]).line();
        let ran = world.secfix(&["backport", "--diff"]).ok().says("older and fixed").never_says("cherry picked");
        ran.says(&format!("1:  {original} = 1:  ")).says(" = 3:  ");
        assert_eq!(refs(world), before);
        world.secfix(&["backport", "--continue"]).ends(1).warns("no conflict of the fix");
    });
}

#[test]
fn a_later_line_replays_what_an_earlier_one_resolved() {
    each_git(|world| {
        with_conflicts(world);
        world.secfix(&["backport", "--to=18-4"]).ends(6);
        resolve(world, "18-4");
        world.secfix(&["backport", "--continue"]).ok();
        let ran = world.secfix(&["backport", "--to=18-3"]).ends(6);
        ran.warns("was resolved in [world]/work-backport-prompt-injection-18-3 as it was before");
        let shown = world.git_in(&folder(world, "18-3"), &["diff", "--cached"]).ok();
        shown.says("older and fixed");
        world.secfix(&["backport", "--continue"]).ok();
        assert_eq!(picks(world, "18-3"), ALL);
    });
}

#[test]
fn giving_up_leaves_every_branch_as_it_was() {
    each_git(|world| {
        with_conflicts(world);
        world.secfix(&["branch", "prompt-injection", "--backport=18-4"]).ok();
        let (before, config) = (refs(world), world.read("work/.git/config"));
        world.secfix(&["backport", "--to=18-4", "--to=18-3"]).ends(6);
        std::fs::write(folder(world, "18-4").join("half"), "done\n").unwrap();
        world.secfix(&["backport", "--abort"]).ok().says("18-4  given up").says("18-3  given up");
        assert_eq!((refs(world), world.read("work/.git/config")), (before, config));
        has_no_leftovers(world);
        world.secfix(&["backport", "--abort"]).ends(1).warns("no conflict");
        // And begun again.
        world.secfix(&["backport", "--to=18-4"]).ends(6);
        resolve(world, "18-4");
        world.secfix(&["backport", "--continue"]).ok();
        assert_eq!(picks(world, "18-4"), ALL);
    });
}

#[test]
fn markers_and_forgotten_files_are_not_committed() {
    each_git(|world| {
        with_conflicts(world);
        world.secfix(&["backport", "--to=18-4"]).ends(6);
        let tip = world.git(&["rev-parse", LINE]).line();
        let app = folder(world, "18-4").join("app");
        world.git_in(&folder(world, "18-4"), &["add", "app"]).ok();
        world.secfix(&["backport", "--continue"]).ends(6).warns("conflict markers are left in").warns("app");
        std::fs::write(&app, "app\nresolved, and not added\n").unwrap();
        world.secfix(&["backport", "--continue"]).ends(6).warns("changed and not added");
        assert_eq!(world.git(&["rev-parse", LINE]).line(), tip);
        // A heading is no marker; a file of the user's keeps the work tree.
        std::fs::write(&app, "heading\n=======\n").unwrap();
        world.git_in(&folder(world, "18-4"), &["add", "app"]).ok();
        std::fs::write(folder(world, "18-4").join("notes"), "mine\n").unwrap();
        let ran = world.secfix(&["backport", "--continue"]).ends(1);
        let ran = ran.says("18-4 stays").warns("holds files of yours, so it stays").never_says("--force");
        ran.warns("and once they are in another place: git worktree remove");
        assert_eq!(picks(world, "18-4"), ALL);
        assert!(folder(world, "18-4").join("notes").exists());
        world.git(&["worktree", "remove", "--force", &folder(world, "18-4").to_string_lossy()]).ok();
        has_no_leftovers(world);
    });
}

#[test]
fn whoever_stands_in_the_work_tree_is_led_out_of_it() {
    each_git(|world| {
        with_conflicts(world);
        for way in ["--abort", "--continue"] {
            world.secfix(&["backport", "--to=18-4"]).ends(6);
            resolve(world, "18-4");
            let ran = world.secfix_in(&folder(world, "18-4"), &["backport", "prompt-injection", way]).ok();
            ran.warns("hint: cd [world]/work, as the folder of the conflict is gone")
                .never_says("cannot")
                .never_says("error");
            has_no_leftovers(world);
            let is_there = world.git(&["rev-parse", "--verify", "--quiet", LINE]).code == 0;
            assert_eq!(is_there, way == "--continue");
        }
        assert_eq!(picks(world, "18-4"), ALL);
    });
}

#[test]
fn finished_with_plain_git_is_understood() {
    each_git(|world| {
        for by_commit in [true, false] {
            with_conflicts_once(world);
            world.secfix(&["backport", "--to=18-4"]).ends(6);
            resolve(world, "18-4");
            let dir = folder(world, "18-4");
            let editor = ["-c", "core.editor=true"];
            if by_commit {
                world.git_in(&dir, &["commit", "--quiet", "--no-edit"]).ok();
            }
            world.git_in(&dir, &[&editor[..], &["cherry-pick", "--continue"]].concat()).ok();
            // Nothing is under way any more; `--abort` would keep it, and `--continue` tidies up.
            world.secfix(&["backport", "--continue"]).ok().says("picked, with the conflict resolved");
            assert_eq!(picks(world, "18-4"), ALL);
            has_no_leftovers(world);
            world.git(&["branch", "-D", LINE]).ok();
        }
        world.secfix(&["backport", "--to=18-4"]).ends(6);
        world.git_in(&folder(world, "18-4"), &["rerere", "forget", "app"]).ok();
        resolve(world, "18-4");
        world.git_in(&folder(world, "18-4"), &["-c", "core.editor=true", "cherry-pick", "--continue"]).ok();
        world.secfix(&["backport", "--abort"]).ok().says("was finished already, and is kept");
        assert_eq!(picks(world, "18-4"), ALL);
        has_no_leftovers(world);
    });
}

fn with_conflicts_once(world: &World) {
    if !world.exists("work/.git/secfix.toml") {
        with_conflicts(world);
    }
}

#[test]
fn aborted_with_plain_git_or_deleted_is_understood() {
    each_git(|world| {
        with_conflicts(world);
        world.secfix(&["branch", "prompt-injection", "--backport=18-4"]).ok();
        let before = refs(world);
        for (ending, proceeding) in [
            ("abort", "--continue"),
            ("abort", "--abort"),
            ("delete", "--continue"),
            ("delete", "--abort"),
            ("delete", "again"),
            ("remove", "--abort"),
        ] {
            world.secfix(&["backport", "--to=18-4"]).ends(6);
            let dir = folder(world, "18-4");
            match ending {
                "abort" => drop(world.git_in(&dir, &["cherry-pick", "--abort"]).ok()),
                "delete" => std::fs::remove_dir_all(&dir).unwrap(),
                _ => drop(world.git(&["worktree", "remove", "--force", &dir.to_string_lossy()]).ok()),
            }
            let at = format!("{ending}, then {proceeding}");
            match (ending, proceeding) {
                ("remove", _) => drop(world.secfix(&["backport", "--abort"]).ends(1).warns("no conflict")),
                (_, "again") => {
                    world.secfix(&["backport"]).ends(6).says("to resolve in");
                    world.secfix(&["backport", "--abort"]).ok();
                }
                (_, "--abort") => drop(world.secfix(&["backport", "--abort"]).ok().says("given up")),
                _ => drop(
                    world
                        .secfix(&["backport", "--continue"])
                        .ends(1)
                        .says("given up")
                        .warns("hint: git secfix backport"),
                ),
            }
            // Work trees that plain git removed keep what plain git had picked.
            if ending != "remove" {
                assert_eq!(refs(world), before, "{at}");
            }
            has_no_leftovers(world);
        }
    });
}

#[test]
fn a_branch_that_is_checked_out_gets_no_second_work_tree() {
    each_git(|world| {
        with_conflicts(world);
        world.secfix(&["branch", "prompt-injection", "--backport=18-4"]).ok();
        world.git(&["switch", "--quiet", LINE]).ok();
        let before = refs(world);
        let ran = world.secfix(&["backport"]).ends(1);
        ran.says("nothing picked: it is checked out in [world]/work").warns(
            "hint: git -C [world]/work switch security-prompt-injection && git secfix backport prompt-injection",
        );
        assert_eq!(refs(world), before);
        has_no_leftovers(world);
    });
}

#[test]
fn the_place_can_be_chosen() {
    let world = World::new();
    with_conflicts(&world);
    world.set("SECFIX_BACKPORT_WORKTREES", "../elsewhere");
    let ran = world.secfix(&["backport", "--to=18-4"]).ends(6);
    ran.says("elsewhere/work-backport-prompt-injection-18-4");
    assert!(world.exists("elsewhere/work-backport-prompt-injection-18-4/app"));
    world.secfix(&["backport", "--abort"]).ok();
    std::fs::create_dir_all(world.path("elsewhere/work-backport-prompt-injection-18-4")).unwrap();
    world.secfix(&["backport", "--to=18-4"]).ends(6).says("work-backport-prompt-injection-18-4.2");
}

#[test]
fn without_a_place_for_a_work_tree_the_other_lines_are_done() {
    let world = World::new();
    with_conflicts(&world);
    world.write("file", "no folder\n");
    world.set("SECFIX_BACKPORT_WORKTREES", "../file");
    let ran = world.secfix(&["backport", "--to=18-4", "--to=18-2"]).ends(1);
    ran.says("18-4  nothing picked: it has a conflict in app, and no work tree can be made for it")
        .says("18-2  picked 3 commits");
    has_no_leftovers(&world);
    world.unset("SECFIX_BACKPORT_WORKTREES");
    world.secfix(&["backport"]).ends(6);
}

#[test]
fn a_part_of_a_fix_can_be_resolved_as_well() {
    let world = World::new();
    with_conflicts(&world);
    world.secfix(&["backport", "--to=18-4", "--from=HEAD~2..HEAD~1"]).ends(6);
    resolve(&world, "18-4");
    world
        .secfix(&["backport", "--continue"])
        .ok()
        .says("picked")
        .warns("next: git secfix branch prompt-injection --issue");
    world
        .secfix(&["branch", "prompt-injection", "--issue", "34"])
        .ok()
        .warns("next: git secfix backport prompt-injection");
    assert_eq!(picks(&world, "18-4"), ["Change app"]);
    world.secfix(&["backport"]).ok().says("picked 2 commits, 1 already contained");
}

#[test]
fn killed_at_any_time_it_can_be_run_again() {
    let world = World::new();
    with_conflicts(&world);
    world.secfix(&["branch", "prompt-injection", "--backport=18-4", "--backport=18-3"]).ok();
    let before = refs(&world);
    for milliseconds in (5..100).step_by(8) {
        let mut command = world.command("git-secfix-backport", &["--no-fetch"]);
        let mut child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        // As Ctrl-C does, with all that it started.
        world.run(world.command("kill", &["-9", "--", &format!("-{}", child.id())]));
        child.wait().unwrap();
        let locks = world.run(world.command("find", &[".git", "-name", "*.lock"])).ok().stdout;
        for lock in locks.lines() {
            std::fs::remove_file(world.work().join(lock)).unwrap();
        }
        let ran = world.secfix(&["backport", "--no-fetch"]).ends(6);
        let ran = ran.never_says("checked out");
        assert_eq!(world.git(&["worktree", "list"]).ok().stdout.lines().count(), 3, "{milliseconds} ms: {ran}");
        world.secfix(&["backport", "--abort"]).ok();
        assert_eq!(refs(&world), before, "{milliseconds} ms");
        assert_eq!(world.git(&["worktree", "list"]).ok().stdout.lines().count(), 1, "{milliseconds} ms");
    }
}
