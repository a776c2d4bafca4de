//! Opening the merge requests in canonical, which is the disclosure, and merging them.

use std::time::Duration;

use anyhow::anyhow;

use super::{survey::Branch, words::Words};
use crate::{
    commands::{Failure, connection::unanswered, merging::Merging},
    domain::{fix::FixName, policy::Policy},
    gitlab::{
        Client, branch,
        merge_request::{self, Changes, Keep, MergeRequest, New, Route},
    },
};

/// Where and how.
pub(super) struct Disclosure<'a> {
    pub(super) client: &'a Client,
    pub(super) policy: &'a Policy,
    pub(super) fix: &'a FixName,
    pub(super) route: Route,
    pub(super) words: Words<'a>,
    pub(super) limit: Duration,
}

impl Disclosure<'_> {
    fn again(&self) -> String {
        format!("git secfix sync {}", self.fix)
    }

    /// What becomes of the source: a branch that was made for the sync goes with it, all others stay.
    fn keep(branch: &Branch) -> Keep {
        if branch.is_resolved() { Keep::Commits } else { Keep::Source }
    }

    /// Opens the merge request of a branch, or takes over the one that is open, and makes sure that it shows
    /// what was previewed and nothing else.
    pub(super) fn open(&self, branch: &Branch) -> Result<MergeRequest, Failure> {
        let Branch { name, source, .. } = branch;
        let opened = match &branch.open {
            Some(open) => open.clone(),
            None => {
                // What would be opened is the branch as it is now, not as it was previewed.
                self.check_unmoved(branch)?;
                let new = New {
                    source: source.clone(),
                    target: name.clone(),
                    title: self.words.title(name),
                    description: self.words.description(name),
                    labels: vec![],
                    reviewers: vec![],
                    milestone: None,
                    keep: Self::keep(branch),
                };
                merge_request::create(self.client, self.route, &new).map_err(unanswered)?
            }
        };
        let iid = opened.iid;
        let is_ours = (opened.project_id, opened.source_project_id) == (self.route.target, Some(self.route.source))
            && (opened.source_branch.as_str(), opened.target_branch.as_str()) == (source, name);
        if !is_ours {
            return Err(Failure::refused(anyhow!(
                "GitLab opened !{iid} from `{}` to `{}` of other projects than asked: {}",
                opened.source_branch,
                opened.target_branch,
                opened.web_url
            ))
            .hint("close it by hand, and tell the administrators of this GitLab"));
        }
        self.check_head(branch, &opened)?;
        self.keep_source(branch, opened)
    }

    fn check_unmoved(&self, branch: &Branch) -> Result<(), Failure> {
        let now = branch::find(self.client, self.route.source, &branch.source).map_err(unanswered)?;
        let tip = branch.tip.to_string();
        match now {
            Some(now) if now.commit.id == tip => Ok(()),
            _ => Err(Failure::refused(anyhow!(
                "`{}` of {} moved since the preview, so its merge request was not opened",
                branch.source,
                self.policy.security
            ))
            .hint(self.again())),
        }
    }

    /// A merge request follows its source: commits that came after the preview are public by now, and must at
    /// least not be merged unseen.
    fn check_head(&self, branch: &Branch, opened: &MergeRequest) -> Result<(), Failure> {
        let tip = branch.tip.to_string();
        let head = opened.sha.as_deref();
        // Right after its creation the server may not have looked yet.
        if head.is_none_or(|head| head == tip) {
            return Ok(());
        }
        Err(Failure::refused(anyhow!(
            "!{} shows {} of `{}`, and the preview showed {}: what came between is public already: {}",
            opened.iid,
            head.unwrap_or_default().get(..12).unwrap_or_default(),
            branch.source,
            tip.get(..12).unwrap_or(&tip),
            opened.web_url
        ))
        .hint(format!("{} shows it, and asks again before it merges", self.again())))
    }

    /// Squashing off, and the source kept, whatever the project does by default.
    fn keep_source(&self, branch: &Branch, opened: MergeRequest) -> Result<MergeRequest, Failure> {
        let keep = Self::keep(branch);
        let is_kept =
            |request: &MergeRequest| !request.squash && (keep == Keep::Commits || !request.force_remove_source_branch);
        if is_kept(&opened) {
            return Ok(opened);
        }
        let changes = Changes { keep: Some(keep), ..Changes::default() };
        let changed = merge_request::edit(self.client, self.route.target, opened.iid, &changes).map_err(unanswered)?;
        if is_kept(&changed) {
            return Ok(changed);
        }
        Err(Failure::not_done(anyhow!(
            "GitLab insists on squashing !{} or on removing its source, so it was not merged: {}",
            changed.iid,
            changed.web_url
        ))
        .hint("look at the settings of merge requests of the public project"))
    }

    /// Merges one, pinned to what was previewed.
    pub(super) fn merge(&self, branch: &Branch, request: &MergeRequest) -> Result<String, Failure> {
        let sha = branch.tip.to_string();
        let merging = Merging {
            project: self.route.target,
            iid: request.iid,
            sha: &sha,
            source: &branch.source,
            target: &branch.name,
            keep: Self::keep(branch),
            limit: self.limit,
            again: self.again(),
            look: format!("{}, once nothing blocks it at {}", self.again(), request.web_url),
            who_may: "a maintainer of the public project",
        };
        merging.merge(self.client)
    }

    /// Whether this token may merge all of them: nothing is merged where a later one could not be.
    pub(super) fn check_rights(&self, requests: &[(&Branch, MergeRequest)]) -> Result<(), Failure> {
        let mut forbidden = Vec::new();
        for (branch, request) in requests {
            let read = merge_request::read(self.client, self.route.target, request.iid).map_err(unanswered)?;
            self.check_head(branch, &read)?;
            if read.user.is_some_and(|rights| !rights.can_merge) {
                forbidden.push(branch.name.as_str());
            }
        }
        if forbidden.is_empty() {
            return Ok(());
        }
        let error =
            anyhow!("this token may not merge into `{}` of canonical, so nothing was merged", forbidden.join("`, `"));
        Err(Failure::not_done(error).hint(format!("ask a maintainer of the public project to run: {}", self.again())))
    }
}
