//! A fix that was picked onto a line and taken back there is not there: one answer for every command.

use crate::support::{CAN, GitLab, SEC, World, each_git};

const LINE: &str = "security-prompt-injection-18-4";

/// Takes the newest commit of the line back, or brings it again.
fn revert(world: &World) {
    world.git(&["switch", "--quiet", LINE]).ok();
    world.git(&["revert", "--no-edit", "HEAD"]).ok();
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    world.secfix(&["push"]).ok();
    // The server notices a push at the next look, and takes approvals back then.
    world.secfix(&["status"]).ok();
}

#[test]
fn mr_leaves_the_line_out_until_it_is_brought_again() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    revert(&world);
    let lacks = format!("`stable-18-4-ee` is left out: `{LINE}` does not hold the whole fix");
    world.secfix(&["mr"]).ok().warns(&lacks).warns("next: git secfix backport prompt-injection");
    assert_eq!(gitlab.requests().len(), 2);
    world.secfix(&["status"]).ok().says(&format!("`{LINE}` lacks "));
    // A revert of the revert brings it again.
    revert(&world);
    world.secfix(&["mr"]).ok().never_says("left out");
    assert_eq!(gitlab.requests().len(), 3);
    world.secfix(&["status"]).ok().never_says("lacks");
    world.secfix(&["backport"]).ok().says("18-4  already contained");
}

#[test]
fn backport_picks_it_again_and_the_gates_say_the_same() {
    let world = World::new();
    let _gitlab = GitLab::pushed(&world);
    revert(&world);
    world.secfix(&["status"]).ok().says(&format!("`{LINE}` lacks "));
    world.secfix(&["backport"]).ok().says(&format!("{LINE}  picked 1 commit"));
    world.secfix(&["push"]).ok().warns("next: git secfix mr prompt-injection");
    world.secfix(&["status"]).ok().never_says("lacks");
}

#[test]
fn nothing_is_merged_while_a_line_took_it_back() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    revert(&world);
    gitlab.approve_all();
    let ran = world.secfix(&["merge"]).ends(1).warns(&format!("`{LINE}` lacks "));
    ran.warns("hint: git secfix backport prompt-injection");
    assert!(gitlab.pairs().iter().all(|pair| pair.ends_with("opened")), "{:?}", gitlab.pairs());
    revert(&world);
    gitlab.approve_all();
    world.secfix(&["merge"]).ok();
}

#[test]
fn nothing_is_disclosed_where_a_line_was_merged_without_it() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    revert(&world);
    gitlab.merge_all(&world);
    let says_so =
        |text: &str| text.contains("`stable-18-4-ee` lacks ") || text.contains("takes the fix back on `stable-18");
    let ran = world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3);
    assert!(says_so(&ran.stderr), "{ran}");
    // Also once this clone has fetched what is merged.
    world.git(&["fetch", "--quiet", "security"]).ok();
    let ran = world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3);
    assert!(says_so(&ran.stderr), "{ran}");
}

#[test]
fn nothing_is_disclosed_where_somebody_took_it_back_on_a_line() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.secfix(&["sync", "--dry-run"]).ok();
    world.revert_there(SEC, "stable-18-4-ee", &["--mainline", "1", "HEAD"]);
    let ran = world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3);
    ran.warns("takes the fix back on `stable-18-4-ee`");
    world.secfix(&["status"]).ok().says("takes the fix back on `stable-18-4-ee`");
    world.revert_there(SEC, "stable-18-4-ee", &["HEAD"]);
    world.secfix(&["status"]).ok().never_says("takes the fix back");
}

#[test]
fn nothing_is_released_that_canonical_took_back() {
    let world = World::new();
    let _gitlab = GitLab::public(&world);
    // That of the sync, which is on top there.
    world.revert_there(CAN, "stable-18-4-ee", &["--mainline", "1", "HEAD"]);
    let by = world.tip_there(CAN, "stable-18-4-ee");
    let said = format!("{} takes the fix back on `stable-18-4-ee`", &by[..12]);
    world.secfix(&["status"]).ok().says(&said).says(&format!("`stable-18-4-ee` of {CAN}"));
    world.secfix(&["tag"]).ends(3).warns(&said);
    assert!(!world.server_refs(CAN).contains("refs/tags/self-hosted-v18.4"));
    world.revert_there(CAN, "stable-18-4-ee", &["HEAD"]);
    world.secfix(&["tag"]).ok();
    // What comes behind a release is another matter.
    world.revert_there(CAN, "stable-18-4-ee", &["HEAD"]);
    world.secfix(&["status"]).ok().never_says("takes the fix back");
}

