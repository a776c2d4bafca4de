//! What `backport` says of each line, as a document and as text.

use anyhow::anyhow;
use serde::Serialize;

use crate::{
    domain::version::ReleaseLine,
    git::{
        history,
        pick_comparison::{Similarities, Similarity},
    },
    ops::backport_state::{
        fix::Fix,
        line::{Line, NotPicked},
        pick::{Outcome, Picked},
        plan::Problem,
    },
    ops::{Failure, typed::Typed, work_tree_folder::quoted},
    ui::{Table, report_words},
};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) fix: String,
    pub(super) lines: Vec<Row>,
    pub(super) done: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) branch: String,
    pub(super) line: ReleaseLine,
    pub(super) target: String,
    pub(super) state: LineState,
    pub(super) commits: Vec<CommitRow>,
    /// Why nothing was picked, and what helps.
    pub(super) refused: Option<Refused>,
    /// Where the conflict waits.
    pub(super) work_tree: Option<String>,
    /// Whether every commit of the backport makes the same change as its original.
    pub(super) same_change: Option<bool>,
}

report_words! {
    /// What became of a line.
    pub(super) enum LineState {
        Picked = "picked",
        Contained = "contained",
        Empty = "empty",
        Conflict = "conflict",
        Refused = "refused",
    }
}

report_words! {
    /// What became of a commit on a line.
    pub(super) enum CommitState {
        Picked = "picked",
        Contained = "contained",
        Empty = "empty",
        Conflict = "conflict",
        Waiting = "waiting",
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Refused {
    pub(super) why: String,
    pub(super) hint: String,
}

#[derive(Debug, Serialize)]
pub(super) struct CommitRow {
    pub(super) commit: String,
    pub(super) subject: String,
    pub(super) outcome: CommitState,
    /// The commit of the backport branch.
    #[serde(rename = "as")]
    pub(super) as_commit: Option<String>,
    pub(super) paths: Vec<String>,
}

pub(super) fn row(fix: &Fix, picked: &Picked, similarities: Option<&Similarities>, refused: Option<&Failure>) -> Row {
    let mut commits: Vec<CommitRow> =
        fix.parts.iter().zip(&picked.outcomes).map(|(part, outcome)| commit_row(&part.commit, outcome)).collect();
    // What is predicted is a commit that is not there.
    for commit in commits.iter_mut().filter(|commit| similarities.is_none() && commit.outcome == CommitState::Picked) {
        commit.as_commit = None;
    }
    let has = |state: CommitState| commits.iter().any(|commit| commit.outcome == state);
    let refused = refused
        .map(|failure| Refused { why: failure.to_string(), hint: failure.command().unwrap_or_default().to_owned() });
    let waits_in = match &picked.line.planned {
        Err(NotPicked::Unfinished { root }) => Some(root.display().to_string()),
        _ => None,
    };
    let state = if waits_in.is_some() {
        LineState::Conflict
    } else if refused.is_some() {
        LineState::Refused
    } else if has(CommitState::Conflict) {
        LineState::Conflict
    } else if has(CommitState::Picked) {
        LineState::Picked
    } else if has(CommitState::Empty) {
        LineState::Empty
    } else {
        LineState::Contained
    };
    let compared =
        similarities.filter(|_| matches!(state, LineState::Picked | LineState::Contained | LineState::Empty));
    let same_change = compared.map(|similarities| {
        let new = picked.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Picked(id) | Outcome::Contained(id) => Some(id),
            _ => None,
        });
        new.into_iter().all(|id| similarities.get(id) != Some(&Similarity::Differs))
    });
    Row {
        branch: picked.line.branch.clone(),
        line: picked.line.line,
        target: picked.line.target.clone(),
        state,
        commits,
        refused,
        work_tree: waits_in,
        same_change,
    }
}

fn commit_row(commit: &history::Commit, outcome: &Outcome) -> CommitRow {
    let (outcome, as_commit, paths) = match outcome {
        Outcome::Picked(id) => (CommitState::Picked, Some(*id), vec![]),
        Outcome::Contained(id) => (CommitState::Contained, Some(*id), vec![]),
        Outcome::Empty => (CommitState::Empty, None, vec![]),
        Outcome::Conflict(paths) => (CommitState::Conflict, None, paths.clone()),
        Outcome::Waiting => (CommitState::Waiting, None, vec![]),
    };
    let as_commit = as_commit.map(|id| id.to_string());
    CommitRow { commit: commit.id.to_string(), subject: commit.subject.clone(), outcome, as_commit, paths }
}

