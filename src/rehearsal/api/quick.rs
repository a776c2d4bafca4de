//! Labels of issues and merge requests, and what quick actions do.

use super::super::{
    call::RequestAt,
    parameters::Parameters,
    quick_actions::Action,
    state::{Approval, Label, State, without_draft},
};

/// The labels after `labels`, `add_labels` and `remove_labels`.
pub(super) fn changed_labels(parameters: &Parameters, before: &[String]) -> Vec<String> {
    let mut labels = parameters.list("labels").unwrap_or_else(|| before.to_vec());
    for label in parameters.list("add_labels").unwrap_or_default() {
        add_label(&mut labels, &label);
    }
    let removed = parameters.list("remove_labels").unwrap_or_default();
    labels.retain(|label| !removed.contains(label));
    labels.sort();
    labels.dedup();
    labels
}

/// Adds a label; of `scope::a` and `scope::b` only the newer one stays.
fn add_label(labels: &mut Vec<String>, label: &str) {
    if let Some((scope, _)) = label.rsplit_once("::") {
        labels.retain(|known| known.rsplit_once("::").is_none_or(|(other, _)| other != scope));
    }
    if !labels.iter().any(|known| known == label) {
        labels.push(label.to_owned());
    }
}

/// Labels that are named come into being.
pub(super) fn make_labels(state: &mut State, project: usize, labels: &[String]) {
    for name in labels {
        if !state.projects[project].labels.iter().any(|label| label.name == *name) {
            let id = state.next_id();
            let label = Label { id, name: name.clone(), color: "#428BCA".into(), description: None };
            state.projects[project].labels.push(label);
        }
    }
}

/// The people in a quick action: `me` is whoever acts, unknown names are dropped.
fn people(state: &State, names: &[String], actor: u64) -> Vec<u64> {
    let id = |name: &String| if name == "me" { Some(actor) } else { state.user_named(name).map(|user| user.id) };
    names.iter().filter_map(id).collect()
}

/// The names among these that are labels of the project: quick actions make none.
fn known_labels(state: &State, project: usize, names: &[String]) -> Vec<String> {
    let known = |name: &&String| state.projects[project].labels.iter().any(|label| label.name == **name);
    names.iter().filter(known).cloned().collect()
}

/// Does to a merge request what quick actions ask for.
pub(super) fn act(state: &mut State, at: RequestAt, actor: u64, actions: &[Action]) {
    for action in actions {
        act_once(state, at, actor, action);
    }
}

fn act_once(state: &mut State, at: RequestAt, actor: u64, action: &Action) {
    let now = state.now();
    let labels = match action {
        Action::Label(names) | Action::Relabel(names) => known_labels(state, at.project, names),
        _ => vec![],
    };
    let meant = match action {
        Action::Assign(names) | Action::AssignReviewer(names) => people(state, names, actor),
        Action::Unassign(names) | Action::UnassignReviewer(names) => people(state, names, actor),
        _ => vec![],
    };
    let milestone = match action {
        Action::Milestone(title) => state.projects[at.project]
            .milestones
            .iter()
            .find(|milestone| milestone.title == *title)
            .map(|found| found.id),
        _ => None,
    };
    let request = &mut state.projects[at.project].merge_requests[at.request];
    let plain_title = without_draft(&request.title).unwrap_or(&request.title).to_owned();
    match action {
        Action::Label(_) => labels.iter().for_each(|label| add_label(&mut request.labels, label)),
        Action::Relabel(_) => request.labels = labels,
        Action::Unlabel(names) => request.labels.retain(|label| !names.is_empty() && !names.contains(label)),
        Action::Assign(_) if !meant.is_empty() => request.assignees = meant,
        Action::AssignReviewer(_) if !meant.is_empty() => request.reviewers = meant,
        Action::Unassign(names) => request.assignees.retain(|id| !names.is_empty() && !meant.contains(id)),
        Action::UnassignReviewer(names) => request.reviewers.retain(|id| !names.is_empty() && !meant.contains(id)),
        Action::Draft => request.title = format!("Draft: {plain_title}"),
        Action::Ready => request.title = plain_title,
        Action::Milestone(_) => request.milestone = milestone.or(request.milestone),
        Action::RemoveMilestone => request.milestone = None,
        Action::Title(title) if !title.is_empty() => request.title.clone_from(title),
        Action::Close if request.is_open() => (request.state, request.closed_at) = ("closed".into(), Some(now)),
        Action::Reopen if request.state == "closed" => (request.state, request.closed_at) = ("opened".into(), None),
        Action::Approve if request.author != actor => {
            request.approvals.retain(|approval| approval.user != actor);
            request.approvals.push(Approval { user: actor, approved_at: now });
        }
        _ => {}
    }
    request.labels.sort();
}
