//! The steps of the process in the one list that says their order, which of them a project takes, and
//! which gates stand between them. Numbers, gates and what comes next all follow from this list.

use serde::{Serialize, Serializer};

/// A step of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The issue is confidential.
    Triage,
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
    /// The jobs that publish what was tagged.
    Publish,
    /// Everything arrived.
    Verify,
    /// Nothing is left behind.
    CleanUp,
}

/// A point that must not be passed before everything in front of it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Merge requests in security may be opened.
    Request,
    /// All merge requests may be merged.
    Merge,
    /// Tags may be created in security.
    PrivateTag,
    /// The fix may become public.
    Disclose,
    /// Patch tags may be created.
    Tag,
    /// The fix is out: what was published may be looked at, and what is left behind removed.
    Finish,
}

/// When a project takes a step.
#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    Chosen(fn(Choices) -> bool),
}

/// A row of the list.
struct Row {
    step: Step,
    name: &'static str,
    when: When,
    /// The gate in front of it.
    gate: Option<Gate>,
    /// Whether gates behind it wait for it. What only helps along does not hold up a fix.
    is_binding: bool,
}

const fn row(step: Step, name: &'static str) -> Row {
    Row { step, name, when: When::Always, gate: None, is_binding: true }
}

impl Row {
    const fn behind(self, gate: Gate) -> Self {
        Self { gate: Some(gate), ..self }
    }

    const fn chosen(self, by: fn(Choices) -> bool) -> Self {
        Self { when: When::Chosen(by), ..self }
    }

    const fn helping_along(self) -> Self {
        Self { is_binding: false, ..self }
    }
}

/// The process.
const LIST: [Row; 17] = [
    row(Step::Triage, "triage"),
    row(Step::Prepare, "preparing the clone"),
    row(Step::StableBranches, "stable branches"),
    row(Step::Branches, "branches"),
    row(Step::Backports, "backports"),
    row(Step::Push, "push"),
    row(Step::MergeRequests, "merge requests").behind(Gate::Request),
    row(Step::Review, "review"),
    row(Step::Merge, "merge").behind(Gate::Merge),
    row(Step::KeepAlive, "keep-alive").chosen(|choices| choices.keep_alive).helping_along(),
    row(Step::Deploy, "deployment"),
    row(Step::PrivateTags, "private tags").behind(Gate::PrivateTag).chosen(|choices| choices.private_tags),
    row(Step::Sync, "sync").behind(Gate::Disclose),
    row(Step::PatchTags, "patch tags").behind(Gate::Tag),
    row(Step::Publish, "publishing").chosen(|choices| choices.publishing),
    row(Step::Verify, "verification").behind(Gate::Finish),
    row(Step::CleanUp, "clean-up"),
];

fn row_of(step: Step) -> (usize, &'static Row) {
    let found = LIST.iter().enumerate().find(|(_, row)| row.step == step);
    // Every step is in the list, which a test holds.
    found.unwrap_or((LIST.len() - 1, &LIST[LIST.len() - 1]))
}

impl Step {
    /// Every step that there is, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        LIST.iter().map(|row| row.step)
    }

    /// Its name in a word or two.
    pub fn name(self) -> &'static str {
        row_of(self).1.name
    }

    /// Whether gates behind it wait for it.
    pub fn is_binding(self) -> bool {
        row_of(self).1.is_binding
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By their order in the process.
impl Ord for Step {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        row_of(*self).0.cmp(&row_of(*other).0)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Gate {
    /// Every gate, in the order of the steps behind them.
    pub fn all() -> impl Iterator<Item = Self> {
        LIST.iter().filter_map(|row| row.gate)
    }

    /// The step that the gate stands in front of.
    pub fn step(self) -> Step {
        LIST.iter().find(|row| row.gate == Some(self)).map_or(Step::CleanUp, |row| row.step)
    }
}

/// What a project chooses to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choices {
    /// A schedule keeps security going between merge and sync.
    pub keep_alive: bool,
    /// Tags are made in security before the disclosure.
    pub private_tags: bool,
    /// Jobs publish what was tagged.
    pub publishing: bool,
}

/// The steps that a project takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Process(Choices);

impl Process {
    /// The process with these choices.
    pub fn with(choices: Choices) -> Self {
        Self(choices)
    }

    /// Whether the project takes this step.
    pub fn has(self, step: Step) -> bool {
        match row_of(step).1.when {
            When::Always => true,
            When::Chosen(by) => by(self.0),
        }
    }

    /// The steps that the project takes, in order.
    pub fn steps(self) -> impl Iterator<Item = Step> {
        Step::all().filter(move |step| self.has(*step))
    }

    /// How many steps that are.
    pub fn count(self) -> usize {
        self.steps().count()
    }

    /// The number of a step in this project, from 1.
    pub fn number(self, step: Step) -> usize {
        self.steps().filter(|other| *other <= step).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_in_the_list_once_and_every_gate_has_a_step() {
        let steps: Vec<Step> = Step::all().collect();
        for step in &steps {
            assert_eq!(row_of(*step).1.step, *step);
            assert_eq!(steps.iter().filter(|other| *other == step).count(), 1);
        }
        // The order of the list is that of the enumeration, so that neither can be changed alone.
        assert!(steps.iter().map(|step| *step as usize).eq(0..steps.len()));
        assert_eq!(Gate::all().count(), 6);
        assert!(Gate::all().map(Gate::step).is_sorted());
    }

    #[test]
    fn numbers_follow_from_what_a_project_takes() {
        let plain = Process::default();
        assert_eq!((plain.count(), plain.number(Step::Review), plain.number(Step::Sync)), (14, 8, 11));
        let full = Process::with(Choices { keep_alive: true, private_tags: true, publishing: true });
        assert_eq!((full.count(), full.number(Step::Review), full.number(Step::Sync)), (17, 8, 13));
        assert!(!plain.has(Step::PrivateTags) && full.has(Step::PrivateTags));
        assert!(full.steps().is_sorted());
    }
}
