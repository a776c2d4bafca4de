//! `git secfix mr`: one merge request for each branch of a fix, in the security project and nowhere
//! else.
//!
//! `survey` asks, `plan` decides, `text` writes; this file does it, and looks at every answer.

mod merged;
mod plan;
mod survey;
mod text;

use anyhow::anyhow;
use serde::Serialize;

use super::{Program, program::completed_by};
use crate::ops::browser;
use crate::{
    domain::{self, exit::Exit, runbook::Target},
    gitlab::{
        Client, at_once,
        merge_request::{self, MergeRequest, Route},
        project::Project,
    },
    ops::{
        Context, Failure,
        connection::{instance_of, unanswered},
        fix_branches, known_names, next,
    },
    ui::{Links, Table, report_words},
};
use plan::Action;
use survey::{Branch, Survey};

/// Open or update the merge requests of a fix in the security project
///
/// There is one for the default branch and one for each stable branch that the fix has a branch for.
/// Existing ones are completed, never duplicated, and what people wrote in them stays.
#[derive(Debug, clap::Args)]
pub struct MrArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// The title of all of them [default: as it is; at first the subject of the fix's first commit]
    #[arg(short, long)]
    title: Option<String>,
    /// The issue of the fix: its number, `group/project#34`, or the address of its page
    #[arg(long, value_name = "ISSUE")]
    issue: Option<String>,
    /// Write `Closes` instead of `Related to` into the one to the default branch
    #[arg(long)]
    closes: bool,
    /// Mark them as drafts
    #[arg(long, conflicts_with = "ready")]
    draft: bool,
    /// Mark them as ready
    #[arg(long)]
    ready: bool,
    /// A further label; may be given several times
    #[arg(short, long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// A further reviewer's user name; may be given several times
    #[arg(short, long = "reviewer", value_name = "USER")]
    reviewers: Vec<String>,
    /// The milestone of all of them, by its title
    #[arg(short, long, value_name = "TITLE")]
    milestone: Option<String>,
    /// Open their pages in the browser afterwards
    #[arg(short, long)]
    web: bool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Print by which commits the fix was merged: for programs that talk to no server
    #[arg(long, hide = true)]
    merged_commits: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    project: String,
    issue: Option<String>,
    merge_requests: Vec<Row>,
    done: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    source: String,
    target: String,
    iid: Option<u64>,
    title: Option<String>,
    web_url: Option<String>,
    state: State,
}

report_words! {
    /// What became of a merge request, or would.
    enum State {
        WouldBeOpened = "would be opened",
        WouldBeUpdated = "would be updated",
        Opened = "opened",
        Updated = "updated",
        UpToDate = "up to date",
        MergedAlready = "merged already",
        /// The branch does not hold the whole fix.
        LeftOut = "left out",
    }
}

impl Program for MrArgs {
    const NAME: &'static str = "mr";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let fix = fix_branches::find(context, &prepared, self.name.as_deref())?;
        let client = context.gitlab(&prepared)?;
        if self.merged_commits {
            return merged::tell(&client, &prepared, &fix, context);
        }
        let spinner = context.ui.spinner("asking GitLab");
        let survey = survey::survey(&client, &prepared, &fix, &self, &context.again(&fix))?;
        drop(spinner);
        let planned: Vec<(&Branch, Action)> = survey
            .branches
            .iter()
            .map(|branch| {
                let existing = branch.existing.as_ref().map(|request| (request, survey.is_linked(request)));
                let (source, target, head) = (&branch.source, &branch.target, branch.head.as_deref());
                (branch, plan::plan(source, target, survey.desired(branch), head, existing))
            })
            .collect();
        let results: Vec<Result<Row, Failure>> = if self.dry_run {
            planned.iter().map(|(branch, action)| Ok(would_do(branch, action))).collect()
        } else {
            let _spinner = context.ui.spinner("opening merge requests");
            at_once(&planned, |(branch, action)| carry_out(&client, &survey, branch, action))
        };
        let mut rows = Vec::new();
        let mut failures = Vec::new();
        for result in results {
            match result {
                Ok(row) => rows.push(row),
                Err(failure) => failures.push(failure),
            }
        }
        rows.extend(survey.left_out.iter().map(left_out));
        let report = Report {
            fix: fix.to_string(),
            project: prepared.policy.security.to_string(),
            issue: survey.issue.as_ref().map(ToString::to_string),
            merge_requests: rows,
            done: !self.dry_run && failures.is_empty(),
        };
        show(context, &report);
        for note in &survey.notes {
            context.ui.warning(note);
        }
        if self.web && !self.dry_run {
            let url = instance_of(Some(&prepared.clone), &prepared.settings, &prepared.policy)?;
            open_pages(context, &report, &url.to_string());
        }
        // Every failure is told; the last word is the first of them, since it came first in order.
        let mut failures = failures.into_iter();
        let Some(first) = failures.next() else {
            if !self.dry_run {
                let opened = report.merge_requests.iter().filter_map(just_opened);
                let mut facts = survey.facts;
                facts.opened(opened);
                for row in report.merge_requests.iter().filter(|row| row.state == State::Updated) {
                    let is_draft = row.title.as_deref().is_some_and(|title| text::without_draft(title) != title);
                    facts.marked(&row.source, is_draft);
                }
                next::tell(context, &facts, &fix, &prepared.policy);
            }
            return Ok(Exit::Done);
        };
        for failure in failures {
            failure.tell(context.ui);
        }
        Err(first)
    }
}

