//! What has to be done so that every branch has the merge request that it should have. Pure: the
//! same wishes and the same state make the same plan, and after it is done, an empty one.

use crate::domain::merge_request::State;
use crate::domain::{version::ReleaseLine, waiver::Waiver};
use crate::gitlab::merge_request::{Changes, MergeRequest, New, SourceCommits};

/// What every merge request of the fix should be like.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    /// The title, with its mark where it is a draft.
    pub(super) title: String,
    /// Whether the title was asked for, so that an existing one is replaced.
    pub(super) has_new_title: bool,
    /// The text of a new one.
    pub(super) description: String,
    /// The line that links it to the issue.
    pub(super) link: Option<String>,
    /// The lines that go without the fix, where this one says so.
    pub(super) waivers: Vec<Waiver>,
    /// The lines that have a backport, whatever it said of them before.
    pub(super) covered: Vec<ReleaseLine>,
    /// Labels that it should have among others.
    pub(super) labels: Vec<String>,
    /// The numbers of those who should review it among others.
    pub(super) reviewers: Vec<u64>,
    /// The number of its milestone.
    pub(super) milestone: Option<u64>,
    /// Whether it should become a draft, or stop being one; as it is where nothing was asked.
    pub(super) draft: Option<bool>,
}

/// What to do for one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Open one.
    Open(New),
    /// Change the one that is there.
    Change { iid: u64, changes: Changes },
    /// It is as it should be.
    Nothing { iid: u64 },
    /// It is merged: nothing is changed any more.
    Merged { iid: u64 },
}

/// Plans one branch; `existing` is the merge request that counts, with whether its text is linked to
/// an issue already.
pub(super) fn plan(
    source: &str,
    target: &str,
    desired: &Desired,
    head: Option<&str>,
    existing: Option<(&MergeRequest, bool)>,
) -> Action {
    // What was pushed after a merge needs a merge request of its own.
    let has_more = |request: &MergeRequest| head.is_some() && head != request.sha.as_deref();
    match existing {
        Some((request, _)) if request.state == State::Merged && !has_more(request) => {
            Action::Merged { iid: request.iid }
        }
        Some((request, is_linked)) if !matches!(request.state, State::Closed | State::Merged) => {
            change(request, is_linked, desired)
        }
        // A closed one stays closed: somebody meant it.
        _ => Action::Open(New {
            source: source.to_owned(),
            target: target.to_owned(),
            title: desired.title.clone(),
            description: desired.description.clone(),
            labels: desired.labels.clone(),
            reviewers: desired.reviewers.clone(),
            milestone: desired.milestone,
            keep: SourceCommits::AsUsual,
        }),
    }
}

