//! `git secfix backport`: the commits of a fix on every backport branch, without touching the work tree.
//!
//! `ops::backport_state` looks, decides, and picks in memory; `conflict` hands over what cannot be picked, and this file
//! moves the branches and reports.

mod conflict;
mod show;

use anyhow::anyhow;

use super::{Program, program::completed_by};
use crate::ops::waivers;
use crate::{
    config::settings::Settings,
    domain::{exit::Exit, fix::FixName, policy::Policy, version::ReleaseLine},
    git::{
        LocalClone,
        advance::{self, Advance},
        branches::{self, NewBranch},
        checkouts,
        history::Range,
        objects::Objects,
        pick_comparison,
        picked_commit::{Committer, PendingCommitter},
        range_diff, remotes, resolution, transport,
    },
    ops::{
        Context, Failure, Prepared,
        backport_state::{
            fix::{self, Commits, Fix},
            line::{self, NotPicked},
            merged,
            pick::{self, Outcome, Picked},
        },
        fetch, fix_branches, known_names,
        lines::{self, Lines},
        next,
    },
    ui::safe,
};
use show::{LineState, Report};

/// Pick the commits of a fix onto all of its backport branches, at once and without a checkout
///
/// Neither the work tree nor the index is touched, so it works from any branch and with uncommitted changes. A
/// conflict gets a work tree of its own, and the other lines go on. Run again, it picks only what is missing.
#[derive(Debug, clap::Args)]
pub struct BackportArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// Onto this release line, whose branch is created if need be: `18-4`, `18.4`, `v18.4`, the stable branch, or
    /// `all` for every supported line; may be given several times [default: every backport branch that is here]
    #[arg(short, long, value_name = "LINE", add = completed_by(known_names::lines))]
    to: Vec<String>,
    /// Pick these commits [default: those that the branch of the fix has, and security's default branch has not]
    #[arg(long, value_name = "A..B")]
    from: Option<String>,
    /// Pick merge commits as their difference to this parent, counted from 1
    #[arg(short, long, value_name = "PARENT", value_parser = parent_number)]
    mainline: Option<usize>,
    /// Say what would be picked, contained or in conflict, and write nothing
    #[arg(long, visible_alias = "dry-run")]
    predict: bool,
    /// Make a branch anew whose commits were picked from an older version of the fix; its reflog keeps them
    #[arg(long)]
    redo: bool,
    /// Show the difference between each backport and the fix
    #[arg(long, conflicts_with = "predict")]
    diff: bool,
    /// Go on after conflicts were resolved, and remove their work trees
    #[arg(long = "continue", conflicts_with_all = ["to", "from", "predict", "redo", "diff", "abort"])]
    proceed: bool,
    /// Give up on the conflicts, and remove their work trees; every branch stays as it was
    #[arg(long, conflicts_with_all = ["to", "from", "mainline", "predict", "redo", "diff"])]
    abort: bool,
    /// Do not fetch
    #[arg(long)]
    no_fetch: bool,
}

impl BackportArgs {
    /// The fix, also one that is merged.
    fn fix(&self, prepared: &Prepared, name: &FixName, context: &Context) -> Result<Fix, Failure> {
        let Prepared { clone, policy, .. } = prepared;
        let merged = |branch: &str, main| merged::commits(context, clone, name, branch, (main, !self.no_fetch));
        fix::fix(clone, policy, &self.commits(), name.clone(), &context.again(name), merged)
    }

    /// Which commits are meant.
    fn commits(&self) -> Commits {
        Commits { from: self.from.clone(), mainline: self.mainline }
    }
}

/// No commit has as many parents.
const MOST_PARENTS: usize = 64;

fn parent_number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST_PARENTS).contains(number));
    number.ok_or_else(|| "the number of a parent, 1 for the first".to_owned())
}

/// What the branches say in their reflogs.
const REFLOG: &str = "secfix backport";

