//! `git secfix issue`: is this a matter for the security project at all, until when, and what next.

use anyhow::anyhow;
use jiff::{Zoned, civil::Date};
use serde::Serialize;

use super::Program;
use crate::{
    domain::{
        due,
        exit::Exit,
        fix::FixName,
        issue::IssueRef,
        issue_standing::IssueStanding,
        merge_request::State,
        policy::Policy,
        project_words::IssueState,
        runbook::{self, Facts, IssueFact},
    },
    git::LocalClone,
    gitlab::{
        Client,
        issue::{self, Issue},
        merge_request::MergeRequest,
        user::{self, User},
    },
    ops::{
        Context, Failure,
        connection::unanswered,
        facts::{self, Gatherer},
        fix_branches, issue_link,
        prepared::Prepared,
    },
    ui::Table,
};

/// Show the issue of a fix, and whether it may be fixed in the security project
///
/// Only a confidential issue is fixed there; a public one is fixed in the public project, without
/// backports. Its due date is the due date of the whole fix.
#[derive(Debug, clap::Args)]
pub struct IssueArgs {
    /// Its number, `group/project#34`, or the address of its page [default: the one that `git
    /// secfix branch --issue` remembered for the fix of the current branch]
    issue: Option<String>,
    /// Ask about the issue alone: another command waits for the answer.
    #[arg(long, hide = true)]
    brief: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    standing: IssueStanding,
    title: String,
    /// Whether it may be fixed in the security project.
    may_go_on: bool,
    next: String,
}

impl Program for IssueArgs {
    const NAME: &'static str = "issue";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let Prepared { clone, settings, policy } = &prepared;
        let issues = settings.issues()?;
        let (reference, fix) = match &self.issue {
            Some(text) => {
                let read = IssueRef::read(text, &issues, &policy.instance);
                (read.map_err(|error| Failure::usage(error).hint(context.typed().in_place_of(text, "NUMBER")))?, None)
            }
            None => {
                let fix = fix_branches::find(context, &prepared, None)
                    .map_err(|failure| failure.hint(context.typed().about("NUMBER")))?;
                (remembered(clone, policy, &issues, &fix)?, Some(fix))
            }
        };
        let client = context.gitlab(&prepared)?;
        let spinner = context.ui.spinner(&format!("reading {reference}"));
        let (project, iid) = (reference.project.as_str(), reference.iid);
        let (issue, me) = std::thread::scope(|scope| {
            let me = scope.spawn(|| user::me(&client).ok());
            let issue = issue::read(&client, project, iid);
            (issue, me.join().ok().flatten())
        });
        let issue = issue.map_err(|error| match error.status() {
            Some(404) => Failure::not_done(anyhow!(
                "there is no issue {reference}, or this token may not see it: a confidential issue is hidden from \
                 everybody below planner who neither wrote it nor is to do it ({error})"
            ))
            .hint("git secfix auth status"),
            _ => unanswered(error),
        })?;
        let today = Zoned::now().date();
        let next = next_step(&client, &prepared, (&reference, &issue), fix.as_ref(), self.brief)?;
        drop(spinner);
        let report = report(&reference, &issue, me.as_ref(), next, today);
        let links = vec![(report.standing.issue.clone(), report.standing.web_url.clone())];
        context.ui.report_with_links(Self::NAME, &report, links, || text(&report, today));
        if issue.confidential {
            context.ui.note(
                "a mere hardening, or an update of a dependency that cannot be exploited: ask PSIRT in the issue whether \
                 it may be public",
            );
        }
        let psirt = settings.roles()?.into_iter().find(|role| role.name == "PSIRT");
        let warnings = report.standing.warnings(today, &psirt.map_or_else(Vec::new, |role| role.users));
        for text in warnings.iter().filter(|_| issue.confidential) {
            context.ui.warning(text);
        }
        if !issue.confidential {
            return Err(Failure::refused(anyhow!(
                "{reference} is public, so what it is about is known: it is fixed in {}, like any other bug and \
                 without backports; if it should not be public, make it confidential at once and tell PSIRT",
                policy.canonical
            ))
            .hint(format!("{}, then git secfix issue {}", issue.web_url, self.issue.unwrap_or_default())));
        }
        Ok(Exit::Done)
    }
}

