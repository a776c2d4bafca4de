//! The commands that change something behind the review, each where it belongs on the way of a fix.

use git_secfix::rehearsal::{At, Fault, Happening, Injected};

use super::{
    CAN, GitLab, Ran, World,
    stage::{CONFIGURATION, FIX, Stage, walkthrough},
};

/// A command at its stage.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) words: &'static [&'static str],
    pub(crate) stage: &'static Stage,
    /// What the user has configured besides.
    configuration: &'static str,
}

pub(crate) fn merge() -> Scenario {
    Scenario::new(&["merge"], &walkthrough().reviewed)
}

pub(crate) fn deploy() -> Scenario {
    Scenario::new(&["deploy", "--play"], &walkthrough().merged)
}

pub(crate) fn sync() -> Scenario {
    Scenario::new(&["sync", "--yes", FIX], &walkthrough().deployed)
}

pub(crate) fn tag() -> Scenario {
    Scenario::new(&["tag"], &walkthrough().public)
}

/// The same, where a job of the project makes the tags.
pub(crate) fn tag_by_job() -> Scenario {
    let words = &["tag", "--timeout", "20"];
    Scenario { configuration: "[tags]\njob = \"cut tag\"\n", words, ..tag() }
}

pub(crate) fn publish() -> Scenario {
    Scenario::new(&["verify", "--play"], &walkthrough().tagged)
}

pub(crate) fn verify() -> Scenario {
    Scenario::new(&["verify", FIX], &walkthrough().verified)
}

pub(crate) fn clean() -> Scenario {
    Scenario::new(&["clean", FIX], &walkthrough().verified)
}

impl Scenario {
    fn new(words: &'static [&'static str], stage: &'static Stage) -> Self {
        Self { words, stage, configuration: "" }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.words.join(" "), self.configuration.replace('\n', " ")).trim_end().to_owned()
    }

    /// A world of its own at the stage.
    pub(crate) fn enter(&self) -> (World, GitLab) {
        let (world, gitlab) = self.stage.enter();
        self.begin(&world, &gitlab);
        (world, gitlab)
    }

    /// Goes back to the stage.
    pub(crate) fn begin(&self, world: &World, gitlab: &GitLab) {
        self.stage.restore(world, gitlab);
        world.write("home/.config/git-secfix/config.toml", &format!("{CONFIGURATION}{}", self.configuration));
        self.go_on(world, gitlab);
    }

    /// From here on nothing goes wrong.
    pub(crate) fn go_on(&self, world: &World, gitlab: &GitLab) {
        gitlab.server.clear_faults();
        with_job_that_tags(world, gitlab);
    }

    pub(crate) fn command(&self, world: &World) -> std::process::Command {
        world.command(format!("git-secfix-{}", self.words[0]), &self.words[1..])
    }

    /// Runs it, and once more where it ends before what it started has ended.
    pub(crate) fn run(&self, world: &World) -> Ran {
        let ran = world.run(self.command(world));
        if ran.code == 1 && self.words.contains(&"--play") { world.run(self.command(world)) } else { ran }
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
