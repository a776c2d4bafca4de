//! `git secfix verify`: whether everything arrived that a fix publishes.

use anyhow::anyhow;
use serde::Serialize;

use super::{Program, wait_options::WatchArgs};
use crate::{
    domain::{
        deployment::Waiting,
        exit::Exit,
        runbook::{Progress, Step},
        verification::{Check, Outcome},
    },
    ops::{Context, Failure, backoff::Looked, facts::Gathered, fix_branches, jobs::Watch, next, typed::Typed},
    ui::Table,
};

/// Show whether everything arrived: pipelines of the tags, images, mirrors, the schedule at rest
///
/// What this token may not see is unknown, and not fine. Images are those of `verify.images`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    verified: bool,
    checks: Vec<Check>,
}

impl Program for VerifyArgs {
    const NAME: &'static str = "verify";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let fix = fix_branches::find(context, &prepared, self.watch.name.as_deref())?;
        let client = context.gitlab(&prepared)?;
        let (fix, plays) = (&fix, self.watch.plays());
        let (client, prepared) = (&client, &prepared);
        let watch = Watch { context, client, prepared, fix, step: Step::Publish, plays };
        let gathered = watch.gather(self.watch.limit(), to_publish, judge)?;
        let checks = checks(&gathered);
        let open = checks.iter().filter(|check| check.outcome != Outcome::Ok).count();
        let report = Report { fix: fix.to_string(), verified: open == 0, checks };
        show(context, &report);
        if open > 0 {
            let error = match open {
                1 => anyhow!("1 thing is not as it should be"),
                _ => anyhow!("{open} things are not as they should be"),
            };
            return Err(Failure::not_done(error).hint(self.way_on(&report.checks, context.again(fix))));
        }
        next::tell(context, &gathered.facts, fix, &prepared.policy);
        Ok(Exit::Done)
    }
}

impl VerifyArgs {
    /// What helps with what is open. Only what may come by itself is waited for.
    fn way_on(&self, checks: &[Check], again: Typed) -> String {
        let has = |outcome: Outcome| checks.iter().any(|check| check.outcome == outcome);
        if has(Outcome::Pending) {
            self.watch.hint(again).to_string()
        } else if let Some(failed) = checks.iter().find(|check| check.outcome == Outcome::Failed) {
            format!("ask whoever may mend the {}, then: {again}", failed.what)
        } else {
            format!("ask a maintainer of the public project to run: {again}")
        }
    }
}

fn to_publish(gathered: &Gathered) -> Vec<Waiting> {
    gathered.after_merge.as_ref().map_or_else(Vec::new, |after_merge| after_merge.waiting_to_publish().to_vec())
}

/// The checks, with what the publishing lacks.
fn checks(gathered: &Gathered) -> Vec<Check> {
    let Some(after_merge) = &gathered.after_merge else { return vec![] };
    let mut checks = after_merge.checks.clone();
    if let Progress::Open(missing) = gathered.facts.progress.of(Step::Publish) {
        checks.extend(missing.iter().map(|text| Check::new("publishing", Outcome::Pending, text.clone())));
    }
    checks
}

fn judge(gathered: Gathered) -> Looked<Gathered> {
    let checks = checks(&gathered);
    let open = || checks.iter().filter(|check| check.outcome != Outcome::Ok);
    // What failed or cannot be seen does not come by waiting.
    let pending: Vec<String> = open()
        .filter(|check| check.outcome == Outcome::Pending)
        .map(|check| format!("{}: {}", check.what, check.text))
        .collect();
    match pending.is_empty() {
        true => Looked::Settled(gathered),
        false => Looked::Pending(gathered, pending.join("; ")),
    }
}

fn show(context: &Context, report: &Report) {
    context.ui.report(VerifyArgs::NAME, report, || {
        let mut table = Table::default();
        for Check { what, outcome, text } in &report.checks {
            table.row([what.as_str(), outcome.as_str(), text.as_str()]);
        }
        table.to_string()
    });
}
