//! What lies behind the merge: the deployment, what became public, tags, and whether everything arrived.
//! Nothing of it is asked for before everything is merged.

mod deployment;
mod public_requests;
mod publication;
mod schedule;
mod tags;
mod taken_back;
mod verification;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    config::settings::Settings,
    domain::{
        deployment::{Service, Waiting},
        patch_tag::PatchTag,
        policy::Policy,
        runbook::{Process, Progress, Step},
        verification::{self as verified, Check},
        version::ReleaseLine,
    },
    gitlab::{
        Client, at_once,
        merge_request::MergeRequest,
        project::{self, Project},
    },
    ops::{Failure, connection::unanswered},
};

pub(crate) use public_requests::PublicRequest;
pub(crate) use schedule::KeepAlive;

/// A branch of security with the fix in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merged {
    /// The branch: `main`, `stable-18-4-ee`.
    pub(crate) branch: String,
    /// Its line, where it is a stable branch.
    pub(crate) line: Option<ReleaseLine>,
    /// The merge request that brought the fix.
    pub(crate) iid: u64,
    /// The commit by which the fix came into it.
    pub(crate) commit: String,
    /// When.
    pub(crate) merged_at: Option<Timestamp>,
    /// Every merge request of the fix that was merged into it.
    pub(crate) requests: Vec<MergedRequest>,
}

/// A merge request that was merged, with the commits that the server made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergedRequest {
    /// Its number.
    pub(crate) iid: u64,
    /// The merge, the squashed commit and its head, as far as there are any, in hexadecimal.
    pub(crate) results: Vec<String>,
}

impl MergedRequest {
    /// From what the server says of it.
    pub(super) fn from_server(request: &MergeRequest) -> Self {
        let results = [&request.merge_commit_sha, &request.squash_commit_sha, &request.sha];
        Self { iid: request.iid, results: results.into_iter().flatten().cloned().collect() }
    }
}

/// What is known of the time behind the merge.
#[derive(Debug)]
pub(crate) struct AfterMerge {
    /// The branches, the default one first.
    pub(crate) merged: Vec<Merged>,
    /// The public project.
    pub(crate) canonical: Project,
    /// The deployment of each service; `None` where it is not configured what that is.
    pub(crate) services: Option<Vec<Service>>,
    /// The schedule, where the project has one.
    pub(crate) keep_alive: Option<KeepAlive>,
    /// The branches in which somebody took the fix back, with the commit that does: in security before it is public, and in
    /// canonical before it is tagged.
    pub(crate) taken_back: BTreeMap<String, String>,
    /// The branches that are in canonical with the fix.
    pub(crate) arrived: Vec<String>,
    /// What is open in public, and not merged yet.
    pub(super) public_requests: Vec<PublicRequest>,
    /// The branches that have the fix in neither project, though the server calls it merged.
    pub(crate) lost: Vec<String>,
    /// The tag in security with the fix, line by line, where the project tags there.
    pub(crate) private_tags: Vec<(ReleaseLine, Option<PatchTag>)>,
    /// The tag in canonical with the fix, line by line, once everything is there.
    pub(crate) patch_tags: Vec<(ReleaseLine, Option<PatchTag>)>,
    /// What of the publishing is missing, and the jobs that wait for somebody.
    publishing: (Vec<String>, Vec<Waiting>),
    /// Whether everything arrived.
    pub(crate) checks: Vec<Check>,
}

/// What of a fix is seen in public, and what of it is nowhere.
pub(super) struct Shown {
    canonical: Project,
    pub(super) arrived: Vec<String>,
    lost: Vec<String>,
    pub(super) requests: Vec<PublicRequest>,
}

/// How the looking goes.
pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    pub(super) policy: &'a Policy,
    pub(super) settings: &'a Settings,
    pub(super) security: &'a Project,
}

