//! What follows from changes of branches: new versions of merge requests, their pipelines, and
//! what becomes of approvals. Branches may change behind the server's back, so that every look at
//! a merge request begins here.

use std::io;

use super::{
    call::RequestAt,
    repository::Repository,
    site::Site,
    state::{Check, JobSpec, MergeRequest, PipelineSpec, State, Version, matches_pattern},
};

/// A branch or tag that changed.
pub(super) struct Change<'a> {
    pub(super) project: u64,
    /// The full reference.
    pub(super) reference: &'a str,
    pub(super) user: u64,
}

/// Starts the pipeline that a branch or tag gets when it changes, if it gets one.
pub(super) fn start_ref_pipeline(site: &Site, state: &mut State, change: &Change<'_>) -> io::Result<Option<u64>> {
    let Some(project) = state.project_by_id(change.project) else { return Ok(None) };
    let tag = change.reference.strip_prefix("refs/tags/");
    let Some(name) = tag.or_else(|| change.reference.strip_prefix("refs/heads/")) else { return Ok(None) };
    let fits = |pattern: &str| matches_pattern(pattern, name);
    let Some(wanted) = project.ref_pipelines.iter().find(|wanted| fits(&wanted.pattern)) else { return Ok(None) };
    let Some(sha) = site.repository(project).commit(name)? else { return Ok(None) };
    let mut pipeline = wanted.pipeline.clone();
    pipeline.reference = name.to_owned();
    pipeline.sha = sha;
    pipeline.tag = tag.is_some();
    pipeline.user = Some(change.user);
    Ok(Some(state.add_pipeline(change.project, pipeline)))
}

/// Looks at every open merge request.
pub(super) fn refresh_everything(site: &Site, state: &mut State) -> io::Result<()> {
    for project in 0..state.projects.len() {
        refresh_project(site, state, project)?;
    }
    Ok(())
}

/// Looks at every open merge request towards a project.
pub(super) fn refresh_project(site: &Site, state: &mut State, project: usize) -> io::Result<()> {
    for request in 0..state.projects[project].merge_requests.len() {
        refresh(site, state, RequestAt { project, request })?;
    }
    Ok(())
}

fn request_mut(state: &mut State, at: RequestAt) -> &mut MergeRequest {
    &mut state.projects[at.project].merge_requests[at.request]
}

/// Takes note of what became of the branches of a merge request.
pub(super) fn refresh(site: &Site, state: &mut State, at: RequestAt) -> io::Result<()> {
    let project = &state.projects[at.project];
    let request = &project.merge_requests[at.request];
    if !request.is_open() {
        return Ok(());
    }
    let target = site.repository(project);
    let source = state.project_by_id(request.source_project).map(|project| site.repository(project));
    let head = match &source {
        Some(source) => source.branch(&request.source_branch)?,
        None => None,
    };
    let target_head = target.branch(&request.target_branch)?;

    let has_moved_target = target_head != request.target_head;
    let last = request.version().map(|version| version.head.clone());
    request_mut(state, at).has_source = head.is_some();
    if has_moved_target {
        let request = request_mut(state, at);
        request.target_head.clone_from(&target_head);
        request.check = Check::Unchecked;
        if let Some(tip) = &target_head {
            notice_merge_by_push(state, at, &target, tip)?;
        }
    }
    if let (Some(source), Some(head)) = (source, head)
        && last.as_ref() != Some(&head)
        && state.projects[at.project].merge_requests[at.request].is_open()
    {
        add_version(state, at, &source, &target)?;
    }
    Ok(())
}

/// A merge request whose commits came into the target branch by a push is merged.
fn notice_merge_by_push(state: &mut State, at: RequestAt, target: &Repository, tip: &str) -> io::Result<()> {
    let now = state.now();
    let request = request_mut(state, at);
    let Some(head) = request.sha().map(str::to_owned) else { return Ok(()) };
    if !target.is_ancestor(&head, tip)? {
        return Ok(());
    }
    let range = format!("{head}..{tip}");
    let path = target.ask(&["rev-list", "--ancestry-path", "--first-parent", "--reverse", &range])?;
    let first = path.unwrap_or_default().lines().next().map(str::to_owned);
    let is_on_first_parents = target
        .ask(&["rev-list", "--first-parent", tip])?
        .is_some_and(|commits| commits.lines().any(|commit| commit == head));
    request.merge_commit_sha = if is_on_first_parents { Some(head) } else { first };
    request.state = "merged".into();
    request.merged_at = Some(now);
    request.updated_at = now;
    request.auto_merge = false;
    let (project, iid, author) = (request.target_project, request.iid, request.author);
    state.add_system_note(project, iid, author, "mentioned in commit and merged by a push");
    Ok(())
}

