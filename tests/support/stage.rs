//! A fix at each stage of its way to the public. The way is gone once, and any number of worlds enter it where a
//! test begins, and are put back there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use git_secfix::rehearsal::{Issue, JobSpec, MergeRequest, Project, State};

use super::{CAN, GitLab, SEC, World, world::copy_folder};

pub(crate) const FIX: &str = "prompt-injection";
const TAGS: [&str; 2] = ["self-hosted-v18.4.0-ee", "self-hosted-v18.3.0-ee"];

/// Everything that a fix needs beside the clone, all of it in a world.
const FOLDERS: [&str; 3] = ["srv", "work", "home"];

/// The user's configuration on the way.
pub(crate) const CONFIGURATION: &str =
    "[schedule]\nkeep_alive = \"Copy canonical forward\"\n\n[publish]\njobs = [\"publish images\"]\n";

/// A point on the way.
pub(crate) struct Stage {
    state: State,
    folder: PathBuf,
}

/// The walkthrough, with the world in which it was gone.
pub(crate) struct Walkthrough {
    gitlab: GitLab,
    /// Holds the folders of the stages.
    _world: World,
    /// Every merge request is approved.
    pub(crate) reviewed: Stage,
    /// All are merged, and somebody has to start the deployment.
    pub(crate) merged: Stage,
    /// The fix is deployed.
    pub(crate) deployed: Stage,
    /// Canonical has it.
    pub(crate) public: Stage,
    /// Every line has its tag, and its images and its mirror are there; somebody has to start the publishing.
    pub(crate) tagged: Stage,
    /// Everything is verified, and the branches of the fix are still there.
    pub(crate) verified: Stage,
}

/// The walkthrough, gone by the first who asks. All times of the server behind the review are the same one, so that
/// merges have the same name in each world.
pub(crate) fn walkthrough() -> &'static Walkthrough {
    static WALKTHROUGH: OnceLock<Walkthrough> = OnceLock::new();
    WALKTHROUGH.get_or_init(|| {
        let world = World::new();
        world.write("home/.config/git-secfix/config.toml", CONFIGURATION);
        let gitlab = GitLab::reviewed(&world);
        gitlab.server.change(|state| {
            let schedule = state.add_schedule(gitlab.security, "Copy canonical forward", gitlab.maintainer);
            let schedules = &mut state.project_mut(SEC).unwrap().schedules;
            schedules.iter_mut().filter(|known| known.id == schedule).for_each(|known| known.active = false);
            let canonical = state.project_mut(CAN).unwrap();
            for (of, job) in [(1, JobSpec::new("cut tag", "release", "manual")), (2, publishing())] {
                canonical.ref_pipelines[of].pipeline.jobs.push(job);
            }
            state.now = Some(state.now());
        });
        world.secfix(&["status"]).ok();
        let stage = |name| Stage::keep(&world, &gitlab, name);
        let reviewed = stage("reviewed");
        world.secfix(&["merge"]).ok();
        let merged = stage("merged");
        world.secfix(&["deploy", "--play"]).ok();
        let deployed = stage("deployed");
        world.secfix(&["sync", "--yes", FIX]).ok();
        let public = stage("public");
        world.secfix(&["tag"]).ok();
        gitlab.publish(&world, &TAGS);
        let tagged = stage("tagged");
        world.secfix(&["verify", "--play", "--wait", "--every", "1"]).ok();
        // GitLab keeps the branches of some merge requests, as people have asked it to.
        let security = world.server(SEC).to_string_lossy().into_owned();
        world.git(&["push", "--quiet", "--no-verify", &security, "refs/heads/security-*"]).ok();
        world.git(&["switch", "--quiet", "--detach", "origin/main"]).ok();
        let verified = stage("verified");
        Walkthrough { reviewed, merged, deployed, public, tagged, verified, gitlab, _world: world }
    })
}

fn publishing() -> JobSpec {
    JobSpec::new("publish images", "release", "manual")
}

