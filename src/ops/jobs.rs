//! Jobs that wait for somebody: starting them, telling who has to, and looking what becomes of them.

use anyhow::anyhow;

use super::{
    Context, Failure,
    backoff::{Looked, WaitLimit, until_settled},
    connection::unanswered,
    facts::{Gathered, Gatherer},
    gate,
    prepared::Prepared,
    typed::Typed,
};
use crate::{
    domain::{deployment::Waiting, fix::FixName, runbook::Step},
    gitlab::{Client, pipeline},
};

/// A fix that is looked at again and again, with the jobs that it waits for.
pub(crate) struct Watch<'a> {
    pub(crate) context: &'a Context,
    pub(crate) client: &'a Client,
    pub(crate) prepared: &'a Prepared,
    pub(crate) fix: &'a FixName,
    /// The step that must have been reached.
    pub(crate) step: Step,
    /// Which jobs are started, and not only told of.
    pub(crate) plays: Plays<'a>,
}

/// Which jobs are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plays<'a> {
    /// None.
    Nothing,
    /// Those that the gate itself names. One further down may as well undo a deployment.
    Gate,
    /// Those with this in their name.
    Named(&'a str),
}

impl<'a> Plays<'a> {
    /// From an option that may have a value.
    pub(crate) fn from_option(option: Option<&'a Option<String>>) -> Self {
        match option {
            None => Self::Nothing,
            Some(None) => Self::Gate,
            Some(Some(part)) => Self::Named(part),
        }
    }

    fn starts(self, job: &Waiting) -> bool {
        match self {
            Self::Nothing => false,
            Self::Gate => job.is_of_gate,
            Self::Named(part) => job.name.contains(part),
        }
    }
}

impl Watch<'_> {
    /// Looks until it is settled, or the time is over. Each job is started, or told of, once.
    ///
    /// # Errors
    /// When the step is not reached, a job may not be started, or GitLab does not answer.
    pub(crate) fn gather(
        &self,
        limit: Option<WaitLimit>,
        jobs: impl Fn(&Gathered) -> Vec<Waiting>,
        found: impl Fn(Gathered) -> Looked<Gathered>,
    ) -> Result<Gathered, Failure> {
        let Self { context, client, prepared, fix, step, plays } = self;
        let gatherer = Gatherer::new(client, prepared)?.fetching();
        let mut known: Vec<u64> = Vec::new();
        until_settled(context, "asking GitLab", limit, |spinner| {
            let (_, mut gathered) = gatherer.fix(fix, None)?;
            gate::reach(*step, &gathered, &prepared.policy)?;
            let mut new = jobs(&gathered);
            new.retain(|job| !known.contains(&job.id));
            known.extend(new.iter().map(|job| job.id));
            let (started, told): (Vec<Waiting>, Vec<Waiting>) = new.into_iter().partition(|job| plays.starts(job));
            spinner.aside(|| tell(&told, &context.again(fix), context));
            if !started.is_empty() {
                spinner.aside(|| start(client, &started, context))?;
                gathered = gatherer.fix(fix, None)?.1;
            }
            Ok(found(gathered))
        })
    }
}

/// Starts these jobs. What GitLab does not start was started by somebody else, or waits for an approval first: the
/// next look tells.
fn start(client: &Client, jobs: &[Waiting], context: &Context) -> Result<(), Failure> {
    for Waiting { id, project, name, .. } in jobs {
        match pipeline::play(client, *project, *id) {
            Ok(()) => context.ui.note(&format!("started `{name}`")),
            Err(error) if error.status() == Some(400) => {
                context.ui.note(&format!("`{name}` is started already, or has to be approved first ({error})"));
            }
            Err(error) if error.status() == Some(403) && !error.is_scope() => {
                return Err(Failure::not_done(anyhow!("this token may not start `{name}` ({error})"))
                    .hint("ask somebody who may deploy to run the same command"));
            }
            Err(error) => return Err(unanswered(error)),
        }
    }
    Ok(())
}

/// Runs these jobs again. What GitLab does not run again is on its way already, or not for this token to run: the next
/// look tells.
pub(crate) fn run_again(client: &Client, jobs: &[Waiting], context: &Context) -> Result<(), Failure> {
    for Waiting { id, project, name, web_url, .. } in jobs {
        match pipeline::retry(client, *project, *id) {
            Ok(()) => context.ui.note(&format!("running `{name}` again")),
            Err(error) if error.status() == Some(403) && !error.is_scope() => {
                let place = web_url.as_deref().map_or_else(String::new, |url| format!(" at {url}"));
                return Err(Failure::not_done(anyhow!("this token may not run `{name}` again ({error})"))
                    .hint(format!("ask somebody who may deploy to run it again{place}")));
            }
            Err(error) => return Err(unanswered(error)),
        }
    }
    Ok(())
}

/// Tells who has to press what.
fn tell(jobs: &[Waiting], again: &Typed, context: &Context) {
    for Waiting { name, web_url, is_of_gate, .. } in jobs {
        let place = web_url.as_ref().map_or_else(String::new, |url| format!(" at {url}"));
        let again = again.clone().without(&["--play"]).with("--wait");
        let again = if *is_of_gate { again.with("--play") } else { again.with_joined("--play", name) };
        context.ui.advice(&format!("somebody who may deploy has to start `{name}`{place}"), &again.to_string());
    }
}
