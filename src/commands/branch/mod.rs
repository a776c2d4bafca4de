//! `git secfix branch`: the branches of a fix, each tracking the branch of security that it is for.
//!
//! `plan` decides from what is there; this file looks, does it, and reports.

pub(super) mod plan;

use anyhow::anyhow;
use clap_complete::ArgValueCandidates;
use serde::Serialize;

use super::{Context, Failure, Program, candidates, context::Prepared, fetching, linked_issue};
use crate::{
    domain::{
        exit::Exit,
        fix::{BranchNames, FixBranch, FixName, FixNameError},
        issue::IssueRef,
        policy::Policy,
        version::ReleaseLine,
    },
    git::{
        LocalClone,
        branches::{self, NewBranch},
        process::Progress,
        remotes,
    },
    ui::Table,
};
use plan::{LocalBranch, Planned, Problem, State};

/// Create the branches of a fix, each tracking its branch of the security project
///
/// The branch of the fix tracks security's default branch, and each backport branch its stable
/// branch. Branches that are there already are kept as they are; one that a colleague pushed is
/// continued. All are created, or none.
#[derive(Debug, clap::Args)]
pub struct BranchArgs {
    /// The name of the fix, such as `prompt-injection`; it will be seen in public one day
    #[arg(add = ArgValueCandidates::new(candidates::fixes))]
    name: String,
    /// Also create the backport branch of this release line: `18-4`, `18.4`, `v18.4`, the stable
    /// branch, or `all` for every supported line; may be given several times
    #[arg(short, long, value_name = "LINE", add = ArgValueCandidates::new(candidates::lines))]
    backport: Vec<String>,
    /// Remember the issue of the fix: its number, `group/project#34`, or the address of its page
    #[arg(long, value_name = "ISSUE")]
    issue: Option<String>,
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
    state: &'static str,
    current: bool,
}

impl Program for BranchArgs {
    const NAME: &'static str = "branch";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let Prepared { clone, settings, policy } = context.prepared()?;
        let fix = policy.branches.fix_name(&self.name).map_err(bad_name)?;
        let remote = policy.security_remote.as_str();
        if remotes::find(&clone, remote).is_none() {
            return Err(Failure::not_done(anyhow!("there is no remote `{remote}`")).hint("git secfix init"));
        }
        // Wrong versions and issues are told before anything is waited for.
        let issues = settings.issues()?;
        let issue = self
            .issue
            .as_deref()
            .map(|text| IssueRef::read(text, &issues, &policy.instance))
            .transpose()
            .map_err(|error| Failure::usage(error).hint(format!("git secfix branch {fix} --issue 34")))?;
        let wanted = read_lines(&self.backport, &format!("git secfix branch {fix} --backport all"), &policy.branches)?;
        if !self.no_fetch && !self.dry_run {
            let hint = format!("git secfix branch {} --no-fetch", self.name);
            fetching::fetch(&clone, remote, context, &hint)?;
        }
        let lines = match wanted {
            Lines::These(lines) => lines,
            Lines::Supported => supported_lines(&clone, &policy, settings.supported_lines()?)?,
        };
        let never_fetched = is_never_fetched(&clone, &policy)?;
        let mut states = look(&clone, &policy, &fix, &lines, never_fetched)?;
        for state in states.iter_mut().filter(|state| state.line.is_some() && !state.has_base) {
            state.create_base = self.create_stable && state.canonical.is_some();
        }
        let planned = states
            .iter()
            .map(plan::plan)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| explain(problem, &policy, &fix))?;
        let new: Vec<NewBranch> = planned.iter().filter_map(|planned| planned.to_create(remote)).collect();
        let first = planned.first().map_or_else(String::new, |planned| planned.branch().to_owned());
        let switch = !self.no_switch && clone.current_branch()?.as_deref() != Some(first.as_str());
        let unguarded = unguarded_work(&clone, &policy, &first)?;
        if !self.dry_run {
            create_stable(&clone, &policy, &states)?;
            for branch in &new {
                context.ui.detail(&format!("{} starts at {}", branch.name, branch.start));
            }
            let created = branches::create(&clone, &new)?;
            if switch && let Err(failure) = switch_to(&clone, &first, &self.name, context) {
                created.take_back(&clone)?;
                return Err(failure);
            }
            if let Some(issue) = &issue {
                linked_issue::remember(&clone, &policy, &fix, issue)?;
            }
        }
        let issue = issue.or_else(|| linked_issue::remembered(&clone, &policy, &issues, &fix));
        let report =
            report(&fix, issue.as_ref(), remote, &planned, (!self.no_switch).then(|| first.clone()), !self.dry_run);
        context.ui.report(Self::NAME, &report, || text(&report));
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
            context.ui.note("next: commit the fix, then git secfix push");
        }
        Ok(Exit::Done)
    }
}

