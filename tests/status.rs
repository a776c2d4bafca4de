//! `git secfix status`.

use std::time::{Duration, Instant};

use git_secfix::rehearsal::{At, Fault, Injected};

use crate::support::{
    GitLab, SEC, World, each_git,
    gitlab::{TOKEN, in_worlds},
    sample::sample,
};

/// The document of `status --json`.
fn document(world: &World, arguments: &[&str]) -> serde_json::Value {
    let ran = world.secfix(&[&["status", "--json"], arguments].concat()).ok();
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    document["fixes"][0].clone()
}

fn blockers(fix: &serde_json::Value) -> Vec<String> {
    fix["blockers"].as_array().unwrap().iter().map(|blocker| blocker["text"].as_str().unwrap().to_owned()).collect()
}

/// A fix with its merge requests opened, looked at once so that the server knows what can be merged.
fn with_requests(world: &World) -> GitLab {
    GitLab::requested(world)
}

#[test]
fn the_whole_way_up_to_the_merge() {
    each_git(|world| {
        let gitlab = GitLab::of(world);
        world.secfix(&["init"]).ok();
        world.secfix(&["branch", "prompt-injection", "-b", "18-4", "--issue", &gitlab.issue.to_string()]).ok();
        world.secfix(&["status"]).ok().says("step 4 of 14: branches").says("next        commit the fix");
        world.commit("fixed", "embargoed\n");
        world
            .secfix(&["status"])
            .ok()
            .says("step 5 of 14: backports")
            .says("`security-prompt-injection-18-4` holds no commit")
            .says("git secfix backport prompt-injection");
        world.git(&["switch", "--quiet", "security-prompt-injection-18-4"]).ok();
        world.git(&["cherry-pick", "-x", "security/main..security-prompt-injection"]).ok();
        world.secfix(&["status"]).ok().says("18.3 is supported and has no backport");
        let reason = "it lacks the parser";
        world.secfix(&["branch", "-b", "18-4", "--without", "18-3", "--reason", reason, "--no-switch"]).ok();
        world.secfix(&["status"]).ok().says("step 6 of 14: push").says("next        git secfix push prompt-injection");
        world.secfix(&["push"]).ok();
        world
            .secfix(&["status"])
            .ok()
            .says("step 7 of 14: merge requests")
            .says("next        git secfix mr prompt-injection");
        world.secfix(&["mr"]).ok();
        // A colleague's clone finds the waiver where the fix is reviewed.
        let text = gitlab.server.change(|state| {
            let requests = &state.project(SEC).unwrap().merge_requests;
            requests.iter().find(|request| request.target_branch == "main").unwrap().description.clone()
        });
        assert!(text.contains("\nWithout a backport to 18.3: it lacks the parser\n"), "{text}");
        world.git(&["config", "--unset", "branch.security-prompt-injection.secfixWithout-18-3"]).ok();
        world
            .secfix(&["status"])
            .ok()
            .says("step 8 of 14: review")
            .says("PSIRT approval of !")
            .says("maintainer approval of !")
            .says("next        git secfix status prompt-injection --watch");
        gitlab.approve_all();
        world.secfix(&["status"]).ok();
        let shown = world.secfix(&["status"]).ok().says("step 9 of 14: merge").says("is not merged");
        shown.never_says("warning");
        assert_eq!(document(world, &[])["gates"]["merge"], true);
        assert_eq!(document(world, &[])["gates"]["disclose"], false);
        gitlab.merge_all(world);
        world.secfix(&["status"]).ok().says("step 10 of 14: deployment").says("no pipeline ran on the merge yet");
        assert_eq!(document(world, &[])["gates"]["disclose"], false);
    });
}

