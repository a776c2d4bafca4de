//! Lines that go without the fix, on purpose and in sight.

use crate::support::{GitLab, SEC, World};

const WITHOUT: [&str; 4] = ["--without", "18-3", "--reason", "it lacks the parser"];

/// A fix on 18.4, with 18.3 left out by words.
fn waived() -> (World, GitLab) {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.secfix(&["init"]).ok();
    let issue = gitlab.issue.to_string();
    let arguments = ["branch", "prompt-injection", "--backport", "all", "--issue", &issue];
    let ran = world.secfix(&[&arguments[..], &WITHOUT].concat()).ok();
    let ran = ran.says("security-prompt-injection-18-4").never_says("security-prompt-injection-18-3");
    ran.warns("18.3 goes without the fix, and stays vulnerable in public: it lacks the parser");
    world.commit("fixed", "embargoed\n");
    (world, gitlab)
}

#[test]
fn all_lines_are_those_that_do_not_go_without() {
    let (world, _gitlab) = waived();
    let ran = world.secfix(&["backport", "--to", "all"]).ok();
    ran.never_says("security-prompt-injection-18-3").warns("18.3 goes without the fix: it lacks the parser");
    world.secfix(&["status"]).ok().says("without     18.3: it lacks the parser").never_says("18.3 is supported");
    // Whoever names the line wants its backport.
    world.secfix(&["backport", "--to", "18-3"]).ok().says("security-prompt-injection-18-3  picked 1 commit");
    world.secfix(&["status"]).ok().never_says("without  ");
}

#[test]
fn a_backport_ends_what_the_merge_request_says_of_its_line() {
    let (world, gitlab) = waived();
    world.secfix(&["backport"]).ok();
    world.secfix(&["push"]).ok();
    world.secfix(&["mr"]).ok();
    let told = || {
        gitlab.server.change(|state| {
            let requests = &state.project(SEC).unwrap().merge_requests;
            let main = requests.iter().find(|request| request.target_branch == "main").unwrap();
            main.description.contains("Without a backport to 18.3")
        })
    };
    assert!(told());
    world.secfix(&["backport", "--to", "18-3"]).ok();
    world.secfix(&["push"]).ok();
    world.secfix(&["mr"]).ok().says("stable-18-3-ee");
    assert!(!told());
}

#[test]
fn what_people_write_further_down_waives_nothing() {
    let world = World::new();
    let gitlab = GitLab::pushed(&world);
    world.secfix(&["mr"]).ok();
    world.git(&["branch", "--quiet", "-D", "security-prompt-injection-18-3"]).ok();
    world.git(&["push", "--quiet", "security", "--delete", "security-prompt-injection-18-3"]).ok();
    gitlab.server.change(|state| {
        for request in &mut state.project_mut(SEC).unwrap().merge_requests {
            if request.target_branch == "stable-18-3-ee" {
                request.source_branch = "another".to_owned();
            }
            request.description.push_str("\n<!--\nWithout a backport to 18.3: reason\n-->\n");
        }
    });
    world.secfix(&["status"]).ok().says("18.3 is supported and has no backport").never_says("without  ");
}

#[test]
fn only_a_line_that_is_there_and_has_no_backport_goes_without() {
    let (world, _gitlab) = waived();
    let without =
        |line: &str, more: &[&str]| world.secfix(&[&["branch", "--without", line, "--reason", "x"][..], more].concat());
    without("17-2", &[]).ends(2).warns("there is no release line 17.2");
    without("18-3", &["--backport", "18-3"]).ends(2).warns("18.3 is to have a backport, and to go without the fix");
    let ran = without("18-4", &[]).ends(1).warns("18.4 has a backport, `security-prompt-injection-18-4`");
    ran.warns("hint: git branch --delete security-prompt-injection-18-4");
    let bad = world.secfix(&["branch", "--without", "18-3", "--reason", "see <!-- this"]).ends(2);
    bad.warns("a reason is plain text");
}
