//! `git secfix merge`: all merge requests of a fix at once, each pinned to the commit that was reviewed.

use std::time::Duration;

use anyhow::anyhow;
use serde::Serialize;

use super::{
    Program,
    program::{DURATION, completed_by},
    wait_options::duration,
};
use crate::{
    domain::{backoff::Backoff, duration::Span},
    ops::backoff::WaitLimit,
};
use crate::{
    domain::{
        exit::Exit,
        fix::FixName,
        merge_request::{Mergeability, State},
        runbook::{Gate, Step, Target},
    },
    gitlab::{Client, merge_request::SourceCommits},
    ops::{
        Context, Failure,
        facts::{AfterMerge, Gathered, Gatherer, ProjectFacts},
        fix_branches, gate, keep_alive, known_names,
        merge_request::{Merging, in_branch},
        next,
        typed::Typed,
    },
    ui::{Links, Table, report_words},
};

/// Merge all merge requests of a fix in the security project, when nothing blocks any of them
///
/// Everything is read anew. Each merge is pinned to the commit that was reviewed, the one to the
/// default branch comes first, and what counts is the commit in the branch. If one fails after others
/// were merged, run it again: it does what is left.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// How long to wait for GitLab to merge one of them
    #[arg(long, value_name = DURATION, default_value = "2m", value_parser = duration)]
    timeout: Span,
    /// Print what would be merged, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    merge_requests: Vec<Row>,
    done: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    target: String,
    iid: u64,
    web_url: String,
    commit: Option<String>,
    state: MergeState,
}

report_words! {
    /// What became of a merge request, or would.
    enum MergeState {
        WouldBeMerged = "would be merged",
        NotMerged = "not merged",
        Merged = "merged",
        MergedAlready = "merged already",
    }
}

impl Program for MergeArgs {
    const NAME: &'static str = "merge";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let fix = fix_branches::find(context, &prepared, self.name.as_deref())?;
        let client = context.gitlab(&prepared)?;
        let gatherer = Gatherer::new(&client, &prepared)?.fetching();
        let spinner = context.ui.spinner("asking GitLab");
        let (ProjectFacts { project, .. }, gathered) = settled(&gatherer, &fix, self.timeout.get(), client.backoff())?;
        drop(spinner);
        gate::pass(Gate::Merge, &gathered, &prepared.policy)?;
        check_rights(&gathered, &context.again(&fix))?;
        check_merged(&client, &gathered, &context.again(&fix))?;
        for note in &gathered.notes {
            context.ui.warning(note);
        }
        let mut report = Report { fix: fix.to_string(), merge_requests: vec![], done: !self.dry_run };
        let mut failed = None;
        for target in &gathered.facts.targets {
            let Some(request) = target.merge_request() else { continue };
            let mut row = Row {
                target: target.target.clone(),
                iid: request.iid,
                web_url: request.web_url.clone(),
                commit: None,
                state: if self.dry_run { MergeState::WouldBeMerged } else { MergeState::NotMerged },
            };
            if request.state == State::Merged {
                row.state = MergeState::MergedAlready;
            } else if !self.dry_run && failed.is_none() {
                let _spinner = context.ui.spinner(&format!("merging !{} into {}", request.iid, target.target));
                match merge(&client, project.id, target, self.timeout.get(), &context.again(&fix), &fix) {
                    Ok(commit) => {
                        row.state = MergeState::Merged;
                        row.commit = Some(commit);
                    }
                    // The others wait until somebody has looked at this one.
                    Err(failure) => failed = Some(failure),
                }
            }
            report.merge_requests.push(row);
        }
        report.done &= failed.is_none();
        show(context, &report);
        if let Some(failure) = failed {
            return Err(failure);
        }
        if self.dry_run {
            return Ok(Exit::Done);
        }
        if !gathered.after_merge.as_ref().is_some_and(AfterMerge::is_public) {
            keep_alive::switch_on(&client, &prepared.settings, project.id, context)?;
            if !gathered.public.has_begun() && !gathered.facts.progress.is_done(Step::Deploy) {
                context.ui.note("until the deployment nothing of this may become public");
            }
        }
        let mut facts = gathered.facts;
        facts.merged();
        next::tell(context, &facts, &fix, &prepared.policy);
        Ok(Exit::Done)
    }
}

