//! `git secfix status`: where a fix is, what blocks it, and what is next.

mod show;
mod watch;

use jiff::Zoned;
use serde::Serialize;

use super::{
    Program,
    program::{DURATION, completed_by},
    wait_options::duration,
};
use crate::ui::Links;
use crate::{
    domain::{duration::Span, exit::Exit, fix::FixName},
    ops::{
        Context, Failure,
        facts::{Gathered, Gatherer},
        fix_branches, known_names,
        prepared::Prepared,
    },
};

/// Show where a fix is, what blocks it, and what is next
///
/// Everything is read anew from this clone and from GitLab. What blocks here is what the commands
/// obey that merge, disclose and tag.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// The name of the fix [default: the one of the current branch, else all]
    #[arg(add = completed_by(known_names::fixes), conflicts_with = "all")]
    name: Option<String>,
    /// Show every fix of the project: those with an open merge request, or with a branch
    #[arg(long)]
    all: bool,
    /// Look again every so often, until the review is over; less often while nothing changes
    #[arg(long, value_name = DURATION, num_args = 0..=1, require_equals = true, default_missing_value = "30s",
          value_parser = duration, conflicts_with = "json")]
    watch: Option<Span>,
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
        // Where no fix is meant, all of them are shown.
        let fix = match &self.name {
            None if self.all => None,
            None => fix_branches::current(&prepared.clone, &prepared.policy)?,
            name => Some(fix_branches::find(context, &prepared, name.as_deref())?),
        };
        let client = context.gitlab(&prepared)?;
        let gatherer = Gatherer::new(&client, &prepared)?;
        let look = || gather(context, &gatherer, fix.as_ref());
        match self.watch {
            Some(pause) => watch::watch(context, pause.get(), look, |found| report(context, &prepared, found)),
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
    let links: Links = report.fixes.iter().flat_map(show::links).collect();
    context.ui.report_with_links(StatusArgs::NAME, &report, links, || {
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
