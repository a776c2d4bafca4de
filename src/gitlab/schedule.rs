//! Pipeline schedules.

use gitlab::api::projects::pipeline_schedules::{EditPipelineSchedule, PipelineSchedules};
use serde::Deserialize;

use super::{Client, Error, built, user::User};

/// A pipeline schedule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Schedule {
    /// Its id.
    pub id: u64,
    /// What it is called.
    pub description: String,
    /// Whether it runs.
    pub active: bool,
    /// Who alone may change it.
    pub owner: Option<User>,
}

/// The schedules of this name; `None` where the token may not see any.
///
/// # Errors
/// See [`Error`].
pub fn named(client: &Client, project: u64, name: &str) -> Result<Option<Vec<Schedule>>, Error> {
    let all: Option<Vec<Schedule>> =
        Error::invisible(client.all(&built(PipelineSchedules::builder().project(project).build())?))?;
    Ok(all.map(|all| all.into_iter().filter(|schedule| schedule.description == name).collect()))
}

/// Lets a schedule run, or not.
///
/// # Errors
/// See [`Error`]; 403 for everybody but its owner.
pub fn set_active(client: &Client, project: u64, id: u64, active: bool) -> Result<Schedule, Error> {
    client.put(&built(EditPipelineSchedule::builder().project(project).id(id).active(active).build())?)
}
