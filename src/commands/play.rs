//! Starting jobs that wait for somebody.

use anyhow::anyhow;

use super::{Context, Failure, connection::unanswered};
use crate::{
    domain::deployment::Waiting,
    gitlab::{Client, pipeline},
};

/// Starts these jobs. One that does not wait any more was started by somebody else.
///
/// # Errors
/// When this token may not start one of them, or GitLab does not answer.
pub(super) fn start(client: &Client, jobs: &[Waiting], context: &Context) -> Result<(), Failure> {
    for Waiting { id, project, name, .. } in jobs {
        match pipeline::play(client, *project, *id) {
            Ok(()) => context.ui.note(&format!("started `{name}`")),
            Err(error) if error.status() == Some(400) => context.ui.note(&format!("`{name}` is started already")),
            Err(error) if error.status() == Some(403) && !error.is_scope() => {
                return Err(Failure::not_done(anyhow!("this token may not start `{name}` ({error})"))
                    .hint("ask somebody who may deploy to run the same command"));
            }
            Err(error) => return Err(unanswered(error)),
        }
    }
    Ok(())
}

/// Tells who has to press what.
pub(super) fn tell(jobs: &[Waiting], command: &str, context: &Context) {
    for Waiting { name, web_url, .. } in jobs {
        let place = web_url.as_ref().map_or_else(String::new, |url| format!(" at {url}"));
        context.ui.note(&format!("somebody who may deploy has to start `{name}`{place}, or: {command}"));
    }
}
