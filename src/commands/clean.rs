//! `git secfix clean`: removes the branches of a fix whose work is in canonical, and nothing else.

use anyhow::anyhow;
use serde::Serialize;

use super::{Program, program::completed_by};
use crate::{
    domain::{
        exit::Exit,
        fix::FixName,
        policy::Policy,
        runbook::{Gate, Target},
        sync_branch,
    },
    git::{
        LocalClone, branches,
        checkouts::{self, Checkout},
        history::{self, Id},
        push::{Push, Source, Update},
    },
    gitlab::{Client, branch},
    ops::{
        Context, Failure,
        connection::unanswered,
        facts::{AfterMerge, Gathered, Gatherer},
        fetch::BothProjects,
        fix_branches, gate, known_names, next,
        prepared::Prepared,
        push,
    },
    ui::{Table, report_words},
};

/// Remove the branches of a fix whose work is in the public project
///
/// Branches with anything else on them are kept, here and in security, and it says why. The guard stays.
#[derive(Debug, clap::Args)]
pub struct CleanArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// Print what would be removed, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    branches: Vec<Row>,
    done: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    branch: String,
    place: Place,
    state: State,
    /// Why it is kept.
    why: Option<String>,
}

report_words! {
    /// Where a branch is.
    enum Place {
        Security = "security",
        Here = "here",
    }
}

report_words! {
    /// What became of a branch, or would.
    enum State {
        Kept = "kept",
        WouldBeRemoved = "would be removed",
        Removed = "removed",
    }
}

/// A branch in one of the places, and why it is kept, if it is.
struct Leftover {
    branch: String,
    tip: Id,
    kept: Option<String>,
}

impl Program for CleanArgs {
    const NAME: &'static str = "clean";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let Prepared { clone, policy, .. } = &prepared;
        let fix = fix_branches::find(context, &prepared, self.name.as_deref())?;
        let client = context.gitlab(&prepared)?;
        let gatherer = Gatherer::new(&client, &prepared)?;
        let spinner = context.ui.spinner("asking GitLab");
        let (_, gathered) = gatherer.fix(&fix, None)?;
        drop(spinner);
        gate::pass(Gate::Finish, &gathered, policy)?;
        let after_merge =
            gathered.after_merge.as_ref().ok_or_else(|| Failure::not_done(anyhow!("`{fix}` is not merged")))?;
        let fetched = BothProjects::fetch(clone, policy, context)?;
        let (mut here, mut there) = survey(clone, &gathered, after_merge, &fetched)?;
        there.extend(left_by_sync(&client, clone, policy, after_merge, &fetched)?);
        // Nobody can stand on a branch that is not there.
        let current = clone.current_branch()?;
        let is_current = |found: &&mut Leftover| Some(&found.branch) == current.as_ref() && found.kept.is_none();
        if !self.dry_run
            && let Some(found) = here.iter_mut().find(is_current)
            && let Err(said) = leave(clone, policy, &fetched)?
        {
            found.kept = Some(format!("it is checked out here, and git does not switch away: {said}"));
        }
        let remote = policy.security_remote.to_string();
        let mut report = Report { fix: fix.to_string(), branches: vec![], done: !self.dry_run };
        let going: Vec<&Leftover> = there.iter().filter(|found| found.kept.is_none()).collect();
        if !self.dry_run && !going.is_empty() {
            remove_there(clone, policy, &remote, &going, &fix, context)?;
        }
        for (place, found) in [(Place::Security, &there), (Place::Here, &here)] {
            for Leftover { branch, tip, kept } in found {
                let state = match kept {
                    Some(_) => State::Kept,
                    None if self.dry_run => State::WouldBeRemoved,
                    None => State::Removed,
                };
                if (place, state) == (Place::Here, State::Removed) {
                    branches::delete(clone, branch, *tip)?;
                }
                report.branches.push(Row { branch: branch.clone(), place, state, why: kept.clone() });
            }
        }
        let kept = here.iter().chain(&there).filter(|found| found.kept.is_some()).count();
        context.ui.report(Self::NAME, &report, || text(&report));
        if kept > 0 {
            return Ok(Exit::NotDone);
        }
        if !self.dry_run {
            let mut facts = gathered.facts;
            facts.cleaned_up();
            next::tell(context, &facts, &fix, policy);
        }
        Ok(Exit::Done)
    }
}

