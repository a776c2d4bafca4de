//! Merge requests: finding, opening, changing and reading them.

use std::borrow::Cow;

use gitlab::api::{
    Endpoint, Pageable, QueryParams,
    common::NameOrId,
    projects::merge_requests::{
        CreateMergeRequest, EditMergeRequest, MergeMergeRequest, MergeRequest as OneMergeRequest, MergeRequestCommits,
        MergeRequestState, MergeRequestStateEvent, MergeRequests,
    },
};
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Client, Error, built, user::User};
use crate::domain::{
    ci_status::CiStatus,
    merge_request::{MergeStatus, State},
};

/// A merge request as the server describes it, in a list or alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MergeRequest {
    /// The number that people see.
    pub iid: u64,
    /// The project that it merges into.
    pub project_id: u64,
    /// The project that it merges from; `None` when that is gone.
    pub source_project_id: Option<u64>,
    /// The branch that it merges from.
    pub source_branch: String,
    /// The branch that it merges into.
    pub target_branch: String,
    /// Its title, with `Draft: ` where it is one.
    pub title: String,
    /// Its text.
    pub description: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Whether it is a draft.
    pub draft: Option<bool>,
    /// The names of its labels.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: Vec<String>,
    /// Who is to review it.
    #[serde(default, deserialize_with = "or_default")]
    pub reviewers: Vec<User>,
    /// What it is planned for.
    pub milestone: Option<Milestone>,
    /// The commit that it would merge.
    pub sha: Option<String>,
    /// Whether it can be merged.
    #[serde(default, deserialize_with = "or_default")]
    pub detailed_merge_status: MergeStatus,
    /// Why the last attempt to merge it failed.
    pub merge_error: Option<String>,
    /// Whether it conflicts with its target.
    #[serde(default, deserialize_with = "or_default")]
    pub has_conflicts: bool,
    /// Who opened it.
    pub author: Option<User>,
    /// Its newest pipeline; never in a list.
    pub head_pipeline: Option<Pipeline>,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// The commit that merged it, where there is one of its own.
    pub merge_commit_sha: Option<String>,
    /// The commit that its commits were squashed into.
    pub squash_commit_sha: Option<String>,
    /// Whether its commits are squashed when it is merged.
    #[serde(default, deserialize_with = "or_default")]
    pub squash: bool,
    /// What this token may do with it; never in a list.
    pub user: Option<Rights>,
    /// Its page.
    pub web_url: String,
}

impl MergeRequest {
    /// The commit by which it came into its target, as far as the server tells: the merge, the squashed
    /// commit, or its head.
    pub fn merged_as(&self) -> Option<&str> {
        let by = self.merge_commit_sha.as_deref().or(self.squash_commit_sha.as_deref());
        by.or(self.sha.as_deref())
    }
}

/// What is missing and what is `null` are the same.
fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

/// What a user may do with a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rights {
    /// Whether the user may merge it.
    pub can_merge: bool,
}

/// The pipeline of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pipeline {
    /// The commit that it ran on: the head, or a merge of it that was made for the pipeline.
    pub sha: Option<String>,
    /// The project that it ran in.
    pub project_id: Option<u64>,
    /// Its status.
    pub status: CiStatus,
    /// Its page.
    pub web_url: Option<String>,
}

/// A milestone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Milestone {
    /// The number that requests name it by.
    pub id: u64,
}

/// Where a merge request comes from and where it goes, by the numbers of the projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The project of the source branch.
    pub source: u64,
    /// The project of the target branch.
    pub target: u64,
}

impl Route {
    /// Inside of one project.
    pub fn within(project: u64) -> Self {
        Self { source: project, target: project }
    }
}

/// What becomes of the source of a merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceCommits {
    /// What the project does by default.
    AsUsual,
    /// Its commits stay as they are, whatever the project does by default, and its branch goes.
    Commits,
}

