//! `git secfix verify`, and the schedule that keeps security going.

use git_secfix::rehearsal::JobSpec;

use crate::support::{CAN, GitLab, SEC, World, each_git, gitlab::TOKEN};

const TAGS: [&str; 2] = ["self-hosted-v18.4.0-ee", "self-hosted-v18.3.0-ee"];

fn tagged(world: &World) -> GitLab {
    let gitlab = GitLab::public(world);
    world.secfix(&["tag"]).ok();
    gitlab
}

#[test]
fn everything_that_arrives_is_looked_at() {
    each_git(|world| {
        let gitlab = GitLab::public(world);
        world.secfix(&["verify"]).ends(1).warns("no patch tag of 18.4 in canonical").warns("git secfix tag");
        world.secfix(&["tag"]).ok();
        world
            .secfix(&["verify"])
            .ends(1)
            .says("image model-gateway:self-hosted-v18.4.0-ee  pending  is not there yet")
            .says("stable-18-4-ee in both projects             pending  canonical is ahead")
            .says("mirror of canonical                         pending  its run is `none`")
            .warns("things are not as they should be");
        world.secfix(&["status"]).ok().says("step 13 of 14: verification").says("verify prompt-injection --wait");
        gitlab.publish(world, &TAGS);
        world
            .secfix(&["verify"])
            .ok()
            .says("pipeline of self-hosted-v18.4.0-ee")
            .warns("next: git secfix clean prompt-injection");
        let document: serde_json::Value =
            serde_json::from_str(&world.secfix(&["verify", "--json"]).ok().stdout).unwrap();
        assert_eq!((&document["verified"], &document["checks"][0]["outcome"]), (&true.into(), &"ok".into()));
    });
}

#[test]
fn a_fix_is_listed_until_it_is_verified_wherever_its_branches_are() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let issue = gitlab.issue.to_string();
    for branch in ["", "-18-4", "-18-3"] {
        let name = format!("refs/heads/security-prompt-injection{branch}");
        world.git_in(&world.server(SEC), &["update-ref", "-d", &name]).ok();
    }
    let clone = world.colleague();
    let secfix = |arguments: &[&str]| world.secfix_in(&clone, arguments);
    secfix(&["status"]).ok().says("prompt-injection").says("next        git secfix sync prompt-injection");
    secfix(&["issue", &issue]).ok().says("git secfix sync prompt-injection");
    secfix(&["sync", "prompt-injection", "--yes", "prompt-injection"]).ok();
    secfix(&["status", "--all"]).ok().says("next        git secfix tag prompt-injection");
    secfix(&["tag", "prompt-injection"]).ok();
    secfix(&["status", "--all"]).ok().says("step 13 of 14: verification");
    secfix(&["issue", &issue]).ok().says("git secfix verify prompt-injection --wait");
    gitlab.publish(&world, &TAGS);
    secfix(&["status", "--all"]).ok().says("no fix is open").never_says("prompt-injection");
    // The issue is what is left.
    let ran = secfix(&["issue", &issue]).ok().says("close the issue, and ask PSIRT when it becomes public");
    ran.never_says("git secfix branch");
    gitlab.server.change(|state| state.issue_mut(gitlab.canonical, gitlab.issue).unwrap().state = "closed".to_owned());
    secfix(&["issue", &issue]).ok().says("published and verified: ask PSIRT when the issue becomes public");
}

#[test]
fn what_the_token_may_not_see_is_unknown_and_not_fine() {
    let world = World::new();
    let gitlab = tagged(&world);
    gitlab.publish(&world, &TAGS);
    world.set("SECFIX_TOKEN", TOKEN);
    world
        .secfix(&["verify"])
        .ends(1)
        .says("mirror of canonical")
        .says("unknown")
        .says("this token may not see push mirrors");
}

#[test]
fn each_thing_that_is_wrong_is_said() {
    let world = World::new();
    let gitlab = tagged(&world);
    gitlab.publish(&world, &TAGS);
    let diverged = "Some refs have diverged and have not been updated on the remote:\n\nrefs/heads/main";
    gitlab.server.change(|state| {
        let project = state.project_mut(CAN).unwrap();
        project.mirrors[0].update_status = "failed".to_owned();
        project.mirrors[0].last_error = Some(diverged.to_owned());
        for pipeline in project.pipelines.iter_mut().filter(|pipeline| pipeline.reference == TAGS[0]) {
            pipeline.status = "failed".to_owned();
        }
    });
    world
        .secfix(&["verify"])
        .ends(1)
        .says("Some refs have diverged and have not been updated on the remote: refs/heads/main")
        .says("pipeline of self-hosted-v18.4.0-ee          failed  failed: http://");
    gitlab.server.change(|state| {
        let project = state.project_mut(CAN).unwrap();
        project.mirrors[0].enabled = false;
        project.registry[0].name = "renamed".to_owned();
    });
    world.secfix(&["verify"]).ends(1).says("it is switched off").says("the registry has no repository `model-gateway`");
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().mirrors.clear());
    world.commit_there(SEC, "main", "other", "embargoed\n");
    world.secfix(&["verify"]).ends(1).says("none leads to security").says("security is ahead with other work");
}

#[test]
fn it_waits_for_what_comes() {
    let world = World::new();
    let gitlab = tagged(&world);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.secfix(&["verify", "--wait", "--every", "1"]));
        std::thread::sleep(std::time::Duration::from_millis(1500));
        gitlab.publish(&world, &TAGS);
        waiting.join().unwrap().ok();
    });
    gitlab.server.change(|state| state.project_mut(CAN).unwrap().registry[0].tags.clear());
    world.secfix(&["verify", "--wait", "--every", "1", "--timeout", "2"]).ends(1).warns("stopped waiting after");
}

