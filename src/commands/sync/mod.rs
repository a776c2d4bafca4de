//! `git secfix sync`: the disclosure. What security has becomes public, branch by branch, after a look at
//! what that is.

mod beforehand;
mod disclose;
mod patience;
mod preview;
mod public_text;
mod resolve;
mod survey;
mod waiting;

use anyhow::anyhow;
use serde::Serialize;

use self::{
    disclose::Disclosure,
    patience::Patience,
    preview::{BranchReport, BranchState},
    public_text::PublicText,
    survey::Branch,
};
use super::{
    Program,
    program::{DURATION, completed_by},
    wait_options::duration,
};
use crate::domain::waiver::Waiver;
use crate::{
    domain::{duration::Span, exit::Exit, fix::FixName, policy::Policy, runbook::Gate},
    git::{LocalClone, history},
    gitlab::{
        Client,
        merge_request::{MergeRequest, Route},
        project::Project,
    },
    ops::{
        Context, Failure,
        facts::{AfterMerge, Gathered, Gatherer},
        fetch::BothProjects,
        fix_branches, gate, keep_alive, known_names, next,
        prepared::Prepared,
        typed::Typed,
    },
    ui::{Links, Table},
};

/// Disclose a fix: merge what security has into the public project
///
/// This cannot be undone: opening a merge request in the public project already shows its commits to
/// everybody. So it refuses while the deployment or anything before it is not done, shows first what would
/// become public, and asks for the name of the fix.
#[derive(Debug, clap::Args)]
pub struct SyncArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// The name of the fix once more, instead of typing it
    #[arg(long, value_name = "NAME")]
    yes: Option<String>,
    /// A commit that is not of this fix, and may become public with it; a merge with all that it brought
    #[arg(long, value_name = "COMMIT", value_parser = commit_name)]
    include: Vec<String>,
    /// Open the merge requests, and leave merging them to a maintainer
    #[arg(long)]
    no_merge: bool,
    /// Resolve the conflicts of a branch, in a work tree of its own
    #[arg(long, value_name = "BRANCH", conflicts_with_all = ["proceed", "abort", "yes", "no_merge", "dry_run"])]
    resolve: Option<String>,
    /// Go on with the conflicts resolved
    #[arg(long = "continue", conflicts_with_all = ["abort", "dry_run"])]
    proceed: bool,
    /// Give up resolving conflicts
    #[arg(long, conflicts_with_all = ["yes", "no_merge", "dry_run"])]
    abort: bool,
    /// Wait until every one of them can be merged, also for people [default: on a terminal]
    #[arg(long, conflicts_with_all = ["no_wait", "dry_run"])]
    wait: bool,
    /// Do not wait: merge them if all can be merged now
    #[arg(long)]
    no_wait: bool,
    /// How long to wait at most: `90s`, `15m`, `2h`
    #[arg(long, value_name = DURATION, default_value = "1h", value_parser = duration)]
    timeout: Span,
    /// Show what would become public, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Enough digits of a commit's name to mean one.
fn commit_name(text: &str) -> Result<String, String> {
    let is_hex = text.chars().all(|c| c.is_ascii_hexdigit());
    if is_hex && (7..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err("a commit is named by at least seven digits of its name".to_owned())
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    branches: Vec<BranchReport>,
    public: bool,
}

impl Program for SyncArgs {
    const NAME: &'static str = "sync";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let fix = fix_branches::find(context, &prepared, self.name.as_deref())?;
        let again = context.again(&fix).without(&["--continue", "--abort", "--dry-run"]).without_value("--resolve");
        // A wrong name is told before anything is asked.
        if let Some(yes) = &self.yes {
            check_name(&fix, yes, &prepared.policy, context)?;
        }
        let client = context.gitlab(&prepared)?;
        let run = Run { args: &self, context, prepared: &prepared, client: &client, fix: &fix, again: &again };
        if self.abort {
            let (_, gathered) = run.gather()?;
            return resolve::abort(&prepared.clone, &prepared.policy, &again, merged(&gathered)?, context);
        }
        if self.proceed {
            run.finish_resolutions()?;
            // The command may stand in a work tree that was removed just now.
            let clone = prepared.clone.reopen()?;
            let prepared = Prepared { clone, settings: prepared.settings.clone(), policy: prepared.policy.clone() };
            return Run { prepared: &prepared, ..run }.sync();
        }
        run.sync()
    }
}

impl SyncArgs {
    fn patience(&self, context: &Context) -> Patience {
        match (self.wait, self.no_wait) {
            (true, _) => Patience::Long,
            (_, true) => Patience::None,
            _ if context.ui.has_terminal() => Patience::Long,
            _ => Patience::Short,
        }
    }
}

