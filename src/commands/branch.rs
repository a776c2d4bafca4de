//! `git secfix branch`: the branches of a fix, each tracking the branch of security that it is for.

use anyhow::anyhow;
use serde::Serialize;

use super::{Program, program::completed_by};
use crate::ops::waivers;
use crate::{
    domain::{
        exit::Exit,
        fix::{FixBranch, FixName, FixNameError},
        issue::IssueRef,
        policy::Policy,
        version::ReleaseLine,
        waiver::Waiver,
    },
    git::{
        LocalClone,
        branches::{self, NewBranch},
        checkouts, history,
        push::{Push, Source, Update},
        remotes,
    },
    ops::{
        Context, Failure, Prepared, fetch,
        fix_branches::{
            self,
            plan::{self, BranchOutcome, Planned, State},
        },
        issue_link, issue_question, known_names,
        lines::{self, Lines},
        next, push,
    },
    ui::Table,
};

/// Create the branches of a fix, each tracking its branch of the security project
///
/// The branch of the fix tracks security's default branch, and each backport branch its stable
/// branch. Branches that are there already are kept as they are; one that a colleague pushed is
/// continued. All are created, or none.
#[derive(Debug, clap::Args)]
pub struct BranchArgs {
    /// The name of the fix, such as `prompt-injection`; it will be seen in public one day [default: the one of the
    /// current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// Also create the backport branch of this release line: `18-4`, `18.4`, `v18.4`, the stable
    /// branch, or `all` for every supported line; may be given several times
    #[arg(short, long, value_name = "LINE", add = completed_by(known_names::lines))]
    backport: Vec<String>,
    /// Remember the issue of the fix: its number, `group/project#34`, or the address of its page
    #[arg(long, value_name = "ISSUE")]
    issue: Option<String>,
    /// Leave this release line without the fix, with a --reason that colleagues see; may be given several times
    #[arg(long, value_name = "LINE", requires = "reason", add = completed_by(known_names::lines))]
    without: Vec<String>,
    /// Why the lines go without
    #[arg(long, value_name = "TEXT", requires = "without")]
    reason: Option<String>,
    /// Create stable branches that only the public project has in the security project
    #[arg(long)]
    create_stable: bool,
    /// Stay on the current branch
    #[arg(long)]
    no_switch: bool,
    /// Do not fetch
    #[arg(long)]
    no_fetch: bool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    issue: Option<String>,
    branches: Vec<Row>,
    done: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    branch: String,
    line: Option<ReleaseLine>,
    upstream: String,
    state: BranchOutcome,
    current: bool,
}

