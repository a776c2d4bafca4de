//! `git secfix tag`.

use git_secfix::rehearsal::{JobSpec, RefPipeline};

use crate::support::{CAN, GitLab, SEC, World, each_git, gitlab::TOKEN};

/// The tags of a project with the branch whose head each is on.
fn tags(world: &World, project: &str) -> Vec<String> {
    let format = "--format=%(refname:lstrip=2) %(objecttype)";
    let listed = world.git_in(&world.server(project), &["for-each-ref", format, "refs/tags"]).ok();
    listed.stdout.lines().map(str::to_owned).collect()
}

fn tag_there(world: &World, project: &str, name: &str, at: &str) {
    world.git_in(&world.server(project), &["tag", name, at]).ok();
}

fn set(world: &World, toml: &str) {
    world.write("home/.config/git-secfix/config.toml", toml);
}

#[test]
fn the_next_number_comes_from_both_projects() {
    each_git(|world| {
        let gitlab = GitLab::public(world);
        for (project, name) in [
            (CAN, "self-hosted-v18.4.1-ee"),
            (SEC, "self-hosted-v18.4.2-ee"),
            (CAN, "self-hosted-v18.4.10-rc1-ee"),
            (CAN, "self-hosted-v18.40.7-ee"),
            (CAN, "self-hosted-v18.3.9-ee"),
        ] {
            tag_there(world, project, name, "stable-18-2-ee");
        }
        // Tags that are only here are nobody's business.
        world.git(&["tag", "self-hosted-v18.4.99-ee"]).ok();
        world.secfix(&["tag", "--dry-run"]).ok().says("self-hosted-v18.4.3-ee   would be tagged");
        let before = tags(world, CAN).len();
        world
            .secfix(&["tag"])
            .ok()
            .says("stable-18-4-ee  self-hosted-v18.4.3-ee   tagged")
            .says("stable-18-3-ee  self-hosted-v18.3.10-ee  tagged")
            .warns("next: git secfix verify prompt-injection --wait");
        assert_eq!(tags(world, CAN).len(), before + 2);
        let tagged = world.git_in(&world.server(CAN), &["rev-parse", "self-hosted-v18.4.3-ee^{commit}"]).ok().line();
        assert_eq!(tagged, world.tip_there(CAN, "stable-18-4-ee"));
        world.secfix(&["tag"]).ok().says("tagged already");
        // A branch that goes on is tagged already all the same.
        world.commit_there(CAN, "stable-18-4-ee", "later", "public\n");
        world.secfix(&["tag"]).ok().says("self-hosted-v18.4.3-ee   tagged already");
        assert_eq!(tags(world, CAN).len(), before + 2);
        assert!(
            gitlab
                .server
                .log()
                .iter()
                .filter(|logged| logged.path.ends_with("/tags") && logged.method == "POST")
                .count()
                == 2
        );
    });
}

#[test]
fn before_the_sync_nothing_is_tagged() {
    let world = World::new();
    let _gitlab = GitLab::deployed(&world);
    world.secfix(&["tag"]).ends(3).warns("canonical does not have !").warns("git secfix sync prompt-injection");
    assert!(tags(&world, CAN).is_empty() && tags(&world, SEC).is_empty());
}

#[test]
fn a_message_makes_annotated_tags() {
    let world = World::new();
    let _gitlab = GitLab::public(&world);
    world.secfix(&["tag", "--message", "A patch"]).ok();
    assert_eq!(tags(&world, CAN), ["self-hosted-v18.3.0-ee tag", "self-hosted-v18.4.0-ee tag"]);
    let said = world.git_in(&world.server(CAN), &["tag", "-n1", "-l", "self-hosted-v18.4.0-ee"]).ok();
    said.says("A patch");
}

#[test]
fn two_lines_of_three_are_finished_later() {
    let world = World::new();
    let gitlab = GitLab::public(&world);
    // The rule lets nobody create the second one, and this token cannot see rules.
    gitlab.server.change(|state| {
        state.project_mut(CAN).unwrap().protected_tags.clear();
        state.protect_tag(gitlab.canonical, "self-hosted-v18.3.*", 40);
    });
    world.set("SECFIX_TOKEN", TOKEN);
    world
        .secfix(&["tag"])
        .ends(1)
        .says("self-hosted-v18.4.0-ee  tagged")
        .says("self-hosted-v18.3.0-ee  not tagged")
        .warns("You are not allowed to create this tag as it is protected")
        .warns("ask a maintainer of");
    world.set("SECFIX_TOKEN", "glpat-maintainer");
    world.secfix(&["tag"]).ok().says("tagged already").says("self-hosted-v18.3.0-ee  tagged");
    assert_eq!(tags(&world, CAN).len(), 2);
}