/// The command with all that it works with.
struct Run<'a> {
    args: &'a SyncArgs,
    context: &'a Context,
    prepared: &'a Prepared,
    client: &'a Client,
    fix: &'a FixName,
    /// The command to run again.
    again: &'a Typed,
}

impl Run<'_> {
    /// Finishes the merges that are under way, and pushes them to security.
    fn finish_resolutions(&self) -> Result<(), Failure> {
        let Self { context, prepared, again, .. } = self;
        let Prepared { clone, policy, .. } = prepared;
        let fetched = BothProjects::fetch(clone, policy, context)?;
        let (project, gathered) = self.gather()?;
        gate::pass(Gate::Disclose, &gathered, policy)?;
        let found = self.survey(&project, &gathered, &fetched)?;
        resolve::proceed(clone, policy, again, &found, merged(&gathered)?, context)
    }

    fn survey(&self, project: &Project, gathered: &Gathered, fetched: &BothProjects) -> Result<Vec<Branch>, Failure> {
        let Prepared { clone, policy, .. } = self.prepared;
        survey::branches(self.client, clone, policy, merged(gathered)?, project.id, self.args, fetched)
    }

    fn sync(&self) -> Result<Exit, Failure> {
        let Self { args, context, prepared, client, fix, again } = self;
        let Prepared { clone, policy, .. } = prepared;
        // What the gate judges was fetched just before.
        let fetched = BothProjects::fetch(clone, policy, context)?;
        let (project, gathered) = self.gather()?;
        gate::pass(Gate::Disclose, &gathered, policy)?;
        let after_merge = merged(&gathered)?;
        let found = self.survey(&project, &gathered, &fetched)?;
        if let Some(branch) = &args.resolve {
            return resolve::begin(clone, policy, again, &found, branch, context);
        }
        let route = Route { source: project.id, target: after_merge.canonical.id };
        let words = PublicText { pattern: prepared.settings.sync_title(), canonical: &policy.canonical };
        let disclosure = Disclosure { client, policy, again, route, words, limit: args.timeout.get() };
        let mut report = Report::new(fix, &found, &disclosure.words);
        self.preview(&found, &report, &disclosure, (&project, &gathered, after_merge))?;
        if args.dry_run {
            if context.ui.json || report.public {
                show(context, &report);
            }
            return Ok(Exit::Done);
        }
        if !report.public {
            for Waiver { line, reason } in &gathered.facts.waivers {
                context.ui.warning(&format!("{line} goes without the fix, and stays vulnerable in public: {reason}"));
            }
            self.confirm()?;
            let done = self.disclose(&disclosure, &found, &mut report);
            show(context, &report);
            done?;
            if !report.public {
                context.ui.note("they are open, and whoever may merge into canonical merges them");
                next::tell(context, &gathered.facts, fix, policy);
                return Ok(Exit::Done);
            }
        } else {
            show(context, &report);
        }
        // Everything is public, and that is told whatever becomes of the schedule: `verify` looks at it again.
        if let Err(failure) = keep_alive::switch_off(client, &prepared.settings, project.id, context) {
            failure.warn(context.ui);
        }
        let fetched = BothProjects::fetch(clone, policy, context)
            .map_err(|failure| failure.hint(format!("{again}, which looks whether everything has arrived")))?;
        check_arrival(clone, &fetched, &found, fix)?;
        let mut facts = gathered.facts.clone();
        facts.disclosed();
        next::tell(context, &facts, fix, policy);
        Ok(Exit::Done)
    }

    fn gather(&self) -> Result<(Project, Gathered), Failure> {
        let _spinner = self.context.ui.spinner("asking GitLab");
        let gatherer = Gatherer::new(self.client, self.prepared)?.fetching();
        let (project_facts, gathered) = gatherer.fix(self.fix, None)?;
        Ok((project_facts.project, gathered))
    }

    /// Shows what would become public, and what people should know and have ready.
    ///
    /// # Errors
    /// When something must not become public, or cannot.
    fn preview(
        &self,
        found: &[Branch],
        report: &Report,
        disclosure: &Disclosure<'_>,
        (project, gathered, after_merge): (&Project, &Gathered, &AfterMerge),
    ) -> Result<(), Failure> {
        let Self { args, context, prepared, client, fix, again } = self;
        let policy = &prepared.policy;
        if !context.ui.json && !report.public {
            let is_known = !args.dry_run && preview::is_open(found);
            let text = if is_known { preview::in_short } else { preview::text };
            context.ui.answer(&text(fix, &report.branches, policy));
        }
        disclosure.check_open(found, !args.dry_run)?;
        preview::notes(found, gathered, policy, context);
        preview::check(found, &after_merge.canonical, policy, again)?;
        let issue_title = gathered.issue.as_ref().map_or("", |(_, issue)| issue.title.as_str());
        for branch in found.iter().filter(|branch| !branch.is_public()) {
            disclosure.words.check(&branch.name, issue_title, fix)?;
        }
        for text in beforehand::look(client, project, &after_merge.canonical, found, again)? {
            context.ui.warning(&text);
        }
        Ok(())
    }

    /// Asks for the fix's name. Whoever takes their time to answer gets another look at the gate.
    fn confirm(&self) -> Result<(), Failure> {
        let Self { args, context, prepared, fix, .. } = self;
        if args.yes.is_some() {
            return Ok(());
        }
        let question = "this cannot be undone; type the name of the fix to make it public:";
        let typed = context.ui.ask(question).ok_or_else(|| {
            Failure::usage(anyhow!("there is no terminal to confirm on, so the name of the fix must be given"))
                .hint(context.again(fix).with_only("--yes", fix.as_str()))
        })?;
        check_name(fix, &typed, &prepared.policy, context)?;
        let (_, gathered) = self.gather()?;
        gate::pass(Gate::Disclose, &gathered, &prepared.policy)
    }

    /// One act: opens all merge requests, waits until every one can be merged, then merges all of them, one right after
    /// the other. The report tells how far that went.
    fn disclose(&self, disclosure: &Disclosure<'_>, found: &[Branch], report: &mut Report) -> Result<(), Failure> {
        let Self { args, context, .. } = self;
        let spinner = context.ui.spinner("opening the merge requests");
        let mut opened: Vec<(&Branch, MergeRequest)> = Vec::new();
        for (branch, row) in found.iter().zip(&mut report.branches).filter(|(branch, _)| !branch.is_public()) {
            row.state = BranchState::NotOpened;
            let request = disclosure.open(branch)?;
            disclosure.close_outdated(branch)?;
            row.state = BranchState::Opened;
            row.merge_request = Some(request.iid);
            row.web_url = Some(request.web_url.clone());
            opened.push((branch, request));
        }
        if args.no_merge {
            return Ok(());
        }
        let patience = args.patience(context);
        let all = disclosure.wait_for_all(&opened, found.len() - opened.len(), patience, context, &spinner)?;
        for opened in &all {
            spinner.tell(&format!("merging !{} into {}", opened.request.iid, opened.branch.name));
            disclosure.merge(opened.branch, &opened.request, patience)?;
            if let Some(row) = report.branches.iter_mut().find(|row| row.branch == opened.branch.name) {
                row.state = BranchState::Merged;
            }
        }
        report.public = true;
        Ok(())
    }
}