impl Program for BranchArgs {
    const NAME: &'static str = "branch";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let Prepared { clone, settings, policy } = &prepared;
        let fix = match &self.name {
            Some(name) => policy.branches.fix_name(name).map_err(|error| bad_name(error, name, context))?,
            None => fix_branches::find(context, &prepared, None)?,
        };
        let remote = policy.security_remote.as_str();
        if remotes::find(clone, remote).is_none() {
            return Err(Failure::not_done(anyhow!("there is no remote `{remote}`")).hint("git secfix init"));
        }
        // Wrong versions and issues are told before anything is waited for.
        let issues = settings.issues()?;
        let issue = self
            .issue
            .as_deref()
            .map(|text| IssueRef::read(text, &issues, &policy.instance))
            .transpose()
            .map_err(|error| Failure::usage(error).hint(context.again(&fix).with_only("--issue", "NUMBER")))?;
        let all = context.again(&fix).without_value("-b").with_only("--backport", "all");
        let wanted = lines::read_lines(&self.backport, all, &policy.branches)?;
        let waivers = self.waivers(&fix, policy, context)?;
        if !self.no_fetch && !self.dry_run {
            fetch::fetch(clone, remote, context, context.again(&fix).with("--no-fetch"))?;
        }
        let known_issue = issue.clone().or_else(|| issue_link::remembered(clone, policy, &issues, &fix));
        if let Some(issue) = known_issue.as_ref().filter(|_| !self.no_fetch && !self.dry_run) {
            issue_question::check(context, &prepared, &fix, issue)?;
        }
        let lines = match wanted {
            Lines::These(lines) => lines,
            Lines::Supported => {
                let all = lines::supported_lines(clone, policy, settings.supported_lines()?)?;
                let named = all.into_iter().filter(|line| waivers.iter().all(|waiver| waiver.line != *line));
                waivers::left_out(clone, policy, &fix, named.collect(), context.ui)
            }
        };
        check_waivers(&prepared, &fix, &waivers, &lines)?;
        let never_fetched = lines::is_never_fetched(clone, policy)?;
        let mut states = fix_branches::survey(clone, policy, &fix, &lines, never_fetched)?;
        for state in states.iter_mut().filter(|state| state.line.is_some() && !state.has_base) {
            state.create_base = self.create_stable && state.canonical.is_some();
        }
        let planned = states
            .iter()
            .map(plan::plan)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| fix_branches::explain(problem, policy, &fix, Some(context.again(&fix))))?;
        let new: Vec<NewBranch> = planned.iter().filter_map(|planned| planned.to_create(remote)).collect();
        let first = planned.first().map_or_else(String::new, |planned| planned.branch().to_owned());
        let switch = !self.no_switch && clone.current_branch()?.as_deref() != Some(first.as_str());
        let unguarded = unguarded_work(clone, policy, &first)?;
        if !self.dry_run {
            create_stable(clone, policy, &states, context)?;
            for branch in &new {
                context.ui.detail(&format!("{} starts at {}", branch.name, branch.start));
            }
            let created = branches::create(clone, &new)?;
            if switch && let Err(failure) = switch_to(clone, &first, &fix, context) {
                created.take_back(clone)?;
                return Err(failure);
            }
            if let Some(issue) = &issue {
                issue_link::remember(clone, policy, &fix, issue)?;
            }
            waivers::forget(clone, policy, &fix, &lines)?;
            waivers::remember(clone, policy, &fix, &waivers)?;
        }
        let report = report(
            &fix,
            known_issue.as_ref(),
            remote,
            &planned,
            (!self.no_switch).then(|| first.clone()),
            !self.dry_run,
        );
        context.ui.report(Self::NAME, &report, || text(&report));
        for Waiver { line, reason } in &waivers {
            let tense = if self.dry_run { "would go" } else { "goes" };
            context.ui.warning(&format!("{line} {tense} without the fix, and stays vulnerable in public: {reason}"));
        }
        if never_fetched {
            context.ui.warning(&format!(
                "{remote} was never fetched, so the branches start from what {} had; before you push: git fetch {remote}",
                policy.canonical
            ));
        }
        if let Some(branch) = unguarded {
            let base = format!("{remote}/{}", policy.branches.default);
            context.ui.warning(&format!(
                "`{branch}` holds commits that no remote has, and the guard does not know them for a fix; if they are: \
                 git cherry-pick {base}..{branch}"
            ));
        }
        if !self.dry_run {
            next::tell_offline(context, &prepared, &fix);
        }
        Ok(Exit::Done)
    }
}

impl BranchArgs {
    fn waivers(&self, fix: &FixName, policy: &Policy, context: &Context) -> Result<Vec<Waiver>, Failure> {
        let Some(reason) = &self.reason else { return Ok(vec![]) };
        let again = context.again(fix).with_only("--without", "LINE");
        if let Some(default) = self.without.iter().find(|text| **text == policy.branches.default) {
            return Err(Failure::usage(anyhow!("`{default}` cannot go without the fix: every release comes from it"))
                .hint(again));
        }
        let lines = match lines::read_lines(&self.without, again.clone(), &policy.branches)? {
            Lines::These(lines) => lines,
            Lines::Supported => {
                return Err(Failure::usage(anyhow!("each line that goes without the fix is named")).hint(again));
            }
        };
        let reasoned = || context.again(fix).with_only("--reason", "TEXT");
        let waive = |line| Waiver::new(line, reason).map_err(|error| Failure::usage(error).hint(reasoned()));
        lines.into_iter().map(waive).collect()
    }
}

