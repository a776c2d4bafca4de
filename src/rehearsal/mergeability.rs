//! Whether a merge request can be merged: the check that runs in the background, and the one word
//! that the API has for its outcome.

use std::io;

use super::{
    approval,
    call::RequestAt,
    lifecycle, merging,
    site::Site,
    state::{Check, MergeRequest, Project, State},
};

/// A look at a single merge request, which starts the check or takes it one step on. Returns what
/// `detailed_merge_status` says at this look.
pub(super) fn look(site: &Site, state: &mut State, at: RequestAt) -> io::Result<String> {
    lifecycle::refresh(site, state, at)?;
    let request = &state.projects[at.project].merge_requests[at.request];
    let shown = match request.check {
        Check::Unchecked if !request.is_open() => None,
        Check::Unchecked if state.mergeability_reads > 0 => Some("unchecked"),
        Check::Checking(left) if left > 0 => Some("checking"),
        Check::Known { .. } => None,
        Check::Unchecked | Check::Checking(_) => {
            check_now(site, state, at)?;
            None
        }
    };
    let reads = state.mergeability_reads;
    let forced = &state.projects[at.project].merge_requests[at.request].forced_status;
    if let (Some(shown), None) = (shown, forced) {
        let request = &mut state.projects[at.project].merge_requests[at.request];
        request.check = match request.check {
            Check::Checking(left) => Check::Checking(left - 1),
            _ => Check::Checking(reads - 1),
        };
        return Ok(shown.to_owned());
    }
    let project = &state.projects[at.project];
    Ok(detailed_status(state, project, &project.merge_requests[at.request]))
}

/// Runs the check at once.
pub(super) fn check_now(site: &Site, state: &mut State, at: RequestAt) -> io::Result<()> {
    let project = &state.projects[at.project];
    let request = &project.merge_requests[at.request];
    let repository = site.repository(project);
    let (conflict, behind) = match (&request.target_head, request.sha()) {
        (Some(target), Some(head)) => {
            let behind = !repository.is_ancestor(target, head)?;
            (behind && merging::merged_tree(&repository, target, head)?.is_none(), behind)
        }
        _ => (false, false),
    };
    state.projects[at.project].merge_requests[at.request].check = Check::Known { conflict, behind };
    Ok(())
}

/// The word for how far a merge request is: the first check that fails.
pub(super) fn detailed_status(state: &State, project: &Project, request: &MergeRequest) -> String {
    if let Some(forced) = &request.forced_status {
        return forced.clone();
    }
    let word = match request.check {
        Check::Unchecked if request.is_open() => "unchecked",
        Check::Checking(_) if request.is_open() => "checking",
        check => first_failure(state, project, request, check).unwrap_or("mergeable"),
    };
    word.to_owned()
}

fn first_failure(state: &State, project: &Project, request: &MergeRequest, check: Check) -> Option<&'static str> {
    let (conflict, behind) = match check {
        Check::Known { conflict, behind } => (conflict, behind),
        _ => (false, false),
    };
    let is_linear = matches!(project.merge_method.as_str(), "ff" | "rebase_merge");
    let failures = [
        ("not_open", request.state == "merged"),
        ("requested_changes", state.premium && !request.requested_changes.is_empty()),
        ("not_approved", !approval::is_approved(state, project, request)),
        ("not_open", !request.is_open()),
        ("draft_status", request.is_draft()),
        ("commits_status", !request.has_source || request.sha().is_none()),
        (
            "discussions_not_resolved",
            project.only_allow_merge_if_all_discussions_are_resolved && request.has_open_threads(),
        ),
        ("conflict", conflict),
        ("need_rebase", is_linear && behind),
    ];
    let failed = failures.into_iter().find(|(_, fails)| *fails).map(|(word, _)| word);
    failed.or_else(|| pipeline_failure(state, project, request))
}

fn pipeline_failure(state: &State, project: &Project, request: &MergeRequest) -> Option<&'static str> {
    if !project.only_allow_merge_if_pipeline_succeeds {
        return None;
    }
    match state.head_pipeline(request).map(|(_, pipeline)| pipeline.status.as_str()) {
        Some("success") => None,
        Some("skipped") if project.allow_merge_on_skipped_pipeline => None,
        Some("created" | "waiting_for_resource" | "preparing" | "pending" | "running" | "scheduled") => {
            Some("ci_still_running")
        }
        _ => Some("ci_must_pass"),
    }
}

/// The older word.
pub(super) fn merge_status(request: &MergeRequest) -> &'static str {
    match request.check {
        Check::Unchecked => "unchecked",
        Check::Checking(_) => "checking",
        Check::Known { conflict: true, .. } => "cannot_be_merged",
        Check::Known { .. } if request.sha().is_none() => "cannot_be_merged",
        Check::Known { .. } => "can_be_merged",
    }
}