#[test]
fn what_people_see() {
    let world = World::new();
    let gitlab = with_requests(&world);
    // They were opened at once, and so in any order.
    let number = |target: &str| {
        gitlab.server.change(|state| {
            let requests = &state.project(SEC).unwrap().merge_requests;
            requests.iter().find(|request| request.target_branch == target).unwrap().iid
        })
    };
    let numbers = ["main", "stable-18-4-ee", "stable-18-3-ee"].map(number);
    gitlab.server.change(|state| {
        for iid in numbers {
            state.approve(gitlab.security, iid, gitlab.maintainer);
        }
        let running = state.merge_request(gitlab.security, numbers[1]).unwrap().clone();
        let pipeline = state.head_pipeline(&running).unwrap().1.id;
        state.set_pipeline_status(pipeline, "running");
        state.add_thread(gitlab.security, numbers[1], gitlab.maintainer, "Why here?");
    });
    let ran = world.secfix(&["status"]).ok().to_string();
    // The due date is years away: how far changes every day.
    let mut shown = ran.replace(&words_of_days(&ran), "in N days");
    for (iid, letter) in numbers.iter().zip(["a", "b", "c"]) {
        shown = shown.replace(&format!("!{iid}"), &format!("!{letter}"));
    }
    insta::assert_snapshot!(shown);
}

/// The words `in 1234 days`, as the text has them.
fn words_of_days(text: &str) -> String {
    let start = text.find("due in ").unwrap() + "due ".len();
    let end = text[start..].find(" days").unwrap() + start + " days".len();
    text[start..end].to_owned()
}

#[test]
fn a_colleague_sees_the_same_from_another_clone() {
    let world = World::new();
    let gitlab = with_requests(&world);
    let mine = document(&world, &[]);
    let colleague = world.colleague();
    let ran = world.secfix_in(&colleague, &["status", "prompt-injection", "--json"]).ok();
    let theirs: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let theirs = &theirs["fixes"][0];
    // The issue is found again from the merge request.
    for part in ["issue", "blockers", "step", "gates"] {
        assert_eq!(mine[part], theirs[part], "{part}");
    }
    assert_eq!(theirs["targets"][0]["pushed"], "only in security");
    // From a clone that was made before the branches were pushed, too.
    world.git_in(&colleague, &["update-ref", "-d", "refs/remotes/security/security-prompt-injection"]).ok();
    world.git_in(&colleague, &["update-ref", "-d", "refs/remotes/security/security-prompt-injection-18-4"]).ok();
    world.git_in(&colleague, &["update-ref", "-d", "refs/remotes/security/security-prompt-injection-18-3"]).ok();
    let ran = world.secfix_in(&colleague, &["status", "prompt-injection", "--json"]).ok();
    let again: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(again["fixes"][0]["blockers"], theirs["blockers"]);
    let all = world.secfix_in(&colleague, &["status", "--all"]).ok().says("prompt-injection  due in");
    assert_eq!(all.stdout.matches("step 8 of 14").count(), 1);
    assert!(gitlab.requests().len() == 3);
}

#[test]
fn every_open_fix_is_listed() {
    let world = World::new();
    let gitlab = with_requests(&world);
    world.secfix(&["branch", "other"]).ok();
    let ran = world.secfix(&["status", "--all"]).ok();
    assert!(ran.stdout.contains("other  step 1 of 14") && ran.stdout.contains("prompt-injection  due"), "{ran}");
    world.secfix(&["status", "--all", "other"]).ends(2);
    assert_eq!(gitlab.requests().len(), 3);
}

#[test]
fn what_a_newer_gitlab_says_never_opens_the_gate() {
    let world = World::new();
    let gitlab = with_requests(&world);
    gitlab.approve_all();
    world.secfix(&["status"]).ok();
    assert_eq!(document(&world, &[])["gates"]["merge"], true);
    gitlab.server.change(|state| {
        state.merge_request_mut(gitlab.security, 2).unwrap().forced_status = Some("sun_must_shine".to_owned());
    });
    let fix = document(&world, &[]);
    assert_eq!(fix["gates"]["merge"], false);
    assert!(blockers(&fix)[0].contains("GitLab says `sun_must_shine` of !2"), "{:?}", blockers(&fix));
    gitlab.server.change(|state| {
        state.merge_request_mut(gitlab.security, 2).unwrap().forced_status = None;
        let request = state.merge_request(gitlab.security, 2).unwrap().clone();
        let pipeline = state.head_pipeline(&request).unwrap().1.id;
        state.pipeline_mut(pipeline).unwrap().status = "glowing".to_owned();
    });
    let fix = document(&world, &[]);
    assert_eq!(fix["gates"]["merge"], false);
    assert!(blockers(&fix).contains(&"pipeline of !2 has not passed: `glowing`".to_owned()), "{:?}", blockers(&fix));
    gitlab.server.change(|state| {
        state.merge_request_mut(gitlab.security, 2).unwrap().state = "frozen".to_owned();
    });
    let fix = document(&world, &[]);
    assert_eq!(fix["gates"]["merge"], false);
}

