//! What the user is shown before anything becomes public, and what keeps it from that.

use anyhow::anyhow;
use serde::Serialize;

use super::{public_text::PublicText, survey::Branch};
use crate::domain::project_words::SquashOption;
use crate::{
    domain::{
        disclosure::{Origin, Unpublished},
        fix::FixName,
        policy::Policy,
        sync_branch,
    },
    gitlab::project::Project,
    ops::{Context, Failure, facts::Gathered, typed::Typed},
    ui::{Table, report_words, safe_line},
};

/// A branch, as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct BranchReport {
    pub(super) branch: String,
    pub(super) source: String,
    pub(super) head: String,
    pub(super) state: BranchState,
    pub(super) conflict: Vec<String>,
    pub(super) by_hand: Vec<String>,
    pub(super) commits: Vec<CommitReport>,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) merge_request: Option<u64>,
    pub(super) web_url: Option<String>,
}

report_words! {
    /// How far a branch is on its way to canonical.
    pub(super) enum BranchState {
        Public = "public already",
        Conflicts = "conflicts with canonical",
        MergesCleanly = "merges cleanly",
        NotOpened = "not opened",
        Opened = "opened, not merged",
        Merged = "merged",
    }
}

#[derive(Debug, Serialize)]
pub(super) struct CommitReport {
    id: String,
    origin: Origin,
    author: String,
    subject: String,
    body: String,
}

pub(super) fn report(branch: &Branch, words: &PublicText) -> BranchReport {
    let state = if branch.is_public() {
        BranchState::Public
    } else if !branch.conflict.is_empty() {
        BranchState::Conflicts
    } else {
        BranchState::MergesCleanly
    };
    let commit = |Unpublished { id, subject, body, author, origin }: &Unpublished| CommitReport {
        id: id.clone(),
        origin: *origin,
        author: author.clone(),
        subject: subject.clone(),
        body: body.clone(),
    };
    BranchReport {
        branch: branch.name.clone(),
        source: branch.source(),
        head: branch.tip.to_string(),
        state,
        conflict: branch.conflict.clone(),
        by_hand: branch.by_hand.clone(),
        commits: branch.commits.iter().map(commit).collect(),
        title: words.title(&branch.name),
        description: words.description(&branch.name),
        merge_request: branch.own_request().map(|open| open.iid),
        web_url: branch.own_request().map(|open| open.web_url.clone()),
    }
}

/// Whether all that becomes public is open there already.
pub(super) fn is_open(branches: &[Branch]) -> bool {
    branches.iter().filter(|branch| !branch.is_public()).all(|branch| branch.own_request().is_some())
}

/// The preview of what was previewed when it was opened.
pub(super) fn in_short(fix: &FixName, branches: &[BranchReport], policy: &Policy) -> String {
    let open =
        branches.iter().filter_map(|branch| Some(format!("!{} into `{}`", branch.merge_request?, branch.branch)));
    format!("{fix}: open in {}, as shown before: {}\n", policy.canonical, open.collect::<Vec<_>>().join(", "))
}

/// The preview as people read it.
pub(super) fn text(fix: &FixName, branches: &[BranchReport], policy: &Policy) -> String {
    let mut text = format!("{fix}: what {} would show\n", policy.canonical);
    for branch in branches {
        let count = match branch.commits.len() {
            0 => String::new(),
            1 => "1 commit, ".to_owned(),
            count => format!("{count} commits, "),
        };
        text.push_str(&format!("\n{}  {count}{}\n", branch.branch, branch.state));
        let mut table = Table::default();
        for commit in &branch.commits {
            let id: String = commit.id.chars().take(12).collect();
            table.row([id.as_str(), commit.origin.in_words(), commit.author.as_str(), commit.subject.as_str()]);
        }
        // A row is a line: what else a message says stands below its commit.
        for (row, commit) in table.to_string().lines().zip(&branch.commits) {
            text.push_str(&format!("  {row}\n"));
            let lines = commit.body.lines().filter(|line| !line.trim().is_empty());
            text.extend(lines.map(|line| format!("                  {}\n", safe_line(line))));
        }
        for path in &branch.by_hand {
            text.push_str(&format!("  merged by hand: {}\n", safe_line(path)));
        }
        for path in &branch.conflict {
            text.push_str(&format!("  in conflict: {}\n", safe_line(path)));
        }
        if !branch.commits.is_empty() {
            let place = branch.merge_request.map_or_else(String::new, |iid| format!(" (!{iid} is open already)"));
            text.push_str(&format!(
                "  merge request: \"{}\" from `{}`{place}\n",
                safe_line(&branch.title),
                branch.source
            ));
            text.push_str(&format!("  with the text: {}\n", safe_line(&branch.description)));
        }
    }
    text + "\n"
}

