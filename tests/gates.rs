//! No way round a gate: every state that the local GitLab can be put into before the deployment is done, and every
//! command in each of them. Nothing reaches canonical: no branch, no tag, no merge request, no note, no object.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use git_secfix::rehearsal::{
    At, BridgeSpec, Downstream, Fault, Injected, JobSpec, Logged, MergeRequest, PipelineSpec, Project, State,
    Visibility,
};

use crate::support::{
    CAN, GitLab, Ran, SEC, World,
    gitlab::in_worlds,
    sample::sample,
    say,
    stage::{CONFIGURATION, FIX, Stage, canonical, walkthrough},
};

const STAGE: &str = "runway_production";
const JOB: &str = "🛫 [duo-workflow-svc] Trigger runway deployment production";

/// Every status of jobs and pipelines but `success`, and one of a GitLab to come.
const STATUSES: [&str; 12] = [
    "created",
    "waiting_for_resource",
    "preparing",
    "pending",
    "running",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
    "glorious",
];

/// Makes a state of what is there.
type Make = Box<dyn Fn(&World, &GitLab) + Sync>;

/// A state of GitLab: a stage of the walkthrough, and what is different from it.
struct Case {
    name: String,
    stage: &'static Stage,
    make: Make,
}

impl Case {
    fn of(stage: &'static Stage, name: impl Into<String>, make: impl Fn(&World, &GitLab) + Sync + 'static) -> Self {
        Self { name: name.into(), stage, make: Box::new(make) }
    }

    fn merged(name: impl Into<String>, make: impl Fn(&World, &GitLab) + Sync + 'static) -> Self {
        Self::of(&walkthrough().merged, name, make)
    }

    /// Merged, with this pipeline on the merge in the place of the one that followed it.
    fn pipeline(name: impl Into<String>, jobs: Vec<JobSpec>, bridges: Vec<BridgeSpec>) -> Self {
        let spec = pipeline("success", jobs, bridges);
        Self::merged(name, move |world, gitlab| {
            run(world, gitlab, spec.clone());
        })
    }

    /// The same, where all that deploys is a trigger job that is green and started this.
    fn downstream(name: impl Into<String>, spec: PipelineSpec) -> Self {
        Self::merged(name, move |world, gitlab| {
            let trigger = trigger("success", Some((deployments(gitlab), spec.clone())));
            run(world, gitlab, pipeline("success", vec![], vec![trigger]));
        })
    }

    /// Deployed, and something else is wrong with the projects.
    fn deployed(name: &str, make: impl Fn(&mut State) + Sync + 'static) -> Self {
        Self::of(&walkthrough().deployed, name, move |_, gitlab| gitlab.server.change(&make))
    }
}

fn job(status: &str) -> JobSpec {
    // What somebody starts here deploys nothing.
    JobSpec { then: vec!["failed".to_owned()], ..JobSpec::new(JOB, STAGE, status) }
}

fn trigger(status: &str, starts: Option<(u64, PipelineSpec)>) -> BridgeSpec {
    let starts = starts.map(|(project, pipeline)| Box::new(Downstream { project, pipeline }));
    BridgeSpec { job: job(status), downstream: None, starts }
}

fn pipeline(status: &str, jobs: Vec<JobSpec>, bridges: Vec<BridgeSpec>) -> PipelineSpec {
    PipelineSpec { jobs, bridges, ..PipelineSpec::new("main", &"d".repeat(40), status) }
}

/// A pipeline further down with a job in a stage of its own.
fn further(status: &str, of_job: &str) -> PipelineSpec {
    pipeline(status, vec![JobSpec { name: "deploy".to_owned(), stage: "deploy".to_owned(), ..job(of_job) }], vec![])
}

fn deployments(gitlab: &GitLab) -> u64 {
    gitlab.server.change(|state| state.project("gitlab-com/deployments/duo-workflow-svc").unwrap().id)
}