#[test]
fn a_backport_that_lacks_a_commit_of_the_fix_blocks() {
    let world = World::new();
    let gitlab = with_requests(&world);
    let more = world.commit("fixed", "the other half\n");
    world.secfix(&["push"]).ok();
    gitlab.approve_all();
    world.secfix(&["status"]).ok();
    let fix = document(&world, &[]);
    assert_eq!(fix["gates"]["merge"], false);
    let lacks = format!("`security-prompt-injection-18-4` lacks {} of the fix", &more[..12]);
    assert!(blockers(&fix).contains(&lacks), "{:?}", blockers(&fix));
    for line in ["18-4", "18-3"] {
        world.git(&["switch", "--quiet", &format!("security-prompt-injection-{line}")]).ok();
        world.git(&["cherry-pick", "-x", "security-prompt-injection"]).ok();
    }
    world.secfix(&["push"]).ok();
    assert!(!blockers(&document(&world, &[])).iter().any(|text| text.contains("lacks")));
}

#[test]
fn what_came_after_the_merge_is_not_lost() {
    let world = World::new();
    let gitlab = with_requests(&world);
    gitlab.merge_all(&world);
    world.secfix(&["status"]).ok().says("step 10 of 14");
    world.commit("fixed", "the other half\n");
    world.secfix(&["push"]).ok();
    let fix = document(&world, &[]);
    assert!(blockers(&fix).iter().any(|text| text.contains("has commits that !")), "{:?}", blockers(&fix));
    let left_out = "`stable-18-4-ee` is left out: `security-prompt-injection-18-4` does not hold the whole fix";
    world.secfix(&["mr"]).ok().says("opened").warns(left_out).warns("next: git secfix backport prompt-injection");
    assert_eq!(gitlab.requests().len(), 4);
}

#[test]
fn a_fix_that_is_nowhere_has_no_status() {
    let world = World::new();
    let gitlab = with_requests(&world);
    let ran = world.secfix(&["status", "promt-injection"]).ends(1).warns("has neither a branch nor a merge request");
    ran.warns("hint: git secfix status prompt-injection");
    world.secfix(&["status", "--watch=1", "zzz"]).ends(1).warns("hint: git secfix status --all");
    // Branches that are gone after the merge leave the merge requests to be seen, from any clone.
    gitlab.merge_all(&world);
    let colleague = world.colleague();
    for branch in ["", "-18-4", "-18-3"] {
        let name = format!("refs/heads/security-prompt-injection{branch}");
        world.git_in(&world.server(SEC), &["update-ref", "-d", &name]).ok();
    }
    world.git_in(&colleague, &["fetch", "--quiet", "--prune", "security"]).ok();
    world.secfix_in(&colleague, &["status", "prompt-injection"]).ok().says("step 10 of 14");
}

#[test]
fn a_pipeline_of_another_commit_has_not_passed() {
    let world = World::new();
    let gitlab = with_requests(&world);
    gitlab.approve_all();
    world.secfix(&["status"]).ok();
    gitlab.server.change(|state| {
        let request = state.merge_request(gitlab.security, 1).unwrap().clone();
        let pipeline = state.head_pipeline(&request).unwrap().1.id;
        let pipeline = state.pipeline_mut(pipeline).unwrap();
        pipeline.source_sha = Some(pipeline.sha.clone());
        pipeline.sha = "e".repeat(40);
    });
    let fix = document(&world, &[]);
    assert_eq!(fix["gates"]["merge"], false);
    assert!(blockers(&fix).contains(&"pipeline of !1 ran on another commit".to_owned()), "{:?}", blockers(&fix));
}

