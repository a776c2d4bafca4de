//! Opening the merge requests in canonical, which is the disclosure, and merging them.

use std::time::Duration;

use anyhow::anyhow;

use super::{patience::Patience, public_text::PublicText, survey::Branch};
use crate::domain::sync_branch;
use crate::{
    domain::{duration::Span, policy::Policy},
    gitlab::{
        Client, branch,
        merge_request::{self, Changes, MergeRequest, New, Route, SourceCommits},
    },
    ops::{Failure, connection::unanswered, merge_request::Merging, typed::Typed},
};

/// Where and how.
pub(super) struct Disclosure<'a> {
    pub(super) client: &'a Client,
    pub(super) policy: &'a Policy,
    /// The command to run again.
    pub(super) again: &'a Typed,
    pub(super) route: Route,
    pub(super) words: PublicText<'a>,
    pub(super) limit: Duration,
}

impl Disclosure<'_> {
    /// Opens the merge request of a branch, or takes over the one that is open, and makes sure that it shows
    /// what was previewed and nothing else.
    pub(super) fn open(&self, branch: &Branch) -> Result<MergeRequest, Failure> {
        self.freeze(branch)?;
        let (name, source) = (&branch.name, branch.source());
        let opened = match branch.own_request() {
            Some(open) => open.clone(),
            None => {
                let new = New {
                    source: source.clone(),
                    target: name.clone(),
                    title: self.words.title(name),
                    description: self.words.description(name),
                    labels: vec![],
                    reviewers: vec![],
                    milestone: None,
                    keep: SourceCommits::Commits,
                };
                merge_request::create(self.client, self.route, &new).map_err(unanswered)?
            }
        };
        let is_ours = (opened.project_id, opened.source_project_id) == (self.route.target, Some(self.route.source))
            && (&opened.source_branch, &opened.target_branch) == (&source, name);
        if !is_ours {
            return Err(Failure::refused(anyhow!(
                "GitLab opened !{} from `{}` to `{}` of other projects than asked: {}",
                opened.iid,
                opened.source_branch,
                opened.target_branch,
                opened.web_url
            ))
            .hint("close it by hand, and tell the administrators of this GitLab"));
        }
        self.check_head(branch, &opened)?;
        self.as_it_should_be(branch, opened)
    }

    /// A branch of security at just the commit that was previewed. A merge request from security's own branch
    /// would show to everybody whatever is merged there while it is open.
    fn freeze(&self, branch: &Branch) -> Result<(), Failure> {
        let (source, tip) = (branch.source(), branch.tip.to_string());
        let made = branch::create(self.client, self.route.source, &source, &tip).map_err(unanswered)?;
        if made.commit.id == tip {
            return Ok(());
        }
        let error = anyhow!("a branch `{source}` of {} is at another commit than its name says", self.policy.security);
        Err(Failure::refused(error).hint(format!("find out who made `{source}`, and remove it")))
    }

    /// Somebody may have pushed to the branch that was made for this.
    pub(super) fn check_head(&self, branch: &Branch, request: &MergeRequest) -> Result<(), Failure> {
        let tip = branch.tip.to_string();
        let head = request.sha.as_deref();
        // Right after its creation the server may not have looked yet.
        if head.is_none_or(|head| head == tip) {
            return Ok(());
        }
        // What it shows is seen already; it must not go on to show more.
        let closed = merge_request::close(self.client, self.route.target, request.iid).is_ok();
        let closed = if closed { "it was closed" } else { "close it" };
        Err(Failure::refused(anyhow!(
            "!{} shows {} of `{}` instead of {}, which was not previewed; {closed}: {}",
            request.iid,
            head.unwrap_or_default().get(..12).unwrap_or_default(),
            branch.source(),
            tip.get(..12).unwrap_or(&tip),
            request.web_url
        ))
        .hint(format!("find out who pushed to `{}`, remove it, then {}", branch.source(), self.again)))
    }

    /// Squashing off, and neutral words, whatever the project or a person made of them.
    fn as_it_should_be(&self, branch: &Branch, opened: MergeRequest) -> Result<MergeRequest, Failure> {
        let (title, description) = (self.words.title(&branch.name), self.words.description(&branch.name));
        let has_words = opened.title == title && opened.description.as_deref() == Some(&description);
        if !opened.squash && has_words {
            return Ok(opened);
        }
        let changes = Changes {
            title: Some(title),
            description: Some(description),
            keep: Some(SourceCommits::Commits),
            ..Changes::default()
        };
        let changed = merge_request::edit(self.client, self.route.target, opened.iid, &changes).map_err(unanswered)?;
        if !changed.squash {
            return Ok(changed);
        }
        Err(Failure::not_done(anyhow!("GitLab insists on squashing !{}, so it was not merged: {}", changed.iid, changed.web_url))
            .hint("set `Squash commits when merging` (Settings, Merge requests) of the public project to anything but `Require`"))
    }

    /// Stops where an open merge request shows what nobody previewed: it must not go on to show more.
    pub(super) fn check_open(&self, branches: &[Branch], closes: bool) -> Result<(), Failure> {
        for branch in branches {
            let Some(moved) = branch.moved_requests().next() else { continue };
            let shown = moved.sha.as_deref().unwrap_or_default();
            let is_closed = closes && merge_request::close(self.client, self.route.target, moved.iid).is_ok();
            let closed = if is_closed { "it was closed" } else { "close it" };
            return Err(Failure::refused(anyhow!(
                "!{} shows {} of `{}`, which was not previewed; {closed}: {}",
                moved.iid,
                shown.get(..12).unwrap_or(shown),
                moved.source_branch,
                moved.web_url
            ))
            .hint(format!("find out who pushed to `{}`, remove it, then {}", moved.source_branch, self.again)));
        }
        Ok(())
    }

    /// Closes what earlier runs opened for a branch at another commit.
    pub(super) fn close_outdated(&self, branch: &Branch) -> Result<(), Failure> {
        let source = branch.source();
        let outdated = branch
            .open
            .iter()
            .filter(|open| sync_branch::is_frozen(&branch.name, &open.source_branch) && open.source_branch != source);
        for open in outdated {
            merge_request::close(self.client, self.route.target, open.iid).map_err(unanswered)?;
        }
        Ok(())
    }

    /// The command that waits for longer.
    pub(super) fn longer(&self, patience: Patience) -> Typed {
        let again = self.again.clone().without(&["--no-wait"]);
        match patience {
            Patience::Long => again.with_only("--timeout", &Span::from(self.limit).longer().to_string()),
            Patience::Short | Patience::None => again.with("--wait"),
        }
    }

    /// Merges one, pinned to what was previewed.
    pub(super) fn merge(&self, branch: &Branch, request: &MergeRequest, patience: Patience) -> Result<String, Failure> {
        let (sha, source) = (branch.tip.to_string(), branch.source());
        let merging = Merging {
            project: self.route.target,
            iid: request.iid,
            sha: &sha,
            source: &source,
            target: &branch.name,
            keep: SourceCommits::Commits,
            limit: patience.within(self.limit),
            longer: self.longer(patience),
            again: self.again.clone(),
            look: format!(
                "once nothing blocks it at {}: {}",
                request.web_url,
                self.again.clone().without_value("--yes")
            ),
            who_may: "a maintainer of the public project",
        };
        merging.merge(self.client)
    }
}
