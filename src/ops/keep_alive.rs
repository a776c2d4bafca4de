//! The schedule that keeps security going while it differs from canonical: switched on after the merge,
//! and off after the sync. It only helps along, so what cannot be done is explained and stops nothing.

use super::{Context, Failure, connection::unanswered, facts::KeepAlive};
use crate::{
    config::settings::Settings,
    gitlab::{
        Client,
        schedule::{self, Schedule},
    },
};

/// Lets the schedule run, where the project has one.
///
/// # Errors
/// When GitLab does not answer.
pub(crate) fn switch_on(client: &Client, settings: &Settings, project: u64, context: &Context) -> Result<(), Failure> {
    switch(client, settings, project, context, true)
}

/// Stops the schedule, where the project has one.
///
/// # Errors
/// When GitLab does not answer.
pub(crate) fn switch_off(client: &Client, settings: &Settings, project: u64, context: &Context) -> Result<(), Failure> {
    switch(client, settings, project, context, false)
}

fn switch(client: &Client, settings: &Settings, project: u64, context: &Context, active: bool) -> Result<(), Failure> {
    let Some(found) = KeepAlive::find(client, settings, project).map_err(unanswered)? else { return Ok(()) };
    let KeepAlive::Found(Schedule { id, description, active: is_active, owner }) = &found else {
        context.ui.warning(&found.problem());
        return Ok(());
    };
    if *is_active == active {
        return Ok(());
    }
    let word = if active { "active" } else { "off" };
    match schedule::set_active(client, project, *id, active) {
        Ok(_) => context.ui.note(&format!("the schedule `{description}` is {word} now")),
        // Maintainers are no exception: a schedule runs with the rights of its owner.
        Err(error) if error.status() == Some(403) && !error.is_scope() => {
            let owner = owner.as_ref().map_or("nobody", |owner| owner.username.as_str());
            context.ui.warning(&format!(
                "the schedule `{description}` is not {word}: its owner @{owner} alone may change it; ask them, or take it \
                 over on its page in the security project (CI/CD, schedules), then run the same command again"
            ));
        }
        Err(error) => return Err(unanswered(error)),
    }
    Ok(())
}
