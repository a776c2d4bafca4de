//! How far each step is that only GitLab knows of.

use std::collections::BTreeMap;

use super::Step;

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Done, or not wanted in this project.
    Done,
    /// Not done; the texts say what is missing.
    Open(Vec<String>),
    /// It cannot be told; the text says why.
    Unknown(String),
}

impl Progress {
    /// Done, unless something is missing.
    pub fn from_missing(missing: Vec<String>) -> Self {
        if missing.is_empty() { Self::Done } else { Self::Open(missing) }
    }

    /// Whether nothing is missing.
    pub fn is_done(&self) -> bool {
        *self == Self::Done
    }
}

/// How far the steps behind the merge are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByStep {
    known: BTreeMap<Step, Progress>,
    otherwise: Progress,
}

impl ByStep {
    /// The steps behind the merge.
    pub fn steps() -> impl Iterator<Item = Step> {
        Step::all().filter(|step| *step > Step::Merge)
    }

    /// Nothing can be told yet.
    pub fn unknown(why: &str) -> Self {
        Self { known: BTreeMap::new(), otherwise: Progress::Unknown(why.to_owned()) }
    }

    /// Each step by what this tells of it.
    pub fn tell(of: impl Fn(Step) -> Progress) -> Self {
        let known = Self::steps().map(|step| (step, of(step))).collect();
        Self { known, otherwise: Progress::Unknown("it is not looked at".to_owned()) }
    }

    /// How far this step is.
    pub fn of(&self, step: Step) -> &Progress {
        self.known.get(&step).unwrap_or(&self.otherwise)
    }

    /// Whether nothing of this step is missing.
    pub fn is_done(&self, step: Step) -> bool {
        self.of(step).is_done()
    }

    /// This step is so far now.
    pub fn set(&mut self, step: Step, progress: Progress) {
        self.known.insert(step, progress);
    }
}
