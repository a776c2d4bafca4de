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
    CAN, GitLab, Ran, World,
    gitlab::in_worlds,
    say,
    stage::{CONFIGURATION, FIX, Stage, everything, way},
};

/// A command where it belongs on the way.
struct Case {
    words: &'static [&'static str],
    stage: &'static Stage,
    /// What the user has configured besides.
    configuration: &'static str,
}

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

impl Case {
    fn new(words: &'static [&'static str], stage: &'static Stage) -> Self {
        Self { words, stage, configuration: "" }
    }

    fn name(&self) -> String {
        format!("{} {}", self.words.join(" "), self.configuration.replace('\n', " ")).trim_end().to_owned()
    }

    fn enter(&self) -> (World, GitLab) {
        let (world, gitlab) = self.stage.enter();
        std::fs::rename(world.path("bin/ssh"), world.path("bin/ssh-plain")).unwrap();
        world.write_program("bin/ssh", SSH);
        self.begin(&world, &gitlab);
        (world, gitlab)
    }

    fn begin(&self, world: &World, gitlab: &GitLab) {
        self.stage.restore(world, gitlab);
        world.write("home/.config/git-secfix/config.toml", &format!("{CONFIGURATION}{}", self.configuration));
        self.go_on(world, gitlab);
    }

    /// Nothing is in the way any more.
    fn go_on(&self, world: &World, gitlab: &GitLab) {
        gitlab.server.clear_faults();
        with_job_that_tags(world, gitlab);
        world.write("kill", "");
        world.write("requests", "");
    }

    fn command(&self, world: &World) -> std::process::Command {
        world.command(format!("git-secfix-{}", self.words[0]), &self.words[1..])
    }

    /// Runs it, and once more where it ends before what it started has ended.
    fn run(&self, world: &World) -> Ran {
        let ran = world.run(self.command(world));
        if ran.code == 1 && self.words.contains(&"--play") { world.run(self.command(world)) } else { ran }
    }

    /// Runs the command until it is killed.
    fn kill(&self, world: &World, gitlab: &GitLab, moment: Moment) {
        let child: Arc<Mutex<Option<Child>>> = Arc::default();
        let victim = Arc::clone(&child);
        let end = Happening::new(move || {
            let mut victim = victim.lock().unwrap();
            let victim = victim.as_mut().unwrap();
            // It may be dead: requests that were under way with that one come after it.
            let _ = victim.kill();
            victim.wait().unwrap();
        });
        let (number, faults) = match moment {
            Moment::Asked(number) => (number, vec![Fault::Before(end), Fault::Dropped]),
            Moment::Answered(number) => (number, vec![Fault::After(end)]),
            Moment::Connected(_) | Moment::Served(_) => (0, vec![]),
        };
        for fault in faults {
            gitlab.server.inject(Injected { at: At::Request(number), fault, times: 1 });
        }
        match moment {
            Moment::Connected(number) => world.write("kill", &format!("before {}", number + 1)),
            Moment::Served(number) => world.write("kill", &format!("after {}", number + 1)),
            Moment::Asked(_) | Moment::Answered(_) => {}
        }
        let mut command = self.command(world);
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
        assert_eq!(status.signal(), Some(9), "{} was not killed at {moment:?}", self.name());
    }

    /// Kills it everywhere.
    fn walk(&self) {
        let (world, gitlab) = self.enter();
        let first = world.run(self.command(&world));
        let asked = gitlab.server.log();
        let git = world.read("requests").lines().count();
        assert!(first.code <= 1, "{first}");
        self.run(&world).ok();
        let end = everything(&world, &gitlab);
        let mut moments: Vec<Moment> = (0..asked.len()).map(Moment::Answered).collect();
        // Whether a question arrived makes no difference.
        let writes = asked.iter().enumerate().filter(|(_, logged)| logged.method != "GET");
        moments.extend(writes.map(|(number, _)| Moment::Asked(number)));
        moments.extend((0..git).flat_map(|number| [Moment::Connected(number), Moment::Served(number)]));
        let half_done = AtomicUsize::new(0);
        in_worlds(&moments, |moments| {
            let (world, gitlab) = self.enter();
            for moment in moments {
                self.kill(&world, &gitlab, *moment);
                if self.stage.is_untouched(&world, &gitlab) {
                    self.go_on(&world, &gitlab);
                    continue;
                }
                half_done.fetch_add(1, Ordering::Relaxed);
                self.go_on(&world, &gitlab);
                let ran = self.run(&world);
                let now = everything(&world, &gitlab);
                assert!(ran.code == 0 && now == end, "killed at {moment:?}: {ran}\n{now}\ninstead of\n{end}");
                self.begin(&world, &gitlab);
            }
        });
        let half_done = half_done.into_inner();
        say(&format!("killed {} times, {half_done} of them with something done: {}", moments.len(), self.name()));
    }
}

/// What the job of the project does once it is started: it tags the commit of its pipeline.
fn with_job_that_tags(world: &World, gitlab: &GitLab) {
    let jobs: Vec<(u64, String, String)> = gitlab.server.change(|state| {
        let pipelines = &state.project(CAN).unwrap().pipelines;
        let jobs = pipelines.iter().flat_map(|pipeline| pipeline.jobs.iter().map(move |job| (job, pipeline)));
        jobs.filter(|(job, _)| job.name == "cut tag")
            .map(|(job, pipeline)| (job.id, pipeline.reference.clone(), pipeline.sha.clone()))
            .collect()
    });
    for (id, branch, sha) in jobs {
        let line = branch.trim_start_matches("stable-").trim_end_matches("-ee").replace('-', ".");
        let (git, server) = (world.path("bin/git"), world.server(CAN));
        let tag = Happening::new(move || {
            let name = format!("self-hosted-v{line}.0-ee");
            let ended = std::process::Command::new(&git).arg("-C").arg(&server).args(["tag", &name, &sha]).status();
            assert!(ended.unwrap().success());
        });
        let at = At::Matching { method: Some("POST".to_owned()), path_contains: format!("/jobs/{id}/play") };
        gitlab.server.inject(Injected { at, fault: Fault::After(tag), times: u32::MAX });
    }
}

#[test]
fn merge() {
    Case::new(&["merge"], &way().reviewed).walk();
}

#[test]
fn deploy() {
    Case::new(&["deploy", "--play"], &way().merged).walk();
}

#[test]
fn sync() {
    Case::new(&["sync", "--yes", FIX], &way().deployed).walk();
}

#[test]
fn tag() {
    Case::new(&["tag"], &way().public).walk();
    Case { configuration: "[tags]\njob = \"cut tag\"\n", ..Case::new(&["tag"], &way().public) }.walk();
}

#[test]
fn verify() {
    Case::new(&["verify", "--play"], &way().tagged).walk();
    Case::new(&["verify", FIX], &way().verified).walk();
}

#[test]
fn clean() {
    Case::new(&["clean", FIX], &way().verified).walk();
}
