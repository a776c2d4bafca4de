//! `git secfix deploy`: what people see of the deployment, and how they wait for it. Which states open the gate
//! is told by the tables of `src/domain/deployment/tests.rs` and by `gates.rs`.

use std::time::Duration;

use git_secfix::rehearsal::{JobSpec, Pipeline, PipelineSpec};

use crate::support::{CAN, GitLab, SEC, World, each_git, gitlab::TOKEN};

fn merged(world: &World) -> GitLab {
    let gitlab = GitLab::reviewed(world);
    world.secfix(&["merge"]).ok();
    gitlab
}

/// Changes the pipeline that followed the merge.
fn change(gitlab: &GitLab, change: impl FnOnce(&mut Pipeline)) {
    gitlab.server.change(|state| {
        let pipelines = &mut state.project_mut(SEC).unwrap().pipelines;
        change(pipelines.iter_mut().find(|pipeline| pipeline.reference == "main").unwrap());
    });
}

#[test]
fn who_has_to_press_what_is_told() {
    each_git(|world| {
        let gitlab = merged(world);
        world
            .secfix(&["deploy"])
            .ends(1)
            .says("[duo-workflow-svc]  waiting  ")
            .says("waits for somebody to start it")
            .warns("somebody who may deploy has to start `🛫 [duo-workflow-svc] Trigger runway deployment production` at http://")
            .warns("hint: git secfix deploy prompt-injection --wait --play")
            .warns("nothing of it may become public");
        // A person who may not run jobs on the protected branch.
        world.set("SECFIX_TOKEN", TOKEN);
        world
            .secfix(&["deploy", "--play"])
            .ends(1)
            .warns("this token may not start")
            .warns("ask somebody who may deploy");
        world.set("SECFIX_TOKEN", "glpat-maintainer");
        world.secfix(&["deploy", "--play", "--wait", "--every", "1"]).ok().says("deployed");
        world.secfix(&["deploy"]).ok().warns("next: git secfix sync prompt-injection");
        world.secfix(&["deploy", "--play"]).ok().never_says("started");
        let played =
            gitlab.server.log().into_iter().filter(|logged| logged.path.ends_with("/play") && logged.status == 200);
        assert_eq!(played.count(), 1);
    });
}

#[test]
fn before_the_merge_there_is_nothing_to_deploy() {
    let world = World::new();
    let _gitlab = GitLab::reviewed(&world);
    world.secfix(&["deploy", "--play"]).ends(1).warns("is not merged").warns("hint: git secfix merge prompt-injection");
}

#[test]
fn it_is_waited_for_until_it_is_over() {
    let world = World::new();
    let gitlab = merged(&world);
    let wait = ["deploy", "--wait", "--every", "1"];
    world
        .secfix(&[&wait[..], &["--timeout", "2"]].concat())
        .ends(1)
        .warns("stopped waiting after")
        .warns("--timeout 2 --play");
    // A failure ends it at once, and so does a job that was renamed.
    let status = |status: &str| change(&gitlab, |pipeline| pipeline.bridges[0].job.status = status.to_owned());
    status("failed");
    world.secfix(&wait).ends(1).says("failed");
    status("running");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.secfix(&wait));
        std::thread::sleep(Duration::from_millis(1500));
        change(&gitlab, |pipeline| pipeline.bridges[0].job.name = "Deploy everything".to_owned());
        waiting
            .join()
            .unwrap()
            .ends(1)
            .says("no job in stage `runway_production` has `[duo-workflow-svc]` in its name, only `Deploy everything`");
    });
    world.secfix(&["deploy", "--timeout", "5"]).ends(2);
}

#[test]
fn a_later_pipeline_that_holds_the_merge_counts() {
    let world = World::new();
    let gitlab = merged(&world);
    change(&gitlab, |pipeline| pipeline.bridges[0].job.status = "canceled".to_owned());
    world.secfix(&["deploy"]).ends(1).says("cancelled");
    let later = world.commit_there(SEC, "main", "other", "of another fix\n");
    let run = |sha: &str, status: &str| {
        let job = JobSpec::new("[duo-workflow-svc] deploy", "runway_production", status);
        let spec = PipelineSpec { jobs: vec![job], ..PipelineSpec::new("main", sha, "running") };
        gitlab.server.change(|state| state.add_pipeline(gitlab.security, spec));
    };
    run(&later, "running");
    world.secfix(&["deploy"]).ends(1).says("running").says(&later[..12]);
    run(&later, "success");
    world.secfix(&["deploy"]).ok().says(&later[..12]);
}

