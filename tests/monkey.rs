//! The monkey: random walks over all commands, also killed at a random moment, over git by hand, colleagues and a server
//! that fails. Whatever happens, nothing is public too early, nothing is there twice, nothing is lost; and from wherever a
//! walk ends, a patient person comes to the end.

use std::{collections::BTreeSet, panic, sync::Mutex};

use git_secfix::rehearsal::{At, Fault, Injected};

use crate::{
    robot,
    support::{
        CAN, GitLab, Ran, SEC, World,
        gitlab::{TOKEN, in_worlds},
        sample::{Random, is_full, sample},
        say,
    },
};

const FIX: &str = "security-prompt-injection";
const LINES: [&str; 2] = ["18-4", "18-3"];
/// Walks in every run of the tests, and in a full one.
const FEW: usize = 2;
const MANY: usize = 48;
/// What happens in one walk.
const STEPS: usize = 16;
/// The code of what a signal ended.
const KILLED: i32 = -1;
/// What nobody may see too early.
const EMBARGOED: &str = "embargoed";
const MINE: &str = "not committed, and mine\n";

/// What the commands are called with.
const COMMANDS: [&[&str]; 24] = [
    &["backport", "--to", "all"],
    &["backport", "--to", "all"],
    &["backport", "--predict"],
    &["branch"],
    &["branch", "prompt-injection", "--backport", "all"],
    &["push"],
    &["push"],
    &["mr"],
    &["mr"],
    &["merge"],
    &["merge"],
    &["merge"],
    &["deploy"],
    &["sync", "--yes", "prompt-injection"],
    &["sync", "--yes", "prompt-injection"],
    &["sync", "--yes", "prompt-injection"],
    &["tag"],
    &["sync", "--yes", "prompt-injection", "--no-merge"],
    &["sync", "--dry-run"],
    &["tag"],
    &["verify"],
    &["clean"],
    &["status"],
    &["init"],
];

/// A walk under way.
struct Walk {
    world: World,
    gitlab: GitLab,
    random: Random,
    /// What happened, for whoever reads of a failure.
    told: Vec<String>,
    /// Commits that somebody made here.
    made: BTreeSet<String>,
    /// Whether the deployment succeeds.
    is_deployed: bool,
}

impl Walk {
    fn begin(seed: u64) -> Self {
        let (world, stage) = (World::new(), seed % 4);
        // From the first commit, from what is pushed, or from what only has to be merged.
        let gitlab = match stage {
            0 => GitLab::of(&world),
            1 => GitLab::pushed(&world),
            _ => GitLab::reviewed(&world),
        };
        if stage < 2 {
            gitlab.with_release();
        }
        // The deployment waits for somebody to start it.
        gitlab.server.change(|state| {
            let bridge = &state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline.bridges[0];
            assert_eq!(bridge.job.status, "manual");
        });
        if stage == 0 {
            world.secfix(&["init"]).ok();
            world.secfix(&["branch", "prompt-injection", "--issue", &gitlab.issue.to_string()]).ok();
            world.commit("fixed", &format!("{EMBARGOED}\n"));
        }
        let first = world.git(&["rev-parse", FIX]).ok().line();
        world.write("work/mine", MINE);
        let made = BTreeSet::from([first]);
        Self { world, gitlab, random: Random(seed), told: vec![], made, is_deployed: false }
    }

    /// Sits down at the keyboard of whoever has this token.
    fn keys(&self, token: &str) {
        self.world.unset("SECFIX_TOKEN");
        self.world.set("SECFIX_TOKEN", token);
    }

    fn step(&mut self) {
        let before = self.branches();
        match self.random.below(10) {
            0..=4 => {
                let ran = self.command();
                assert!([0, 1, 2, 3, 4, 5, 6, KILLED].contains(&ran.code), "{ran}\n{}", self.all());
                assert!(!ran.stderr.contains("panicked"), "{ran}\n{}", self.all());
                self.check_branches(&before);
            }
            5 | 6 => self.git_by_hand(),
            7 | 8 => self.colleague(),
            _ => self.fault(),
        }
        self.check();
    }

    fn all(&self) -> String {
        self.told.join("\n  ")
    }

