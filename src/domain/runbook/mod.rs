//! The heart: from everything that is known of a fix to the step that it is at, what blocks it, and
//! which gates are open. What `status` shows is what every command obeys, since all of them ask here.

mod review;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::{
    merge_request::{MergeRequest, State},
    version::ReleaseLine,
};

/// The steps of the process, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The issue is confidential.
    Triage = 1,
    /// The clone has the security remote and the guard.
    Prepare,
    /// Every line has its stable branch in security.
    StableBranches,
    /// The fix has its branches.
    Branches,
    /// Every backport branch holds the fix.
    Backports,
    /// Every branch is in security.
    Push,
    /// Every branch has its merge request.
    MergeRequests,
    /// Every merge request is approved, passed and mergeable.
    Review,
    /// All are merged.
    Merge,
    /// The schedule that keeps security going while the two differ.
    KeepAlive,
    /// The fix runs where users are.
    Deploy,
    /// Tags in security, where a project wants them before the disclosure.
    PrivateTags,
    /// The disclosure.
    Sync,
    /// The tags that release the patch.
    PatchTags,
    /// Everything arrived.
    Verify,
    /// Nothing is left behind.
    CleanUp,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 16] = [
        Self::Triage,
        Self::Prepare,
        Self::StableBranches,
        Self::Branches,
        Self::Backports,
        Self::Push,
        Self::MergeRequests,
        Self::Review,
        Self::Merge,
        Self::KeepAlive,
        Self::Deploy,
        Self::PrivateTags,
        Self::Sync,
        Self::PatchTags,
        Self::Verify,
        Self::CleanUp,
    ];

    /// Its number in the process, from 1.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Prepare => "preparing the clone",
            Self::StableBranches => "stable branches",
            Self::Branches => "branches",
            Self::Backports => "backports",
            Self::Push => "push",
            Self::MergeRequests => "merge requests",
            Self::Review => "review",
            Self::Merge => "merge",
            Self::KeepAlive => "keep-alive",
            Self::Deploy => "deployment",
            Self::PrivateTags => "private tags",
            Self::Sync => "sync",
            Self::PatchTags => "patch tags",
            Self::Verify => "verification",
            Self::CleanUp => "clean-up",
        }
    }
}

/// A point that must not be passed before everything in front of it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Merge requests in security may be opened.
    Request,
    /// All merge requests may be merged.
    Merge,
    /// The fix may become public.
    Disclose,
    /// Patch tags may be created.
    Tag,
}

impl Gate {
    /// Every gate, in order.
    pub const ALL: [Self; 4] = [Self::Request, Self::Merge, Self::Disclose, Self::Tag];

    /// The step that the gate stands in front of.
    pub const fn step(self) -> Step {
        match self {
            Self::Request => Step::MergeRequests,
            Self::Merge => Step::Merge,
            Self::Disclose => Step::Sync,
            Self::Tag => Step::PatchTags,
        }
    }
}

/// The issue of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueFact {
    /// The fix is not linked to one.
    Unlinked,
    /// It could not be read.
    Unseen {
        /// As GitLab links it.
        reference: String,
        /// Why not.
        why: String,
    },
    /// It was read.
    Seen {
        /// As GitLab links it: `group/project#34`.
        reference: String,
        /// Whether only some people can read it.
        is_confidential: bool,
    },
}

/// How far something behind the merge is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Done, or not wanted in this project.
    Done,
    /// Not done; the text says what is missing.
    Open(String),
    /// It cannot be told; the text says why.
    Unknown(String),
}

/// How a branch here and the one of the same name in security compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// Security has no such branch.
    No,
    /// Both are the same commit.
    Same,
    /// This clone has commits that security does not have.
    Ahead,
    /// Security has commits that this clone does not have.
    Behind,
    /// Both have commits that the other does not have.
    Diverged,
    /// There is no branch here: a colleague's fix.
    OnlyThere,
}

/// The merge request of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// There is none.
    Missing,
    /// There is one that counts.
    Found(Box<MergeRequest>),
    /// More than one is open, which nobody can follow: their numbers.
    Several(Vec<u64>),
}

