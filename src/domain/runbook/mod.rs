//! The heart: from everything that is known of a fix to the step that it is at, what blocks it, and
//! which gates are open. What `status` shows is what every command obeys, since all of them ask here.

mod next;
mod process;
mod progress;
mod review;
#[cfg(test)]
mod tests;

pub use next::{first_step, issue_step, next, public_step};
pub use process::{Choices, Gate, Process, Step};
pub use progress::{ByStep, Progress};

use serde::Serialize;

use super::{
    merge_request::{MergeRequest, State},
    version::ReleaseLine,
    waiver::Waiver,
};

/// The issue of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueFact {
    /// The fix is not linked to one.
    Unlinked,
    /// It is linked, and was not asked for: this command asks no server.
    Linked {
        /// As GitLab links it.
        reference: String,
    },
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

/// How a branch here and the one of the same name in security compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pushed {
    /// Security has no such branch.
    No,
    /// Both are the same commit.
    #[serde(rename = "yes")]
    Same,
    /// This clone has commits that security does not have.
    Ahead,
    /// Security has commits that this clone does not have.
    Behind,
    /// Both have commits that the other does not have.
    Diverged,
    /// There is no branch here: a colleague's fix.
    #[serde(rename = "only in security")]
    OnlyThere,
}

/// What a branch brings to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It cannot be told here.
    Unknown,
    /// No commit.
    Missing,
    /// Commits, and all files are as they were without them.
    Undone,
    /// A change.
    Found,
}

/// The merge request of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Nobody asked whether there is one.
    NotAsked,
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
    /// What the branch brings to its target.
    pub work: Work,
    /// The newest commit of security's branch, in hexadecimal, where it has the branch.
    pub head: Option<String>,
    /// Commits of the fix that a backport lacks, oldest first, in hexadecimal.
    pub lacks: Vec<String>,
    /// Whether that could be told: not where this clone is older than security.
    pub is_compared: bool,
    /// How it compares with security's branch.
    pub pushed: Pushed,
    /// Its merge request in security.
    pub request: Request,
    /// The page of an open merge request in canonical from the branch that it is merged into: whatever is merged there
    /// is public at once.
    pub exposed_by: Option<String>,
    /// The commit by which somebody took the fix back in the branch that it is merged into, in hexadecimal.
    pub taken_back_by: Option<String>,
    /// Whether the server calls it merged, and neither project has the commit of that in the branch.
    pub is_lost: bool,
}

impl Target {
    /// Its merge request, if there is exactly one that counts.
    pub fn merge_request(&self) -> Option<&MergeRequest> {
        match &self.request {
            Request::Found(request) => Some(request),
            _ => None,
        }
    }

    /// Whether it is a backport that does not hold the whole fix.
    pub fn is_incomplete(&self) -> bool {
        let is_empty = matches!(self.work, Work::Missing | Work::Undone) && !self.is_merged();
        self.line.is_some() && (is_empty || !self.lacks.is_empty())
    }

    fn is_merged(&self) -> bool {
        self.merge_request().is_some_and(|request| request.state == State::Merged)
    }
}

/// Everything that is known of one fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The steps that the project takes.
    pub process: Process,
    /// Its issue.
    pub issue: IssueFact,
    /// What is wrong with the security project itself, such as that others can read it.
    pub project_problem: Option<String>,
    /// Its branches, the one towards the default branch first.
    pub targets: Vec<Target>,
    /// Supported lines that the fix has no branch for, newest first. They are vulnerable in public after the disclosure.
    pub uncovered: Vec<ReleaseLine>,
    /// Lines that go without the fix, by name and reason.
    pub waivers: Vec<Waiver>,
    /// Whether something of the fix is seen in public already.
    pub is_disclosing: bool,
    /// How far each step behind the merge is.
    pub progress: ByStep,
}

/// What a command just did, for the step behind it: the rest is as it was.
impl Facts {
    /// Every branch has an open merge request; these are new, by the branches that they come from.
    pub fn opened(&mut self, new: impl IntoIterator<Item = (String, MergeRequest)>) {
        for (source, request) in new {
            let target = self.targets.iter_mut().find(|target| target.source == source);
            if let Some(target) = target {
                target.request = Request::Found(Box::new(request));
            }
        }
    }

    /// The merge request of this branch was marked as a draft, or as ready.
    pub fn marked(&mut self, source: &str, is_draft: bool) {
        let target = self.targets.iter_mut().find(|target| target.source == source);
        if let Some(Request::Found(request)) = target.map(|target| &mut target.request) {
            request.is_draft = is_draft;
        }
    }

    /// Every merge request is merged. Nothing is known yet of what comes behind that.
    pub fn merged(&mut self) {
        for target in &mut self.targets {
            if let Request::Found(request) = &mut target.request {
                request.state = State::Merged;
            }
        }
    }

