//! What keeps one branch of a fix from being merged.

use super::{Blocker, Pushed, Request, Step, Target, Work};
use crate::domain::merge_request::{ApprovalState, MergeBlock, MergeRequest, Mergeability, Pipeline, State};

/// What keeps a branch from being merged. A merged one needs nothing more, not even its branch.
pub(super) fn target_blockers(target: &Target) -> Vec<Blocker> {
    let mut found = Vec::new();
    let Target { source, target: into, .. } = target;
    let mut block = |step, text: String| found.push(Blocker { step, merge_request: None, text });
    if !target.is_compared {
        let text = format!("whether `{source}` holds the fix cannot be told: this clone is older than security");
        block(Step::Backports, text);
    }
    if target.is_merged() {
        // Its branch may be gone by now; one that is there with more on it is work that was left out.
        if matches!(target.pushed, Pushed::Ahead | Pushed::Diverged) {
            block(Step::Push, format!("`{source}` has commits that are not pushed, though it is merged"));
        }
        if let Some(request) = target.merge_request().filter(|_| target.is_lost) {
            let text = format!("GitLab says that !{} is merged, and `{into}` does not hold its commit", request.iid);
            block(Step::Merge, text);
        }
        if !target.lacks.is_empty() {
            block(
                Step::Backports,
                format!("`{into}` lacks {} of the fix, though `{source}` is merged", short(&target.lacks)),
            );
        }
        if let Some(by) = &target.taken_back_by {
            let step = if target.line.is_some() { Step::Backports } else { Step::Branches };
            block(step, format!("{} takes the fix back on `{into}`", by.get(..12).unwrap_or(by)));
        }
        if let (Some(request), Some(head)) = (target.merge_request(), &target.head)
            && request.head.as_ref() != Some(head)
        {
            block(Step::MergeRequests, format!("`{source}` has commits that !{} did not merge", request.iid));
        }
        return found;
    }
    if !target.has_target {
        block(Step::StableBranches, format!("security has no branch `{into}`"));
    }
    let step = if target.line.is_some() { Step::Backports } else { Step::Branches };
    match target.work {
        Work::Missing => block(step, format!("`{source}` holds no commit that `{into}` does not have")),
        // Where it is known what is missing, that is said, and a backport brings it again.
        Work::Undone if target.lacks.is_empty() => {
            block(step, format!("`{source}` changes nothing in `{into}`: its commits undo each other"))
        }
        Work::Unknown | Work::Found | Work::Undone => {}
    }
    // A branch without anything lacks everything, which is said already.
    if target.work != Work::Missing && !target.lacks.is_empty() {
        block(Step::Backports, format!("`{source}` lacks {} of the fix", short(&target.lacks)));
    }
    match target.pushed {
        Pushed::Same | Pushed::OnlyThere => {}
        Pushed::No => block(Step::Push, format!("`{source}` is not pushed")),
        Pushed::Ahead => block(Step::Push, format!("`{source}` has commits that are not pushed")),
        Pushed::Behind => {
            block(Step::Push, format!("security has commits of `{source}` that this clone does not have"))
        }
        Pushed::Diverged => {
            block(Step::Push, format!("`{source}` here and in security have different commits"));
        }
    }
    if let Some(page) = &target.exposed_by {
        let text = format!("what is merged into `{into}` of security is public at once: close {page} in canonical");
        block(Step::Review, text);
    }
    match &target.request {
        Request::NotAsked => block(Step::MergeRequests, format!("nobody asked whether `{source}` has a merge request")),
        Request::Missing => block(Step::MergeRequests, format!("`{source}` has no merge request to `{into}`")),
        Request::Several(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(|number| format!("!{number}")).collect();
            block(
                Step::MergeRequests,
                format!("{} are all open from `{source}`: close all but one", numbers.join(", ")),
            );
        }
        Request::Found(request) => {
            if request.state != State::Closed && target.head.is_some() && request.head != target.head {
                let text = format!("!{} does not have the newest commit of `{source}` yet", request.iid);
                block(Step::Review, text);
            }
            found.extend(request_blockers(request, source));
        }
    }
    // A branch that waits for a review is merged only after it.
    found.push(Blocker {
        step: Step::Merge,
        merge_request: target.merge_request().map(|request| request.iid),
        text: match target.merge_request() {
            Some(request) => format!("!{} is not merged", request.iid),
            None => format!("`{source}` is not merged"),
        },
    });
    found
}

/// Names of commits, short enough to read.
fn short(ids: &[String]) -> String {
    let ids: Vec<&str> = ids.iter().map(|id| id.get(..12).unwrap_or(id)).collect();
    ids.join(", ")
}

