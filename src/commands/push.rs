//! `git secfix push`: all branches of a fix to the security project, in one atomic push through
//! the guard.

use serde::Serialize;

use super::{Program, program::completed_by};
use crate::{
    domain::{exit::Exit, fix::FixName},
    git::{
        push::{Outcome, Push, Update},
        resolution,
    },
    ops::{self, Context, Failure, Prepared, fix_branches, issue_link, issue_question, known_names},
    ui::{Table, report_words},
};

/// Push every branch of a fix to the security project, at once or not at all
///
/// The branches keep their names and track them afterwards. The push goes through the guard like
/// any other.
#[derive(Debug, clap::Args)]
pub struct PushArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// Replace what was pushed before, unless it holds something that was never in the branch here
    #[arg(long)]
    force_with_lease: bool,
    /// Print what would be pushed, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    remote: String,
    branches: Vec<Row>,
    done: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    branch: String,
    state: State,
}

report_words! {
    /// What became of a branch.
    enum State {
        WouldBePushed = "would be pushed",
        Pushed = "pushed",
        UpToDate = "up to date",
    }
}

impl Program for PushArgs {
    const NAME: &'static str = "push";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let Prepared { clone, policy, settings } = &prepared;
        let fix = fix_branches::find(context, &prepared, self.name.as_deref())?;
        let names = fix_branches::local_branches(clone, policy, &fix)?;
        let remote = policy.security_remote.to_string();
        ops::push::check_remote(clone, policy, &remote)?;
        for open in resolution::list(clone)?.iter().filter(|open| open.is_under_way() && names.contains(&open.branch)) {
            let (branch, place) = (&open.branch, open.root.display());
            context.ui.warning(&format!("`{branch}` is pushed as it is now, without what is in conflict in {place}"));
            context.ui.hint(&format!("git secfix backport {fix} --continue"));
        }
        let issue = issue_link::remembered(clone, policy, &settings.issues()?, &fix);
        if let Some(issue) = issue.filter(|_| !self.dry_run) {
            issue_question::check(context, &prepared, &fix, &issue)?;
        }
        let branches = if self.dry_run {
            let row = |name: &String| Row { branch: name.clone(), state: State::WouldBePushed };
            names.iter().map(row).collect()
        } else {
            push(&prepared, &remote, &fix, &names, self.force_with_lease, context)?
        };
        let report = Report { fix: fix.to_string(), remote, branches, done: !self.dry_run };
        context.ui.report(Self::NAME, &report, || text(&report));
        if !self.dry_run {
            ops::next::tell_offline(context, &prepared, &fix);
        }
        Ok(Exit::Done)
    }
}

/// Pushes all branches, or none; tells what became of each.
fn push(
    prepared: &Prepared,
    remote: &str,
    fix: &FixName,
    names: &[String],
    replaces_own: bool,
    context: &Context,
) -> Result<Vec<Row>, Failure> {
    let Prepared { clone, policy, .. } = prepared;
    let updates = names.iter().map(|name| Update::branch(name)).collect();
    let push = Push { remote, updates, set_upstream: true, replaces_own };
    let pushed = ops::push::send(clone, policy, context, &push)?;
    if !pushed.is_done() {
        return Err(ops::push::fix_failure(clone, remote, &context.again(fix), &pushed));
    }
    let state = |outcome: Outcome| if outcome == Outcome::Unchanged { State::UpToDate } else { State::Pushed };
    Ok(pushed.branches.into_iter().map(|(branch, outcome)| Row { branch, state: state(outcome) }).collect())
}

fn text(report: &Report) -> String {
    let mut table = Table::default();
    for Row { branch, state } in &report.branches {
        table.row([branch.clone(), format!("{}/{branch}", report.remote), state.as_str().to_owned()]);
    }
    table.to_string()
}