impl Report {
    fn new(fix: &FixName, found: &[Branch], words: &PublicText<'_>) -> Self {
        Self {
            fix: fix.to_string(),
            public: found.iter().all(Branch::is_public),
            branches: found.iter().map(|branch| preview::report(branch, words)).collect(),
        }
    }
}

fn merged(gathered: &Gathered) -> Result<&AfterMerge, Failure> {
    let fix = &gathered.fix;
    gathered.after_merge.as_ref().ok_or_else(|| {
        Failure::not_done(anyhow!("`{fix}` is not merged in security")).hint(format!("git secfix status {fix}"))
    })
}

fn check_name(fix: &FixName, typed: &str, policy: &Policy, context: &Context) -> Result<(), Failure> {
    match policy.branches.fix_name(typed) {
        Ok(name) if name == *fix => Ok(()),
        _ => Err(Failure::usage(anyhow!(
            "`{typed}` is not the name of this fix, `{fix}`, so nothing was shown to anybody"
        ))
        .hint(context.again(fix).without_value("--yes").with("--dry-run"))),
    }
}

/// What was previewed must be in canonical as everybody fetches it.
fn check_arrival(clone: &LocalClone, fetched: &BothProjects, found: &[Branch], fix: &FixName) -> Result<(), Failure> {
    for branch in found {
        let holds = match fetched.public_tip(clone, &branch.name)? {
            Some(tip) => history::holds(clone, tip, branch.head)?,
            None => false,
        };
        if !holds {
            return Err(Failure::not_done(anyhow!(
                "`{}` of canonical does not hold {} of security after the sync",
                branch.name,
                history::short(branch.head)
            ))
            .hint(format!("git secfix status {fix}")));
        }
    }
    Ok(())
}

fn show(context: &Context, report: &Report) {
    let rows = report.branches.iter();
    let links: Links =
        rows.filter_map(|row| Some((format!("!{}", row.merge_request?), row.web_url.clone()?))).collect();
    context.ui.report_with_links(SyncArgs::NAME, report, links, || {
        let mut table = Table::default();
        for row in &report.branches {
            let number = row.merge_request.map_or_else(|| "-".to_owned(), |iid| format!("!{iid}"));
            let url = row.web_url.clone().unwrap_or_default();
            table.row([row.branch.clone(), number, row.state.to_string(), url]);
        }
        table.to_string()
    });
}