#[test]
fn a_push_after_an_approval_is_pointed_out() {
    let world = World::new();
    let gitlab = with_requests(&world);
    gitlab.server.change(|state| state.project_mut(SEC).unwrap().reset_approvals_on_push = false);
    gitlab.approve_all();
    world.secfix(&["status"]).ok().never_says("approved before");
    std::thread::sleep(Duration::from_millis(20));
    world.commit("fixed", "more\n");
    world.secfix(&["status"]).ok().says("step 5 of 14: backports").says("has commits that are not pushed");
    world.secfix(&["push"]).ok();
    world.secfix(&["status"]).ok();
    world.secfix(&["status"]).ok().warns("approved before the newest push");
}

#[test]
fn without_approval_rules_configured_people_count() {
    let world = World::new();
    let gitlab = with_requests(&world);
    gitlab.server.change(|state| state.premium = false);
    let fix = document(&world, &[]);
    let text = blockers(&fix).join("\n");
    assert!(text.contains("cannot be told: it has no approval rules"), "{text}");
    assert!(text.contains("cannot be told: it cannot be read who belongs to @"), "{text}");
    world.write("home/.config/git-secfix/config.toml", "[approvals.maintainer]\nusers = [\"maintainer\"]\n");
    // What weakens a gate is not taken from the environment.
    world.set("SECFIX_APPROVALS_PSIRT_USERS", "maintainer");
    gitlab.server.change(|state| {
        let group = state.groups.iter().find(|group| group.path.ends_with("psirt-group")).unwrap().id;
        state.add_group_member(group, gitlab.engineer, 10);
    });
    gitlab.approve_all();
    world.secfix(&["status"]).ok();
    let fix = document(&world, &[]);
    assert_eq!(fix["gates"]["merge"], true, "{:?}", blockers(&fix));
    world.secfix(&["status"]).ok().warns("nothing but git-secfix enforces approvals");
}

#[test]
fn the_role_of_a_rule_that_is_gone_is_not_taken_for_granted() {
    let world = World::new();
    let gitlab = with_requests(&world);
    gitlab.approve_all();
    gitlab.server.change(|state| {
        state.project_mut(SEC).unwrap().approval_rules.retain(|rule| rule.name != "Maintainers");
    });
    let fix = document(&world, &[]);
    assert_eq!(fix["gates"]["merge"], false);
    assert!(blockers(&fix).iter().any(|text| text.contains("maintainer approval of !2 cannot be told")), "{fix}");
}

#[test]
fn a_public_issue_and_an_unseen_one_shut_every_gate() {
    let world = World::new();
    let gitlab = with_requests(&world);
    gitlab.approve_all();
    gitlab.server.change(|state| state.issue_mut(gitlab.canonical, gitlab.issue).unwrap().confidential = false);
    world.secfix(&["status"]).ok().says("step 1 of 14: triage").says("is public: fix it in the public project");
    let number = gitlab.issue;
    gitlab.server.change(|state| {
        let issue = state.issue_mut(gitlab.canonical, number).unwrap();
        issue.confidential = true;
        issue.author = gitlab.psirt;
        issue.assignees.clear();
        state.project_mut(crate::support::CAN).unwrap().members.retain(|member| member.user != gitlab.engineer);
    });
    let fix = document(&world, &[]);
    assert!(blockers(&fix)[0].contains("is confidential is not known"), "{fix}");
    for gate in ["request", "merge", "disclose", "tag"] {
        assert_eq!(fix["gates"][gate], false, "{gate}");
    }
}