fn request_blockers(request: &MergeRequest, source: &str) -> Vec<Blocker> {
    let iid = request.iid;
    let mut found = Vec::new();
    let mut block = |step, text: String| found.push(Blocker { step, merge_request: Some(iid), text });
    match &request.state {
        State::Opened => {}
        State::Closed => {
            block(Step::MergeRequests, format!("!{iid} is closed: reopen it, or open another one"));
            return found;
        }
        State::Merged => return found,
        state @ (State::Locked | State::Other(_)) => {
            block(Step::Review, format!("!{iid} is in the state `{state}`"));
        }
    }
    if request.is_draft {
        block(Step::Review, format!("!{iid} is a draft: mark it as ready"));
    }
    match &request.pipeline {
        // Whether one is needed at all, the project says.
        Pipeline::Passed | Pipeline::NotWanted | Pipeline::SkippedAsAllowed => {}
        Pipeline::Missing => block(Step::Review, format!("!{iid} has no pipeline")),
        Pipeline::OfAnotherCommit => block(Step::Review, format!("pipeline of !{iid} ran on another commit")),
        Pipeline::Running => block(Step::Review, format!("pipeline of !{iid} is running")),
        Pipeline::Manual => block(Step::Review, format!("pipeline of !{iid} waits for somebody to start a job")),
        Pipeline::NotPassed(status) => block(Step::Review, format!("pipeline of !{iid} has not passed: `{status}`")),
    }
    let mut is_approval_missing = false;
    for approval in &request.roles {
        let role = &approval.role;
        match &approval.state {
            ApprovalState::Approved { .. } | ApprovalState::NotNeeded => {}
            ApprovalState::Missing => {
                is_approval_missing = true;
                block(Step::Review, format!("{role} approval of !{iid} is missing"));
            }
            ApprovalState::CannotTell(why) => {
                is_approval_missing = true;
                block(Step::Review, format!("{role} approval of !{iid} cannot be told: {why}"));
            }
        }
    }
    match request.open_threads {
        0 => {}
        1 => block(Step::Review, format!("1 open thread in !{iid}")),
        count => block(Step::Review, format!("{count} open threads in !{iid}")),
    }
    // GitLab names the first obstacle only, and others may hide a conflict.
    let conflicts = request.has_conflicts || request.mergeability == Mergeability::Blocked(MergeBlock::Conflict);
    if conflicts {
        block(Step::Review, format!("!{iid} conflicts with its target branch"));
    }
    match &request.mergeability {
        Mergeability::Mergeable => {}
        Mergeability::Computing => {
            block(Step::Review, format!("GitLab is still working out whether !{iid} can be merged"))
        }
        Mergeability::Other(status) => block(
            Step::Review,
            format!("GitLab says `{status}` of !{iid}, which this version does not know: look at its page"),
        ),
        Mergeability::Blocked(why) => {
            let is_said = match why {
                MergeBlock::NotApproved => is_approval_missing,
                MergeBlock::Threads => request.open_threads > 0,
                MergeBlock::Draft => request.is_draft,
                MergeBlock::Conflict => true,
                MergeBlock::Pipeline => {
                    !matches!(request.pipeline, Pipeline::Passed | Pipeline::NotWanted | Pipeline::SkippedAsAllowed)
                }
                _ => false,
            };
            if !is_said {
                block(Step::Review, describe_merge_block(*why, iid, source));
            }
        }
    }
    if request.head.is_none() {
        block(Step::Review, format!("!{iid} holds no commit"));
    }
    found
}

fn describe_merge_block(why: MergeBlock, iid: u64, source: &str) -> String {
    match why {
        MergeBlock::NotApproved => format!("GitLab asks for more approvals of !{iid}"),
        MergeBlock::RequestedChanges => format!("a reviewer of !{iid} asks for changes"),
        MergeBlock::Threads => format!("GitLab sees open threads in !{iid}"),
        MergeBlock::Draft => format!("!{iid} is a draft: mark it as ready"),
        MergeBlock::Conflict => format!("!{iid} conflicts with its target branch"),
        MergeBlock::NeedsRebase => format!("!{iid} needs a rebase: its target branch has moved"),
        MergeBlock::NothingToMerge => format!("!{iid} has nothing to merge: `{source}` is gone or empty"),
        MergeBlock::Pipeline => format!("GitLab waits for a pipeline of !{iid}"),
        MergeBlock::NotOpen => format!("!{iid} is not open"),
        MergeBlock::Rule(text) => format!("!{iid}: {text}"),
    }
}