/// Takes the new head of the source branch into the target project, with all that follows.
fn add_version(state: &mut State, at: RequestAt, source: &Repository, target: &Repository) -> io::Result<()> {
    let now = state.now();
    let project = &state.projects[at.project];
    let request = &project.merge_requests[at.request];
    let reference = format!("refs/merge-requests/{}/head", request.iid);
    let branch = format!("refs/heads/{}", request.source_branch);
    if source.folder == target.folder {
        target.must(&["update-ref", &reference, &branch])?;
    } else {
        target.fetch(source, &format!("+{branch}:{reference}"))?;
    }
    let Some(head) = target.tip(&reference)? else { return Ok(()) };
    let start = request.target_head.clone().unwrap_or_else(|| head.clone());
    let last = request.version().map(|version| version.head.clone());
    let added = match &last {
        Some(last) => target.ask(&["rev-list", "--count", &head, &format!("^{last}"), &format!("^{start}")])?,
        None => None,
    };

    let resets = project.reset_approvals_on_push;
    let status = project.new_pipelines.clone();
    let id = project.id;
    let version = measured(state, target, (&start, &head))?;
    let request = request_mut(state, at);
    request.versions.push(version);
    request.check = Check::Unchecked;
    request.updated_at = now;
    let (iid, author) = (request.iid, request.author);
    if last.is_some() {
        request.auto_merge = false;
        if resets {
            request.approvals.clear();
        }
        let added = added.and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let body = format!("added {added} commit{}", if added == 1 { "" } else { "s" });
        state.add_system_note(id, iid, author, &body);
    }
    if let Some(status) = status {
        start_request_pipeline(state, at, &status);
    }
    Ok(())
}

/// A version with what lies between the target branch and the head.
fn measured(state: &mut State, target: &Repository, (start, head): (&str, &str)) -> io::Result<Version> {
    let base = target.merge_base(start, head)?.unwrap_or_else(|| start.to_owned());
    let commits = target.count(&format!("{base}..{head}"))?;
    let changed = target.ask(&["diff", "--name-only", "--no-renames", &base, head])?.unwrap_or_default();
    let (start, head, changes) = (start.to_owned(), head.to_owned(), changed.lines().count());
    Ok(Version { id: state.next_id(), head, base, start, commits, changes, created_at: state.now() })
}

/// Points a merge request to another branch, which changes what lies between.
pub(super) fn retarget(site: &Site, state: &mut State, at: RequestAt, branch: &str) -> io::Result<()> {
    let target = site.repository(&state.projects[at.project]);
    let tip = target.branch(branch)?;
    let head = state.projects[at.project].merge_requests[at.request].version().map(|version| version.head.clone());
    let version = match (&tip, &head) {
        (Some(tip), Some(head)) => Some(measured(state, &target, (tip, head))?),
        _ => None,
    };
    let request = request_mut(state, at);
    request.target_branch = branch.to_owned();
    request.target_head = tip;
    request.check = Check::Unchecked;
    request.versions.extend(version);
    Ok(())
}

/// Starts a pipeline on the head of a merge request; it runs in the source project.
pub(super) fn start_request_pipeline(state: &mut State, at: RequestAt, status: &str) -> Option<u64> {
    let request = &state.projects[at.project].merge_requests[at.request];
    let (target, iid, author) = (request.target_project, request.iid, request.author);
    let source = state.project_by_id(request.source_project)?.id;
    let spec = PipelineSpec {
        reference: format!("refs/merge-requests/{iid}/head"),
        sha: request.sha()?.to_owned(),
        status: status.to_owned(),
        source: "merge_request_event".into(),
        user: Some(author),
        jobs: vec![JobSpec::new("test", "test", status)],
        ..PipelineSpec::default()
    };
    let id = state.add_pipeline(source, spec);
    state.pipeline_mut(id)?.merge_request = Some((target, iid));
    Some(id)
}