#[test]
fn what_may_not_be_created_is_said_before_anything_is() {
    let world = World::new();
    let gitlab = GitLab::public(&world);
    gitlab.server.change(|state| {
        state.project_mut(CAN).unwrap().protected_tags.clear();
        state.protect_tag(gitlab.canonical, "self-hosted-v18.3.*", 0);
    });
    world
        .secfix(&["tag"])
        .ends(1)
        .warns("`self-hosted-v18.3.0-ee` is protected by `self-hosted-v18.3.*`")
        .warns("nothing was tagged");
    gitlab.server.change(|state| {
        let project = state.project_mut(CAN).unwrap();
        project.protected_tags.clear();
        project.members.iter_mut().for_each(|member| member.access_level = 20);
    });
    world.secfix(&["tag"]).ends(1).warns("may not create tags in");
    assert!(tags(&world, CAN).is_empty());
}

/// A job in the pipelines of stable branches, as projects have them that tag by a job.
fn with_job(gitlab: &GitLab, status: &str) {
    gitlab.server.change(|state| {
        for project in [CAN, SEC] {
            for wanted in &mut state.project_mut(project).unwrap().ref_pipelines {
                let RefPipeline { pattern, pipeline } = wanted;
                if pattern == "stable-*-ee" {
                    pipeline.jobs.push(JobSpec::new("✂️ cut tag [patch]", "release", status));
                }
            }
        }
    });
}

#[test]
fn the_job_of_a_project_is_played_once_and_its_tag_waited_for() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    with_job(&gitlab, "manual");
    set(&world, "[tags]\njob = \"cut tag [patch]\"\n");
    world.secfix(&["sync", "--yes", "prompt-injection"]).ok();
    gitlab.server.clear_log();
    // The job does nothing here, so its tag never comes.
    world
        .secfix(&["tag", "--timeout", "1"])
        .ends(1)
        .warns("started `✂️ cut tag [patch]`")
        .warns("has no tag of its job within 1s");
    let played = || gitlab.server.log().iter().filter(|logged| logged.path.ends_with("/play")).count();
    assert_eq!(played(), 1);
    tag_there(&world, CAN, "self-hosted-v18.4.0-ee", "stable-18-4-ee");
    world.secfix(&["tag", "--timeout", "1"]).ends(1).says("self-hosted-v18.4.0-ee  tagged already");
    assert_eq!(played(), 2, "that of the other line");
    tag_there(&world, CAN, "self-hosted-v18.3.0-ee", "stable-18-3-ee");
    world.secfix(&["tag"]).ok();
    assert_eq!(played(), 2);
    assert_eq!(tags(&world, CAN).len(), 2);
}

#[test]
fn a_job_that_failed_or_is_not_there_is_told() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    with_job(&gitlab, "failed");
    set(&world, "[tags]\njob = \"cut tag\"\n");
    world.secfix(&["sync", "--yes", "prompt-injection"]).ok();
    world.secfix(&["tag"]).ends(1).warns("`✂️ cut tag [patch]` of `stable-18-4-ee` is failed");
    set(&world, "[tags]\njob = \"snip\"\n");
    world
        .secfix(&["tag"])
        .ends(1)
        .warns("0 jobs of the pipeline of `stable-18-4-ee` have `snip` in their name")
        .warns("`tags.job`");
}

#[test]
fn private_tags_come_first_and_are_published_as_they_are() {
    let world = World::new();
    set(&world, "[tags]\nwhen = \"before-sync\"\n");
    let gitlab = GitLab::reviewed(&world);
    world.secfix(&["merge"]).ok();
    world.secfix(&["tag"]).ends(3).warns("waits for somebody to start it");
    world.secfix(&["deploy", "--play", "--wait", "--every", "1"]).ok().warns("next: git secfix tag");
    world.secfix(&["status"]).ok().says("step 11 of 15: private tags");
    world
        .secfix(&["sync", "--yes", "prompt-injection"])
        .ends(3)
        .warns("no patch tag of 18.4 in security holds the fix");
    world.secfix(&["tag"]).ok().says("self-hosted-v18.4.0-ee  tagged").warns("next: git secfix sync");
    assert_eq!((tags(&world, SEC).len(), tags(&world, CAN).len()), (2, 0));
    world.secfix(&["tag"]).ok().says("tagged already");
    world.secfix(&["sync", "--yes", "prompt-injection"]).ok();
    world.secfix(&["tag"]).ok().says("self-hosted-v18.4.0-ee  tagged");
    let at = |project: &str| world.git_in(&world.server(project), &["rev-parse", "self-hosted-v18.4.0-ee"]).ok().line();
    assert_eq!(at(SEC), at(CAN), "the same tag on the same commit");
    assert_eq!(tags(&world, CAN).len(), 2);
    let _ = gitlab;
}