#[test]
fn a_fix_that_was_taken_back_is_not_deployed() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    world.secfix(&["deploy"]).ok();
    let scratch = world.path("scratch");
    let run = |words: &[&str]| world.git_in(&scratch, words).ok();
    world.git_in(world.root(), &["clone", "--quiet", &world.server(SEC).to_string_lossy(), "scratch"]).ok();
    let revert = |words: &[&str]| {
        run(&[&["revert", "--no-edit"], words].concat());
        run(&["push", "--quiet", "origin", "HEAD:main"]);
        run(&["rev-parse", "HEAD"]).line()
    };
    let back = revert(&["-m", "1", "HEAD"]);
    world.secfix(&["deploy"]).ends(1).warns(&format!("{} takes the fix back on `main`", &back[..12]));
    world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3).warns("takes the fix back");
    revert(&["HEAD"]);
    world.secfix(&["deploy"]).ok();
    let _ = gitlab;
}

#[test]
fn many_later_pipelines_do_not_hide_the_one_that_deployed() {
    let world = World::new();
    let gitlab = merged(&world);
    change(&gitlab, |pipeline| pipeline.bridges[0].job.status = "failed".to_owned());
    let later = world.commit_there(SEC, "main", "other", "of another fix\n");
    let run = |jobs: Vec<JobSpec>| {
        let spec = PipelineSpec { jobs, ..PipelineSpec::new("main", &later, "success") };
        gitlab.server.change(|state| state.add_pipeline(gitlab.security, spec));
    };
    run(vec![JobSpec::new("[duo-workflow-svc] deploy", "runway_production", "success")]);
    (0..40).for_each(|_| run(vec![JobSpec::new("scheduled", "test", "success")]));
    world.secfix(&["deploy"]).ok();
}

#[test]
fn only_jobs_of_the_gate_are_played_unless_another_is_named() {
    let world = World::new();
    let gitlab = GitLab::reviewed(&world);
    gitlab.server.change(|state| {
        let bridge = &mut state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline.bridges[0];
        bridge.job.status = "success".to_owned();
        let further = &mut bridge.starts.as_mut().unwrap().pipeline;
        further.jobs = vec![JobSpec::new("go", "deploy", "manual"), JobSpec::new("rollback", "deploy", "manual")];
    });
    world.secfix(&["merge"]).ok();
    world
        .secfix(&["deploy", "--play"])
        .ends(1)
        .warns("has to start `go`")
        .warns("--wait --play=rollback")
        .never_says("started `");
    world.secfix(&["deploy", "--play=go"]).ends(1).warns("started `go`").never_says("started `rollback`");
    world.write("home/.config/git-secfix/config.toml", "[deploy]\noptional = [\"rollback\"]\n");
    world.secfix(&["deploy", "--wait", "--every", "1"]).ok();
}

#[test]
fn what_is_not_configured_is_not_deployed() {
    let world = World::new();
    let _gitlab = merged(&world);
    let own = world.read("work/.git/secfix.toml").replace("ai-gateway", "gitlab");
    world.write("work/.git/secfix.toml", &own);
    world
        .secfix(&["deploy"])
        .ends(1)
        .warns("deployment is not known: `deploy.stage` and `deploy.jobs` are not set")
        .warns("hint: git secfix config --keys");
    world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3);
    // The environment cannot weaken it.
    world.set("SECFIX_DEPLOY_STAGE", "test");
    world.set("SECFIX_DEPLOY_JOBS", "test");
    world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3);
    assert!(!world.server_refs(CAN).contains("merge-requests"));
}

#[test]
fn what_failed_is_run_again_on_request() {
    let world = World::new();
    let gitlab = merged(&world);
    change(&gitlab, |pipeline| {
        pipeline.bridges[0].job.status = "failed".to_owned();
        pipeline.bridges[0].starts = None;
    });
    let hint = "hint: ask whoever may deploy to run: git secfix deploy prompt-injection --wait --retry";
    world.secfix(&["deploy", "--wait", "--every", "1"]).ends(1).says("failed").never_says("stopped waiting");
    world.secfix(&["deploy"]).ends(1).says("failed").warns(hint);
    world.secfix(&["deploy", "--retry"]).warns("running `");
    let retries = gitlab.server.log().iter().filter(|row| row.path.ends_with("/retry")).count();
    assert_eq!(retries, 1);
}