impl Program for BackportArgs {
    const NAME: &'static str = "backport";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let Prepared { clone, settings, policy } = &prepared;
        let name = fix_branches::find(context, &prepared, self.name.as_deref())?;
        if !self.predict {
            resolution::tidy(clone)?;
        }
        if self.abort {
            return conflict::abort(clone, policy, &name, context);
        }
        if self.proceed {
            return conflict::proceed(&prepared, &name, &self, context);
        }
        let remote = policy.security_remote.as_str();
        if remotes::find(clone, remote).is_none() {
            return Err(Failure::not_done(anyhow!("there is no remote `{remote}`")).hint("git secfix init"));
        }
        if !self.no_fetch && !self.predict {
            fetch::fetch(clone, remote, context, context.again(&name).with("--no-fetch"))?;
        }
        if !self.predict {
            conflict::forget_missing(clone, policy, &name, context)?;
        }
        let committer = if self.predict { Committer::unsigned(clone) } else { Committer::ask(clone) };
        let mut committer = committer?;
        let fix = self.fix(&prepared, &name, context)?;
        let wanted = wanted(clone, policy, settings, &self, &fix.name, context)?;
        let to_pick = line::to_pick(clone, policy, &fix, &wanted, self.redo)?;
        let objects = if self.predict { Objects::forgotten(clone)? } else { Objects::kept() };
        let spinner = context.ui.spinner(&format!("picking {}", fix.name));
        let mut picked = pick::pick(clone, &objects, &mut committer, &fix, to_pick)?;
        let mut work_trees = Vec::new();
        if !self.predict {
            update(clone, &mut committer, &mut picked)?;
            waivers::forget(clone, policy, &fix.name, &wanted)?;
            let folder = settings.backport_work_trees();
            work_trees = conflict::open_all(clone, &fix, &self, folder.as_deref(), &mut picked)?;
        }
        drop(spinner);
        let similarities =
            if self.predict { None } else { Some(pick_comparison::compare(clone, &pairs(&fix, &picked))?) };
        let mut rows = Vec::new();
        let mut refusals = Vec::new();
        for picked in &picked {
            let refused = picked.line.planned.as_ref().err();
            let refused = refused.map(|why| show::refusal(&fix, &picked.line, why, remote, &context.again(&fix.name)));
            let mut row = show::row(&fix, picked, similarities.as_ref(), refused.as_ref());
            let open = work_trees.iter().find(|open| open.branch == picked.line.branch);
            row.work_tree = open.map(|open| open.root.display().to_string()).or(row.work_tree);
            refusals.extend(refused.map(|refused| refused.of(&row.branch)));
            rows.push(row);
        }
        let report = Report { fix: fix.name.to_string(), lines: rows, done: !self.predict };
        context.ui.report(Self::NAME, &report, || show::text(&report));
        if self.diff && !context.ui.json {
            show_difference(clone, &fix, &picked, context)?;
        }
        for refusal in refusals {
            refusal.tell(context.ui);
        }
        conflict::tell(&work_trees, &fix.name, context)?;
        let exit = exit(&report);
        if exit == Exit::Done && !self.predict {
            next::tell_offline(context, &prepared, &fix.name);
        }
        Ok(exit)
    }
}

/// The lines that are meant: those that were named, or those that have a branch here.
fn wanted(
    clone: &LocalClone,
    policy: &Policy,
    settings: &Settings,
    args: &BackportArgs,
    name: &FixName,
    context: &Context,
) -> Result<Vec<ReleaseLine>, Failure> {
    let all = context.again(name).without_value("-t").with_only("--to", "all");
    let mut lines = match lines::read_lines(&args.to, all.clone(), &policy.branches)? {
        Lines::Supported => {
            let all = lines::supported_lines(clone, policy, settings.supported_lines()?)?;
            waivers::left_out(clone, policy, name, all, context.ui)
        }
        Lines::These(lines) if !lines.is_empty() => lines,
        Lines::These(_) => {
            let names = branches::names_below(clone, "refs/heads/")?;
            fix_branches::belonging_to(policy, name, names.iter().map(String::as_str))
                .iter()
                .filter_map(|found| found.line)
                .collect()
        }
    };
    if lines.is_empty() {
        return Err(Failure::not_done(anyhow!("the fix `{name}` has no backport branch here")).hint(all));
    }
    lines.sort_unstable_by(|a, b| b.cmp(a));
    Ok(lines)
}

