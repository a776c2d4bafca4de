//! The schedule that keeps security going while it differs from canonical.

use crate::{
    config::settings::Settings,
    domain::runbook::Progress,
    gitlab::{
        Client, Error,
        schedule::{self, Schedule},
    },
};

/// The schedule, as far as it can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    /// This one.
    Found(Schedule),
    /// There is none of this name, or more than one.
    NotOne {
        /// Its name.
        name: String,
        /// How many there are.
        count: usize,
    },
    /// This token may not see schedules.
    Unseen,
}

impl KeepAlive {
    /// Looks for the schedule, where a project has one.
    ///
    /// # Errors
    /// When GitLab does not answer.
    pub(crate) fn find(client: &Client, settings: &Settings, project: u64) -> Result<Option<Self>, Error> {
        let Some(name) = settings.keep_alive() else { return Ok(None) };
        let found = schedule::named(client, project, name)?;
        Ok(Some(match found {
            None => Self::Unseen,
            Some(mut found) => match (found.len(), found.pop()) {
                (1, Some(only)) => Self::Found(only),
                (count, _) => Self::NotOne { name: name.to_owned(), count },
            },
        }))
    }

    /// How far it is before the sync, when it should be active.
    pub(super) fn progress(&self) -> Progress {
        match self {
            Self::Found(schedule) if schedule.active => Progress::Done,
            Self::Found(schedule) => Progress::Open(vec![format!("{} is not active", named(schedule))]),
            Self::NotOne { .. } => Progress::Open(vec![self.problem()]),
            Self::Unseen => Progress::Unknown(self.problem()),
        }
    }

    /// Why it cannot be used.
    pub(crate) fn problem(&self) -> String {
        match self {
            Self::Found(schedule) => format!("{} may be changed by its owner alone", named(schedule)),
            Self::NotOne { name, count: 0 } => format!("security has no pipeline schedule `{name}`"),
            Self::NotOne { name, count } => format!("security has {count} pipeline schedules `{name}`"),
            Self::Unseen => "this token may not see the pipeline schedules of security".to_owned(),
        }
    }
}

fn named(schedule: &Schedule) -> String {
    let owner = schedule.owner.as_ref().map_or("nobody", |owner| owner.username.as_str());
    format!("the schedule `{}` of @{owner}", schedule.description)
}