    /// Canonical has everything.
    pub fn disclosed(&mut self) {
        self.progress.set(Step::Sync, Progress::Done);
    }

    /// No branch of the fix is left.
    pub fn cleaned_up(&mut self) {
        self.progress.set(Step::CleanUp, Progress::Done);
    }

    /// The lines have their tags.
    pub fn tagged(&mut self, step: Step) {
        self.progress.set(step, Progress::Done);
    }
}

/// Something that keeps a step from being done, in the words of whoever must act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// The step that is not done.
    pub step: Step,
    /// The merge request that it is about.
    pub merge_request: Option<u64>,
    /// What is missing.
    pub text: String,
}

/// What keeps each step that the project takes from being done, in the order of the steps.
pub fn blockers(facts: &Facts) -> Vec<Blocker> {
    let mut found = Vec::new();
    let mut block = |step, text: String| found.push(Blocker { step, merge_request: None, text });
    match &facts.issue {
        // What is public already is no secret any more.
        _ if is_public(facts) => {}
        // What has begun to be public is finished, so that no line stays vulnerable.
        IssueFact::Seen { is_confidential, .. } if *is_confidential || facts.is_disclosing => {}
        IssueFact::Unlinked => {
            block(
                Step::Triage,
                "no issue is linked to the fix, so it is not known whether it is confidential".to_owned(),
            );
        }
        IssueFact::Seen { reference, .. } => {
            block(
                Step::Triage,
                format!("issue {reference} is public: fix it in the public project, without backports"),
            );
        }
        IssueFact::Linked { reference } => {
            block(Step::Triage, format!("whether issue {reference} is confidential was not asked"));
        }
        IssueFact::Unseen { reference, why } => {
            block(Step::Triage, format!("whether issue {reference} is confidential is not known: {why}"));
        }
    }
    if let Some(why) = &facts.project_problem {
        block(Step::Prepare, why.clone());
    }
    if facts.targets.is_empty() {
        block(Step::Branches, "the fix has no branch".to_owned());
    }
    for target in &facts.targets {
        found.extend(review::target_blockers(target));
    }
    for line in &facts.uncovered {
        found.push(Blocker {
            step: Step::Backports,
            merge_request: None,
            text: format!("{line} is supported and has no backport"),
        });
    }
    for step in ByStep::steps() {
        let texts = match facts.progress.of(step) {
            Progress::Done => continue,
            Progress::Open(texts) => texts.clone(),
            Progress::Unknown(why) => vec![format!("{} is not known: {why}", step.name())],
        };
        found.extend(texts.into_iter().map(|text| Blocker { step, merge_request: None, text }));
    }
    found.retain(|blocker| facts.process.has(blocker.step));
    found.sort_by_key(|blocker| blocker.step);
    found
}

/// Whether canonical has all of the fix.
fn is_public(facts: &Facts) -> bool {
    facts.progress.is_done(Step::Sync) && !facts.targets.is_empty() && facts.targets.iter().all(Target::is_merged)
}

/// The step that the fix is at: the first that is not done. What only helps along is not waited for.
pub fn step(facts: &Facts) -> Step {
    let blockers = blockers(facts);
    let binding = blockers.iter().find(|blocker| blocker.step.is_binding());
    binding.or(blockers.first()).map_or(Step::CleanUp, |blocker| blocker.step)
}

/// Whether everything is done.
pub fn is_finished(facts: &Facts) -> bool {
    blockers(facts).is_empty()
}

/// What keeps a gate shut: everything that is not done in the steps in front of it. Open when empty. The one in front of
/// the merge requests does not wait for lines that lack their backport.
pub fn shut_by(facts: &Facts, gate: Gate) -> Vec<Blocker> {
    let step = gate.step();
    if !facts.process.has(step) {
        let text = format!("this project takes no step `{}`", step.name());
        return vec![Blocker { step, merge_request: None, text }];
    }
    // Merge requests are opened for the lines that are there; what waits for the others is the merge.
    if gate == Gate::Request {
        let mut there = facts.clone();
        there.targets.retain(|target| !target.is_incomplete());
        there.uncovered.clear();
        return undone_before(&there, step);
    }
    undone_before(facts, step)
}

/// Everything that is not done in the steps in front of a step, as far as they are waited for.
pub fn undone_before(facts: &Facts, step: Step) -> Vec<Blocker> {
    blockers(facts).into_iter().filter(|blocker| blocker.step < step && blocker.step.is_binding()).collect()
}

/// Whether a gate is open.
pub fn is_open(facts: &Facts, gate: Gate) -> bool {
    shut_by(facts, gate).is_empty()
}