/// A merge request to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// The branch to merge.
    pub source: String,
    /// The branch to merge it into.
    pub target: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub description: String,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// The numbers of those who are to review it.
    pub reviewers: Vec<u64>,
    /// The number of its milestone.
    pub milestone: Option<u64>,
    /// What becomes of its source.
    pub keep: SourceCommits,
}

/// What to change of a merge request. Whatever is empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// A new title.
    pub title: Option<String>,
    /// A new text.
    pub description: Option<String>,
    /// Labels to add to those that it has.
    pub add_labels: Vec<String>,
    /// All who are to review it, by their numbers.
    pub reviewers: Option<Vec<u64>>,
    /// A new milestone, by its number.
    pub milestone: Option<u64>,
    /// What becomes of its source.
    pub keep: Option<SourceCommits>,
}

/// Every merge request of a project that comes from this branch of the same project, newest first.
/// The branch may exist in forks as well; those are left out.
///
/// # Errors
/// See [`Error`].
pub fn from_branch(client: &Client, project: &str, source: &str) -> Result<Vec<MergeRequest>, Error> {
    let endpoint = MergeRequests::builder().project(project).source_branch(source).build();
    let found: Vec<MergeRequest> = client.all(&built(endpoint)?)?;
    Ok(found.into_iter().filter(is_of_one_project).filter(|request| request.source_branch == source).collect())
}

/// Every open merge request of a project that does not come from a fork.
///
/// # Errors
/// See [`Error`].
pub fn open(client: &Client, project: &str) -> Result<Vec<MergeRequest>, Error> {
    let endpoint = MergeRequests::builder().project(project).state(MergeRequestState::Opened).build();
    let found: Vec<MergeRequest> = client.all(&built(endpoint)?)?;
    Ok(found.into_iter().filter(is_of_one_project).collect())
}

/// Every open merge request of a project that comes from a branch of this name, of whatever project.
///
/// # Errors
/// See [`Error`].
pub fn open_from(client: &Client, project: &str, source: &str) -> Result<Vec<MergeRequest>, Error> {
    let endpoint =
        MergeRequests::builder().project(project).source_branch(source).state(MergeRequestState::Opened).build();
    client.all(&built(endpoint)?)
}

/// Every open merge request into a branch of a project, wherever it comes from.
///
/// # Errors
/// See [`Error`].
pub fn open_into(client: &Client, project: &str, target: &str) -> Result<Vec<MergeRequest>, Error> {
    let endpoint =
        MergeRequests::builder().project(project).target_branch(target).state(MergeRequestState::Opened).build();
    let found: Vec<MergeRequest> = client.all(&built(endpoint)?)?;
    Ok(found.into_iter().filter(|open| open.target_branch == target && open.state == State::Opened).collect())
}

/// Merge requests of a project in one state that changed since a moment. The library takes times of another crate.
struct Since<'a> {
    project: &'a str,
    state: &'static str,
    target: &'a str,
    since: Timestamp,
}

impl Endpoint for Since<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/merge_requests", NameOrId::from(self.project)).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("state", self.state).push("target_branch", self.target);
        parameters.push("updated_after", self.since.to_string());
        parameters
    }
}

impl Pageable for Since<'_> {}

/// The merge requests into a branch of a project that are closed without a merge, and changed since then.
///
/// # Errors
/// See [`Error`].
pub fn closed_into(client: &Client, project: &str, target: &str, since: Timestamp) -> Result<Vec<MergeRequest>, Error> {
    let wanted = Since { project, state: "closed", target, since };
    let found: Vec<MergeRequest> = client.all(&wanted)?;
    Ok(found.into_iter().filter(|closed| closed.target_branch == target && closed.state == State::Closed).collect())
}

/// The merge requests of a project alone that were merged into a branch, and changed since then.
///
/// # Errors
/// See [`Error`].
pub fn merged_into(client: &Client, project: &str, target: &str, since: Timestamp) -> Result<Vec<MergeRequest>, Error> {
    let wanted = Since { project, state: "merged", target, since };
    let found: Vec<MergeRequest> = client.all(&wanted)?;
    let is_merged = |found: &MergeRequest| found.target_branch == target && found.state == State::Merged;
    Ok(found.into_iter().filter(|found| is_of_one_project(found) && is_merged(found)).collect())
}