/// A branch of the fix and where it is going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The branch that is merged: `security-prompt-injection-18-4`.
    pub source: String,
    /// The branch that it is merged into: `stable-18-4-ee`.
    pub target: String,
    /// The release line of a backport.
    pub line: Option<ReleaseLine>,
    /// Whether security has the branch that it is merged into.
    pub has_target: bool,
    /// Whether the branch holds anything that its target does not; `None` where it cannot be told here.
    pub has_work: Option<bool>,
    /// How it compares with security's branch.
    pub pushed: Pushed,
    /// Its merge request in security.
    pub request: Request,
}

impl Target {
    /// Its merge request, if there is exactly one that counts.
    pub fn merge_request(&self) -> Option<&MergeRequest> {
        match &self.request {
            Request::Found(request) => Some(request),
            _ => None,
        }
    }

    fn is_merged(&self) -> bool {
        self.merge_request().is_some_and(|request| request.state == State::Merged)
    }
}

/// Everything that is known of one fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its issue.
    pub issue: IssueFact,
    /// Its branches, the one towards the default branch first.
    pub targets: Vec<Target>,
    /// The keep-alive schedule.
    pub keep_alive: Progress,
    /// The deployment.
    pub deployment: Progress,
    /// Tags before the disclosure.
    pub private_tags: Progress,
    /// The disclosure.
    pub sync: Progress,
    /// The patch tags.
    pub patch_tags: Progress,
    /// The verification.
    pub verification: Progress,
    /// The clean-up.
    pub clean_up: Progress,
}

/// Something that keeps a step from being done, in the words of whoever must act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// The step that is not done.
    #[serde(rename = "step", serialize_with = "step_as_number")]
    pub step: Step,
    /// The merge request that it is about.
    pub merge_request: Option<u64>,
    /// What is missing.
    pub text: String,
}

fn step_as_number<S: serde::Serializer>(step: &Step, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(step.number())
}

/// What keeps each step from being done, in the order of the steps.
pub fn blockers(facts: &Facts) -> Vec<Blocker> {
    let mut found = Vec::new();
    let mut block = |step, text: String| found.push(Blocker { step, merge_request: None, text });
    match &facts.issue {
        IssueFact::Seen { is_confidential: true, .. } | IssueFact::Unlinked => {}
        IssueFact::Seen { reference, .. } => {
            block(
                Step::Triage,
                format!("issue {reference} is public: fix it in the public project, without backports"),
            );
        }
        IssueFact::Unseen { reference, why } => {
            block(Step::Triage, format!("whether issue {reference} is confidential is not known: {why}"));
        }
    }
    if facts.targets.is_empty() {
        block(Step::Branches, "the fix has no branch".to_owned());
    }
    for target in &facts.targets {
        found.extend(review::of_target(target));
    }
    for (step, progress) in behind_the_merge(facts) {
        let text = match progress {
            Progress::Done => continue,
            Progress::Open(text) => text.clone(),
            Progress::Unknown(why) => format!("{} is not known: {why}", step.name()),
        };
        found.push(Blocker { step, merge_request: None, text });
    }
    found.sort_by_key(|blocker| blocker.step);
    found
}

fn behind_the_merge(facts: &Facts) -> [(Step, &Progress); 7] {
    [
        (Step::KeepAlive, &facts.keep_alive),
        (Step::Deploy, &facts.deployment),
        (Step::PrivateTags, &facts.private_tags),
        (Step::Sync, &facts.sync),
        (Step::PatchTags, &facts.patch_tags),
        (Step::Verify, &facts.verification),
        (Step::CleanUp, &facts.clean_up),
    ]
}

/// The step that the fix is at: the first that is not done.
pub fn step(facts: &Facts) -> Step {
    blockers(facts).first().map_or(Step::CleanUp, |blocker| blocker.step)
}

/// Whether everything is done.
pub fn is_finished(facts: &Facts) -> bool {
    blockers(facts).is_empty()
}

/// What keeps a gate shut: everything that is not done in the steps in front of it. Open when empty.
pub fn shut_by(facts: &Facts, gate: Gate) -> Vec<Blocker> {
    blockers(facts).into_iter().filter(|blocker| blocker.step < gate.step()).collect()
}