fn change(request: &MergeRequest, is_linked: bool, desired: &Desired) -> Action {
    let is_draft = desired.draft.unwrap_or(request.draft == Some(true));
    let title = match (desired.has_new_title, desired.draft) {
        (true, _) => super::text::title(&desired.title, is_draft),
        (false, Some(wanted)) if request.draft != Some(wanted) => super::text::title(&request.title, wanted),
        // As people wrote it, to the last space.
        (false, _) => request.title.clone(),
    };
    let description = request.description.as_deref().unwrap_or_default();
    let present: Vec<u64> = request.reviewers.iter().map(|user| user.id).collect();
    let missing = desired.reviewers.iter().filter(|id| !present.contains(id));
    let reviewers: Vec<u64> = present.iter().chain(missing).copied().collect();
    let linked = super::text::with_link(description, desired.link.as_deref(), is_linked);
    let told = super::text::with_waivers(linked.as_deref().unwrap_or(description), &desired.waivers, &desired.covered);
    let description = told.or(linked);
    let changes = Changes {
        title: (title != request.title).then_some(title),
        description,
        add_labels: desired.labels.iter().filter(|label| !request.labels.contains(label)).cloned().collect(),
        reviewers: (reviewers.len() > present.len()).then_some(reviewers),
        milestone: desired.milestone.filter(|id| request.milestone.as_ref().is_none_or(|now| now.id != *id)),
        keep: None,
    };
    match changes == Changes::default() {
        true => Action::Nothing { iid: request.iid },
        false => Action::Change { iid: request.iid, changes },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merge_request::MergeStatus;
    use crate::gitlab::{merge_request::Milestone, user::User};

    fn desired() -> Desired {
        Desired {
            title: "Fix".to_owned(),
            has_new_title: false,
            description: "Related to g/p#1\n\ntext\n".to_owned(),
            waivers: vec![],
            covered: vec![],
            link: Some("Related to g/p#1".to_owned()),
            labels: vec!["security".to_owned()],
            reviewers: vec![7],
            milestone: Some(3),
            draft: None,
        }
    }

    fn request(state: &str) -> MergeRequest {
        MergeRequest {
            iid: 12,
            project_id: 1,
            source_project_id: Some(1),
            source_branch: "security-x".to_owned(),
            target_branch: "main".to_owned(),
            title: "Fix".to_owned(),
            description: Some("Related to g/p#1\n\nrewritten".to_owned()),
            state: State::from(state),
            draft: Some(false),
            author: None,
            labels: vec!["security".to_owned(), "bug".to_owned()],
            reviewers: vec![
                User { id: 5, username: "bob".to_owned(), name: String::new() },
                User { id: 7, username: "ann".to_owned(), name: String::new() },
            ],
            milestone: Some(Milestone { id: 3 }),
            sha: Some("a".to_owned()),
            detailed_merge_status: MergeStatus::default(),
            merge_error: None,
            has_conflicts: false,
            head_pipeline: None,
            merge_commit_sha: None,
            squash_commit_sha: None,
            user: None,
            squash: false,
            merged_at: None,
            web_url: String::new(),
        }
    }

    fn planned(desired: &Desired, request: &MergeRequest) -> Action {
        plan("security-x", "main", desired, Some("a"), Some((request, true)))
    }

    #[test]
    fn what_is_as_it_should_be_is_left_alone() {
        assert_eq!(planned(&desired(), &request("opened")), Action::Nothing { iid: 12 });
        assert_eq!(planned(&desired(), &request("merged")), Action::Merged { iid: 12 });
        assert!(matches!(planned(&desired(), &request("closed")), Action::Open(_)));
        let more = plan("security-x", "main", &desired(), Some("b"), Some((&request("merged"), true)));
        assert!(matches!(more, Action::Open(_)), "what came after the merge is not lost");
        assert!(
            matches!(plan("security-x", "main", &desired(), None, None), Action::Open(new) if new.target == "main")
        );
    }

    #[test]
    fn only_what_is_missing_is_changed() {
        let bare = MergeRequest {
            title: "Draft: Mine".to_owned(),
            draft: Some(true),
            description: None,
            labels: vec![],
            reviewers: vec![User { id: 5, username: "bob".to_owned(), name: String::new() }],
            milestone: None,
            ..request("opened")
        };
        let changes = Changes {
            title: None,
            description: Some("Related to g/p#1\n\n".to_owned()),
            add_labels: vec!["security".to_owned()],
            reviewers: Some(vec![5, 7]),
            milestone: Some(3),
            keep: None,
        };
        assert_eq!(plan("s", "main", &desired(), None, Some((&bare, false))), Action::Change { iid: 12, changes });
    }

    #[test]
    fn a_title_changes_only_when_it_was_asked_for() {
        let mine = MergeRequest { title: "Mine".to_owned(), ..request("opened") };
        let title = |desired: &Desired| match planned(desired, &mine) {
            Action::Change { changes, .. } => changes.title,
            _ => None,
        };
        assert_eq!(title(&desired()), None);
        assert_eq!(title(&Desired { has_new_title: true, ..desired() }).as_deref(), Some("Fix"));
        assert_eq!(title(&Desired { draft: Some(true), ..desired() }).as_deref(), Some("Draft: Mine"));
    }
}