/// Every open merge request that goes this way into a branch.
///
/// # Errors
/// See [`Error`].
pub fn open_to(client: &Client, route: Route, target: &str) -> Result<Vec<MergeRequest>, Error> {
    let found = open_into(client, &route.target.to_string(), target)?;
    Ok(found.into_iter().filter(|open| open.source_project_id == Some(route.source)).collect())
}

fn is_of_one_project(request: &MergeRequest) -> bool {
    request.source_project_id == Some(request.project_id)
}

/// Reads a merge request with everything that lists leave out. This also makes the server work out
/// whether it can be merged.
///
/// # Errors
/// See [`Error`].
pub fn read(client: &Client, project: u64, iid: u64) -> Result<MergeRequest, Error> {
    client.get(&built(OneMergeRequest::builder().project(project).merge_request(iid).build())?)
}

/// Opens a merge request. The target project is always named: a project that was once forked would
/// otherwise open it in its parent, in public.
///
/// When the answer is lost, it is looked up and never tried again here: there is never a second one.
///
/// # Errors
/// See [`Error`].
pub fn create(client: &Client, route: Route, new: &New) -> Result<MergeRequest, Error> {
    let mut endpoint = CreateMergeRequest::builder();
    endpoint
        .project(route.source)
        .target_project_id(route.target)
        .source_branch(new.source.as_str())
        .target_branch(new.target.as_str())
        .title(new.title.as_str())
        .description(new.description.as_str());
    if new.keep == SourceCommits::Commits {
        endpoint.squash(false).remove_source_branch(true);
    }
    if !new.labels.is_empty() {
        endpoint.labels(new.labels.iter().map(String::as_str));
    }
    if !new.reviewers.is_empty() {
        endpoint.reviewers(new.reviewers.iter().copied());
    }
    if let Some(milestone) = new.milestone {
        endpoint.milestone_id(milestone);
    }
    let endpoint = built(endpoint.build())?;
    client
        .again_while_unseen(|is_last| {
            let error = match client.create(&endpoint) {
                Ok(created) => return Ok(Some(created)),
                Err(error) => error,
            };
            if error.may_have_taken_effect() {
                return find_lost(client, route, new)?.ok_or(error).map(Some);
            }
            // 409: there is one already.
            if error.status() == Some(409)
                && let Some(found) = find_open(client, route, &new.source, &new.target)?
            {
                return Ok(Some(found));
            }
            if is_last || !is_branch_unseen(&error) { Err(error) } else { Ok(None) }
        })?
        .ok_or_else(|| Error::Defect("a merge request was neither opened nor refused".to_owned()))
}

/// Looks for what a lost answer was about. It is not sent again: the first request may still be under
/// way, and two of them at the same time could both succeed.
fn find_lost(client: &Client, route: Route, new: &New) -> Result<Option<MergeRequest>, Error> {
    client.again_while_unseen(|_| find_open(client, route, &new.source, &new.target))
}

/// For a moment after a push, the server may not know the branch yet.
fn is_branch_unseen(error: &Error) -> bool {
    matches!(error, Error::Refused(refused) if refused.status == 400 && refused.said.contains("does not exist"))
}

fn find_open(client: &Client, route: Route, source: &str, target: &str) -> Result<Option<MergeRequest>, Error> {
    let endpoint = MergeRequests::builder()
        .project(route.target)
        .source_branch(source)
        .target_branch(target)
        .state(MergeRequestState::Opened)
        .build();
    let found: Vec<MergeRequest> = client.all(&built(endpoint)?)?;
    Ok(found.into_iter().find(|request| {
        (request.project_id, request.source_project_id) == (route.target, Some(route.source))
            && (request.source_branch.as_str(), request.target_branch.as_str()) == (source, target)
            && request.state == State::Opened
    }))
}