fn remembered(
    clone: &LocalClone,
    policy: &Policy,
    issues: &crate::domain::project::ProjectPath,
    fix: &FixName,
) -> Result<IssueRef, Failure> {
    issue_link::remembered(clone, policy, issues, fix).ok_or_else(|| {
        Failure::usage(anyhow!("no issue is remembered for the fix `{fix}`"))
            .hint(format!("git secfix branch {fix} --issue NUMBER"))
    })
}

/// What is next for the fix of the issue: the one of the current branch, or the one whose merge request is linked to it.
fn next_step(
    client: &Client,
    prepared: &Prepared,
    (reference, issue): (&IssueRef, &Issue),
    fix: Option<&FixName>,
    is_brief: bool,
) -> Result<String, Failure> {
    if !issue.confidential {
        return Ok(runbook::public_step(reference));
    }
    // What is amiss elsewhere must not hide the issue.
    let linked = match is_brief {
        true => vec![],
        false => issue::merge_requests(client, reference.project.as_str(), reference.iid).unwrap_or_default(),
    };
    let policy = &prepared.policy;
    let page = format!("/{}/-/merge_requests/", policy.security);
    let of_security = linked.iter().filter(|request| request.web_url.contains(&page));
    let fixes: Vec<(FixName, &MergeRequest)> =
        of_security.filter_map(|request| Some((policy.branches.read(&request.source_branch)?.fix, request))).collect();
    let Some(fix) = fix.or(fixes.first().map(|(fix, _)| fix)) else {
        return Ok(runbook::first_step(Some(reference)));
    };
    // What is merged only GitLab knows the rest of.
    if fixes.iter().any(|(name, request)| name == fix && request.state == State::Merged) {
        let gathered = Gatherer::new(client, prepared)?.fix(fix, Some(reference.clone()));
        return Ok(match gathered {
            Ok((_, found)) if found.is_verified() => runbook::issue_step(fix, issue.state == IssueState::Opened),
            Ok((_, found)) => runbook::next(&found.facts, fix, policy),
            Err(_) => format!("git secfix status {fix}"),
        });
    }
    match facts::clone::facts(prepared, fix) {
        Ok(facts) if !facts.targets.is_empty() => {
            let issue = IssueFact::Seen { reference: reference.to_string(), is_confidential: true };
            Ok(runbook::next(&Facts { issue, ..facts }, fix, policy))
        }
        _ => Ok(format!("git secfix status {fix}")),
    }
}

fn report(reference: &IssueRef, issue: &Issue, me: Option<&User>, next: String, today: Date) -> Report {
    let standing = IssueStanding {
        issue: reference.to_string(),
        state: issue.state.clone(),
        moved: issue.moved_to_id.is_some(),
        confidential: issue.confidential,
        due_date: issue.due_date,
        days_left: issue.due_date.map(|date| due::days_until(date, today)),
        severity: issue.severity().map(str::to_owned),
        assignees: issue.assignees.iter().map(|user| user.username.clone()).collect(),
        mine: me.map(|me| issue.assignees.iter().any(|user| user.id == me.id)),
        web_url: issue.web_url.clone(),
    };
    Report { standing, title: issue.title.clone(), may_go_on: issue.confidential, next }
}

fn text(report: &Report, today: Date) -> String {
    let none = || "none".to_owned();
    let standing = &report.standing;
    let assignees: Vec<String> = standing.assignees.iter().map(|name| format!("@{name}")).collect();
    let mut table = Table::default();
    table
        .row(["issue", &format!("{}  {}", standing.issue, report.title)])
        .row(["kind", if standing.confidential { "confidential" } else { "public" }])
        .row(["state", standing.state.as_str()])
        .row([
            "due".to_owned(),
            standing.due_date.map_or_else(none, |date| format!("{} ({date})", due::in_words(date, today))),
        ])
        .row(["severity".to_owned(), standing.severity.clone().unwrap_or_else(none)])
        .row(["assignee".to_owned(), if assignees.is_empty() { none() } else { assignees.join(", ") }])
        .row(["page", &standing.web_url])
        .row(["next", &report.next]);
    table.to_string()
}