/// What `status` says of the line, once its branch here is pushed.
fn status_of_pushed(world: &World) -> String {
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    world.secfix(&["push", "--force-with-lease"]).ok();
    world.secfix(&["status"]).ok().stdout.clone()
}

#[test]
fn a_revert_names_its_commit_also_by_a_short_name() {
    each_git(|world| {
        let _gitlab = GitLab::pushed(world);
        world.git(&["switch", "--quiet", LINE]).ok();
        world.git(&["-c", "revert.reference=true", "revert", "--no-edit", "HEAD"]).ok();
        let body = world.git(&["log", "-1", "--format=%B"]).ok().stdout.clone();
        let name = body.split_once("This reverts commit ").unwrap().1.split(' ').next().unwrap();
        assert!(name.len() < 40, "{body}");
        assert!(status_of_pushed(world).contains(&format!("`{LINE}` lacks ")));
        world.secfix(&["backport"]).ok().says("picked 1 commit");
        assert!(!status_of_pushed(world).contains("lacks"));
    });
}

#[test]
fn a_reverted_merge_takes_back_what_it_brought() {
    each_git(|world| {
        let _gitlab = GitLab::pushed(world);
        world.git(&["switch", "--quiet", "-c", "side", "security/stable-18-4-ee"]).ok();
        world.git(&["cherry-pick", "-x", "security-prompt-injection"]).ok();
        world.git(&["switch", "--quiet", LINE]).ok();
        world.git(&["reset", "--quiet", "--hard", "security/stable-18-4-ee"]).ok();
        world.git(&["merge", "--quiet", "--no-ff", "--no-edit", "side"]).ok();
        assert!(!status_of_pushed(world).contains("lacks"));
        world.git(&["switch", "--quiet", LINE]).ok();
        world.git(&["revert", "--no-edit", "--mainline", "1", "HEAD"]).ok();
        assert!(status_of_pushed(world).contains(&format!("`{LINE}` lacks ")));
        world.git(&["switch", "--quiet", LINE]).ok();
        world.git(&["revert", "--no-edit", "HEAD"]).ok();
        assert!(!status_of_pushed(world).contains("lacks"));
    });
}

/// A merge inside of a fix brings nothing of its own, and hides nothing that a line lacks.
#[test]
fn a_fix_with_a_merge_is_still_missed_on_a_line() {
    let world = World::new();
    let _gitlab = GitLab::pushed(&world);
    world.git(&["switch", "--quiet", "-c", "side", "security-prompt-injection~1"]).ok();
    world.commit("second", "more of the fix\n");
    world.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
    world.git(&["merge", "--quiet", "--no-ff", "--no-edit", "side"]).ok();
    let second = world.git(&["rev-parse", "--short=12", "side"]).ok().stdout.trim().to_owned();
    let lacks = format!("`{LINE}` lacks {second} of the fix");
    let said = status_of_pushed(&world);
    assert!(said.contains(&lacks), "{said}");
    world.secfix(&["mr"]).ok().warns(&format!("`{LINE}` does not hold the whole fix"));
    world.git(&["switch", "--quiet", LINE]).ok();
    world.git(&["cherry-pick", "-x", "side"]).ok();
    let said = status_of_pushed(&world);
    assert!(!said.contains(&format!("`{LINE}` lacks")), "{said}");
}

/// A revert that came from the default branch names the commit there, and not its pick.
#[test]
fn a_picked_revert_takes_back_the_pick() {
    let world = World::new();
    let _gitlab = GitLab::pushed(&world);
    world.git(&["switch", "--quiet", "-c", "side", "security-prompt-injection"]).ok();
    world.git(&["revert", "--no-edit", "HEAD"]).ok();
    world.git(&["switch", "--quiet", LINE]).ok();
    world.git(&["cherry-pick", "side"]).ok();
    let said = status_of_pushed(&world);
    assert!(said.contains(&format!("`{LINE}` lacks ")), "{said}");
    assert!(said.contains("next        git secfix backport prompt-injection"), "{said}");
    world.secfix(&["backport"]).ok().says("18-4  picked 1 commit");
    assert!(!status_of_pushed(&world).contains("lacks"));
}