fn show(context: &Context, report: &Report) {
    let links: Links =
        report.merge_requests.iter().filter_map(|row| Some((format!("!{}", row.iid?), row.web_url.clone()?))).collect();
    context.ui.report_with_links(MrArgs::NAME, report, links, || {
        let mut table = Table::default();
        for row in &report.merge_requests {
            let number = row.iid.map_or_else(|| "-".to_owned(), |iid| format!("!{iid}"));
            let url = row.web_url.clone().unwrap_or_default();
            table.row([row.target.clone(), number, row.state.as_str().to_owned(), url]);
        }
        table.to_string()
    });
}

/// A merge request that was opened just now, by its branch.
fn just_opened(row: &Row) -> Option<(String, domain::merge_request::MergeRequest)> {
    let (iid, web_url, title) = (row.iid?, row.web_url.clone()?, row.title.clone()?);
    let is_draft = text::without_draft(&title) != title;
    let request = domain::merge_request::MergeRequest::just_opened(iid, web_url, title, is_draft);
    (row.state == State::Opened).then(|| (row.source.clone(), request))
}

fn would_do(branch: &Branch, action: &Action) -> Row {
    let (iid, state, title) = match action {
        Action::Open(new) => (None, State::WouldBeOpened, Some(new.title.clone())),
        Action::Change { iid, .. } => (Some(*iid), State::WouldBeUpdated, None),
        Action::Nothing { iid } => (Some(*iid), State::UpToDate, None),
        Action::Merged { iid } => (Some(*iid), State::MergedAlready, None),
    };
    let existing = branch.existing.as_ref().filter(|_| iid.is_some());
    Row {
        source: branch.source.clone(),
        target: branch.target.clone(),
        iid,
        title: title.or_else(|| existing.map(|request| request.title.clone())),
        web_url: existing.map(|request| request.web_url.clone()),
        state,
    }
}

fn left_out(target: &Target) -> Row {
    let request = target.merge_request();
    Row {
        source: target.source.clone(),
        target: target.target.clone(),
        iid: request.map(|request| request.iid),
        title: request.map(|request| request.title.clone()),
        web_url: request.map(|request| request.web_url.clone()),
        state: State::LeftOut,
    }
}

fn carry_out(client: &Client, survey: &Survey, branch: &Branch, action: &Action) -> Result<Row, Failure> {
    let Project { id, .. } = survey.project;
    let (request, state) = match &current(client, survey, branch, action)? {
        Action::Open(new) => {
            let opened = merge_request::create(client, Route::within(id), new).map_err(unanswered)?;
            check(client, survey, branch, &opened)?;
            (opened, State::Opened)
        }
        Action::Change { iid, changes } => {
            (merge_request::edit(client, id, *iid, changes).map_err(unanswered)?, State::Updated)
        }
        Action::Nothing { .. } => return Ok(Row { state: State::UpToDate, ..would_do(branch, action) }),
        Action::Merged { .. } => return Ok(would_do(branch, action)),
    };
    Ok(Row {
        source: branch.source.clone(),
        target: branch.target.clone(),
        iid: Some(request.iid),
        title: Some(request.title),
        web_url: Some(request.web_url),
        state,
    })
}

/// A change is planned again from what is there at the last moment: somebody may be writing, too.
fn current(client: &Client, survey: &Survey, branch: &Branch, action: &Action) -> Result<Action, Failure> {
    let Action::Change { iid, .. } = action else { return Ok(action.clone()) };
    let now = merge_request::read(client, survey.project.id, *iid).map_err(unanswered)?;
    let is_linked = survey.is_linked(&now);
    Ok(plan::plan(
        &branch.source,
        &branch.target,
        survey.desired(branch),
        branch.head.as_deref(),
        Some((&now, is_linked)),
    ))
}

/// Whatever the server made of the request: a merge request anywhere else than asked is closed at
/// once, and said.
fn check(client: &Client, survey: &Survey, branch: &Branch, opened: &MergeRequest) -> Result<(), Failure> {
    let id = survey.project.id;
    let is_right = opened.project_id == id
        && opened.source_project_id == Some(id)
        && opened.source_branch == branch.source
        && opened.target_branch == branch.target;
    if is_right {
        return Ok(());
    }
    let closed = merge_request::close(client, opened.project_id, opened.iid);
    let fate = match closed {
        Ok(request) if request.state == domain::merge_request::State::Closed => "it was closed again".to_owned(),
        Ok(request) => format!("it could not be closed: it is {}", request.state),
        Err(error) => format!("it could not be closed: {error}"),
    };
    Err(Failure::refused(anyhow!(
        "GitLab opened {} from `{}` to `{}`, which is not what was asked; {fate}",
        opened.web_url,
        opened.source_branch,
        opened.target_branch
    ))
    .hint(format!("look at {} at once, and tell PSIRT if it can be seen in public", opened.web_url)))
}

fn open_pages(context: &Context, report: &Report, instance: &str) {
    for url in report.merge_requests.iter().filter_map(|row| row.web_url.as_deref()) {
        // The address comes from the server: nothing else than a page of it is opened.
        let is_page = url.strip_prefix(instance).is_some_and(|rest| rest.starts_with('/'));
        if !is_page || !url.chars().all(|c| c.is_ascii_graphic()) {
            context.ui.warning(&format!("not opened, since it is no page of {instance}: {url}"));
            continue;
        }
        if let Err(error) = browser::open(url) {
            context.ui.warning(&format!("no browser could be started ({error}): {url}"));
        }
    }
}
