//! What `status` says of one fix, as a document and as text.

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    domain::{
        due,
        merge_request::{ApprovalState, Mergeability, Pipeline, State},
        policy::Policy,
        runbook::{self, Blocker, Gate, Pushed, Step, Target},
        waiver::Waiver,
    },
    ops::facts::{Gathered, PublicRequest},
    ui::{Links, Table, report_words},
};

#[derive(Debug, Serialize)]
pub(super) struct FixReport {
    pub(super) fix: String,
    step: StepReport,
    finished: bool,
    issue: Option<IssueReport>,
    /// What is open in public, and not merged yet.
    public: Vec<PublicRequest>,
    targets: Vec<TargetReport>,
    /// The lines that go without the fix, and why.
    waivers: Vec<Waiver>,
    /// The blockers of the first step that is not done, and of those around it that people can work
    /// on at the same time.
    blockers: Vec<Blocker>,
    gates: Gates,
    next: String,
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct StepReport {
    number: usize,
    of: usize,
    name: &'static str,
}

#[derive(Debug, Serialize)]
struct IssueReport {
    reference: String,
    due_date: Option<Date>,
    due: Option<String>,
    severity: Option<String>,
    confidential: bool,
    web_url: String,
}

/// Which gates are open.
#[derive(Debug, Serialize)]
struct Gates {
    request: bool,
    merge: bool,
    private_tag: bool,
    disclose: bool,
    tag: bool,
    finish: bool,
}

#[derive(Debug, Serialize)]
struct TargetReport {
    source: String,
    target: String,
    pushed: Pushed,
    merge_request: Option<RequestReport>,
    /// Whether canonical has the fix there.
    public: bool,
}

#[derive(Debug, Serialize)]
struct RequestReport {
    iid: u64,
    web_url: String,
    title: String,
    state: State,
    draft: bool,
    head: Option<String>,
    pipeline: Pipeline,
    pipeline_url: Option<String>,
    approvals: Vec<RoleReport>,
    outdated_approvals: Vec<String>,
    open_threads: usize,
    mergeable: Mergeability,
    conflicts: bool,
}

#[derive(Debug, Serialize)]
struct RoleReport {
    role: String,
    state: RoleState,
    by: Vec<String>,
}

report_words! {
    /// How an approval is.
    enum RoleState {
        Approved = "approved",
        Missing = "waiting",
        CannotTell = "unknown",
        NotNeeded = "-",
    }
}

pub(super) fn report(found: &Gathered, policy: &Policy, today: Date) -> FixReport {
    let Gathered { fix, facts, issue, notes, public, .. } = found;
    let step = runbook::step(facts);
    let is_open = |gate| runbook::is_open(facts, gate);
    let process = facts.process;
    let notes = notes.clone();
    FixReport {
        fix: fix.to_string(),
        step: StepReport { number: process.number(step), of: process.count(), name: step.name() },
        finished: runbook::is_finished(facts),
        issue: issue.as_ref().map(|(reference, issue)| IssueReport {
            reference: reference.to_string(),
            due_date: issue.due_date,
            due: issue.due_date.map(|date| due::in_words(date, today)),
            severity: issue.severity().map(str::to_owned),
            confidential: issue.confidential,
            web_url: issue.web_url.clone(),
        }),
        public: public.requests.clone(),
        targets: facts.targets.iter().map(|target| target_report(target, &public.arrived)).collect(),
        waivers: facts.waivers.clone(),
        blockers: now_blocking(&runbook::blockers(facts), step),
        gates: Gates {
            request: is_open(Gate::Request),
            merge: is_open(Gate::Merge),
            private_tag: is_open(Gate::PrivateTag),
            disclose: is_open(Gate::Disclose),
            tag: is_open(Gate::Tag),
            finish: is_open(Gate::Finish),
        },
        next: runbook::next(facts, fix, policy),
        notes,
    }
}

/// While anything up to the review is open, all of that; later only the step at hand.
fn now_blocking(blockers: &[Blocker], step: Step) -> Vec<Blocker> {
    let last = if step <= Step::Review { Step::Review } else { step };
    blockers.iter().filter(|blocker| blocker.step <= last).cloned().collect()
}

fn target_report(target: &Target, arrived: &[String]) -> TargetReport {
    let merge_request = target.merge_request().map(|request| RequestReport {
        iid: request.iid,
        web_url: request.web_url.clone(),
        title: request.title.clone(),
        state: request.state.clone(),
        draft: request.is_draft,
        head: request.head.clone(),
        pipeline: request.pipeline.clone(),
        pipeline_url: request.pipeline_url.clone(),
        approvals: request
            .roles
            .iter()
            .map(|role| {
                let (state, by) = match &role.state {
                    ApprovalState::Approved { by } => (RoleState::Approved, by.clone()),
                    ApprovalState::Missing => (RoleState::Missing, vec![]),
                    ApprovalState::CannotTell(_) => (RoleState::CannotTell, vec![]),
                    ApprovalState::NotNeeded => (RoleState::NotNeeded, vec![]),
                };
                RoleReport { role: role.role.clone(), state, by }
            })
            .collect(),
        outdated_approvals: request.outdated_approvals().into_iter().map(str::to_owned).collect(),
        open_threads: request.open_threads,
        mergeable: request.mergeability.clone(),
        conflicts: request.has_conflicts,
    });
    TargetReport {
        source: target.source.clone(),
        target: target.target.clone(),
        pushed: target.pushed,
        merge_request,
        public: arrived.contains(&target.target),
    }
}

/// The words that lead somewhere, with their addresses.
pub(super) fn links(report: &FixReport) -> Links {
    let requests = report.targets.iter().filter_map(|target| target.merge_request.as_ref());
    let requests = requests.map(|request| (format!("!{}", request.iid), request.web_url.clone()));
    let issue = report.issue.iter().map(|issue| (issue.reference.clone(), issue.web_url.clone()));
    requests.chain(issue).collect()
}

pub(super) fn text(report: &FixReport) -> String {
    let mut text = heading(report);
    // Nothing is as urgent as what everybody sees and nobody has yet.
    let mut label = "public";
    for PublicRequest { branch, iid, web_url, waits_for, .. } in &report.public {
        let waits_for = waits_for.as_deref().unwrap_or("it can be merged");
        let line = crate::ui::safe_line(&format!("!{iid} into `{branch}`: {waits_for}: {web_url}")).into_owned();
        text.push_str(&format!("{label:<12}{line}\n"));
        label = "";
    }
    let table = table(report);
    text.push_str(&table.lines().map(|line| format!("  {line}\n")).collect::<String>());
    let mut label = "without";
    for Waiver { line, reason } in &report.waivers {
        text.push_str(&format!("{label:<12}{line}: {}\n", crate::ui::safe_line(reason)));
        label = "";
    }
    let mut label = "blocked by";
    for blocker in &report.blockers {
        text.push_str(&format!("{label:<12}{}\n", crate::ui::safe_line(&blocker.text)));
        label = "";
    }
    if let Some(issue) = &report.issue {
        text.push_str(&format!("{:<12}{}\n", "issue", crate::ui::safe_line(&issue.reference)));
    }
    text.push_str(&format!("{:<12}{}\n", "next", crate::ui::safe_line(&report.next)));
    text
}

fn heading(report: &FixReport) -> String {
    let mut heading = report.fix.clone();
    match &report.issue {
        Some(IssueReport { due: Some(words), due_date: Some(date), .. }) => {
            heading.push_str(&format!("  due {words} ({date})"));
        }
        Some(_) => heading.push_str("  no due date"),
        None => {}
    }
    if let Some(severity) = report.issue.as_ref().and_then(|issue| issue.severity.as_ref()) {
        heading.push_str(&format!("  {severity}"));
    }
    let StepReport { number, of, name } = report.step;
    let step = if report.finished { "done".to_owned() } else { format!("step {number} of {of}: {name}") };
    format!("{}  {step}\n", crate::ui::safe_line(&heading))
}

fn table(report: &FixReport) -> String {
    let roles: Vec<&str> = report
        .targets
        .iter()
        .find_map(|target| target.merge_request.as_ref())
        .map(|request| request.approvals.iter().map(|role| role.role.as_str()).collect())
        .unwrap_or_default();
    if report.targets.is_empty() {
        return String::new();
    }
    let mut table = Table::default();
    let head = ["target", "merge request", "pipeline"].into_iter();
    table.row(head.chain(roles.iter().copied()).chain(["threads", "mergeable"]));
    for target in &report.targets {
        let Some(request) = &target.merge_request else {
            let note = if target.pushed == Pushed::No { "not pushed" } else { "none" };
            table.row([target.target.as_str(), note]);
            continue;
        };
        let number = match &request.state {
            State::Opened if request.draft => format!("!{} draft", request.iid),
            State::Opened => format!("!{}", request.iid),
            State::Merged if target.public => format!("!{} public", request.iid),
            state => format!("!{} {state}", request.iid),
        };
        let mut cells = vec![target.target.clone(), number];
        if request.state == State::Merged {
            table.row(cells);
            continue;
        }
        cells.push(request.pipeline.as_str().to_owned());
        cells.extend(request.approvals.iter().map(|role| role.state.to_string()));
        cells.push(format!("{} open", request.open_threads));
        cells.push(if request.conflicts { "conflict" } else { request.mergeable.as_str() }.to_owned());
        table.row(cells);
    }
    table.to_string()
}