#[test]
fn watching_ends_with_the_review() {
    let world = World::new();
    let gitlab = with_requests(&world);
    let mut command = world.command("git", &["secfix", "status", "--watch=1"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    gitlab.server.clear_log();
    let child = command.spawn().unwrap();
    // The first look is over when nothing more is asked for a while.
    let mut seen = 0;
    loop {
        std::thread::sleep(Duration::from_millis(600));
        let now = gitlab.server.log().len();
        if now > 0 && now == seen {
            break;
        }
        seen = now;
    }
    // A server that does not answer for a while does not end it.
    gitlab.server.inject(Injected { at: At::Every, fault: Fault::Status(503), times: 40 });
    std::thread::sleep(Duration::from_millis(500));
    gitlab.server.clear_faults();
    gitlab.approve_all();
    let output = child.wait_with_output().unwrap();
    let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}{said}");
    assert!(shown.contains("step 8 of 14") && shown.contains("step 9 of 14"), "{shown}{said}");
    assert!(said.contains("looking again in 1s"), "{said}");
    world.secfix(&["status", "--watch=0"]).ends(2);
    world.secfix(&["status", "--watch", "--json"]).ends(2);
}

/// Every fault at every request: an exit code of the table, a message with a hint, and the next run
/// says what the first would have.
#[test]
fn any_fault_at_any_request_is_told() {
    let html = |body: &str| Fault::Body { status: 200, content_type: "text/html".to_owned(), body: body.to_owned() };
    let json =
        |body: &str| Fault::Body { status: 200, content_type: "application/json".to_owned(), body: body.to_owned() };
    let redirect = Fault::Redirect { status: 307, location: "https://evil.example/".to_owned() };
    let faults: [(Fault, &[i32]); 12] = [
        (Fault::Status(401), &[4]),
        (Fault::Status(403), &[0, 1]),
        (Fault::Status(404), &[0, 1]),
        (Fault::Status(429), &[0]),
        (Fault::Status(500), &[0]),
        (Fault::Status(502), &[0]),
        (Fault::Dropped, &[0]),
        (Fault::DroppedAfter, &[0]),
        (Fault::Truncated, &[0]),
        (redirect, &[5]),
        (html("<title>Sign in</title>"), &[5]),
        (json("{}"), &[0, 5]),
    ];
    let world = World::new();
    let gitlab = with_requests(&world);
    world.secfix(&["status"]).ok();
    gitlab.server.clear_log();
    world.secfix(&["status"]).ok();
    let count = gitlab.server.log().len();
    assert!(count >= 20, "{count} requests");
    let all: Vec<_> = faults.iter().flat_map(|fault| (0..count).map(move |number| (fault, number))).collect();
    in_worlds(&sample(all, 16, "faults: status"), |troubles| {
        let world = World::new();
        let gitlab = with_requests(&world);
        let good = world.secfix(&["status"]).ok().stdout;
        for ((fault, codes), number) in troubles {
            gitlab.server.inject(Injected { at: At::Request(*number), fault: fault.clone(), times: 1 });
            let ran = world.secfix(&["status"]).never_says(TOKEN);
            gitlab.server.clear_faults();
            assert!(codes.contains(&ran.code), "{fault:?} at request {number}: {ran}");
            // Whatever could not be read, nothing looks better than it is.
            assert!(!ran.stdout.contains("step 9"), "{fault:?} at request {number}: {ran}");
            if ran.code != 0 {
                ran.warns("error: ").warns("hint: ");
            }
            assert_eq!(world.secfix(&["status"]).ok().stdout, good);
        }
    });
}

#[test]
fn independent_requests_run_at_once() {
    let world = World::new();
    let gitlab = with_requests(&world);
    let delay = Duration::from_millis(200);
    gitlab.server.inject(Injected { at: At::Every, fault: Fault::Delay(delay), times: u32::MAX });
    gitlab.server.clear_log();
    let started = Instant::now();
    world.secfix(&["status"]).ok();
    let took = started.elapsed();
    // Not the time is asserted, which belongs to the machine, but how many rounds there were: a round
    // is over when a request starts after all those before it were answered.
    let mut starts: Vec<Duration> = gitlab.server.log().iter().map(|logged| logged.started).collect();
    starts.sort();
    let rounds = 1 + starts.windows(2).filter(|pair| pair[1] - pair[0] > delay / 2).count();
    assert!(rounds <= 3, "{rounds} rounds in {took:?}: {starts:?}");
    assert!(starts.len() > 20, "{} requests", starts.len());
}
