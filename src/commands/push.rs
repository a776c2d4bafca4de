//! `git secfix push`: all branches of a fix to the security project, in one atomic push through
//! the guard.

use anyhow::anyhow;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

use super::{Context, Failure, Program, candidates, context::Prepared, fix};
use crate::{
    domain::{
        destination::redacted,
        exit::Exit,
        fix::FixName,
        policy::{Place, Policy},
    },
    git::{
        LocalClone, branches, history,
        process::Progress,
        remotes, resolution,
        transport::{self, Newest, Unreachable},
    },
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
    state: String,
}

impl Program for PushArgs {
    const NAME: &'static str = "push";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let Prepared { clone, policy, .. } = context.prepared()?;
        let fix = fix::find::<Self>(&clone, &policy, self.name.as_deref())?;
        let names = fix::local_branches(&clone, &policy, &fix)?;
        let remote = policy.security_remote.to_string();
        check_remote(&clone, &policy, &remote)?;
        for open in resolution::list(&clone)?.iter().filter(|open| open.is_under_way() && names.contains(&open.branch))
        {
            let (branch, place) = (&open.branch, open.root.display());
            context.ui.warning(&format!(
                "`{branch}` is pushed as it is now, without what is in conflict in {place}; to finish it: git secfix backport {fix} \
                 --continue"
            ));
        }
        let branches = if self.dry_run {
            let row = |name: &String| Row { branch: name.clone(), state: "would be pushed".to_owned() };
            names.iter().map(row).collect()
        } else {
            push(&clone, &remote, &fix, &names, self.force_with_lease, context)?
        };
        let report = Report { fix: fix.to_string(), remote, branches, done: !self.dry_run };
        context.ui.report(Self::NAME, &report, || text(&report));
        if cfg!(feature = "network") && !self.dry_run {
            context.ui.note(&format!("next: git secfix mr {fix}"));
        }
        Ok(Exit::Done)
    }
}

/// Every push URL of the remote must be the security project: a hook may have been taken away.
pub(super) fn check_remote(clone: &LocalClone, policy: &Policy, remote: &str) -> Result<(), Failure> {
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

/// Pushes all branches, or none; tells what became of each.
fn push(
    clone: &LocalClone,
    remote: &str,
    fix: &FixName,
    names: &[String],
    force: bool,
    context: &Context,
) -> Result<Vec<Row>, Failure> {
    let mut arguments: Vec<String> =
        ["push", "--atomic", "--set-upstream", "--porcelain", "--progress"].map(str::to_owned).into();
    if force {
        // A lease alone is as good as the last fetch, and `backport` fetches as well: what was fetched must also have
        // been in the branch at some time.
        arguments.extend(["--force-with-lease", "--force-if-includes"].map(str::to_owned));
    }
    arguments.extend(["--".to_owned(), remote.to_owned()]);
    arguments.extend(names.iter().map(|name| format!("refs/heads/{name}:refs/heads/{name}")));
    context.ui.detail(&format!("git {}", arguments.join(" ")));
    let spinner = context.ui.spinner(&format!("pushing to {remote}"));
    let ended = clone.git().talk(&arguments, &Progress::Told(&|state| spinner.tell(state)))?;
    drop(spinner);
    let rows: Vec<Row> = names
        .iter()
        .map(|name| Row { branch: name.clone(), state: state_of(name, &ended.stdout).unwrap_or("unknown").to_owned() })
        .collect();
    if ended.success {
        return Ok(rows);
    }
    Err(not_pushed(clone, remote, fix, &rows, &ended.stderr))
}

/// What became of a branch, from the lines of `git push --porcelain`: a flag, the references, a
/// summary, with tabs between them (git-push(1), "OUTPUT").
fn state_of<'a>(name: &str, porcelain: &'a str) -> Option<&'a str> {
    porcelain.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let (flag, references, summary) = (fields.next()?, fields.next()?, fields.next()?);
        references.ends_with(&format!(":refs/heads/{name}")).then_some(match flag {
            "=" => "up to date",
            "!" => summary,
            _ => "pushed",
        })
    })
}

/// Why nothing was pushed, in the words of what to do about it.
fn not_pushed(clone: &LocalClone, remote: &str, fix: &FixName, rows: &[Row], stderr: &str) -> Failure {
    if let Some(at) = stderr.find("refused: ") {
        let said = stderr[at + "refused: ".len()..].split("\nerror: ").next().unwrap_or_default();
        return Failure::refused(anyhow!("the guard refused: {}", said.trim())).hint("git secfix doctor");
    }
    let moved = ["(fetch first)", "(non-fast-forward)", "(stale info)", "(remote ref updated since checkout)"];
    if let Some(row) = rows.iter().find(|row| moved.iter().any(|reason| row.state.contains(reason))) {
        return moved_by_somebody(clone, remote, fix, &row.branch);
    }
    let said = transport::condensed(stderr);
    if rows.iter().any(|row| row.state.contains("rejected")) {
        let error = anyhow!("{remote} rejected the push, so nothing was pushed: {said}");
        return Failure::not_done(error)
            .hint(format!("git fetch {remote}, and ask a maintainer of the security project"));
    }
    let error = anyhow!("nothing was pushed: {said}");
    match Unreachable::from_stderr(stderr) {
        Unreachable::Other => Failure::not_done(error).hint("git secfix doctor"),
        _ => Failure::network(error).hint(format!("git ls-remote {remote} HEAD")),
    }
}

/// The remote's branch is not where it was: whose commits are there, and how to take them in.
fn moved_by_somebody(clone: &LocalClone, remote: &str, fix: &FixName, branch: &str) -> Failure {
    let integrate = format!("git fetch {remote} && git rebase {remote}/{branch} {branch} && git secfix push {fix}");
    // Whatever goes wrong with the look, the refusal stands, and what helps is the same.
    let Ok(Some(news)) = transport::news(clone, remote, branch) else {
        let error = anyhow!("{remote} has commits of `{branch}` that the branch here lacks, so nothing was pushed");
        return Failure::not_done(error).hint(integrate);
    };
    let Newest { id, by, subject, count } = &news;
    let short = history::short(*id);
    if branches::was_at(clone, branch, *id) {
        let error = anyhow!(
            "{remote} has `{branch}` as it was before it was amended or rebased here (`{short} {subject}`), so nothing was pushed"
        );
        return Failure::not_done(error).hint(format!("git secfix push {fix} --force-with-lease"));
    }
    let commits = if *count == 1 { "a commit".to_owned() } else { format!("{count} commits") };
    let error = anyhow!(
        "{by} moved `{branch}`: {remote} has {commits} of it that the branch here lacks, up to `{short} {subject}`, so nothing \
         was pushed"
    );
    Failure::not_done(error).hint(integrate)
}

fn text(report: &Report) -> String {
    let mut table = Table::default();
    for Row { branch, state } in &report.branches {
        table.row([branch.clone(), format!("{}/{branch}", report.remote), state.clone()]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_git_are_read() {
        let said = "To gitlab.com:x\n*\trefs/heads/a:refs/heads/a\t[new branch]\n=\trefs/heads/b:refs/heads/b\t[up to date]\n!\trefs/heads/c:refs/heads/c\t[rejected] (fetch first)\nDone\n";
        assert_eq!(state_of("a", said), Some("pushed"));
        assert_eq!(state_of("b", said), Some("up to date"));
        assert_eq!(state_of("c", said), Some("[rejected] (fetch first)"));
        assert_eq!(state_of("d", said), None);
    }
}