/// Lets this be the only pipeline of `main`, on the commit of the merge unless it says another one.
fn run(world: &World, gitlab: &GitLab, mut spec: PipelineSpec) -> u64 {
    if spec.sha == "d".repeat(40) {
        spec.sha = world.tip_there(SEC, "main");
    }
    gitlab.server.change(|state| {
        state.project_mut(SEC).unwrap().pipelines.retain(|known| known.reference != "main");
        state.add_pipeline(gitlab.security, spec)
    })
}

fn configure(world: &World, more: &str) {
    world.write("home/.config/git-secfix/config.toml", &format!("{CONFIGURATION}{more}"));
}

fn security(state: &mut State) -> &mut Project {
    state.project_mut(SEC).unwrap()
}

/// The merge request of security to a branch.
fn request<'a>(state: &'a mut State, target: &str) -> &'a mut MergeRequest {
    security(state).merge_requests.iter_mut().find(|request| request.target_branch == target).unwrap()
}

/// The gate is shut in all of these, for one reason each.
fn shut() -> Vec<Case> {
    let mut cases = vec![
        Case::of(&walkthrough().reviewed, "nothing is merged", |_, _| {}),
        Case::of(&walkthrough().reviewed, "one is not approved", |_, gitlab| {
            gitlab.server.change(|state| request(state, "stable-18-3-ee").approvals.clear());
        }),
        Case::of(&walkthrough().reviewed, "some are merged", |world, gitlab| {
            let iid = gitlab.server.change(|state| request(state, "stable-18-4-ee").iid);
            let at = At::Matching { method: Some("PUT".to_owned()), path_contains: format!("/{iid}/merge") };
            gitlab.server.inject(Injected { at, fault: Fault::Status(409), times: u32::MAX });
            world.secfix(&["merge"]).ends(1);
            gitlab.server.clear_faults();
            run(world, gitlab, pipeline("success", vec![job("success")], vec![]));
        }),
        Case::merged("no pipeline", |world, gitlab| {
            run(world, gitlab, pipeline("success", vec![], vec![]));
            gitlab.server.change(|state| security(state).pipelines.clear());
        }),
    ];
    for status in STATUSES {
        cases.push(Case::pipeline(format!("a job that is {status}"), vec![job(status)], vec![]));
        cases.push(Case::pipeline(format!("a trigger that is {status}"), vec![], vec![trigger(status, None)]));
        cases.push(Case::downstream(format!("a pipeline further down that is {status}"), further(status, "success")));
        cases.push(Case::downstream(format!("a job further down that is {status}"), further("success", status)));
    }
    cases.extend(shut_further_down());
    cases.extend(shut_by_names());
    cases.extend(shut_by_other_pipelines());
    cases.extend(shut_by_projects());
    cases
}

fn shut_further_down() -> Vec<Case> {
    let tolerated = JobSpec { allow_failure: true, ..JobSpec::new("deploy", "deploy", "failed") };
    let beside = |more: JobSpec| pipeline("success", vec![JobSpec::new("build", "build", "success"), more], vec![]);
    let mut cases = vec![
        Case::pipeline("a trigger that started nothing", vec![], vec![trigger("success", None)]),
        Case::downstream("a failure further down that is allowed", beside(tolerated)),
        Case::downstream("a job beside others that was skipped", beside(JobSpec::new("deploy", "deploy", "skipped"))),
        Case::downstream("a job beside others that nobody started", beside(JobSpec::new("deploy", "deploy", "manual"))),
        Case::downstream("nothing further down", pipeline("success", vec![], vec![])),
        Case::merged("a pipeline that cannot be seen", |world, gitlab| {
            let hidden = gitlab.server.change(|state| state.add_project("elsewhere/hidden", Visibility::Private));
            let trigger = trigger("success", Some((hidden, further("success", "success"))));
            run(world, gitlab, pipeline("success", vec![], vec![trigger]));
        }),
    ];
    for (status, of_job) in
        [("manual", "success"), ("failed", "success"), ("success", "manual"), ("success", "running")]
    {
        cases.push(Case::merged(format!("two deep: {status} with {of_job}"), move |world, gitlab| {
            let project = deployments(gitlab);
            let last = trigger("success", Some((project, further(status, of_job))));
            let between = pipeline("success", vec![], vec![last]);
            run(world, gitlab, pipeline("success", vec![], vec![trigger("success", Some((project, between)))]));
        }));
    }
    cases
}