#[test]
fn several_registries_are_looked_at() {
    let world = World::new();
    let gitlab = tagged(&world);
    gitlab.publish(&world, &TAGS);
    let images = format!(
        "[verify]\nimages = [\"model-gateway:{{tag}}\", \"{SEC}//images/gateway:{{major}}.{{minor}}.{{patch}}\"]\n"
    );
    world.write("home/.config/git-secfix/config.toml", &images);
    world.secfix(&["verify"]).ends(1).says(&format!("image {SEC}/images/gateway:18.4.0")).says("has no repository");
    gitlab.server.change(|state| {
        let id = state.add_registry_repository(gitlab.security, "images/gateway");
        ["18.4.0", "18.3.0"].iter().for_each(|tag| state.add_image(id, tag));
    });
    world.secfix(&["verify"]).ok();
}

#[test]
fn jobs_that_publish_are_a_step_of_their_own() {
    let world = World::new();
    world.write("home/.config/git-secfix/config.toml", "[publish]\njobs = [\"publish\"]\n");
    let gitlab = GitLab::public(&world);
    gitlab.server.change(|state| {
        let of_tags = &mut state.project_mut(CAN).unwrap().ref_pipelines[2].pipeline;
        of_tags.jobs.push(JobSpec::new("📦 publish images", "release", "manual"));
    });
    world.secfix(&["tag"]).ok();
    gitlab.publish(&world, &TAGS);
    world
        .secfix(&["status"])
        .ok()
        .says("step 13 of 15: publishing")
        .says("`📦 publish images` of self-hosted-v18.4.0-ee waits for somebody to start it")
        .says("git secfix verify prompt-injection --play");
    world.secfix(&["verify"]).ends(1).says("publishing").warns("verify prompt-injection --wait --play");
    world.secfix(&["verify", "--play", "--wait", "--every", "1"]).ok().warns("started `📦 publish images`");
    world.secfix(&["status"]).ok().says("step 15 of 15: clean-up");
}

fn with_schedule(world: &World, owner: fn(&GitLab) -> u64) -> GitLab {
    world.write("home/.config/git-secfix/config.toml", "[schedule]\nkeep_alive = \"Copy canonical forward\"\n");
    let gitlab = GitLab::reviewed(world);
    gitlab.server.change(|state| {
        let after_merge = &mut state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline;
        after_merge.bridges[0].job.status = "success".to_owned();
        state.add_schedule(gitlab.security, "Copy canonical forward", owner(&gitlab));
    });
    set_active(&gitlab, false);
    gitlab
}

fn set_active(gitlab: &GitLab, active: bool) {
    gitlab.server.change(|state| state.project_mut(SEC).unwrap().schedules[0].active = active);
}

fn is_active(gitlab: &GitLab) -> bool {
    gitlab.server.change(|state| state.project(SEC).unwrap().schedules[0].active)
}

#[test]
fn the_schedule_runs_from_the_merge_to_the_sync() {
    let world = World::new();
    let gitlab = with_schedule(&world, |gitlab| gitlab.maintainer);
    world.secfix(&["merge"]).ok().warns("the schedule `Copy canonical forward` is active now");
    assert!(is_active(&gitlab));
    world.secfix(&["sync", "--yes", "prompt-injection"]).ok().warns("the schedule `Copy canonical forward` is off now");
    assert!(!is_active(&gitlab));
    // Once more, and behind the sync: it stays off.
    world.secfix(&["merge"]).ok().warns("next: git secfix tag prompt-injection");
    assert!(!is_active(&gitlab));
    world.secfix(&["tag"]).ok();
    gitlab.publish(&world, &TAGS);
    world.secfix(&["verify"]).ok().says("keep-alive schedule").says("is off");
    set_active(&gitlab, true);
    world.secfix(&["verify"]).ends(1).says("`Copy canonical forward` is still active");
}

#[test]
fn a_schedule_of_somebody_else_is_explained_and_holds_up_nothing() {
    let world = World::new();
    let gitlab = with_schedule(&world, |gitlab| gitlab.engineer);
    world.secfix(&["merge"]).ok().warns("its owner @engineer alone may change it").warns("take it over");
    world
        .secfix(&["status"])
        .ok()
        .says("step 12 of 15: sync")
        .says("the schedule `Copy canonical forward` of @engineer is not active");
    set_active(&gitlab, true);
    world
        .secfix(&["sync", "--yes", "prompt-injection"])
        .ok()
        .warns("is not off: its owner @engineer alone may change it");
    world.secfix(&["tag"]).ok();
    gitlab.publish(&world, &TAGS);
    world.secfix(&["verify"]).ends(1).says("its owner @engineer has to switch it off");
    gitlab.server.change(|state| state.project_mut(SEC).unwrap().schedules.clear());
    world.secfix(&["verify"]).ends(1).says("security has no pipeline schedule `Copy canonical forward`");
}

#[test]
fn another_fix_under_way_is_no_fault_of_this_one() {
    let world = World::new();
    let gitlab = tagged(&world);
    gitlab.publish(&world, &TAGS);
    world.commit_there(SEC, "main", "other", "embargoed\n");
    let diverged = "Some refs have diverged and have not been updated on the remote:\n\nrefs/heads/main";
    gitlab.server.change(|state| {
        let mirror = &mut state.project_mut(CAN).unwrap().mirrors[0];
        mirror.update_status = "failed".to_owned();
        mirror.last_error = Some(diverged.to_owned());
    });
    world.secfix(&["verify"]).ok().says("it waits for other work of security in main");
}