/// Changes a merge request.
///
/// # Errors
/// See [`Error`].
pub fn edit(client: &Client, project: u64, iid: u64, changes: &Changes) -> Result<MergeRequest, Error> {
    let mut endpoint = EditMergeRequest::builder();
    endpoint.project(project).merge_request(iid);
    if let Some(title) = &changes.title {
        endpoint.title(title.as_str());
    }
    if let Some(description) = &changes.description {
        endpoint.description(description.as_str());
    }
    for label in &changes.add_labels {
        endpoint.add_label(label.as_str());
    }
    if let Some(reviewers) = &changes.reviewers {
        endpoint.reviewers(reviewers.iter().copied());
    }
    if let Some(milestone) = changes.milestone {
        endpoint.milestone_id(milestone);
    }
    if changes.keep == Some(SourceCommits::Commits) {
        endpoint.squash(false).remove_source_branch(true);
    }
    let endpoint = built(endpoint.build())?;
    // A text that is sent again later would undo what somebody wrote in between.
    if changes.description.is_some() { client.create(&endpoint) } else { client.put(&endpoint) }
}

/// Closes a merge request.
///
/// # Errors
/// See [`Error`].
pub fn close(client: &Client, project: u64, iid: u64) -> Result<MergeRequest, Error> {
    let endpoint = EditMergeRequest::builder()
        .project(project)
        .merge_request(iid)
        .state_event(MergeRequestStateEvent::Close)
        .build();
    client.put(&built(endpoint)?)
}

/// Merges a merge request if its head is still this commit. Sent once: after a lost answer the caller
/// looks whether it is merged. The answer may be one that is not merged yet.
///
/// # Errors
/// See [`Error`]; 401 where the user may not merge into the target, 405 where it cannot be merged at
/// the moment, 409 where the head is another commit.
pub fn merge(client: &Client, project: u64, iid: u64, sha: &str, keep: SourceCommits) -> Result<MergeRequest, Error> {
    let mut endpoint = MergeMergeRequest::builder();
    endpoint.project(project).merge_request(iid).sha(sha);
    if keep == SourceCommits::Commits {
        endpoint.squash(false).should_remove_source_branch(true);
    }
    client.create(&built(endpoint.build())?)
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

/// The commits by which a merged request came into its target, in hexadecimal, oldest first: what it was squashed into, or
/// its own.
///
/// # Errors
/// See [`Error`].
pub fn brought_by(client: &Client, request: &MergeRequest) -> Result<Vec<String>, Error> {
    if let Some(squashed) = &request.squash_commit_sha {
        return Ok(vec![squashed.clone()]);
    }
    let mut commits = commits(client, request.project_id, request.iid)?;
    commits.reverse();
    Ok(commits)
}

/// The commits of a merge request, in hexadecimal.
///
/// # Errors
/// See [`Error`].
pub fn commits(client: &Client, project: u64, iid: u64) -> Result<Vec<String>, Error> {
    let endpoint = MergeRequestCommits::builder().project(project).merge_request(iid).build();
    let found: Vec<Commit> = client.all(&built(endpoint)?)?;
    Ok(found.into_iter().map(|commit| commit.id).collect())
}

#[derive(Deserialize)]
struct Version {
    created_at: Option<Timestamp>,
}

/// When the source was last pushed; `None` where the server does not say.
///
/// # Errors
/// See [`Error`].
pub fn last_push(client: &Client, project: u64, iid: u64) -> Result<Option<Timestamp>, Error> {
    let versions: Vec<Version> = client.all(&Versions { project: project.into(), iid })?;
    Ok(versions.iter().filter_map(|version| version.created_at).max())
}

/// `GET /projects/:id/merge_requests/:iid/versions`, which the crate lacks: one for each push.
struct Versions<'a> {
    project: NameOrId<'a>,
    iid: u64,
}

impl Endpoint for Versions<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/merge_requests/{}/versions", self.project, self.iid).into()
    }
}

impl Pageable for Versions<'_> {}
