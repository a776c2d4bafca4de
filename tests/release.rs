//! From the review to the public: `merge`, `deploy`, `sync`, `tag`, `verify` and `clean` in a row.

use git_secfix::rehearsal::{At, Fault, Injected};

use crate::support::{CAN, GitLab, SEC, World, each_git};

/// The maintainer at the keyboard.
fn as_maintainer(world: &World) {
    world.unset("SECFIX_TOKEN");
    world.set("SECFIX_TOKEN", "glpat-maintainer");
}

const TAGS: [&str; 3] = ["self-hosted-v18.4.0-ee", "self-hosted-v18.3.0-ee", "self-hosted-v18.2.0-ee"];

/// A whole fix with three lines, told in the commands that it takes.
#[test]
fn a_whole_fix_takes_few_commands() {
    each_git(|world| {
        let gitlab = GitLab::of(world);
        gitlab.with_release();
        let issue = gitlab.issue.to_string();
        let commands = std::cell::RefCell::new(Vec::new());
        let secfix = |words: &[&str]| {
            commands.borrow_mut().push(format!("git secfix {}", words.join(" ")));
            world.secfix(words)
        };
        secfix(&["init"]).ok();
        secfix(&["branch", "prompt-injection", "-b", "18-4", "-b", "18-3", "-b", "18-2", "--issue", &issue]).ok();
        world.commit("fixed", "embargoed\n");
        secfix(&["backport"]).ok();
        secfix(&["push"]).ok();
        secfix(&["mr"]).ok();
        gitlab.approve_all();
        as_maintainer(world);
        secfix(&["merge"]).ok().warns("next: git secfix deploy prompt-injection --wait");
        secfix(&["deploy", "--play", "--wait", "--every", "1"]).ok().says("deployed");
        secfix(&["sync", "--yes", "prompt-injection"]).ok().says("this fix").says("merged");
        secfix(&["tag"]).ok().says("self-hosted-v18.4.0-ee").says("tagged");
        gitlab.publish(world, &TAGS);
        secfix(&["verify"]).ok();
        let commands = commands.into_inner();
        println!("{} commands from init to verify:\n  {}", commands.len(), commands.join("\n  "));
        assert!(commands.len() <= 12);
        world.git(&["switch", "--quiet", "--detach", "origin/main"]).ok();
        world.secfix(&["clean", "prompt-injection"]).ok();
        world.secfix(&["status", "prompt-injection"]).ok().says("  done").says("nothing is left to do");
    });
}

/// The same on the worst day: everything goes wrong once.
#[test]
fn on_the_worst_day_it_ends_well() {
    each_git(|world| {
        let gitlab = GitLab::reviewed(world);
        let public = || world.server_refs(CAN);
        let before = public();

        // One merge request fails in the middle of the merge.
        let iid = gitlab.server.change(|state| {
            let requests = &state.project(SEC).unwrap().merge_requests;
            requests.iter().find(|request| request.target_branch == "stable-18-4-ee").unwrap().iid
        });
        let at = At::Matching { method: Some("PUT".to_owned()), path_contains: format!("/{iid}/merge") };
        gitlab.server.inject(Injected { at, fault: Fault::Status(422), times: u32::MAX });
        world.secfix(&["merge", "--timeout", "1"]).ends(1).says("main            !").says("not merged");
        gitlab.server.clear_faults();
        world.secfix(&["status"]).ok().says("step 9 of 14: merge");
        world.secfix(&["merge"]).ok().says("merged already");

        // The job that deploys waits for somebody, then fails further down, then is started again.
        world.secfix(&["deploy"]).ends(1).says("waiting").warns("has to start `🛫 [duo-workflow-svc]");
        let deployments = "gitlab-com/deployments/duo-workflow-svc";
        gitlab.server.change(|state| {
            let bridges =
                &mut state.project_mut(SEC).unwrap().pipelines.iter_mut().flat_map(|found| &mut found.bridges);
            for bridge in bridges {
                let downstream = &mut bridge.starts.as_mut().unwrap().pipeline;
                downstream.status = "failed".to_owned();
                downstream.jobs[0].status = "failed".to_owned();
            }
        });
        world
            .secfix(&["deploy", "--play", "--wait", "--every", "1"])
            .ends(1)
            .says("failed")
            .says("`deploy` failed, in pipeline")
            .warns("nothing of it may become public");
        world.secfix(&["sync", "--yes", "prompt-injection"]).ends(3).warns("`deploy` failed");
        assert_eq!(public(), before);
        gitlab.server.change(|state| {
            for pipeline in &mut state.project_mut(deployments).unwrap().pipelines {
                pipeline.jobs[0].status = "running".to_owned();
                pipeline.status = "running".to_owned();
            }
        });
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| world.secfix(&["deploy", "--wait", "--every", "1", "--json"]));
            std::thread::sleep(std::time::Duration::from_millis(1500));
            gitlab.server.change(|state| {
                for pipeline in &mut state.project_mut(deployments).unwrap().pipelines {
                    pipeline.jobs[0].status = "success".to_owned();
                    pipeline.status = "success".to_owned();
                }
            });
            let ran = waiting.join().unwrap().ok();
            assert_eq!(ran.stdout.lines().count(), 1, "one line for another program: {ran}");
            ran.says("\"deployed\":true");
        });
        assert_eq!(public(), before);

        // Canonical moved meanwhile.
        world.commit_there(CAN, "stable-18-3-ee", "fixed", "public, and different\n");
        world.secfix(&["sync", "--yes", "prompt-injection"]).ends(6).warns("--resolve stable-18-3-ee");
        world.secfix(&["sync", "--resolve", "18-3"]).ends(6);
        let tree = world.path("work-sync-stable-18-3-ee");
        std::fs::write(tree.join("fixed"), "both\n").unwrap();
        world.git_in(&tree, &["add", "fixed"]).ok();
        world.secfix(&["sync", "--continue", "--yes", "prompt-injection"]).ok();
        for branch in ["main", "stable-18-4-ee", "stable-18-3-ee"] {
            assert!(world.holds_there(CAN, branch, &world.tip_there(SEC, branch)), "{branch}");
        }

        world.secfix(&["tag"]).ok();
        gitlab.publish(world, &TAGS[..2]);
        world.secfix(&["verify"]).ok();
        world.git(&["switch", "--quiet", "--detach", "origin/main"]).ok();
        world.secfix(&["clean", "prompt-injection"]).ok();
        world.secfix(&["status", "prompt-injection"]).ok().says("nothing is left to do");
    });
}

/// A colleague on another machine goes on with what the first one began.
#[test]
fn a_colleague_takes_over_after_the_merge() {
    let world = World::new();
    let gitlab = GitLab::deployed(&world);
    let theirs = world.colleague();
    let secfix = |words: &[&str]| world.secfix_in(&theirs, words);
    secfix(&["deploy", "prompt-injection"]).ok();
    secfix(&["sync", "prompt-injection", "--yes", "prompt-injection"]).ok();
    world.secfix(&["tag"]).ok();
    gitlab.publish(&world, &TAGS[..2]);
    secfix(&["verify", "prompt-injection"]).ok();
    secfix(&["clean", "prompt-injection"]).ok();
}