fn shut_by_names() -> Vec<Case> {
    let of_other_service = "[deploy]\njobs = [\"[duo-workflow-svc]\", \"[ai-gateway]\"]\n";
    let two = move |other: Option<&'static str>| {
        move |world: &World, gitlab: &GitLab| {
            configure(world, of_other_service);
            let other = other.map(|status| JobSpec::new("[ai-gateway] deploy", STAGE, status));
            run(world, gitlab, pipeline("success", [job("success")].into_iter().chain(other).collect(), vec![]));
        }
    };
    let named = |name: &str, stage: &str| vec![JobSpec::new(name, stage, "success")];
    vec![
        Case::pipeline("no job that deploys", named("test", "test"), vec![]),
        Case::pipeline("a job of another name", named("[duo-workflow] deploy", STAGE), vec![]),
        Case::pipeline("a name that a pattern would fit", named("d deploy", STAGE), vec![]),
        Case::pipeline("a job in another stage", named(JOB, "runway_staging"), vec![]),
        Case::merged("one of two services is missing", two(None)),
        Case::merged("one of two services failed", two(Some("failed"))),
        Case::merged("one of two services waits", two(Some("manual"))),
        Case::merged("not configured", |world, gitlab| {
            let own = world.read("work/.git/secfix.toml").replace("ai-gateway", "gitlab");
            world.write("work/.git/secfix.toml", &own);
            run(world, gitlab, pipeline("success", vec![job("success")], vec![]));
        }),
    ]
}

fn shut_by_other_pipelines() -> Vec<Case> {
    let elsewhere = |reference: &'static str| {
        move |world: &World, gitlab: &GitLab| {
            let spec =
                PipelineSpec { reference: reference.to_owned(), ..pipeline("success", vec![job("success")], vec![]) };
            run(world, gitlab, spec);
        }
    };
    let older = |world: &World| world.tip_there(CAN, "main");
    vec![
        Case::merged("the newest run of a job failed", |world, gitlab| retry(world, gitlab, ["success", "failed"])),
        Case::merged("the newest run of a job waits", |world, gitlab| retry(world, gitlab, ["success", "manual"])),
        Case::merged("a pipeline of another branch", elsewhere("security-prompt-injection")),
        Case::merged("a pipeline of a stable branch", elsewhere("stable-18-4-ee")),
        Case::merged("a pipeline of a merge request", elsewhere("refs/merge-requests/1/head")),
        Case::merged("a newer pipeline of an older commit", move |world, gitlab| {
            let spec = pipeline("success", vec![job("success")], vec![]);
            run(world, gitlab, PipelineSpec { sha: older(world), ..spec });
        }),
        Case::merged("a pipeline of a commit that nobody has", |world, gitlab| {
            let spec = pipeline("success", vec![job("success")], vec![]);
            run(world, gitlab, PipelineSpec { sha: "e".repeat(40), ..spec });
        }),
        Case::merged("a pipeline of the reviewed commit", |world, gitlab| {
            let sha = world.git(&["rev-parse", "security-prompt-injection"]).ok().line();
            run(world, gitlab, PipelineSpec { sha, ..pipeline("success", vec![job("success")], vec![]) });
        }),
        Case::merged("a pipeline in canonical", |world, gitlab| {
            run(world, gitlab, pipeline("success", vec![], vec![]));
            let sha = world.tip_there(SEC, "main");
            let spec = PipelineSpec { sha, ..pipeline("success", vec![job("success")], vec![]) };
            gitlab.server.change(|state| state.add_pipeline(gitlab.canonical, spec));
        }),
    ]
}