/// Why nothing was picked onto a line, and the command that helps.
pub(super) fn refusal(fix: &Fix, line: &Line, reason: &NotPicked, remote: &str, again: &Typed) -> Failure {
    let branch = &line.branch;
    let here = again.clone().without_value("-t").with_only("--to", &format!("{}-{}", line.line.major, line.line.minor));
    let redo = here.clone().with("--redo").to_string();
    let (why, hint) = match reason {
        NotPicked::Content(Problem::OtherWork { commit, count }) => {
            let (short, subject) = (commit.short(), &commit.subject);
            let what = match count {
                1 => format!("it holds `{short} {subject}`, which is not of this fix"),
                _ => format!("it holds {count} commits that are not of this fix, such as `{short} {subject}`"),
            };
            (what, format!("git branch --move {branch} {branch}.old && {here}"))
        }
        NotPicked::Content(Problem::Outdated { commit, origin }) => {
            let (short, origin) = (commit.short(), history::short(*origin));
            let why =
                format!("`{short}` was picked from `{origin}`, which the fix has no longer: it was amended or rebased");
            (why, redo)
        }
        NotPicked::Content(Problem::Unclear { commit, like }) => {
            let (short, like_short) = (commit.short(), like.short());
            let why = format!(
                "`{short} {}` may be `{like_short}` with a conflict resolved, or an older version of it, and does not say so; if it is \
                 the former, add the line `(cherry picked from commit {})` to its message, else make the branch anew",
                commit.subject, like.id
            );
            (why, redo)
        }
        NotPicked::Diverged => {
            let why = format!("{remote}/{branch} has commits that it lacks, and it has others");
            (why, format!("git rebase {remote}/{branch} {branch} && {again}"))
        }
        NotPicked::Busy { why } => {
            let place = line.checkout.as_ref().map_or_else(String::new, |checkout| quoted(&checkout.root));
            (format!("it {why}"), format!("git -C {place} status"))
        }
        NotPicked::Unfinished { root } => {
            (format!("its conflict waits in {}", root.display()), to_continue(again.clone()).to_string())
        }
        NotPicked::CheckedOut { root, conflict } => {
            let place = root.display();
            let why =
                format!("it is checked out in {place}, and its conflict in {conflict} needs a work tree of its own");
            (why, format!("git -C {} switch {} && {again}", quoted(root), fix.branch))
        }
        NotPicked::NoPlace { conflict, why } => (
            format!("it has a conflict in {conflict}, and no work tree can be made for it: {why}"),
            format!("SECFIX_BACKPORT_WORKTREES=/tmp {again}"),
        ),
        NotPicked::Overwrites { root, said } => {
            let place = root.display();
            (
                format!("changes in {place} would be overwritten: {said}"),
                format!("git -C {} stash && {again}", quoted(root)),
            )
        }
    };
    Failure::not_done(anyhow!("{why}")).hint(hint)
}

/// The command that goes on with resolved conflicts, with those of the options that it takes.
pub(super) fn to_continue(again: Typed) -> Typed {
    let other = ["--to", "-t", "--from"].iter().fold(again, |again, option| again.without_value(option));
    other.without(&["--redo", "--diff", "--no-fetch"]).with("--continue")
}

pub(super) fn text(report: &Report) -> String {
    let mut table = Table::default();
    for row in &report.lines {
        table.row([row.branch.clone(), in_words(row, report.done)]);
        // Whoever reads of several outcomes wants to know which commit had which.
        let is_mixed = row.commits.iter().any(|commit| commit.outcome != row.commits[0].outcome);
        for commit in row.commits.iter().filter(|_| is_mixed) {
            let short: String = commit.commit.chars().take(12).collect();
            let what = match (&commit.as_commit, commit.outcome) {
                (Some(id), CommitState::Contained) => {
                    format!("already contained as {}", id.chars().take(12).collect::<String>())
                }
                (_, CommitState::Contained) => "already contained".to_owned(),
                (_, CommitState::Empty) => "already applied".to_owned(),
                (_, CommitState::Picked) => "picked".to_owned(),
                (_, CommitState::Conflict) => "conflict".to_owned(),
                (_, CommitState::Waiting) => "waiting".to_owned(),
            };
            table.row([format!("  {short} {}", commit.subject), what]);
        }
    }
    table.to_string()
}

/// One line for what became of a branch.
fn in_words(row: &Row, done: bool) -> String {
    if let Some(refused) = &row.refused {
        return format!("nothing picked: {}", refused.why);
    }
    let count = |outcome: CommitState| row.commits.iter().filter(|commit| commit.outcome == outcome).count();
    let commits = |count: usize| if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
    let mut parts = Vec::new();
    if let Some(conflict) = row.commits.iter().find(|commit| commit.outcome == CommitState::Conflict) {
        parts.push(format!("{} in {}", if done { "conflict" } else { "would conflict" }, conflict.paths.join(", ")));
        if let Some(place) = &row.work_tree {
            parts.push(format!("to resolve in {place}"));
        }
        return parts.join(": ");
    }
    let (picked, contained, empty) =
        (count(CommitState::Picked), count(CommitState::Contained), count(CommitState::Empty));
    if picked > 0 {
        parts.push(format!("{} {}", if done { "picked" } else { "would pick" }, commits(picked)));
    }
    let all = row.commits.len();
    if contained == all {
        parts.push("already contained".to_owned());
    } else if contained > 0 {
        parts.push(format!("{contained} already contained"));
    }
    if empty == all {
        parts.push("already applied, nothing to pick".to_owned());
    } else if empty > 0 {
        parts.push(format!("{empty} already applied"));
    }
    if row.same_change == Some(false) {
        parts.push("not the same change as the fix: look with --diff".to_owned());
    }
    parts.join(", ")
}
