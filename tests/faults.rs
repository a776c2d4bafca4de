//! Whatever goes wrong at any request of the commands behind the review: they end with a code of the table and a
//! hint, they tell no token, and run again they complete, with nothing there twice.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use git_secfix::rehearsal::{At, Fault, Injected, Logged};

use crate::support::{
    GitLab, Ran, World,
    gitlab::in_worlds,
    sample::sample,
    say,
    scenario::{self, Scenario},
    stage::everything,
};

/// How many of them are tried for each command where not all are.
const FEW: usize = 4;

/// What goes wrong.
fn faults() -> Vec<Fault> {
    let statuses = [401, 403, 404, 405, 409, 422, 429, 500, 502].map(Fault::Status);
    let page = "<title>Sign in</title>".to_owned();
    let others = [
        Fault::Dropped,
        Fault::DroppedAfter,
        Fault::Truncated,
        BRIEF,
        LATE,
        Fault::Redirect { status: 302, location: "https://evil.example/".to_owned() },
        Fault::Body { status: 200, content_type: "text/html".to_owned(), body: page },
    ];
    statuses.into_iter().chain(others).collect()
}

/// Slow, and in time all the same.
const BRIEF: Fault = Fault::Delay(Duration::from_millis(150));

/// Slower than `gitlab.timeout`, which is a second then.
const LATE: Fault = Fault::Delay(Duration::from_millis(1500));

/// How a command may end with a fault.
fn codes(fault: &Fault) -> &'static [i32] {
    match fault {
        Fault::Status(401) => &[0, 1, 4],
        Fault::Status(403 | 404 | 405 | 409 | 422) => &[0, 1, 3],
        Fault::Delay(time) if *time < Duration::from_secs(1) => &[0],
        _ => &[0, 5],
    }
}

/// Whether a question that has no effect ends with it in a way of its own.
fn differs(fault: &Fault) -> bool {
    !matches!(fault, Fault::Status(405 | 409 | 500) | Fault::DroppedAfter)
}

/// Something to go wrong at the request of a number.
type Trouble = (usize, Fault);

/// Every fault at every request that changes something, and those that a question can tell apart at each kind of
/// question that this command alone asks. What all commands ask first is asked by `status` as well, whose test has
/// every fault at each of these requests. Here, so that it is done in a minute or two, each third of them has one of
/// the faults in turn, and so has what is asked of each branch in the same way.
fn troubles(scenario: &Scenario, world: &World, gitlab: &GitLab) -> Vec<Trouble> {
    let words = |logged: &Logged| format!("{} {} {}", logged.method, logged.path, logged.query);
    world.secfix(&["status", "prompt-injection"]).ok();
    let common: BTreeSet<String> = gitlab.server.log().iter().map(words).collect();
    scenario.begin(world, gitlab);
    let ran = world.run(scenario.command(world));
    assert!(ran.code <= 1, "{ran}");
    let mut seen = BTreeSet::new();
    let mut troubles = vec![];
    for (number, logged) in gitlab.server.log().iter().enumerate() {
        let is_own = !common.contains(&words(logged)) && seen.insert(kind(logged));
        if logged.method != "GET" {
            troubles.extend(faults().into_iter().map(|fault| (number, fault)));
        } else if is_own {
            troubles.extend(faults().into_iter().filter(differs).map(|fault| (number, fault)));
        } else if number % 3 == 0 {
            troubles.push((number, faults()[number / 3 % faults().len()].clone()));
        }
    }
    scenario.begin(world, gitlab);
    troubles
}

/// The path without what is different for each branch.
fn kind(logged: &Logged) -> String {
    let is_name = |part: &str| {
        part.parse::<u64>().is_ok()
            || ["main", "stable-", "sync-", "self-hosted"].iter().any(|start| part.starts_with(start))
    };
    let parts: Vec<&str> = logged.path.split('/').map(|part| if is_name(part) { "*" } else { part }).collect();
    parts.join("/")
}

fn run_with(scenario: &Scenario, world: &World, gitlab: &GitLab, (number, fault): &Trouble) -> Ran {
    gitlab.server.inject(Injected { at: At::Request(*number), fault: fault.clone(), times: 1 });
    if matches!(fault, Fault::Delay(time) if *time > Duration::from_secs(1)) {
        world.set("SECFIX_GITLAB_TIMEOUT", "1");
    }
    let ran = world.run(scenario.command(world));
    world.unset("SECFIX_GITLAB_TIMEOUT");
    scenario.go_on(world, gitlab);
    ran
}

fn walk(scenario: &Scenario) {
    let (world, gitlab) = scenario.enter();
    let troubles = sample(troubles(scenario, &world, &gitlab), FEW, &format!("faults: {}", scenario.name()));
    scenario.run(&world).ok();
    let end = everything(&world, &gitlab);
    let again = AtomicUsize::new(0);
    in_worlds(&troubles, |troubles| {
        let (world, gitlab) = scenario.enter();
        for trouble in troubles {
            let ran = run_with(scenario, &world, &gitlab, trouble).never_says("glpat");
            let is_on_its_way = ran.code == 1 && scenario.words.contains(&"--play");
            assert!(codes(&trouble.1).contains(&ran.code) || is_on_its_way, "{trouble:?}: {ran}");
            if ran.code != 0 {
                assert!(ran.stderr.contains("error: ") && ran.stderr.contains("hint: "), "{trouble:?}: {ran}");
            }
            // A run from where nothing was changed is the one that was seen already.
            if scenario.stage.is_untouched(&world, &gitlab) && ran.code != 0 {
                continue;
            }
            // What only helps along is left out with a warning.
            let warns = |line: &str| line.starts_with("warning: ") && line.contains("schedule");
            if ran.code != 0 || ran.stderr.lines().any(warns) {
                again.fetch_add(1, Ordering::Relaxed);
                scenario.run(&world).ok();
            }
            let now = everything(&world, &gitlab);
            assert!(now == end, "{trouble:?}: {ran}\n{now}\ninstead of\n{end}");
            scenario.begin(&world, &gitlab);
        }
    });
    let again = again.into_inner();
    say(&format!("counted: {again} faults with something left to do: {}", scenario.name()));
}

#[test]
fn merge() {
    walk(&scenario::merge());
}

#[test]
fn deploy() {
    walk(&scenario::deploy());
}

#[test]
fn sync() {
    walk(&scenario::sync());
}

#[test]
fn tag() {
    walk(&scenario::tag());
}

#[test]
fn tag_by_job() {
    walk(&scenario::tag_by_job());
}

#[test]
fn verify() {
    // What is asked after the publishing is asked by `clean` as well.
    walk(&scenario::publish());
}

#[test]
fn clean() {
    walk(&scenario::clean());
}
