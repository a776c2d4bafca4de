//! `git secfix sync` where the two projects differ: conflicts are resolved in a work tree of their own, and what was resolved
//! is shown.

use crate::support::{CAN, GitLab, Ran, SEC, World, each_git};

fn sync(world: &World, more: &[&str]) -> Ran {
    world.secfix(&[&["sync", "--yes", "prompt-injection"], more].concat())
}

/// Everything that strangers see.
fn public(world: &World, gitlab: &GitLab) -> String {
    format!("{:?}\n{}", gitlab.requests_of(CAN), world.server_refs(CAN))
}

fn holds_security(world: &World) -> bool {
    ["main", "stable-18-4-ee", "stable-18-3-ee"]
        .iter()
        .all(|branch| world.holds_there(CAN, branch, &world.tip_there(SEC, branch)))
}

#[test]
fn a_conflict_is_resolved_in_a_work_tree_of_its_own() {
    each_git(|world| {
        let gitlab = GitLab::deployed(world);
        world.commit_there(CAN, "main", "fixed", "public, and different\n");
        let before = public(world, &gitlab);
        sync(world, &[]).ends(6).warns("`main` of security conflicts with canonical in fixed").warns("--resolve main");
        world.secfix(&["sync", "--continue"]).ends(1).warns("no conflict of a sync is being resolved");
        world.secfix(&["sync", "--resolve", "stable-18-4-ee"]).ends(1).warns("without a conflict");
        world.secfix(&["sync", "--resolve", "nothing"]).ends(2).warns("is no branch of this fix");
        world
            .secfix(&["sync", "--resolve", "main"])
            .ends(6)
            .warns("conflicts are unresolved in [world]/work-sync-main: fixed");
        world.secfix(&["sync", "--resolve", "main"]).ends(6).warns("conflicts are unresolved");
        sync(world, &["--continue"]).ends(6).warns("conflicts are unresolved");
        // Given up: as if nothing had happened.
        world.secfix(&["sync", "--abort"]).ok().warns("given up");
        assert!(!world.exists("work-sync-main"));
        assert!(!world.git(&["branch", "--list", "sync-*"]).ok().stdout.contains("sync-main"));

        world.secfix(&["sync", "--resolve", "main"]).ends(6);
        let tree = world.path("work-sync-main");
        std::fs::write(tree.join("fixed"), "both\n").unwrap();
        sync(world, &["--continue"]).ends(6).warns("conflicts are unresolved");
        world.git_in(&tree, &["add", "fixed"]).ok();
        assert_eq!(public(world, &gitlab), before);
        sync(world, &["--continue"]).ok().says("merged").says("merged by hand: fixed").says("from `sync-main-");
        assert!(holds_security(world));
        let merged = world.git_in(&world.server(CAN), &["show", "main:fixed"]).ok().line();
        assert_eq!(merged, "both");
        assert!(!world.exists("work-sync-main"), "the work tree is gone");
        assert!(!world.server_refs(SEC).contains("sync-main"), "and the branch that was made for it");
        assert!(!world.git(&["branch", "--list", "sync-*"]).ok().stdout.contains("sync-main"));
        world.secfix(&["status"]).ok().says("patch tags");
    });
}

#[test]
fn whoever_stands_in_the_work_tree_of_a_conflict_finishes_it_from_there() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "fixed", "public, and different\n");
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
    let tree = world.path("work-sync-main");
    std::fs::write(tree.join("fixed"), "both\n").unwrap();
    world.git_in(&tree, &["add", "fixed"]).ok();
    let ran = world.secfix_in(&tree, &["sync", "prompt-injection", "--continue", "--yes", "prompt-injection"]).ok();
    ran.warns("hint: cd [world]/work, as the folder of the conflict is gone").warns("next: ").never_says("cannot");
    assert!(holds_security(&world) && !world.exists("work-sync-main"));
    assert!(!world.git(&["branch", "--list", "sync-*"]).ok().stdout.contains("sync-main"));
}

#[test]
fn two_conflicts_are_finished_and_given_up_from_inside_of_the_first() {
    for way in ["--continue", "--abort"] {
        let world = World::new();
        let _gitlab = GitLab::deployed(&world);
        for branch in ["main", "stable-18-4-ee"] {
            world.commit_there(CAN, branch, "fixed", "public, and different\n");
        }
        for branch in ["main", "stable-18-4-ee"] {
            world.secfix(&["sync", "--resolve", branch]).ends(6);
            let tree = world.path(&format!("work-sync-{branch}"));
            std::fs::write(tree.join("fixed"), "both\n").unwrap();
            world.git_in(&tree, &["add", "fixed"]).ok();
        }
        let tree = world.path("work-sync-main");
        let ran = world.secfix_in(&tree, &["sync", "prompt-injection", way]);
        // Whoever goes on is asked for the name, which nobody types here.
        assert_eq!(ran.code, if way == "--abort" { 0 } else { 2 }, "{ran}");
        let ran = ran.never_says("plain git").never_says("never fetched");
        assert_eq!(ran.stderr.matches("as the folder of the conflict is gone").count(), 1, "{ran}");
        assert!(!world.exists("work-sync-main") && !world.exists("work-sync-stable-18-4-ee"));
        assert_eq!(world.git(&["branch", "--list", "sync-*"]).ok().stdout, "");
        assert_eq!(world.server_refs(SEC).contains("sync-main-"), way == "--continue");
    }
}