/// Two runs of the job that deploys, the older one first.
fn retry(world: &World, gitlab: &GitLab, statuses: [&str; 2]) {
    let id = run(world, gitlab, pipeline("success", statuses.map(job).to_vec(), vec![]));
    gitlab.server.change(|state| state.pipeline_mut(id).unwrap().jobs[0].retried = true);
}

fn shut_by_projects() -> Vec<Case> {
    /// A branch of security is where it was before the merge, whatever the merge request says.
    fn without_merge(branch: &'static str) -> Case {
        Case::of(&walkthrough().deployed, format!("`{branch}` does not hold what is merged"), move |world, _| {
            let before = world.tip_there(CAN, branch);
            world.git_in(&world.server(SEC), &["update-ref", &format!("refs/heads/{branch}"), &before]).ok();
        })
    }
    vec![
        Case::deployed("the issue is public", |state| state.project_mut(CAN).unwrap().issues[0].confidential = false),
        Case::deployed("the issue cannot be seen", |state| state.project_mut(CAN).unwrap().issues.clear()),
        Case::deployed("security is public", |state| security(state).visibility = Visibility::Public),
        Case::deployed("security is internal", |state| security(state).visibility = Visibility::Internal),
        Case::of(&walkthrough().deployed, "there is more to merge", |world, gitlab| {
            let (tip, source) = (world.tip_there(SEC, "stable-18-3-ee"), "security-prompt-injection-18-3");
            world.git_in(&world.server(SEC), &["update-ref", &format!("refs/heads/{source}"), &tip]).ok();
            world.commit_there(SEC, source, "more", "embargoed\n");
            gitlab.server.change(|state| {
                let request = request(state, "stable-18-3-ee");
                (request.state, request.target_head) = ("opened".to_owned(), Some(tip));
            });
        }),
        Case::deployed("a merge request is closed", |state| request(state, "main").state = "closed".into()),
        Case::deployed("a state that nobody knows", |state| request(state, "main").state = "glorious".into()),
        without_merge("main"),
        without_merge("stable-18-3-ee"),
    ]
}

/// Everything that a person may try, in an order in which what changes security comes last.
fn commands(world: &World) -> Vec<Vec<String>> {
    let fix = world.git(&["rev-parse", "security-prompt-injection"]).ok().line();
    let commands: [&[&str]; 15] = [
        &["status"],
        &["deploy"],
        &["sync", "--yes", FIX],
        &["sync", "--yes", FIX, "--no-merge"],
        &["sync", "--yes", FIX, "--continue"],
        &["sync", "--yes", FIX, "--include", &fix],
        &["sync", "--resolve", "main"],
        &["sync", "--dry-run"],
        &["tag"],
        &["verify"],
        &["verify", "--play"],
        &["clean"],
        &["mr"],
        &["merge"],
        &["deploy", "--play"],
    ];
    commands.iter().map(|words| words.iter().map(|&word| word.to_owned()).collect()).collect()
}

fn secfix(world: &World, words: &[String]) -> Ran {
    let more: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    world.run(world.command(format!("git-secfix-{}", words[0]), &more))
}

/// What went wrong with a command, if anything did.
fn trouble(words: &[String], ran: &Ran, is_same: bool) -> Option<&'static str> {
    let wanted: &[i32] = match words[0].as_str() {
        // Where nothing else is in the walkthrough, what was merged just now is deployed by that.
        _ if words.ends_with(&["--play".to_owned()]) => &[0, 1],
        "status" => &[0],
        "sync" | "tag" => &[3],
        "deploy" | "verify" => &[1],
        _ => &[0, 1, 3],
    };
    match ran.code {
        _ if !is_same => Some("something reached canonical"),
        code if !wanted.contains(&code) => Some("another exit code"),
        0 => None,
        _ if ran.stderr.contains("error: ") && ran.stderr.contains("hint: ") => None,
        _ => Some("no hint"),
    }
}