    fn command(&mut self) -> Ran {
        let words = COMMANDS[self.random.below(COMMANDS.len())];
        // Who opens a merge request does not approve it.
        let merges = matches!(words[0], "merge" | "deploy" | "sync" | "tag" | "verify" | "clean");
        self.keys(if merges { "glpat-maintainer" } else { TOKEN });
        let is_killed = self.random.below(4) == 0;
        let ran = if is_killed {
            let after = format!("0.{:03}", 20 + self.random.below(700));
            let words = [&["-s", "KILL", &after, "git", "secfix"], words].concat();
            self.world.run(self.world.command("timeout", &words))
        } else {
            self.world.run(self.world.command("timeout", &[&["60", "git", "secfix"], words].concat()))
        };
        self.told.push(format!("{}{}  [{}]", words.join(" "), if is_killed { ", killed" } else { "" }, ran.code));
        ran
    }

    fn git_by_hand(&mut self) {
        let number = self.random.next();
        let world = &self.world;
        let on = |branch: &str| world.git(&["switch", "--quiet", branch]).code == 0;
        let line = format!("{FIX}-{}", LINES[self.random.below(2)]);
        let what = match self.random.below(9) {
            0 if on(FIX) => {
                self.made.insert(world.commit("fixed", &format!("{EMBARGOED} {number}\n")));
                "a commit on the fix".to_owned()
            }
            1 if on(&line) => {
                self.made.insert(world.commit(&format!("beside{}", number % 3), "adapts the line\n"));
                format!("a commit on {line}")
            }
            2 => {
                world.git(&["switch", "--quiet", "main"]);
                "switch to main".to_owned()
            }
            3 => {
                on(FIX);
                "switch to the fix".to_owned()
            }
            4 => {
                world.git(&["fetch", "--quiet", "--all"]);
                "fetch".to_owned()
            }
            5 | 6 => {
                // What is public already may be pushed.
                let ran = world.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/slip{}", number % 3)]);
                format!("push to canonical [{}]", ran.code)
            }
            7 => {
                let ran = world.git(&["push", "--quiet", "security", "HEAD"]);
                format!("push to security [{}]", ran.code)
            }
            _ => {
                world.git(&["gc", "--quiet", "--auto"]);
                "gc".to_owned()
            }
        };
        self.told.push(what);
    }

    fn colleague(&mut self) {
        let (world, gitlab) = (&self.world, &self.gitlab);
        let number = self.random.next();
        let what = match self.random.below(14) {
            0 | 1 | 8.. => {
                gitlab.approve_all();
                "approve"
            }
            2 => {
                gitlab.server.change(|state| {
                    let requests = &mut state.project_mut(SEC).unwrap().merge_requests;
                    requests.iter_mut().for_each(|request| request.approvals.clear());
                });
                "take approvals back"
            }
            3 => {
                let open = gitlab.requests();
                let Some(iid) = open.get(self.random.below(open.len().max(1))) else { return };
                gitlab.server.change(|state| drop(state.add_thread(gitlab.security, *iid, gitlab.maintainer, "Why?")));
                "open a thread"
            }
            4 => {
                self.resolve_threads();
                "resolve threads"
            }
            5 => {
                world.commit_there(CAN, "main", &format!("public{}", number % 5), &format!("{number}\n"));
                "a public commit on main"
            }
            6 => {
                world.commit_there(CAN, "stable-18-4-ee", &format!("public{}", number % 5), &format!("{number}\n"));
                "a public commit on 18.4"
            }
            _ => {
                gitlab.server.change(|state| {
                    let project = state.project_mut(SEC).unwrap();
                    let bridges = project.pipelines.iter_mut().flat_map(|found| &mut found.bridges);
                    bridges.for_each(|bridge| bridge.job.status = "success".to_owned());
                    project.ref_pipelines[0].pipeline.bridges[0].job.status = "success".to_owned();
                });
                self.is_deployed = true;
                "deploy"
            }
        };
        self.told.push(format!("a colleague: {what}"));
    }

    fn resolve_threads(&self) {
        self.gitlab.server.change(|state| {
            let requests = &mut state.project_mut(SEC).unwrap().merge_requests;
            for discussion in requests.iter_mut().flat_map(|request| &mut request.discussions) {
                discussion.resolved_by = Some(self.gitlab.maintainer);
            }
        });
    }

    fn fault(&mut self) {
        let faults = [Fault::Status(500), Fault::Status(502), Fault::Status(403), Fault::Dropped, Fault::DroppedAfter];
        let fault = faults[self.random.below(faults.len())].clone();
        let number = self.random.below(40);
        self.told.push(format!("{fault:?} at request {number}"));
        self.gitlab.server.clear_log();
        self.gitlab.server.inject(Injected { at: At::Request(number), fault, times: 1 });
    }