/// Only a line that exists and has no branch of the fix can go without it.
fn check_waivers(
    prepared: &Prepared,
    fix: &FixName,
    waivers: &[Waiver],
    wanted: &[ReleaseLine],
) -> Result<(), Failure> {
    let Prepared { clone, policy, .. } = prepared;
    if waivers.is_empty() {
        return Ok(());
    }
    let known = lines::known_lines(clone, policy, usize::MAX)?;
    let branches = fix_branches::names::branches(clone, policy)?;
    for Waiver { line, .. } in waivers {
        if wanted.contains(line) {
            return Err(Failure::usage(anyhow!("{line} is to have a backport, and to go without the fix"))
                .hint(format!("git secfix branch {fix} --backport {}-{}", line.major, line.minor)));
        }
        if !known.contains(line) {
            return Err(Failure::usage(anyhow!("there is no release line {line}")).hint(format!(
                "git branch --remotes --list '*/{}'",
                policy.branches.stable.as_str().replace("{minor}", "*").replace("{major}", "*")
            )));
        }
        let branch = policy.branches.write(&FixBranch { fix: fix.clone(), line: Some(*line) });
        if branches.contains(&branch) {
            let here = format!("git branch --delete {branch}");
            let there = format!("git push {} --delete {branch}", policy.security_remote);
            let is_in = |place: &str| branches::commit_of(clone, &format!("refs/{place}/{branch}"));
            let is_there = is_in(&format!("remotes/{}", policy.security_remote))?.is_some();
            let commands = [is_in("heads")?.map(|_| here), is_there.then_some(there)];
            return Err(Failure::not_done(anyhow!(
                "{line} has a backport, `{branch}`: it does not go without the fix"
            ))
            .hint(commands.into_iter().flatten().collect::<Vec<_>>().join(" && ")));
        }
    }
    Ok(())
}

/// The current branch, if it holds commits that no remote has and is none of a fix: a fix is easily
/// committed before its branch exists, and nothing would keep it from leaking there.
fn unguarded_work(clone: &LocalClone, policy: &Policy, first: &str) -> Result<Option<String>, Failure> {
    let Some(current) =
        clone.current_branch()?.filter(|branch| branch != first && !policy.branches.looks_like_fix(branch))
    else {
        return Ok(None);
    };
    Ok(if history::is_on_no_remote(clone, &current)? { Some(current) } else { None })
}

fn bad_name(error: FixNameError, typed: &str, context: &Context) -> Failure {
    let better = match &error {
        FixNameError::Characters { suggestion: Some(name), .. } => name.to_string(),
        FixNameError::Characters { suggestion: None, .. } => "prompt-injection".to_owned(),
        FixNameError::LooksLikeBackport(name) => format!("{name}-fix"),
    };
    Failure::usage(error).hint(context.typed().in_place_of(typed, &better))
}

/// Creates the missing stable branches in security as copies of canonical's (process, step 3).
fn create_stable(clone: &LocalClone, policy: &Policy, states: &[State], context: &Context) -> Result<(), Failure> {
    let missing = states.iter().filter(|state| state.create_base);
    let updates: Vec<Update> = missing
        .filter_map(|state| {
            let to = Source::Reference(state.canonical.clone()?);
            Some(Update { branch: state.target.clone(), to })
        })
        .collect();
    if updates.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = updates.iter().map(|update| update.branch.clone()).collect();
    let remote = policy.security_remote.as_str();
    let pushed = push::send(clone, policy, context, &Push { remote, updates, ..Push::default() })?;
    if pushed.is_done() {
        return Ok(());
    }
    let what = format!("`{}` was not created in {remote}", names.join("`, `"));
    Err(push::failure(&pushed, &what).or_hint("ask a maintainer of the security project to create it"))
}

/// Switches; what git warns of is shown, such as commits left behind on a detached HEAD.
fn switch_to(clone: &LocalClone, branch: &str, fix: &FixName, context: &Context) -> Result<(), Failure> {
    match checkouts::switch(clone, branch)? {
        Ok(said) if said.is_empty() => Ok(()),
        Ok(said) => {
            context.ui.note(&said);
            Ok(())
        }
        Err(said) => Err(Failure::not_done(anyhow!("cannot switch to `{branch}`, so no branch was created: {said}"))
            .hint(context.again(fix).with("--no-switch"))),
    }
}

fn report(
    fix: &FixName,
    issue: Option<&IssueRef>,
    remote: &str,
    planned: &[Planned],
    current: Option<String>,
    done: bool,
) -> Report {
    let rows = planned.iter().map(|planned| Row {
        branch: planned.branch().to_owned(),
        line: planned.line(),
        upstream: format!("{remote}/{}", planned.upstream()),
        state: planned.outcome(done),
        current: done && current.as_deref() == Some(planned.branch()),
    });
    Report { fix: fix.to_string(), issue: issue.map(ToString::to_string), branches: rows.collect(), done }
}

fn text(report: &Report) -> String {
    let mut table = Table::default();
    for row in &report.branches {
        let state = if row.current { format!("{}, checked out", row.state) } else { row.state.to_string() };
        table.row([row.branch.clone(), format!("tracks {}", row.upstream), state]);
    }
    table.to_string()
}