impl Reader<'_> {
    /// Everything behind the merge. What does not depend on something else is asked at the same time.
    pub(super) fn read(&self, merged: Vec<Merged>) -> Result<AfterMerge, Failure> {
        let wanted = self.settings.deployment()?;
        let wanted = wanted.as_ref();
        let process = self.settings.process()?;
        let images = self.settings.images()?;
        let (services, keep_alive, private_tags, taken_back, shown) = std::thread::scope(|scope| {
            let default = merged.iter().find(|merged| merged.line.is_none());
            let services = scope.spawn(move || Some(deployment::services(self, wanted?, default)));
            let keep_alive = scope.spawn(|| KeepAlive::find(self.client, self.settings, self.security.id));
            let private_tags = scope.spawn(|| {
                let lines = if process.has(Step::PrivateTags) { &merged[..] } else { &[] };
                tags::find(self, self.security.id, lines)
            });
            let taken_back =
                scope.spawn(|| at_once(&merged, |merged| taken_back::find(self, self.security.id, merged)));
            let public = self.shown(&merged);
            (joined(services), joined(keep_alive), joined(private_tags), joined(taken_back), public)
        });
        let Shown { canonical, arrived, lost, requests } = shown?;
        let keep_alive = keep_alive.map_err(unanswered)?;
        let taken_back = taken_back.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
        // What is public is out, whatever comes behind it.
        let is_open = |merged: &&Merged| !arrived.contains(&merged.branch);
        let taken_back = merged.iter().zip(taken_back).filter(|(merged, _)| is_open(merged));
        let taken_back: BTreeMap<String, String> =
            taken_back.filter_map(|(merged, by)| Some((merged.branch.clone(), by?))).collect();
        let mut services = services.transpose().map_err(unanswered)?;
        if let Some(by) =
            merged.iter().filter(|merged| merged.line.is_none()).find_map(|main| taken_back.get(&main.branch))
            && let (Some(services), Some(wanted)) = (&mut services, wanted)
        {
            *services = deployment::taken_back(wanted, by);
        }
        let mut after_merge = AfterMerge {
            taken_back,
            public_requests: requests,
            services,
            private_tags: private_tags.map_err(unanswered)?,
            patch_tags: vec![],
            publishing: (vec![], vec![]),
            checks: vec![],
            merged,
            canonical,
            keep_alive,
            arrived,
            lost,
        };
        if after_merge.is_public() {
            after_merge.patch_tags =
                tags::find(self, after_merge.canonical.id, &after_merge.merged).map_err(unanswered)?;
            // A release is made of what canonical has.
            let untagged = |merged: &&Merged| {
                let is_line =
                    |(line, tag): &(ReleaseLine, Option<PatchTag>)| Some(*line) == merged.line && tag.is_none();
                after_merge.patch_tags.iter().any(is_line)
            };
            let untagged: Vec<&Merged> = after_merge.merged.iter().filter(untagged).collect();
            let found = at_once(&untagged, |merged| taken_back::find(self, after_merge.canonical.id, merged));
            let found = found.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
            let branches: Vec<String> = untagged.iter().map(|merged| merged.branch.clone()).collect();
            after_merge
                .taken_back
                .extend(branches.into_iter().zip(found).filter_map(|(branch, by)| Some((branch, by?))));
            let tags: Vec<PatchTag> = after_merge.patch_tags.iter().filter_map(|(_, tag)| tag.clone()).collect();
            let jobs = self.settings.publishing_jobs();
            let (checks, publishing) =
                verification::check(self, &after_merge, &tags, &images, &jobs).map_err(unanswered)?;
            after_merge.checks = checks;
            after_merge.publishing = publishing;
        }
        Ok(after_merge)
    }

    /// What of these branches is seen in public.
    ///
    /// # Errors
    /// When GitLab does not tell.
    pub(super) fn shown(&self, merged: &[Merged]) -> Result<Shown, Failure> {
        let (requests, published) = std::thread::scope(|scope| {
            let requests = scope.spawn(|| public_requests::find(self, merged));
            let published = publication::read(self, merged);
            (joined(requests), published)
        });
        let (canonical, arrived, lost) = published.map_err(unanswered)?;
        let mut requests = requests?;
        requests.retain(|request| request.is_open || !arrived.contains(&request.branch));
        Ok(Shown { canonical, arrived, lost, requests })
    }

    fn canonical(&self) -> Result<Project, crate::gitlab::Error> {
        project::find(self.client, self.policy.canonical.as_str())
    }
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl AfterMerge {
    /// Whether canonical has the fix in every branch.
    pub(crate) fn is_public(&self) -> bool {
        !self.merged.is_empty() && self.merged.iter().all(|merged| self.arrived.contains(&merged.branch))
    }

    /// The jobs that publish, and wait for somebody to start them.
    pub(crate) fn waiting_to_publish(&self) -> &[Waiting] {
        &self.publishing.1
    }

    /// How far a step behind the merge is, as far as it shows in GitLab.
    pub(super) fn progress(&self, step: Step, process: Process) -> Progress {
        match step {
            Step::KeepAlive => self.keep_alive(),
            Step::Deploy => self.deployment(),
            Step::PrivateTags => self.private_tags(),
            Step::Sync => self.sync(),
            Step::PatchTags => self.patch_tags(),
            Step::Publish => self.publishing(process),
            Step::Verify => self.verification(),
            _ => Progress::Unknown("it is not looked at".to_owned()),
        }
    }

    /// How far the deployment is.
    fn deployment(&self) -> Progress {
        match &self.services {
            // What is public is out, whatever later pipelines say.
            _ if self.is_public() => Progress::Done,
            None => Progress::Unknown("`deploy.stage` and `deploy.jobs` are not set".to_owned()),
            Some(services) => Progress::from_missing(crate::domain::deployment::missing(services)),
        }
    }

    /// How far the schedule is. After the sync it is of no use any more.
    fn keep_alive(&self) -> Progress {
        match &self.keep_alive {
            Some(keep_alive) if !self.is_public() => keep_alive.progress(),
            _ => Progress::Done,
        }
    }

    /// How far the disclosure is.
    fn sync(&self) -> Progress {
        let missing = self.merged.iter().filter(|merged| !self.arrived.contains(&merged.branch));
        Progress::from_missing(
            missing.map(|merged| format!("canonical does not have !{} in `{}`", merged.iid, merged.branch)).collect(),
        )
    }

    /// How far the tags in security are.
    fn private_tags(&self) -> Progress {
        untagged(&self.private_tags, "security")
    }

    /// How far the patch tags are.
    fn patch_tags(&self) -> Progress {
        match self.is_public() {
            true => untagged(&self.patch_tags, "canonical"),
            false => Progress::Unknown("nothing is tagged before the sync".to_owned()),
        }
    }

    /// How far the publishing is.
    fn publishing(&self, process: Process) -> Progress {
        match self.patch_tags() {
            _ if !process.has(Step::Publish) => Progress::Done,
            Progress::Done => Progress::from_missing(self.publishing.0.clone()),
            _ => Progress::Unknown("nothing is published before it is tagged".to_owned()),
        }
    }

    /// Whether everything arrived.
    fn verification(&self) -> Progress {
        match self.patch_tags() {
            Progress::Done => verified::progress(&self.checks),
            _ => Progress::Unknown("it is looked at once everything is tagged".to_owned()),
        }
    }
}

fn untagged(tags: &[(ReleaseLine, Option<PatchTag>)], place: &str) -> Progress {
    let missing = tags.iter().filter(|(_, tag)| tag.is_none());
    Progress::from_missing(
        missing.map(|(line, _)| format!("no patch tag of {line} in {place} holds the fix")).collect(),
    )
}