/// What people should know of what becomes public, though it stops nothing.
pub(super) fn notes(branches: &[Branch], gathered: &Gathered, policy: &Policy, context: &Context) {
    for branch in branches {
        if let Some((issue, _)) = &gathered.issue {
            let names_issue = |commit: &&Unpublished| {
                issue.is_named_in(&format!("{}\n{}", commit.subject, commit.body), &policy.canonical)
            };
            for commit in branch.commits.iter().filter(names_issue) {
                let id = commit.id.get(..12).unwrap_or(&commit.id);
                context
                    .ui
                    .warning(&format!("the message of {id} in `{}` names the confidential issue {issue}", branch.name));
            }
        }
        let taken_in = branch.commits.iter().filter(|commit| commit.origin == Origin::TakenIn).count();
        if taken_in > 0 {
            context.ui.note(&format!(
                "`{}` took canonical in {} since the fix: those merges become public as well, and hold nothing but what git \
                 makes of both sides",
                branch.name,
                if taken_in == 1 { "once".to_owned() } else { format!("{taken_in} times") }
            ));
        }
    }
}

/// What must not become public, or cannot: nothing is opened while any branch has something.
pub(super) fn check(branches: &[Branch], canonical: &Project, policy: &Policy, again: &Typed) -> Result<(), Failure> {
    let path = &policy.canonical;
    let open: Vec<&Branch> = branches.iter().filter(|branch| !branch.is_public()).collect();
    if open.is_empty() {
        return Ok(());
    }
    for branch in &open {
        let mut live = branch.open.iter().filter(|open| !sync_branch::is_frozen(&branch.name, &open.source_branch));
        if let Some(open) = live.next() {
            return Err(Failure::refused(anyhow!(
                "!{} of canonical is open from `{}` of security itself, so whatever is pushed there is public at once",
                open.iid,
                open.source_branch
            ))
            .hint(format!("close {}, then {}", open.web_url, again.clone().without_value("--yes"))));
        }
    }
    if canonical.archived {
        return Err(Failure::not_done(anyhow!("{path} is archived, so nothing can be merged there"))
            .hint("ask an owner of the public project to take it out of the archive"));
    }
    if canonical.squash_option == SquashOption::Always {
        return Err(Failure::not_done(anyhow!(
            "{path} squashes every merge request, and a squashed sync would leave both projects apart for ever"
        ))
        .hint("set `Squash commits when merging` (Settings, Merge requests) of the public project to anything but `Require`"));
    }
    let foreign: Vec<(&str, &Unpublished)> =
        open.iter().flat_map(|branch| branch.foreign().map(|commit| (branch.name.as_str(), commit))).collect();
    if !foreign.is_empty() {
        let lines = foreign.iter().map(|(branch, Unpublished { id, subject, author, .. })| {
            format!("\n  {} in `{branch}` by {author}: {subject}", id.get(..12).unwrap_or(id))
        });
        let error = anyhow!(
            "{} not of this fix would become public, and may be another team's embargoed work:{}",
            if foreign.len() == 1 {
                "a commit that is".to_owned()
            } else {
                format!("{} commits that are", foreign.len())
            },
            lines.collect::<String>()
        );
        let cleared = foreign.iter().map(|(_, commit)| commit.id.get(..12).unwrap_or(&commit.id));
        // Whoever clears them is to see anew what becomes public.
        let anew = again.clone().without_value("--yes");
        let include = cleared.fold(anew, |again, id| again.with_value("--include", id));
        let hint = format!(
            "ask whoever wrote them (of a merge of canonical only its conflicts are anybody's work); what may become \
             public is cleared by its name: {include}"
        );
        return Err(Failure::refused(error).hint(hint));
    }
    if let Some(branch) = open.iter().find(|branch| !branch.conflict.is_empty()) {
        let error = anyhow!("`{}` of security conflicts with canonical in {}", branch.name, branch.conflict.join(", "));
        return Err(
            Failure::conflict(error).hint(again.clone().without_value("--yes").with_only("--resolve", &branch.name))
        );
    }
    let is_ahead = |branch: &&&Branch| !branch.merges_forward;
    if canonical.merge_method.needs_fast_forward()
        && let Some(branch) = open.iter().find(is_ahead)
    {
        let error = anyhow!(
            "{path} merges only what is on top of its branches, and `{}` has moved since security's branch left it",
            branch.name
        );
        return Err(
            Failure::conflict(error).hint(again.clone().without_value("--yes").with_only("--resolve", &branch.name))
        );
    }
    Ok(())
}