fn exit(report: &Report) -> Exit {
    let has = |state: LineState| report.lines.iter().any(|row| row.state == state);
    if has(LineState::Conflict) {
        Exit::Conflict
    } else if has(LineState::Refused) {
        Exit::NotDone
    } else {
        Exit::Done
    }
}

/// Makes the branches that are missing, and moves all that got something in one transaction. Those that a work
/// tree holds are moved by git, together with its files.
fn update(clone: &LocalClone, committer: &mut PendingCommitter, picked: &mut [Picked]) -> Result<(), Failure> {
    let new: Vec<NewBranch> = picked
        .iter()
        .filter(|picked| picked.line.planned.is_ok())
        .filter_map(|picked| picked.line.new.clone())
        .collect();
    let created = branches::create(clone, &new)?;
    let is_held = |picked: &Picked| picked.line.checkout.is_some();
    let moves: Vec<Advance> = picked
        .iter()
        .filter(|picked| picked.moves() && !is_held(picked))
        .map(|picked| Advance {
            branch: picked.line.branch.clone(),
            from: picked.line.tip(),
            to: picked.tip,
            why: why(picked),
        })
        .collect();
    if !moves.is_empty()
        && let Err(error) = advance::all(clone, committer.get()?, &moves)
    {
        created.take_back(clone)?;
        return Err(error.into());
    }
    for picked in picked.iter_mut().filter(|picked| picked.moves()) {
        let Some(checkout) = picked.line.checkout.clone() else { continue };
        let moved = if picked.line.anew {
            checkouts::reset_keeping(&checkout, picked.tip, &why(picked))?
        } else {
            checkouts::fast_forward(&checkout, picked.tip, &why(picked))?
        };
        if let Err(said) = moved {
            picked.line.planned = Err(NotPicked::Overwrites { root: checkout.root, said: transport::condensed(&said) });
            picked.outcomes.clear();
        }
    }
    Ok(())
}

fn why(picked: &Picked) -> String {
    match picked.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Picked(_))).count() {
        1 => format!("{REFLOG}: picked 1 commit"),
        count => format!("{REFLOG}: picked {count} commits"),
    }
}

/// The commits of the fix with what they are on each line.
fn pairs(fix: &Fix, picked: &[Picked]) -> Vec<pick_comparison::Pair> {
    let of_line = |picked: &Picked| {
        let found = fix.parts.iter().zip(picked.outcomes.clone()).filter_map(|(part, outcome)| match outcome {
            Outcome::Picked(pick) | Outcome::Contained(pick) => {
                Some(pick_comparison::Pair { original: part.commit.id, parent: part.parent, pick })
            }
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    picked.iter().filter(|picked| picked.conflict().is_none()).flat_map(of_line).collect()
}

/// What `git range-diff` says of each backport beside the fix.
fn show_difference(clone: &LocalClone, fix: &Fix, picked: &[Picked], context: &Context) -> Result<(), Failure> {
    let originals: Vec<_> = fix.parts.iter().map(|part| part.commit.clone()).collect();
    let mut committer = Committer::unsigned(clone)?;
    for picked in picked.iter().filter(|picked| picked.line.planned.is_ok() && picked.conflict().is_none()) {
        let backport = Range { tip: picked.tip, without: picked.line.base };
        let said = range_diff::between(clone, committer.get()?, &originals, backport)?;
        context.ui.answer(&safe(&format!("\n{}\n{said}", picked.line.branch)));
    }
    Ok(())
}
