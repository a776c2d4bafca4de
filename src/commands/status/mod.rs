//! `git secfix status`: where a fix is, what blocks it, and what is next.

mod show;
mod watch;

use clap_complete::ArgValueCandidates;
use jiff::Zoned;
use serde::Serialize;

use super::{
    Context, Failure, Program, candidates,
    context::Prepared,
    facts::{Gathered, Gatherer},
    fix,
};
use crate::domain::{exit::Exit, fix::FixName};

/// Show where a fix is, what blocks it, and what is next
///
/// Everything is read anew from this clone and from GitLab. What blocks here is what the commands
/// obey that merge, disclose and tag.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = ArgValueCandidates::new(candidates::fixes), conflicts_with = "all")]
    name: Option<String>,
    /// Show every fix of the project: those with an open merge request, or with a branch
    #[arg(long)]
    all: bool,
    /// Look again every so many seconds, until the review is over; less often while nothing changes
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "30",
          value_parser = clap::value_parser!(u64).range(1..=3600), conflicts_with = "json")]
    watch: Option<u64>,
}

/// What is shown of every fix.
#[derive(Debug, Serialize)]
struct Report {
    fixes: Vec<show::FixReport>,
}

impl Program for StatusArgs {
    const NAME: &'static str = "status";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let fix = match self.all {
            true => None,
            false => Some(fix::find::<Self>(&prepared.clone, &prepared.policy, self.name.as_deref())?),
        };
        let client = context.gitlab(&prepared)?;
        let gatherer = Gatherer::new(&client, &prepared)?;
        let look = || gather(context, &gatherer, fix.as_ref());
        match self.watch {
            Some(seconds) => watch::watch(context, seconds, look, |found| report(context, &prepared, found)),
            None => {
                let found = look()?;
                report(context, &prepared, &found);
                Ok(Exit::Done)
            }
        }
    }
}

fn gather(context: &Context, gatherer: &Gatherer<'_>, fix: Option<&FixName>) -> Result<Vec<Gathered>, Failure> {
    let _spinner = context.ui.spinner("asking GitLab");
    match fix {
        Some(fix) => Ok(vec![gatherer.fix(fix, None)?.1]),
        None => Ok(gatherer.all()?.1),
    }
}

fn report(context: &Context, prepared: &Prepared, found: &[Gathered]) {
    let today = Zoned::now().date();
    let report = Report { fixes: found.iter().map(|found| show::report(found, &prepared.policy, today)).collect() };
    let links: Vec<(String, String)> = report.fixes.iter().flat_map(show::links).collect();
    let links: Vec<(&str, &str)> = links.iter().map(|(label, url)| (label.as_str(), url.as_str())).collect();
    context.ui.report_with_links(StatusArgs::NAME, &report, &links, || {
        let texts: Vec<String> = report.fixes.iter().map(show::text).collect();
        match texts.is_empty() {
            true => "no fix is open\n".to_owned(),
            false => texts.join("\n"),
        }
    });
    for note in report.fixes.iter().flat_map(|fix| &fix.notes) {
        context.ui.warning(note);
    }
}