    fn branches(&self) -> Vec<(String, String)> {
        let listed = self.world.git(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"]).ok().stdout;
        listed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .collect()
    }

    /// No branch that was here goes, or loses what it held, unless somebody else has that.
    fn check_branches(&self, before: &[(String, String)]) {
        for (id, name) in before {
            let here = self.world.git(&["for-each-ref", "--contains", id, "refs/heads", "refs/remotes"]).stdout;
            assert!(!here.is_empty(), "{name} at {id} is held by nothing any more\n  {}", self.all());
        }
    }

    fn check(&self) {
        let (world, gitlab) = (&self.world, &self.gitlab);
        assert_eq!(world.read("work/mine"), MINE, "{}", self.all());
        let known = world.git(&["rev-list", "--all", "--reflog"]).ok().stdout;
        let known: BTreeSet<&str> = known.lines().collect();
        for id in &self.made {
            assert!(known.contains(id.as_str()), "{id} is lost\n  {}", self.all());
        }
        let is_merged = world.git_in(&world.server(SEC), &["show", "main:fixed"]).code == 0;
        if !(is_merged && self.is_deployed) {
            let shown = world.git_in(&world.server(CAN), &["log", "--all", "--format=%H", &format!("-S{EMBARGOED}")]);
            assert_eq!(shown.ok().stdout, "", "public too early\n  {}", self.all());
            assert_eq!(gitlab.requests_of(CAN), [0u64; 0], "opened too early\n  {}", self.all());
        }
        for project in [CAN, SEC] {
            let open: Vec<String> = gitlab.server.change(|state| {
                let requests = state.project(project).unwrap().merge_requests.iter();
                let open = requests.filter(|request| request.state == "opened");
                open.map(|request| format!("{} -> {}", request.source_branch, request.target_branch)).collect()
            });
            let once: BTreeSet<&String> = open.iter().collect();
            assert_eq!(once.len(), open.len(), "twice in {project}: {open:?}\n  {}", self.all());
        }
    }

    /// The troubles end, and a patient person follows what the tool says, at a maintainer's keyboard.
    fn come_to_the_end(&mut self) -> &'static str {
        self.gitlab.server.clear_faults();
        self.resolve_threads();
        self.gitlab.server.change(|state| {
            let project = state.project_mut(SEC).unwrap();
            let bridges = project.pipelines.iter_mut().flat_map(|found| &mut found.bridges);
            bridges.for_each(|bridge| bridge.job.status = "success".to_owned());
            project.ref_pipelines[0].pipeline.bridges[0].job.status = "success".to_owned();
        });
        self.is_deployed = true;
        self.told.push("the troubles end".to_owned());
        let (end, typed) = robot::walk(&self.world, &self.gitlab, "git secfix status prompt-injection");
        self.told.extend(typed);
        self.check();
        match end {
            robot::End::Done => {
                assert!(robot::is_released(&self.world, LINES.len()), "done, and not released\n  {}", self.all());
                "the end"
            }
            robot::End::Person(text) => {
                assert!(robot::names_somebody(&text), "nobody is named by {text}\n  {}", self.all());
                "a person"
            }
        }
    }
}

#[test]
fn whatever_happens_nothing_is_lost_and_nothing_is_public_too_early() {
    let seed: u64 = match std::env::var("SECFIX_TEST_SEED") {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => 2026,
    };
    let count = if is_full() { MANY } else { FEW };
    let failed = Mutex::new(vec![]);
    let ends = Mutex::new(vec![]);
    let seeds = sample((0..count as u64).map(|number| seed + number).collect(), count, "walks of the monkey");
    in_worlds(&seeds, |few| {
        for seed in few {
            let walked = panic::catch_unwind(|| {
                let mut walk = Walk::begin(*seed);
                (0..STEPS).for_each(|_| walk.step());
                walk.keys(TOKEN);
                walk.come_to_the_end()
            });
            match walked {
                Ok(end) => ends.lock().unwrap().push(end),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    failed.lock().unwrap().push(format!("seed {seed}: {text}"));
                }
            }
        }
    });
    let (failed, ends) = (failed.into_inner().unwrap(), ends.into_inner().unwrap());
    let done = ends.iter().filter(|end| **end == "the end").count();
    say(&format!("the monkey: {done} of {} walks to the end, {} to a person", count, ends.len() - done));
    assert!(failed.is_empty(), "{} of {count} walks:\n{}", failed.len(), failed.join("\n\n"));
}
