//! An open merge request in public: whether it can be merged, and what it waits for, in words for whoever must act.

use super::{Failure, connection::unanswered};
use crate::{
    domain::merge_request::{MergeBlock, Mergeability, Pipeline, State},
    gitlab::{
        Client, approval,
        merge_request::{self, MergeRequest},
    },
};

/// How an open merge request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is in the way.
    Ready,
    /// It is merged.
    Merged,
    /// GitLab works out whether it can be merged, which takes a moment.
    Checking,
    /// Something that passes by itself, such as a pipeline.
    Passing(String),
    /// Somebody has to act.
    People(String),
    /// It will never be merged as it is: a conflict, a target that has moved, somebody closed it.
    Over(String),
}

impl Standing {
    /// What it waits for; `None` where for nothing.
    pub(crate) fn waits_for(&self) -> Option<&str> {
        match self {
            Self::Ready | Self::Merged => None,
            Self::Checking => Some("GitLab works out whether it can be merged"),
            Self::Passing(text) | Self::People(text) | Self::Over(text) => Some(text),
        }
    }
}

/// Reads a merge request and what it waits for.
///
/// # Errors
/// When GitLab does not tell.
pub(crate) fn look(client: &Client, project: u64, iid: u64) -> Result<(MergeRequest, Standing), Failure> {
    let request = merge_request::read(client, project, iid).map_err(unanswered)?;
    let mut standing = judge(&request);
    if Mergeability::from(&request.detailed_merge_status) == Mergeability::Blocked(MergeBlock::NotApproved)
        && let Standing::People(text) = &mut standing
        && let Some(rules) = approval::rules(client, project, iid).map_err(unanswered)?
    {
        let missing = rules.iter().filter(|rule| !rule.approved).map(|rule| {
            let left = rule.approvals_required.saturating_sub(rule.approved_by.len() as u64).max(1);
            approvals(left, &rule.name, rule.eligible_approvers.iter().map(|user| user.username.as_str()))
        });
        let missing: Vec<String> = missing.collect();
        if !missing.is_empty() {
            *text = missing.join(", ");
        }
    }
    Ok((request, standing))
}

/// The most people that are named for one rule.
const MOST_NAMES: usize = 4;

/// `2 approvals by Maintainers (@a, @b)`.
pub(crate) fn approvals<'a>(count: u64, rule: &str, people: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = people.map(|name| format!("@{name}")).collect();
    let shown = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    let people = match names.len() {
        0 => String::new(),
        all if all > MOST_NAMES => format!(" ({shown} and {} more)", all - MOST_NAMES),
        _ => format!(" ({shown})"),
    };
    let noun = if count == 1 { "approval" } else { "approvals" };
    format!("{count} {noun} by {rule}{people}")
}

fn judge(request: &MergeRequest) -> Standing {
    let people = |text: &str| Standing::People(text.to_owned());
    let over = |text: &str| Standing::Over(text.to_owned());
    match &request.state {
        State::Merged => return Standing::Merged,
        State::Closed => return over("somebody closed it"),
        State::Locked => return Standing::Passing("it is being merged".to_owned()),
        State::Opened => {}
        State::Other(word) => return people(&format!("it is `{word}`, which is not known here")),
    }
    if request.has_conflicts {
        return over("it conflicts with its target, which has moved");
    }
    match Mergeability::from(&request.detailed_merge_status) {
        Mergeability::Mergeable => Standing::Ready,
        Mergeability::Computing => Standing::Checking,
        Mergeability::Blocked(MergeBlock::Pipeline) => pipeline(request),
        Mergeability::Blocked(MergeBlock::NotApproved) => people("approvals"),
        Mergeability::Blocked(MergeBlock::RequestedChanges) => people("somebody asked for changes"),
        Mergeability::Blocked(MergeBlock::Threads) => people("open threads, to be resolved"),
        Mergeability::Blocked(MergeBlock::Draft) => people("it is a draft, to be marked as ready"),
        Mergeability::Blocked(MergeBlock::Conflict) => over("it conflicts with its target, which has moved"),
        Mergeability::Blocked(MergeBlock::NeedsRebase) => {
            over("its target has moved, and only what is on top is merged")
        }
        Mergeability::Blocked(MergeBlock::NothingToMerge) => over("its branch is gone, or holds nothing"),
        Mergeability::Blocked(MergeBlock::NotOpen) => over("it is not open"),
        Mergeability::Blocked(MergeBlock::Rule(word)) => people(word),
        Mergeability::Other(word) => people(&format!("`{word}`, which is not known here")),
    }
}

fn pipeline(request: &MergeRequest) -> Standing {
    let Some(found) = &request.head_pipeline else {
        return Standing::Passing("its pipeline has not begun".to_owned());
    };
    let page = found.web_url.as_ref().map_or_else(String::new, |url| format!(": {url}"));
    match Pipeline::from(&found.status) {
        Pipeline::Running
        | Pipeline::Passed
        | Pipeline::Missing
        | Pipeline::NotWanted
        | Pipeline::SkippedAsAllowed
        | Pipeline::OfAnotherCommit => Standing::Passing(format!("its pipeline is {}", found.status)),
        Pipeline::Manual => Standing::People(format!("its pipeline waits for somebody to start a job{page}")),
        Pipeline::NotPassed(status) => {
            Standing::People(format!("its pipeline ended as `{status}`, to be run again{page}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_never_ready() {
        let shown = |state: &str, status: &str| {
            let text = format!(
                r#"{{"iid": 1, "project_id": 1, "source_branch": "a", "target_branch": "b", "title": "", "web_url": "",
                    "state": "{state}", "detailed_merge_status": "{status}"}}"#
            );
            judge(&serde_json::from_str(&text).unwrap())
        };
        assert_eq!(shown("opened", "mergeable"), Standing::Ready);
        assert_eq!(shown("merged", "not_open"), Standing::Merged);
        assert_eq!(shown("opened", "checking"), Standing::Checking);
        for (state, status) in [("frozen", "mergeable"), ("opened", "asleep")] {
            assert!(matches!(shown(state, status), Standing::People(_)), "{state}, {status}");
        }
        assert!(matches!(shown("closed", "mergeable"), Standing::Over(_)));
    }

    #[test]
    fn people_are_named_as_far_as_that_helps() {
        assert_eq!(approvals(1, "Maintainers", ["ann"].into_iter()), "1 approval by Maintainers (@ann)");
        assert_eq!(approvals(2, "All", [].into_iter()), "2 approvals by All");
        let many = ["a", "b", "c", "d", "e", "f"];
        assert_eq!(approvals(2, "M", many.into_iter()), "2 approvals by M (@a, @b, @c, @d and 2 more)");
    }
}
