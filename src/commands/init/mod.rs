//! `git secfix init`: makes a clone ready for embargoed work, and takes that back.
//!
//! `survey` looks, `plan` decides, `apply` does; `undo` is the way back.

mod apply;
mod plan;
mod projects;
mod survey;
mod undo;

use clap::ValueHint;
use serde::Serialize;

use super::{Program, program::completed_by};
use crate::domain::{runbook, token_variables::TOKEN_VARIABLES};
use crate::{
    domain::exit::Exit,
    ops::{Context, Failure, known_names},
    ui::{Table, report_words},
};

/// Prepare this clone: security remote, fetch, and the guard against pushes to public places
///
/// Finds the remote of the public project by its URL, in any spelling and under any name, adds the
/// remote of its private mirror over the same protocol, fetches it, and installs a `pre-push` hook
/// that lets embargoed work reach the private mirror and nothing else. Existing hooks go on
/// running. Needs no token and asks the GitLab API nothing. Run twice, it changes nothing.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The public project (GROUP/PROJECT), or the remote that leads to it
    #[arg(long, value_name = "PROJECT|REMOTE", add = completed_by(known_names::remotes))]
    canonical: Option<String>,
    /// Its private mirror, where it is not at the usual place (`security` after the first group)
    #[arg(long, value_name = "PROJECT", value_hint = ValueHint::Other)]
    security: Option<String>,
    /// The name of the remote of the private mirror
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    remote: Option<String>,
    /// How to reach the private mirror, where it is not as the public project is reached
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
    /// Do not fetch
    #[arg(long)]
    no_fetch: bool,
    /// Do not install the guard
    #[arg(long)]
    no_guard: bool,
    /// Change nothing; tell what would change, and end with 1 if anything would
    #[arg(long, conflicts_with = "undo")]
    check: bool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Take back everything that `init` did in this clone
    #[arg(long, conflicts_with_all = ["canonical", "security", "remote", "protocol", "no_fetch", "no_guard"])]
    undo: bool,
}

/// How a project is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Protocol {
    /// git@HOST:PROJECT.git
    Ssh,
    /// https://HOST/PROJECT.git
    Https,
}

/// What `init` found and did.
#[derive(Debug, Serialize)]
struct Report {
    canonical: RemoteRow,
    security: RemoteRow,
    guard: Option<GuardRow>,
    /// What was done, or would be done.
    changes: Vec<String>,
    /// Whether the changes were made.
    done: bool,
}

#[derive(Debug, Serialize)]
struct RemoteRow {
    remote: String,
    project: String,
    host: String,
    url: String,
    /// What was done with it, in order; nothing where it was as it should be.
    state: Vec<RemoteState>,
}

#[derive(Debug, Serialize)]
struct GuardRow {
    state: GuardState,
    mode: &'static str,
    /// The manager of the hooks that run behind the guard, where one is known; `a hook` where not.
    behind_it: Option<String>,
}

report_words! {
    /// What was done with a remote, or would be.
    enum RemoteState {
        Added = "added",
        WouldBeAdded = "would be added",
        Fetched = "fetched",
        WouldBeFetched = "would be fetched",
    }
}

report_words! {
    /// What became of the guard, or would.
    enum GuardState {
        Installed = "installed",
        WouldBeInstalled = "would be installed",
        Unchanged = "unchanged",
    }
}

impl Program for InitArgs {
    const NAME: &'static str = "init";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        if self.undo {
            return undo::run(context, self.dry_run);
        }
        let only_look = self.check || self.dry_run;
        let check = self.check;
        let mut clone = context.open()?;
        let found = survey::survey(&clone, &self, &context.typed())?;
        let actions = plan::plan(&found, &self);
        let pending = actions.iter().any(plan::Action::is_preparation);
        if !only_look {
            apply::apply(&mut clone, &found, &actions, context)?;
        }
        context
            .ui
            .report(Self::NAME, &report(&found, &actions, !only_look), || text(&found, &actions, !only_look, context));
        // Whether the keyring has one is not looked at here: this program cannot open it.
        let has_token =
            TOKEN_VARIABLES.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        if cfg!(feature = "network") && !only_look && pending && !has_token {
            context.ui.advice("merge requests need a token, once", "git secfix auth login");
        }
        Ok(if check && pending { Exit::NotDone } else { Exit::Done })
    }
}

fn joined(states: &[RemoteState]) -> String {
    states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ")
}

/// The command that prepares, where this one only looked.
fn prepare(context: &Context) -> String {
    context.typed().without(&["--check", "--dry-run"]).to_string()
}

fn report(found: &survey::Survey, actions: &[plan::Action], done: bool) -> Report {
    let host = |url: &str| projects::host_of(url);
    Report {
        canonical: RemoteRow {
            remote: found.canonical_remote.clone(),
            project: found.policy.canonical.to_string(),
            host: host(&found.canonical_url),
            url: crate::domain::destination::redacted(&found.canonical_url).into_owned(),
            state: plan::remote_state(&found.canonical_remote, actions, done),
        },
        security: RemoteRow {
            remote: found.security_remote.clone(),
            project: found.policy.security.to_string(),
            host: host(&found.security_url),
            url: crate::domain::destination::redacted(&found.security_url).into_owned(),
            state: plan::remote_state(&found.security_remote, actions, done),
        },
        guard: plan::guard_state(found, actions, done).map(|state| GuardRow {
            state,
            mode: found.policy.mode.as_str(),
            behind_it: plan::kept_hook(found),
        }),
        changes: actions.iter().map(ToString::to_string).collect(),
        done,
    }
}

fn text(found: &survey::Survey, actions: &[plan::Action], done: bool, context: &Context) -> String {
    let report = report(found, actions, done);
    let mut table = Table::default();
    for (label, row) in [("canonical", &report.canonical), ("security", &report.security)] {
        table.row([label.to_owned(), row.remote.clone(), format!("{}/{}", row.host, row.project), joined(&row.state)]);
    }
    match &report.guard {
        Some(guard) => {
            let kept = guard.behind_it.as_ref().map(|kept| format!("; {kept} still runs after it"));
            let state = format!("{}{}", guard.state, kept.unwrap_or_default());
            table.row(["guard".to_owned(), "pre-push".to_owned(), state])
        }
        None => table.row(["guard", "pre-push", "left as it is, as asked"]),
    };
    // The next command stands outside of the table, where it would widen a column.
    let is_ready = done || !actions.iter().any(plan::Action::is_preparation);
    let next = if is_ready { runbook::first_step(None) } else { prepare(context) };
    format!("{table}next       {next}\n")
}