/// The branches here and in security, each with the reason to keep it.
fn survey(
    clone: &LocalClone,
    gathered: &Gathered,
    after_merge: &AfterMerge,
    fetched: &BothProjects,
) -> Result<(Vec<Leftover>, Vec<Leftover>), Failure> {
    let checkouts = checkouts::list(clone)?;
    let (mut here, mut there) = (vec![], vec![]);
    for target in &gathered.facts.targets {
        let Target { source, .. } = target;
        if let Some(tip) = history::find(clone, &format!("refs/heads/{source}"))? {
            let checkout = checkouts.iter().find(|checkout| checkout.branch == *source);
            let kept = match why_kept(clone, target, after_merge, fetched, tip)? {
                Some(why) => Some(why),
                None => checkout
                    .filter(|checkout| !is_here(clone, checkout))
                    .map(|checkout| format!("it is checked out in {}", checkout.root.display())),
            };
            here.push(Leftover { branch: source.clone(), tip, kept });
        }
        let Some(head) = &target.head else { continue };
        let Some(tip) = Id::from_hex(head.as_bytes()).ok().filter(|tip| history::is_commit(clone, *tip)) else {
            return Err(Failure::network(anyhow!("`{source}` moved while it was looked at"))
                .hint(format!("git fetch {}, then the same command again", fetched.security.name)));
        };
        there.push(Leftover { branch: source.clone(), tip, kept: why_kept(clone, target, after_merge, fetched, tip)? });
    }
    Ok((here, there))
}

/// The branches that a sync made in security, and that GitLab did not remove with their merge.
fn left_by_sync(
    client: &Client,
    clone: &LocalClone,
    policy: &Policy,
    after_merge: &AfterMerge,
    fetched: &BothProjects,
) -> Result<Vec<Leftover>, Failure> {
    let mut left = Vec::new();
    for merged in &after_merge.merged {
        let start = format!("^{}", sync_branch::start(&merged.branch));
        let public = fetched.public_tip(clone, &merged.branch)?;
        for frozen in branch::containing(client, policy.security.as_str(), &start).map_err(unanswered)? {
            let tip = Id::from_hex(frozen.commit.id.as_bytes()).ok();
            let (Some(public), Some(tip)) = (public, tip) else { continue };
            if sync_branch::is_frozen(&merged.branch, &frozen.name) && history::holds(clone, public, tip)? {
                left.push(Leftover { branch: frozen.name, tip, kept: None });
            }
        }
    }
    Ok(left)
}

fn is_here(clone: &LocalClone, checkout: &Checkout) -> bool {
    clone.work_tree().is_ok_and(|root| root == checkout.root)
}

/// Leaves the branch that is to be removed, with all files as they are: for the default branch, or where another work
/// tree has that, for canonical's newest commit of it. Returns why git does not.
fn leave(clone: &LocalClone, policy: &Policy, fetched: &BothProjects) -> Result<Result<(), String>, Failure> {
    let default = &policy.branches.default;
    if branches::commit_of(clone, &format!("refs/heads/{default}"))?.is_some()
        && checkouts::switch(clone, default)?.is_ok()
    {
        return Ok(Ok(()));
    }
    let Some(public) = fetched.public_tip(clone, default)? else {
        return Ok(Err(format!("`{default}` of canonical was never fetched")));
    };
    Ok(checkouts::detach(clone, public)?)
}

/// Why a branch with this tip must stay: something on it is not in canonical.
fn why_kept(
    clone: &LocalClone,
    target: &Target,
    after_merge: &AfterMerge,
    fetched: &BothProjects,
    tip: Id,
) -> Result<Option<String>, Failure> {
    if let Some(public) = fetched.public_tip(clone, &target.target)?
        && history::holds(clone, public, tip)?
    {
        return Ok(None);
    }
    // What was squashed is in canonical under another name: what counts is what the merge request merged.
    let is_merged = target.merge_request().is_some_and(|request| request.head == Some(tip.to_string()));
    let has_arrived = after_merge.arrived.contains(&target.target);
    Ok(match is_merged && has_arrived {
        true => None,
        false => Some(format!("it has commits that `{}` of canonical does not have", target.target)),
    })
}

/// Removes branches from security, each only as long as it is where it was looked at; all or none.
fn remove_there(
    clone: &LocalClone,
    policy: &Policy,
    remote: &str,
    going: &[&Leftover],
    fix: &FixName,
    context: &Context,
) -> Result<(), Failure> {
    let to = |found: &&Leftover| Update { branch: found.branch.clone(), to: Source::RemovedFrom(found.tip) };
    let updates = going.iter().map(to).collect();
    let pushed = push::send(clone, policy, context, &Push { remote, updates, ..Push::default() })?;
    if pushed.is_done() {
        return Ok(());
    }
    Err(push::failure(&pushed, &format!("nothing was removed from {remote}"))
        .or_hint(format!("git fetch --prune {remote} && {}", context.again(fix))))
}

fn text(report: &Report) -> String {
    if report.branches.is_empty() {
        return "no branch of the fix is left\n".to_owned();
    }
    let mut table = Table::default();
    for Row { branch, place, state, why } in &report.branches {
        let state = why.as_ref().map_or_else(|| state.to_string(), |why| format!("{state}: {why}"));
        table.row([branch.as_str(), place.as_str(), &state]);
    }
    table.to_string()
}