#[test]
fn nothing_is_public_before_the_gate_opens() {
    let cases = sample(shut(), 6, "states in front of the gate");
    let walked = AtomicUsize::new(0);
    let troubles = Mutex::new(Vec::new());
    in_worlds(&cases, |cases| {
        let (world, gitlab) = walkthrough().merged.enter();
        for Case { name, stage, make } in cases {
            stage.restore(&world, &gitlab);
            make(&world, &gitlab);
            let before = canonical(&world, &gitlab);
            for words in commands(&world) {
                let ran = secfix(&world, &words);
                let is_same = canonical(&world, &gitlab) == before;
                if let Some(trouble) = trouble(&words, &ran, is_same) {
                    troubles.lock().unwrap().push(format!("{name}: {trouble}: {ran}"));
                }
                walked.fetch_add(1, Ordering::Relaxed);
            }
            if !stage.has_same_repository(&world, CAN) {
                troubles.lock().unwrap().push(format!("{name}: canonical is not as it was"));
            }
        }
    });
    let troubles = troubles.into_inner().unwrap();
    assert!(troubles.is_empty(), "{} times:\n{}", troubles.len(), troubles.join("\n"));
    say(&format!("counted: {} commands in front of the gate", walked.into_inner()));
}

/// Open, one for each way in which a fix may be deployed.
fn open() -> Vec<Case> {
    vec![
        Case::pipeline("a job that succeeded", vec![job("success")], vec![]),
        Case::downstream("a trigger whose pipeline succeeded", further("success", "success")),
        Case::merged("two deep", |world, gitlab| {
            let project = deployments(gitlab);
            let last = trigger("success", Some((project, further("success", "success"))));
            let between = pipeline("success", vec![], vec![last]);
            run(world, gitlab, pipeline("success", vec![], vec![trigger("success", Some((project, between)))]));
        }),
        Case::merged("a later commit of `main`", |world, gitlab| {
            let sha = world.commit_there(SEC, "main", "later", "of another fix\n");
            run(world, gitlab, PipelineSpec { sha, ..pipeline("success", vec![job("success")], vec![]) });
        }),
        Case::merged("the newest run succeeded", |world, gitlab| retry(world, gitlab, ["failed", "success"])),
    ]
}

/// The walk can fail: where the fix is deployed, the gate is open.
#[test]
fn the_gate_opens_where_the_fix_is_deployed() {
    let (world, gitlab) = walkthrough().merged.enter();
    for Case { name, stage, make } in open() {
        stage.restore(&world, &gitlab);
        make(&world, &gitlab);
        world.secfix(&["deploy"]).ok().says("deployed");
        // Work of another fix on the branch is a matter of its own.
        let newest = world.tip_there(SEC, "main");
        world.secfix(&["sync", "--dry-run", "--include", &newest]).ok();
        assert!(stage.has_same_repository(&world, CAN), "{name}");
    }
}

/// What these do depends on the clone alone: no state of GitLab makes a difference to them.
#[test]
fn commands_of_the_clone_publish_nothing() {
    let (world, gitlab) = walkthrough().merged.enter();
    for stage in [&walkthrough().reviewed, &walkthrough().merged, &walkthrough().deployed] {
        stage.restore(&world, &gitlab);
        for words in [&["push"][..], &["push", "--force-with-lease"], &["backport"], &["branch", FIX, "-b", "all"]] {
            let ran = world.secfix(words);
            assert!([0, 1].contains(&ran.code), "{ran}");
            assert!(stage.has_same_repository(&world, CAN), "{ran}");
        }
        // They have things looked at, and nothing else.
        let others: Vec<Logged> = gitlab.server.log().into_iter().filter(|row| row.method != "GET").collect();
        assert!(others.is_empty(), "{others:?}");
    }
}