/// Without a word on it, too: commits that leave all files as they were are no backport.
#[test]
fn a_line_whose_files_are_as_before_is_no_backport() {
    let world = World::new();
    let _gitlab = GitLab::pushed(&world);
    world.git(&["switch", "--quiet", LINE]).ok();
    world.git(&["checkout", "--quiet", "security/stable-18-4-ee", "--", "."]).ok();
    world.git(&["rm", "--quiet", "fixed"]);
    world.git(&["commit", "--quiet", "-m", "Tidy up"]).ok();
    let says_so = format!("`{LINE}` changes nothing in `stable-18-4-ee`: its commits undo each other");
    let said = status_of_pushed(&world);
    assert!(said.contains(&says_so), "{said}");
    assert!(said.contains(&format!("next        git log --patch security/stable-18-4-ee..{LINE}")), "{said}");
    world.secfix(&["mr"]).ok().warns(&format!("`{LINE}` does not hold the whole fix"));
}

#[test]
fn a_merge_is_taken_back_on_either_side() {
    each_git(|world| {
        let _gitlab = GitLab::pushed(world);
        // The pick is on the first parent, and the revert leaves the second.
        world.git(&["switch", "--quiet", "-c", "side", "security/stable-18-4-ee"]).ok();
        world.commit("beside", "other work\n");
        world.git(&["switch", "--quiet", LINE]).ok();
        world.git(&["merge", "--quiet", "--no-ff", "--no-edit", "side"]).ok();
        assert!(!status_of_pushed(world).contains("lacks"));
        world.git(&["switch", "--quiet", LINE]).ok();
        world.git(&["revert", "--no-edit", "--mainline", "2", "HEAD"]).ok();
        assert!(status_of_pushed(world).contains(&format!("`{LINE}` lacks ")));
    });
}

#[test]
fn a_revert_by_a_merge_request_is_taken_back_by_its_number() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let branch = "stable-18-4-ee";
    let scratch = tempfile::tempdir_in(world.root()).unwrap();
    let run = |arguments: &[&str]| world.git_in(scratch.path(), arguments).ok();
    run(&["clone", "--quiet", "--branch", branch, &world.server(SEC).to_string_lossy(), "."]);
    run(&["switch", "--quiet", "-c", "undo"]);
    run(&["revert", "--no-edit", "--mainline", "1", "HEAD"]);
    run(&["push", "--quiet", "origin", "undo"]);
    let page = format!("{}/api/v4/projects/{}/merge_requests", gitlab.server.url(), gitlab.security);
    let token = "PRIVATE-TOKEN: glpat-maintainer";
    let body = format!("source_branch=undo&target_branch={branch}&title=Undo");
    world.run(world.command("curl", &["-sf", "-X", "POST", "-H", token, "-d", &body, &page])).ok();
    let iid = *gitlab.requests().iter().max().unwrap();
    gitlab.server.change(|state| {
        state.project_mut(SEC).unwrap().approval_rules.clear();
        state.approve(gitlab.security, iid, gitlab.maintainer);
    });
    for _ in 0..20 {
        let merge = ["-sf", "-X", "PUT", "-H", token, &format!("{page}/{iid}/merge")];
        if world.run(world.command("curl", &merge)).code == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let taken_back = format!("takes the fix back on `{branch}`");
    world.secfix(&["status"]).ok().says(&taken_back);
    // As the button on the page of that merge request does it.
    run(&["fetch", "--quiet", "origin"]);
    run(&["switch", "--quiet", branch]);
    run(&["reset", "--quiet", "--hard", &format!("origin/{branch}")]);
    run(&["revert", "--no-commit", "--mainline", "1", "HEAD"]);
    run(&["commit", "--quiet", "-m", &format!("Revert \"Undo\"\n\nThis reverts merge request !{iid}")]);
    run(&["push", "--quiet", "origin", branch]);
    world.secfix(&["status"]).ok().never_says(&taken_back);
    // And the merge of it, taken back once more.
    run(&["revert", "--no-edit", "HEAD"]);
    run(&["push", "--quiet", "origin", branch]);
    world.secfix(&["status"]).ok().says(&taken_back);
}
