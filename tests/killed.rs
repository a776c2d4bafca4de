//! `kill -9` at every request of every command behind the review. Run again, the command ends where an
//! undisturbed run ends: nothing is there twice, and nothing is lost.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use git_secfix::rehearsal::{At, Fault, Happening, Injected};

use crate::support::{
    GitLab, World,
    gitlab::in_worlds,
    sample::sample,
    say,
    scenario::{self, Scenario},
    stage::everything,
};

/// At how many of them each command is killed where not at all.
const FEW: usize = 4;

/// When the command is killed, by the number of its request to GitLab or of git's to a server.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The request arrives, and has no effect.
    Asked(usize),
    /// The request took effect, and its answer is not sent yet.
    Answered(usize),
    /// Git has connected to a server, and is killed as well.
    Connected(usize),
    /// All that git wanted of the server is done there, and not here; it is killed as well.
    Served(usize),
}

/// Stands for ssh as before, and kills git and whoever started it at a request that is named in a file.
const SSH: &str = r#"#!/bin/sh
for word in "$@"; do [ "$word" = -G ] && exec "$0-plain" "$@"; done
echo >>"$SRV/../requests"
now=$(($(wc -l <"$SRV/../requests")))
die() { [ "$(cat "$SRV/../kill")" = "$1 $now" ] && kill -9 $(ps -o ppid= -p $PPID) $PPID; }
die before && exit 1
"$0-plain" "$@"
code=$?
die after
exit $code
"#;

/// A world at the stage of a scenario, with that ssh.
fn enter(scenario: &Scenario) -> (World, GitLab) {
    let (world, gitlab) = scenario.enter();
    std::fs::rename(world.path("bin/ssh"), world.path("bin/ssh-plain")).unwrap();
    world.write_program("bin/ssh", SSH);
    world.write("kill", "");
    world.write("requests", "");
    (world, gitlab)
}

/// Runs the command until it is killed.
fn kill(scenario: &Scenario, world: &World, gitlab: &GitLab, moment: Moment) {
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let victim = Arc::clone(&child);
    let end = Happening::new(move || {
        let mut victim = victim.lock().unwrap();
        let victim = victim.as_mut().unwrap();
        // It may be dead: requests that were under way with that one come after it.
        let _ = victim.kill();
        victim.wait().unwrap();
    });
    let inject = |number, fault| gitlab.server.inject(Injected { at: At::Request(number), fault, times: 1 });
    world.write("requests", "");
    match moment {
        Moment::Asked(number) => {
            inject(number, Fault::Before(end));
            inject(number, Fault::Dropped);
        }
        Moment::Answered(number) => inject(number, Fault::After(end)),
        Moment::Connected(number) => world.write("kill", &format!("before {}", number + 1)),
        Moment::Served(number) => world.write("kill", &format!("after {}", number + 1)),
    }
    let mut command = scenario.command(world);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // Nothing happens to it before it is known here.
    let mut running = child.lock().unwrap();
    *running = Some(command.spawn().unwrap());
    drop(running);
    let status = loop {
        if let Some(status) = child.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    world.write("kill", "");
    assert_eq!(status.signal(), Some(9), "{} was not killed at {moment:?}", scenario.name());
}

/// Kills it everywhere.
fn walk(scenario: &Scenario) {
    let (world, gitlab) = enter(scenario);
    let first = world.run(scenario.command(&world));
    let asked = gitlab.server.log();
    let git = world.read("requests").lines().count();
    if first.code != 0 {
        scenario.run(&world).ok();
    }
    let end = everything(&world, &gitlab);
    let mut moments: Vec<Moment> = (0..asked.len()).map(Moment::Answered).collect();
    // Whether a question arrived makes no difference.
    let writes = asked.iter().enumerate().filter(|(_, logged)| logged.method != "GET");
    moments.extend(writes.map(|(number, _)| Moment::Asked(number)));
    moments.extend((0..git).flat_map(|number| [Moment::Connected(number), Moment::Served(number)]));
    let moments = sample(moments, FEW, &format!("moments to be killed at: {}", scenario.name()));
    let half_done = AtomicUsize::new(0);
    in_worlds(&moments, |moments| {
        let (world, gitlab) = enter(scenario);
        for moment in moments {
            kill(scenario, &world, &gitlab, *moment);
            if scenario.stage.is_untouched(&world, &gitlab) {
                scenario.go_on(&world, &gitlab);
                continue;
            }
            half_done.fetch_add(1, Ordering::Relaxed);
            scenario.go_on(&world, &gitlab);
            let ran = scenario.run(&world);
            let now = everything(&world, &gitlab);
            assert!(ran.code == 0 && now == end, "killed at {moment:?}: {ran}\n{now}\ninstead of\n{end}");
            scenario.begin(&world, &gitlab);
        }
    });
    let half_done = half_done.into_inner();
    say(&format!("counted: {half_done} kills with something done: {}", scenario.name()));
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
    walk(&scenario::publish());
    walk(&scenario::verify());
}

#[test]
fn clean() {
    walk(&scenario::clean());
}