/// The current branch, if it holds commits that no remote has and is none of a fix: a fix is easily
/// committed before its branch exists, and nothing would keep it from leaking there.
fn unguarded_work(clone: &LocalClone, policy: &Policy, first: &str) -> Result<Option<String>, Failure> {
    let Some(current) =
        clone.current_branch()?.filter(|branch| branch != first && !policy.branches.looks_like_fix(branch))
    else {
        return Ok(None);
    };
    let ended =
        clone.git().run(&["rev-list", "--max-count=1", &format!("refs/heads/{current}"), "--not", "--remotes"])?;
    Ok(Some(current).filter(|_| ended.success && !ended.stdout.trim().is_empty()))
}

/// The lines that were asked for.
pub(super) enum Lines {
    These(Vec<ReleaseLine>),
    Supported,
}

pub(super) fn read_lines(texts: &[String], hint: &str, names: &BranchNames) -> Result<Lines, Failure> {
    if texts.iter().any(|text| text == "all") {
        return Ok(Lines::Supported);
    }
    let mut lines = Vec::new();
    for text in texts {
        let line = names.line(text).map_err(|error| Failure::usage(error).hint(hint))?;
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Ok(Lines::These(lines))
}

fn bad_name(error: FixNameError) -> Failure {
    let hint = match &error {
        FixNameError::Characters { suggestion: Some(name), .. } => format!("git secfix branch {name}"),
        FixNameError::Characters { suggestion: None, .. } => "git secfix branch prompt-injection".to_owned(),
        FixNameError::LooksLikeBackport(name) => format!("git secfix branch {name}-fix"),
    };
    Failure::usage(error).hint(hint)
}

/// The newest lines that have a stable branch, newest first. One that only canonical has is among
/// them: a line without its fix is the worst end of a release, and must not be passed over silently.
pub(super) fn supported_lines(clone: &LocalClone, policy: &Policy, count: usize) -> Result<Vec<ReleaseLine>, Failure> {
    let mut lines = candidates::stable_lines(clone, policy)?;
    if let Some(canonical) = remotes::canonical(clone, policy) {
        let branches = remotes::branches_of(clone, &canonical)?;
        lines.extend(branches.iter().filter_map(|branch| policy.branches.stable.read(branch)?.line()));
    }
    lines.sort_unstable_by(|a, b| b.cmp(a));
    lines.dedup();
    lines.truncate(count);
    if lines.is_empty() {
        return Err(Failure::not_done(anyhow!(
            "{} has no branch like `{}`",
            policy.security_remote,
            policy.branches.stable.as_str()
        ))
        .hint("git secfix config"));
    }
    Ok(lines)
}

/// Whether nothing of security is known here, as after `init --no-fetch`.
pub(super) fn is_never_fetched(clone: &LocalClone, policy: &Policy) -> Result<bool, Failure> {
    let remote = remotes::find(clone, policy.security_remote.as_str());
    Ok(remote
        .map(|remote| remotes::branches_of(clone, &remote))
        .transpose()?
        .is_none_or(|branches| branches.is_empty()))
}

/// What is there of the fix's branch and of each backport branch. While nothing of security is known,
/// canonical's branches stand for those of its mirror.
pub(super) fn look(
    clone: &LocalClone,
    policy: &Policy,
    fix: &FixName,
    lines: &[ReleaseLine],
    never_fetched: bool,
) -> Result<Vec<State>, Failure> {
    let security = format!("refs/remotes/{}/", policy.security_remote);
    let canonical = remotes::canonical(clone, policy);
    let targets = std::iter::once(None).chain(lines.iter().copied().map(Some));
    targets
        .map(|line| {
            let branch = policy.branches.write(&FixBranch { fix: fix.clone(), line });
            let target = policy.branches.target(line);
            let exists = |name: &str| branches::commit_of(clone, name).map(|commit| commit.is_some());
            let local = format!("refs/heads/{branch}");
            let published = format!("{security}{branch}");
            let has_published = exists(&published)?;
            let canonical = match canonical.as_ref().and_then(|remote| remote.tracking(&target)) {
                Some(kept) if exists(&kept)? => Some(kept),
                _ => None,
            };
            let base = match &canonical {
                Some(kept) if never_fetched => kept.clone(),
                _ => format!("{security}{target}"),
            };
            let start = if has_published { published } else { base.clone() };
            let local = match exists(&local)? {
                false => None,
                true => Some(LocalBranch {
                    tracks_security: branches::tracked_remote(clone, &branch).as_deref()
                        == Some(policy.security_remote.as_str()),
                    has_own_work: !branches::is_contained(clone, &local, &start)?,
                }),
            };
            Ok(State {
                line,
                has_base: exists(&base)?,
                has_published,
                canonical,
                branch,
                target,
                start,
                create_base: false,
                local,
            })
        })
        .collect()
}

/// Creates the missing stable branches in security as copies of canonical's (process, step 3).
fn create_stable(clone: &LocalClone, policy: &Policy, states: &[State]) -> Result<(), Failure> {
    let missing: Vec<&State> = states.iter().filter(|state| state.create_base).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let remote = policy.security_remote.to_string();
    let specs =
        missing.iter().filter_map(|state| Some(format!("{}:refs/heads/{}", state.canonical.as_ref()?, state.target)));
    let arguments: Vec<String> =
        ["push", "--atomic", "--quiet", "--", &remote].map(str::to_owned).into_iter().chain(specs).collect();
    let ended = clone.git().talk(&arguments, &Progress::Kept)?;
    if ended.success {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|state| state.target.clone()).collect();
    Err(Failure::network(anyhow!("cannot create `{}` in {remote}: {}", names.join("`, `"), ended.stderr.trim()))
        .hint("ask a maintainer of the security project to create it"))
}

pub(super) fn explain(problem: Problem, policy: &Policy, fix: &FixName) -> Failure {
    let remote = &policy.security_remote;
    match problem {
        Problem::NoBase { target, line: None, .. } => {
            Failure::not_done(anyhow!("{remote} has no branch `{target}`, as last fetched")).hint(format!("git fetch {remote}"))
        }
        Problem::NoBase { target, line: Some(line), in_canonical: true } => Failure::not_done(anyhow!(
            "{remote} has no branch `{target}`, but {} has it",
            policy.canonical
        ))
        .hint(format!("git secfix branch {fix} --backport {}-{} --create-stable", line.major, line.minor)),
        Problem::NoBase { target, line: Some(_), in_canonical: false } => {
            Failure::not_done(anyhow!("neither {remote} nor {} has a branch `{target}`", policy.canonical))
                .hint(format!("git fetch --all, if the line is new; else see git branch -r -l '{remote}/*'"))
        }
        Problem::OtherWork { branch } => Failure::not_done(anyhow!(
            "the branch `{branch}` exists, holds work of its own, and does not track {remote}"
        ))
        .hint(format!("git branch --move {branch} NEW-NAME, or, if it is the fix: git branch --set-upstream-to={remote}/{} {branch}", policy.branches.default)),
    }
}

/// Switches; what git warns of is shown, such as commits left behind on a detached HEAD.
fn switch_to(clone: &LocalClone, branch: &str, name: &str, context: &Context) -> Result<(), Failure> {
    let ended = clone.git().run(&["switch", "--no-guess", branch])?;
    let said: Vec<&str> = ended.stderr.lines().filter(|line| !line.starts_with("Switched to ")).collect();
    let said = said.join("\n");
    if ended.success {
        if !said.trim().is_empty() {
            context.ui.note(said.trim_end());
        }
        return Ok(());
    }
    Err(Failure::not_done(anyhow!("cannot switch to `{branch}`, so no branch was created: {}", said.trim()))
        .hint(format!("git secfix branch {name} --no-switch")))
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
        state: planned.state(done),
        current: done && current.as_deref() == Some(planned.branch()),
    });
    Report { fix: fix.to_string(), issue: issue.map(ToString::to_string), branches: rows.collect(), done }
}

fn text(report: &Report) -> String {
    let mut table = Table::default();
    for row in &report.branches {
        let state = if row.current { format!("{}, checked out", row.state) } else { row.state.to_owned() };
        table.row([row.branch.clone(), format!("tracks {}", row.upstream), state]);
    }
    table.to_string()
}
