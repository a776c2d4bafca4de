//! Who may see and do what.

use super::state::{Issue, Member, MergeRequest, Project, Protection, State, Visibility, matches_pattern};

pub(super) const GUEST: u32 = 10;
pub(super) const PLANNER: u32 = 15;
pub(super) const DEVELOPER: u32 = 30;
pub(super) const MAINTAINER: u32 = 40;

/// The lasting membership of a user among some.
fn level_in(state: &State, members: &[Member], user: u64) -> u32 {
    let today = state.now().strftime("%Y-%m-%d").to_string();
    let lasts = |member: &&Member| member.expires_at.as_ref().is_none_or(|day| *day > today);
    members
        .iter()
        .filter(|member| member.user == user)
        .filter(lasts)
        .map(|member| member.access_level)
        .max()
        .unwrap_or(0)
}

/// The access level by direct membership.
pub(super) fn direct_level(state: &State, project: &Project, user: u64) -> u32 {
    level_in(state, &project.members, user)
}

/// The access level by membership in groups above the project.
pub(super) fn group_level(state: &State, path: &str, user: u64) -> u32 {
    let above = state
        .groups
        .iter()
        .filter(|group| path == group.path || path.strip_prefix(&group.path).is_some_and(|rest| rest.starts_with('/')));
    above.map(|group| level_in(state, &group.members, user)).max().unwrap_or(0)
}

/// The access level of somebody in a project; 0 for strangers.
pub(super) fn level(state: &State, project: &Project, user: Option<u64>) -> u32 {
    user.map_or(0, |user| direct_level(state, project, user).max(group_level(state, &project.path, user)))
}

/// Whether somebody may see a project.
pub(super) fn sees_project(state: &State, project: &Project, user: Option<u64>) -> bool {
    match project.visibility {
        Visibility::Public => true,
        Visibility::Internal => user.is_some(),
        Visibility::Private => level(state, project, user) >= GUEST,
    }
}

/// Whether somebody may see an issue.
pub(super) fn sees_issue(state: &State, project: &Project, issue: &Issue, user: Option<u64>) -> bool {
    let is_involved = user.is_some_and(|user| issue.author == user || issue.assignees.contains(&user));
    sees_project(state, project, user) && (!issue.confidential || is_involved || level(state, project, user) >= PLANNER)
}

/// The rules that a name falls under.
fn rules<'a>(rules: &'a [Protection], name: &'a str) -> impl Iterator<Item = &'a Protection> {
    rules.iter().filter(move |rule| matches_pattern(&rule.name, name))
}

/// Whether a branch is protected.
pub(super) fn is_protected(project: &Project, branch: &str) -> bool {
    rules(&project.protected_branches, branch).next().is_some()
}

/// Whether a tag is protected.
pub(super) fn is_protected_tag(project: &Project, tag: &str) -> bool {
    rules(&project.protected_tags, tag).next().is_some()
}

/// Whether somebody may push to a branch. Of several rules the most permissive one wins.
pub(super) fn may_push(state: &State, project: &Project, branch: &str, user: Option<u64>) -> bool {
    let (Some(user), level) = (user, level(state, project, user)) else { return false };
    let allowed = || rules(&project.protected_branches, branch).any(|rule| rule.lets_push(user, level));
    level >= DEVELOPER && !project.archived && (!is_protected(project, branch) || allowed())
}

/// Whether somebody may merge into a branch.
pub(super) fn may_merge(state: &State, project: &Project, branch: &str, user: Option<u64>) -> bool {
    let (Some(user), level) = (user, level(state, project, user)) else { return false };
    let allowed = || {
        rules(&project.protected_branches, branch)
            .any(|rule| rule.lets_merge(user, level) || rule.lets_push(user, level))
    };
    level >= DEVELOPER && !project.archived && (!is_protected(project, branch) || allowed())
}

/// Whether somebody may create a tag.
pub(super) fn may_create_tag(state: &State, project: &Project, tag: &str, user: Option<u64>) -> bool {
    let (Some(user), level) = (user, level(state, project, user)) else { return false };
    let allowed = || rules(&project.protected_tags, tag).any(|rule| rule.lets_push(user, level));
    level >= DEVELOPER && !project.archived && (!is_protected_tag(project, tag) || allowed())
}

/// Whether somebody may run pipelines on a reference.
pub(super) fn may_run(state: &State, project: &Project, reference: &str, user: Option<u64>) -> bool {
    let name = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    level(state, project, user) >= DEVELOPER
        && (!is_protected(project, name) || may_merge(state, project, name, user))
        && (!is_protected_tag(project, name) || may_create_tag(state, project, name, user))
}

/// Whether somebody may edit a merge request.
pub(super) fn may_edit(state: &State, project: &Project, request: &MergeRequest, user: Option<u64>) -> bool {
    !project.archived && user.is_some_and(|id| request.author == id || level(state, project, user) >= DEVELOPER)
}

/// The project at the top of a network of forks.
pub(super) fn top_of_forks(state: &State, project: &Project) -> u64 {
    let mut top = project;
    // A chain is never longer than there are projects; a loop in the data must not hang the server.
    for _ in 0..state.projects.len() {
        match top.forked_from.and_then(|id| state.project_by_id(id)) {
            Some(parent) => top = parent,
            None => break,
        }
    }
    top.id
}
