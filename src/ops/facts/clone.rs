//! What this clone knows of a fix, without asking anybody.

use crate::{
    domain::{
        fix::{FixBranch, FixName},
        policy::Policy,
        runbook::{ByStep, Facts, IssueFact, Pushed, Request, Target, Work},
        version::ReleaseLine,
        waiver::Waiver,
    },
    git::{
        LocalClone,
        branches::{self, Brings, Relation},
        remotes,
    },
    ops::{
        Failure, Prepared,
        backport_state::{self, base::Merged},
        fix_branches, issue_link, lines, waivers,
    },
};

/// The branches of a fix here and in security as last fetched, its own first, then the newest line.
///
/// # Errors
/// When the references cannot be read.
fn branches_of(clone: &LocalClone, policy: &Policy, fix: &FixName) -> Result<Vec<FixBranch>, Failure> {
    let names = fix_branches::names::branches(clone, policy)?;
    Ok(fix_branches::belonging_to(policy, fix, names.iter().map(String::as_str)))
}

/// What of a branch shows in this clone.
pub(super) struct BranchFacts {
    pub(super) has_target: bool,
    pub(super) work: Work,
    pub(super) pushed: Pushed,
}

impl BranchFacts {
    /// Compares a branch with its target, and with what security has of it: `head`, in hexadecimal.
    pub(super) fn read(
        clone: &LocalClone,
        policy: &Policy,
        (source, target): (&str, &str),
        head: Option<&str>,
    ) -> Result<Self, Failure> {
        let base = remotes::find(clone, policy.security_remote.as_str()).and_then(|remote| remote.tracking(target));
        let base_commit = base.as_deref().map(|base| branches::commit_of(clone, base)).transpose()?.flatten();
        let local = format!("refs/heads/{source}");
        let commit = branches::commit_of(clone, &local)?;
        let pushed = compare(clone, policy, source, commit.as_deref(), head)?;
        let work = match (&commit, &base) {
            // The work that counts is in security, and was not fetched.
            _ if pushed == Pushed::Behind => Work::Unknown,
            (Some(_), Some(base)) if base_commit.is_some() => match branches::brings(clone, &local, base)? {
                Brings::Nothing => Work::Missing,
                Brings::SameFiles => Work::Undone,
                Brings::Changes => Work::Found,
            },
            _ => Work::Unknown,
        };
        Ok(Self { has_target: base_commit.is_some(), work, pushed })
    }
}

fn compare(
    clone: &LocalClone,
    policy: &Policy,
    source: &str,
    here: Option<&str>,
    there: Option<&str>,
) -> Result<Pushed, Failure> {
    let (here, there) = match (here, there) {
        (_, None) => return Ok(Pushed::No),
        (None, Some(_)) => return Ok(Pushed::OnlyThere),
        (Some(here), Some(there)) => (here, there),
    };
    Ok(match branches::relation(clone, here, there)? {
        Some(Relation::Same) => Pushed::Same,
        Some(Relation::Ahead) => Pushed::Ahead,
        Some(Relation::Behind) => Pushed::Behind,
        Some(Relation::Diverged) => Pushed::Diverged,
        // Security has a commit that was never fetched: whether anything here is missing there
        // shows in what was fetched before.
        None => {
            let fetched = format!("refs/remotes/{}/{source}", policy.security_remote);
            let has_own = !branches::is_contained(clone, &format!("refs/heads/{source}"), &fetched)?;
            if has_own { Pushed::Diverged } else { Pushed::Behind }
        }
    })
}

/// The supported lines that have no branch of the fix, and do not go without it. A line that has a branch is waived no
/// more.
pub(super) fn uncovered(supported: &[ReleaseLine], targets: &[Target], waivers: &mut Vec<Waiver>) -> Vec<ReleaseLine> {
    waivers.retain(|waiver| targets.iter().all(|target| target.line != Some(waiver.line)));
    let is_open = |line: &&ReleaseLine| {
        !targets.iter().any(|target| target.line == Some(**line)) && !waivers.iter().any(|waiver| waiver.line == **line)
    };
    supported.iter().filter(is_open).copied().collect()
}

/// What the runbook can be told without asking a server. All that only a server knows is not known.
///
/// # Errors
/// When the clone cannot be read.
pub(crate) fn facts(prepared: &Prepared, fix: &FixName) -> Result<Facts, Failure> {
    let Prepared { clone, policy, settings } = prepared;
    let mut targets = Vec::new();
    for branch in branches_of(clone, policy, fix)? {
        let source = policy.branches.write(&branch);
        let target = policy.branches.target(branch.line);
        let head = branches::commit_of(clone, &format!("refs/remotes/{}/{source}", policy.security_remote))?;
        let BranchFacts { has_target, work, pushed } =
            BranchFacts::read(clone, policy, (&source, &target), head.as_deref())?;
        // What was pushed and is in its target is merged, most likely: only the server tells.
        let work = if work == Work::Missing && head.is_some() { Work::Unknown } else { work };
        targets.push(Target {
            source,
            target,
            line: branch.line,
            has_target,
            work,
            head,
            lacks: vec![],
            is_compared: true,
            pushed,
            request: Request::NotAsked,
            exposed_by: None,
            taken_back_by: None,
            is_lost: false,
        });
    }
    let has_line = |target: &&Target| target.has_target;
    let with_lines: Vec<_> =
        targets.iter().filter(has_line).filter_map(|target| Some((target.line?, Merged::default()))).collect();
    let lacking = backport_state::lacking(clone, policy, fix, &Merged::default(), &with_lines)?;
    let lines = targets.iter_mut().filter(|target| target.line.is_some() && target.has_target);
    for (target, lacks) in lines.zip(lacking) {
        target.lacks = lacks.iter().map(ToString::to_string).collect();
    }
    let supported = lines::known_lines(clone, policy, settings.supported_lines()?)?;
    let mut waivers = waivers::remembered(clone, policy, fix, &supported);
    let uncovered = uncovered(&supported, &targets, &mut waivers);
    let issue = issue_link::remembered(clone, policy, &settings.issues()?, fix);
    Ok(Facts {
        process: settings.process()?,
        issue: issue.map_or(IssueFact::Unlinked, |issue| IssueFact::Linked { reference: issue.to_string() }),
        project_problem: None,
        targets,
        uncovered,
        waivers,
        is_disclosing: false,
        progress: ByStep::unknown("nobody asked the server"),
    })
}
