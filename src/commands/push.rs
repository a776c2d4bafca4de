//! `git secfix push`: all branches of a fix to the security project, in one atomic push through
//! the guard.

use anyhow::anyhow;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

use super::{Context, Failure, Program, candidates, context::Prepared};
use crate::{
    domain::{
        destination::redacted,
        exit::Exit,
        fix::FixName,
        policy::{Place, Policy},
    },
    git::{LocalClone, branches, process::Progress, remotes},
    ui::Table,
};

/// Push every branch of a fix to the security project, at once or not at all
///
/// The branches keep their names and track them afterwards. The push goes through the guard like
/// any other.
#[derive(Debug, clap::Args)]
pub struct PushArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = ArgValueCandidates::new(candidates::fixes))]
    name: Option<String>,
    /// Replace what was pushed before, unless somebody else pushed since the last fetch
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
    branches: Vec<String>,
    done: bool,
}

impl Program for PushArgs {
    const NAME: &'static str = "push";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let Prepared { clone, policy, .. } = context.prepared()?;
        let fix = find_fix(&clone, &policy, self.name.as_deref())?;
        let names = branches_of(&clone, &policy, &fix)?;
        let remote = policy.security_remote.to_string();
        check_remote(&clone, &policy, &remote)?;
        if !self.dry_run {
            push(&clone, &remote, &names, self.force_with_lease, context)?;
        }
        let report = Report { fix: fix.to_string(), remote, branches: names, done: !self.dry_run };
        context.ui.report(Self::NAME, &report, || text(&report));
        Ok(Exit::Done)
    }
}

fn find_fix(clone: &LocalClone, policy: &Policy, name: Option<&str>) -> Result<FixName, Failure> {
    if let Some(name) = name {
        return policy.branches.fix_name(name).map_err(|error| Failure::usage(error).hint("git secfix push NAME"));
    }
    let current = clone.current_branch()?;
    let fix = current.as_deref().and_then(|branch| policy.branches.read(branch)).map(|branch| branch.fix);
    fix.ok_or_else(|| {
        let here =
            current.map_or_else(|| "HEAD is detached".to_owned(), |branch| format!("`{branch}` is no branch of a fix"));
        Failure::usage(anyhow!("{here}, so the fix must be named")).hint("git secfix push NAME")
    })
}

/// The local branches of the fix: its own first, then the backports, newest line first.
fn branches_of(clone: &LocalClone, policy: &Policy, fix: &FixName) -> Result<Vec<String>, Failure> {
    let names = branches::names_below(clone, "refs/heads/")?;
    let mut found: Vec<_> =
        names.iter().filter_map(|name| policy.branches.read(name)).filter(|branch| branch.fix == *fix).collect();
    found.sort_by(|a, b| b.line.is_none().cmp(&a.line.is_none()).then(b.line.cmp(&a.line)));
    if found.is_empty() {
        return Err(Failure::not_done(anyhow!("there is no branch of the fix `{fix}`"))
            .hint(format!("git secfix branch {fix}")));
    }
    Ok(found.iter().map(|branch| policy.branches.write(branch)).collect())
}

/// Every push URL of the remote must be the security project: a hook may have been taken away.
fn check_remote(clone: &LocalClone, policy: &Policy, remote: &str) -> Result<(), Failure> {
    let found = remotes::find(clone, remote)
        .filter(|found| !found.push_urls.is_empty())
        .ok_or_else(|| Failure::not_done(anyhow!("there is no remote `{remote}`")).hint("git secfix init"))?;
    let wrong = found.push_urls.iter().find(|url| remotes::place(clone, policy, url) != Place::Security);
    match wrong {
        None => Ok(()),
        Some(url) => {
            Err(Failure::refused(anyhow!("remote `{remote}` pushes to {}, not to {}", redacted(url), policy.security))
                .hint(format!("git config --unset-all remote.{remote}.pushurl")))
        }
    }
}

fn push(clone: &LocalClone, remote: &str, names: &[String], force: bool, context: &Context) -> Result<(), Failure> {
    let mut arguments: Vec<String> = ["push", "--atomic", "--set-upstream"].map(str::to_owned).into();
    if force {
        arguments.push("--force-with-lease".to_owned());
    }
    arguments.extend(["--".to_owned(), remote.to_owned()]);
    arguments.extend(names.iter().map(|name| format!("refs/heads/{name}:refs/heads/{name}")));
    let progress = if context.ui.quiet || context.ui.json { Progress::Kept } else { Progress::Shown };
    let ended = clone.git().talk(&arguments, &progress)?;
    if ended.success {
        return Ok(());
    }
    let said = match ended.stderr.trim() {
        "" => String::new(),
        said => format!(": {said}"),
    };
    let first = names.first().map_or("", String::as_str);
    Err(Failure::not_done(anyhow!("git did not push, so nothing of the fix was changed in {remote}{said}"))
        .hint(format!("if somebody else pushed: git fetch {remote} && git log {first}..{remote}/{first}")))
}

fn text(report: &Report) -> String {
    let state = if report.done { "pushed" } else { "would be pushed" };
    let mut table = Table::default();
    for name in &report.branches {
        table.row([name.clone(), format!("{}/{name}", report.remote), state.to_owned()]);
    }
    table.to_string()
}