#[test]
fn giving_up_ends_nothing_where_files_are_in_the_way() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "fixed", "public, and different\n");
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
    let tree = world.path("work-sync-main");
    std::fs::write(tree.join("fixed"), "both\n").unwrap();
    world.git_in(&tree, &["add", "fixed"]).ok();
    std::fs::write(tree.join("notes"), "mine\n").unwrap();
    world.secfix(&["sync", "--abort"]).ends(1).warns("holds files of yours, so it stays");
    assert_eq!(world.read("work-sync-main/fixed"), "both\n", "the resolution is still there");
    // What people do then with plain git leads nowhere else.
    std::fs::remove_file(tree.join("notes")).unwrap();
    world.git_in(&tree, &["merge", "--abort"]).ok();
    world.git(&["worktree", "remove", &tree.to_string_lossy()]).ok();
    world.secfix(&["sync", "--resolve", "main"]).ends(6).never_says("is here already");
    // What git writes of conflicts is not for strangers.
    std::fs::write(tree.join("fixed"), "both\n").unwrap();
    world.git_in(&tree, &["add", "fixed"]).ok();
    sync(&world, &["--continue"]).ok();
    let messages = world.git_in(&world.server(CAN), &["log", "--format=%B", "main"]).ok().stdout;
    assert!(messages.contains("Merge branch 'main' of ") && !messages.contains("Conflicts"), "{messages}");
}

#[test]
fn files_beside_a_resolution_are_kept_and_in_nobodys_way() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "fixed", "public, and different\n");
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
    let tree = world.path("work-sync-main");
    std::fs::write(tree.join("fixed"), "both\n").unwrap();
    std::fs::write(tree.join("notes"), "mine\n").unwrap();
    world.git_in(&tree, &["add", "fixed"]).ok();
    let ran = sync(&world, &["--continue"]).ends(1).warns("holds files of yours, so it stays, and its merge is pushed");
    ran.never_says("--force").warns("once they are in another place: git worktree remove");
    assert_eq!(world.read("work-sync-main/notes"), "mine\n");
    std::fs::remove_file(tree.join("notes")).unwrap();
    world.git(&["worktree", "remove", &tree.to_string_lossy()]).ok();
    // Somebody pushes to public once more, and it is to be resolved again.
    world.commit_there(CAN, "main", "fixed", "public, and different again\n");
    world.secfix(&["sync", "--resolve", "main"]).ends(6).never_says("is here already");
}

#[test]
fn a_conflict_that_was_committed_with_plain_git_is_understood() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "fixed", "public, and different\n");
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
    let tree = world.path("work-sync-main");
    std::fs::write(tree.join("fixed"), "both\n").unwrap();
    world.git_in(&tree, &["commit", "--quiet", "--all", "--no-edit"]).ok();
    sync(&world, &["--continue"]).ok().says("merged");
    assert!(holds_security(&world));
}

#[test]
fn a_conflict_that_was_given_up_with_plain_git_is_understood() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "fixed", "public, and different\n");
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
    let tree = world.path("work-sync-main");
    world.git_in(&tree, &["merge", "--abort"]).ok();
    sync(&world, &["--continue"]).ends(1).warns("ended with plain git").warns("--abort");
    world.secfix(&["sync", "--abort"]).ok();
    assert!(!world.exists("work-sync-main"));
    // A folder that was deleted by hand is no end of it either.
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
    std::fs::remove_dir_all(&tree).unwrap();
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
    // What was committed in it is work of somebody's.
    std::fs::write(tree.join("fixed"), "both\n").unwrap();
    world.git_in(&tree, &["commit", "--quiet", "--all", "-m", "Both"]).ok();
    std::fs::remove_dir_all(&tree).unwrap();
    world.secfix(&["sync", "--resolve", "main"]).ends(1).warns("git branch -D sync-main");
    world.git(&["worktree", "prune"]).ok();
    world.git(&["branch", "--quiet", "-D", "sync-main"]).ok();
    world.secfix(&["sync", "--resolve", "main"]).ends(6);
}

#[test]
fn nothing_but_a_merge_is_taken_for_a_resolution() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    world.commit_there(CAN, "main", "fixed", "public, and different\n");
    // Somebody puts work on top of security's branch, under a name like those of a sync.
    let head = world.tip_there(SEC, "main");
    world.git_in(&world.server(SEC), &["branch", "sync-main-00000000", &head]).ok();
    let other = world.commit_there(SEC, "sync-main-00000000", "other", "embargoed\n");
    let own = format!("sync-main-{}", &other[..8]);
    world.git_in(&world.server(SEC), &["branch", "--move", "sync-main-00000000", &own]).ok();
    sync(&world, &[]).ends(6).warns("conflicts with canonical");
    assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
}

#[test]
fn projects_that_only_merge_forward() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().merge_method = "ff".to_owned());
    world.commit_there(CAN, "main", "news", "public\n");
    sync(&world, &[]).ends(6).warns("merges only what is on top of its branches").warns("--resolve main");
    assert_eq!(gitlab.requests_of(CAN), [0u64; 0]);
    world.secfix(&["sync", "--resolve", "main"]).ends(6).warns("--continue");
    sync(&world, &["--continue"]).ok();
    assert!(holds_security(&world));
}