impl Stage {
    fn keep(world: &World, gitlab: &GitLab, name: &str) -> Self {
        let folder = world.path("stages").join(name);
        for part in FOLDERS {
            copy_folder(&world.path(part), &folder.join(part)).unwrap();
        }
        Self { state: gitlab.server.change(|state| state.clone()), folder }
    }

    /// A world of its own at this stage, with a maintainer at the keyboard.
    pub(crate) fn enter(&self) -> (World, GitLab) {
        let world = World::new();
        let gitlab = walkthrough().gitlab.again(&world, self.state.clone());
        world.set("SECFIX_TOKEN", "glpat-maintainer");
        self.restore(&world, &gitlab);
        (world, gitlab)
    }

    /// Everything as it was at this stage.
    pub(crate) fn restore(&self, world: &World, gitlab: &GitLab) {
        for part in FOLDERS {
            fs::remove_dir_all(world.path(part)).unwrap();
            copy_folder(&self.folder.join(part), &world.path(part)).unwrap();
        }
        gitlab.server.change(|state| *state = self.state.clone());
        gitlab.server.clear_faults();
        gitlab.server.clear_log();
    }

    /// Whether every byte of both projects and the clone, and all that the server knows, is as it was at this
    /// stage: what is run then goes on as it did before.
    pub(crate) fn is_untouched(&self, world: &World, gitlab: &GitLab) -> bool {
        let is_known = gitlab.server.change(|state| format!("{state:?}")) == format!("{:?}", self.state);
        is_known && ["srv", "work"].iter().all(|part| is_same(&self.folder.join(part), &world.path(part)))
    }

    /// Whether every byte of a project's repository is as it was at this stage.
    pub(crate) fn has_same_repository(&self, world: &World, project: &str) -> bool {
        let here = world.server(project);
        is_same(&self.folder.join(here.strip_prefix(world.root()).unwrap()), &here)
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    if !one.is_dir() || !other.is_dir() {
        return matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other);
    }
    let names = |folder: &Path| -> BTreeSet<_> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let of_one = names(one);
    of_one == names(other) && of_one.iter().all(|name| is_same(&one.join(name), &other.join(name)))
}

/// Everything that a fix changes: the projects with their merge requests, pipelines and schedules, and the clone
/// without what it remembers of the remotes.
pub(crate) fn everything(world: &World, gitlab: &GitLab) -> String {
    let here = world.state();
    let here: Vec<&str> = here.lines().filter(|line| !line.contains("refs/remotes/")).collect();
    let projects: Vec<String> = gitlab.server.change(|state| state.projects.iter().map(of_project).collect());
    format!("{}{}{}{}", world.server_refs(CAN), world.server_refs(SEC), projects.concat(), here.join("\n"))
}

/// Everything in canonical.
pub(crate) fn canonical(world: &World, gitlab: &GitLab) -> String {
    world.server_refs(CAN) + &gitlab.server.change(|state| of_project(state.project(CAN).unwrap()))
}

/// What members see of a project beside its branches and tags.
fn of_project(project: &Project) -> String {
    let mut text = format!("{}\n", project.path);
    for one in &project.merge_requests {
        let MergeRequest { iid, title, source_branch, source_project, target_branch, state, merge_commit_sha, .. } =
            one;
        let head = one.version().map(|version| &version.head);
        let notes: usize = one.discussions.iter().map(|thread| thread.notes.len()).sum();
        text += &format!("!{iid} {title}, `{source_branch}` of {source_project} to `{target_branch}`, {state}, ");
        text += &format!("{head:?}, {merge_commit_sha:?}, {notes} notes\n");
    }
    for Issue { iid, title, state, notes, .. } in &project.issues {
        text += &format!("#{iid} {title}, {state}, {} notes\n", notes.len());
    }
    for one in &project.pipelines {
        text += &format!("pipeline of {} {}, {}\n", one.reference, one.sha, one.status);
        for job in one.jobs.iter().chain(one.bridges.iter().map(|bridge| &bridge.job)) {
            text += &format!("  {}, {}\n", job.name, job.status);
        }
    }
    for one in &project.schedules {
        text += &format!("schedule {}, active {}\n", one.description, one.active);
    }
    text
}
