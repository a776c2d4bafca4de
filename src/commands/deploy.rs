//! `git secfix deploy`: whether the fix runs where users are, which is what the disclosure waits for.

use anyhow::anyhow;
use serde::Serialize;

use super::{Program, wait_options::WatchArgs};
use crate::{
    domain::{
        deployment::{Service, State, Waiting},
        exit::Exit,
        runbook::{self, Step},
    },
    ops::{
        Context, Failure,
        backoff::Looked,
        facts::{Gathered, Gatherer},
        fix_branches,
        jobs::{Watch, run_again},
        next,
        typed::Typed,
    },
    ui::{Links, Table},
};

/// Show whether a fix is deployed, and wait for it
///
/// What counts are the jobs of `deploy.jobs` in the stage `deploy.stage`, in the pipeline of the merge to
/// security's default branch or in a later one that holds it, and everything in the pipelines that these
/// jobs started. Nothing of a fix becomes public before all of them have succeeded.
#[derive(Debug, clap::Args)]
pub struct DeployArgs {
    #[command(flatten)]
    watch: WatchArgs,
    /// Run the jobs of the deployment again that failed or were cancelled
    #[arg(long)]
    retry: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    deployed: bool,
    services: Vec<Service>,
}

impl Program for DeployArgs {
    const NAME: &'static str = "deploy";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let fix = fix_branches::find(context, &prepared, self.watch.name.as_deref())?;
        let client = context.gitlab(&prepared)?;
        let (fix, plays) = (&fix, self.watch.plays());
        let (client, prepared) = (&client, &prepared);
        let watch = Watch { context, client, prepared, fix, step: Step::Deploy, plays };
        if self.retry {
            let (_, gathered) = Gatherer::new(client, prepared)?.fetching().fix(fix, None)?;
            let ended: Vec<Waiting> = services(&gathered).iter().flat_map(|service| service.ended.clone()).collect();
            run_again(client, &ended, context)?;
        }
        let gathered = watch.gather(self.watch.limit(), waiting, judge)?;
        let services = services(&gathered).to_vec();
        let deployed = gathered.facts.progress.is_done(Step::Deploy);
        let report = Report { fix: fix.to_string(), deployed, services };
        show(context, &report);
        if !deployed {
            // Without settings there is no service to show, and the runbook says why.
            if report.services.is_empty() {
                let blockers = runbook::blockers(&gathered.facts);
                let texts: Vec<&str> = blockers
                    .iter()
                    .filter(|blocker| blocker.step == Step::Deploy)
                    .map(|blocker| blocker.text.as_str())
                    .collect();
                return Err(Failure::not_done(anyhow!("{}", texts.join("; "))).hint("git secfix config --keys"));
            }
            let error = anyhow!("`{fix}` is not deployed, so nothing of it may become public");
            return Err(Failure::not_done(error).hint(self.way_on(&report.services, context.again(fix))));
        }
        next::tell(context, &gathered.facts, fix, &prepared.policy);
        Ok(Exit::Done)
    }
}

impl DeployArgs {
    /// What helps with the worst of the news. Only what may change by itself is waited for.
    fn way_on(&self, services: &[Service], again: Typed) -> String {
        let Some(worst) = services.iter().min_by_key(|service| service.state) else { return again.to_string() };
        let page = worst.web_url.as_deref().map_or_else(String::new, |url| format!(" at {url}"));
        match worst.state {
            State::Failed | State::Canceled | State::Skipped => {
                let again = again.with("--wait");
                match worst.ended.is_empty() || self.retry {
                    true => format!("ask whoever may deploy to run it again{page}, then: {again}"),
                    false => format!("ask whoever may deploy to run: {}", again.with("--retry")),
                }
            }
            State::Absent if worst.sha.is_some() => {
                "git secfix config, and see `deploy.stage` and `deploy.jobs`, or ask whoever changed the pipeline"
                    .to_owned()
            }
            State::Unknown => format!("ask somebody who may see what was started{page} to run: {again}"),
            State::Waiting if worst.waiting.iter().any(|job| job.is_of_gate) => {
                again.without(&["--play"]).with("--play").with("--wait").to_string()
            }
            State::Absent | State::Waiting | State::Running | State::Deployed => self.watch.hint(again).to_string(),
        }
    }
}

fn services(gathered: &Gathered) -> &[Service] {
    gathered.after_merge.as_ref().and_then(|after_merge| after_merge.services.as_deref()).unwrap_or_default()
}

fn waiting(gathered: &Gathered) -> Vec<Waiting> {
    services(gathered).iter().flat_map(|service| service.waiting.clone()).collect()
}

fn judge(gathered: Gathered) -> Looked<Gathered> {
    // A pipeline may take a moment to appear behind a merge.
    let may_change =
        |service: &&Service| service.state.may_change() || (service.state == State::Absent && service.sha.is_none());
    let open = services(&gathered).iter().filter(|service| service.state != State::Deployed);
    let (pending, settled): (Vec<&Service>, Vec<&Service>) = open.partition(may_change);
    if !settled.is_empty() || pending.is_empty() {
        return Looked::Settled(gathered);
    }
    let text = pending.iter().map(|service| service.text.as_str()).collect::<Vec<_>>().join("; ");
    Looked::Pending(gathered, text)
}

fn show(context: &Context, report: &Report) {
    let pages = report.services.iter().filter_map(|service| Some((service.name.clone(), service.web_url.clone()?)));
    let links: Links = pages.collect();
    context.ui.line_with_links(DeployArgs::NAME, report, links, || {
        let mut table = Table::default();
        for Service { name, state, text, sha, web_url, .. } in &report.services {
            let word = match state {
                State::Deployed => "deployed",
                State::Running => "running",
                State::Waiting => "waiting",
                State::Unknown => "unknown",
                State::Absent => "absent",
                State::Skipped => "skipped",
                State::Canceled => "cancelled",
                State::Failed => "failed",
            };
            let sha: String = sha.iter().flat_map(|sha| sha.chars().take(12)).collect();
            table.row([name.clone(), word.to_owned(), sha, text.clone()]);
            if let Some(url) = web_url.as_ref().filter(|_| *state != State::Deployed) {
                table.row([String::new(), String::new(), String::new(), url.clone()]);
            }
        }
        table.to_string()
    });
}