/// Everything that is known, once GitLab has worked out what can be merged.
fn settled(
    gatherer: &Gatherer<'_>,
    fix: &FixName,
    limit: Duration,
    backoff: Backoff,
) -> Result<(ProjectFacts, Gathered), Failure> {
    let mut wait = WaitLimit { limit, backoff }.begin();
    loop {
        let (shared, gathered) = gatherer.fix(fix, None)?;
        let is_computing = |target: &Target| {
            target.merge_request().is_some_and(|request| {
                request.state == State::Opened && request.mergeability == Mergeability::Computing
            })
        };
        if !gathered.facts.targets.iter().any(is_computing) || !wait.pause() {
            return Ok((shared, gathered));
        }
    }
}

/// Nothing is merged where a later one could not be: rights are looked at for all of them before.
fn check_rights(gathered: &Gathered, again: &Typed) -> Result<(), Failure> {
    let forbidden: Vec<&str> = gathered
        .facts
        .targets
        .iter()
        .filter(|target| target.merge_request().is_some_and(|request| request.state == State::Opened))
        .filter(|target| {
            let rights = gathered.requests.get(&target.source).and_then(|request| request.user.as_ref());
            rights.is_some_and(|rights| !rights.can_merge)
        })
        .map(|target| target.target.as_str())
        .collect();
    if forbidden.is_empty() {
        return Ok(());
    }
    Err(Failure::not_done(anyhow!("this token may not merge into `{}`, so nothing was merged", forbidden.join("`, `")))
        .hint(format!("ask a maintainer of the security project to run: {again}")))
}

/// Nothing is merged behind one that was lost: the merge request says merged, and its branch does not have it.
fn check_merged(client: &Client, gathered: &Gathered, again: &Typed) -> Result<(), Failure> {
    if gathered.facts.progress.is_done(Step::Sync) {
        return Ok(());
    }
    for target in &gathered.facts.targets {
        let request = gathered.requests.get(&target.source).filter(|request| request.state == State::Merged);
        if let Some(request) = request {
            in_branch(client, &target.target, request, again)?;
        }
    }
    Ok(())
}

/// Merges one, and returns the commit that is in its branch now.
fn merge(
    client: &Client,
    project: u64,
    target: &Target,
    limit: Duration,
    again: &Typed,
    fix: &FixName,
) -> Result<String, Failure> {
    let Some(request) = target.merge_request() else {
        return Err(
            Failure::not_done(anyhow!("`{}` has no merge request", target.source)).hint(format!("git secfix mr {fix}"))
        );
    };
    let iid = request.iid;
    let Some(sha) = &request.head else {
        return Err(Failure::not_done(anyhow!("!{iid} holds no commit")).hint(format!("git secfix status {fix}")));
    };
    let merging = Merging {
        project,
        iid,
        sha,
        source: &target.source,
        target: &target.target,
        keep: SourceCommits::AsUsual,
        limit,
        longer: again.clone().with_only("--timeout", &Span::from(limit).longer().to_string()),
        again: again.clone(),
        look: format!("git secfix status {fix}"),
        who_may: "a maintainer of the security project",
    };
    merging.merge(client)
}

fn show(context: &Context, report: &Report) {
    let links: Links = report.merge_requests.iter().map(|row| (format!("!{}", row.iid), row.web_url.clone())).collect();
    context.ui.report_with_links(MergeArgs::NAME, report, links, || {
        let mut table = Table::default();
        for row in &report.merge_requests {
            let commit: String = row.commit.iter().flat_map(|commit| commit.chars().take(12)).collect();
            table.row([row.target.clone(), format!("!{}", row.iid), row.state.to_string(), commit]);
        }
        table.to_string()
    });
}
