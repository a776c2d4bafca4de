//! How long `git secfix status` takes for a fix with four merge requests when every answer of GitLab
//! takes 200 ms more, beside the same requests made one after the other, as a script makes them.
//!
//! `cargo bench --bench status`

#![expect(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement ends where something fails, prints its result, and uses a part of the tests' world"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use git_secfix::rehearsal::{At, Fault, Injected};
use support::{GitLab, World, gitlab::TOKEN};

const RUNS: usize = 15;
const DELAY: Duration = Duration::from_millis(200);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let world = World::new();
    let gitlab = GitLab::of(&world);
    world.with_pushed_fix(gitlab.issue);
    world.secfix(&["branch", "prompt-injection", "-b", "18-2", "--no-switch"]).ok();
    world.git(&["switch", "--quiet", "security-prompt-injection-18-2"]).ok();
    world.git(&["cherry-pick", "-x", "security-prompt-injection"]).ok();
    world.secfix(&["push"]).ok();
    world.secfix(&["mr"]).ok();
    gitlab.approve_all();
    world.secfix(&["status"]).ok();
    assert_eq!(gitlab.requests().len(), 4);

    let program = Path::new(env!("CARGO_BIN_EXE_git-secfix")).parent().unwrap().join("git-secfix-status");
    let status = || {
        let started = Instant::now();
        world.run(world.command(&program, &[])).ok();
        started.elapsed()
    };
    gitlab.server.clear_log();
    let undelayed = median((0..RUNS).map(|_| status()).collect());
    let log = gitlab.server.log();
    let requests: Vec<String> = log[..log.len() / RUNS]
        .iter()
        .map(|logged| {
            let path = logged.path.replace(support::SEC, &support::SEC.replace('/', "%2F"));
            let path = path.replace(support::CAN, &support::CAN.replace('/', "%2F"));
            format!("{}{path}?{}", gitlab.server.url(), logged.query)
        })
        .collect();

    gitlab.server.inject(Injected { at: At::Every, fault: Fault::Delay(DELAY), times: u32::MAX });
    let client = reqwest::blocking::Client::new();
    let mut at_once = vec![];
    let mut in_turn = vec![];
    for _ in 0..RUNS {
        at_once.push(status());
        let started = Instant::now();
        for url in &requests {
            client.get(url).header("PRIVATE-TOKEN", TOKEN).send().unwrap().bytes().unwrap();
        }
        in_turn.push(started.elapsed());
    }
    let (at_once, in_turn) = (median(at_once), median(in_turn));
    println!("four merge requests, {} requests, medians of {RUNS} runs", requests.len());
    println!("  status, answers at once            {:>7.0} ms", undelayed.as_secs_f64() * 1e3);
    println!("  status, each answer 200 ms later   {:>7.0} ms", at_once.as_secs_f64() * 1e3);
    println!("  one request after the other        {:>7.0} ms", in_turn.as_secs_f64() * 1e3);
    println!("  ratio                              {:>7.2}", at_once.as_secs_f64() / in_turn.as_secs_f64());
    let bar = DELAY * 3 + Duration::from_millis(150);
    println!("  bar: three round trips and 150 ms  {:>7.0} ms", bar.as_secs_f64() * 1e3);
}
