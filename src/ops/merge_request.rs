//! Merging a merge request, pinned to the commit that was looked at. What counts is not what the server
//! answers but the commit in the branch.

use std::time::Duration;

use anyhow::anyhow;

use super::{Failure, backoff::WaitLimit, connection::unanswered, typed::Typed};
use crate::{
    domain::{
        duration::Span,
        merge_request::{MergeBlock, Mergeability, Pipeline, State},
    },
    gitlab::{
        Client, Error, compare,
        merge_request::{self, MergeRequest, SourceCommits},
    },
};

/// A merge to be made.
pub(crate) struct Merging<'a> {
    /// The project that it goes into.
    pub(crate) project: u64,
    /// The number of the merge request there.
    pub(crate) iid: u64,
    /// The commit to merge, and no other.
    pub(crate) sha: &'a str,
    /// The branch to merge.
    pub(crate) source: &'a str,
    /// The branch to merge it into.
    pub(crate) target: &'a str,
    /// What becomes of its source.
    pub(crate) keep: SourceCommits,
    /// How long to wait for the server.
    pub(crate) limit: Duration,
    /// The command that waits for longer.
    pub(crate) longer: Typed,
    /// The command to run again.
    pub(crate) again: Typed,
    /// The command that shows what is in the way.
    pub(crate) look: String,
    /// Who may merge, where this token may not.
    pub(crate) who_may: &'static str,
}

/// How often GitLab may say that another commit is meant while none is.
const MOST_CONFLICTS: u32 = 4;

impl Merging<'_> {
    /// Merges it, and returns the commit that is in its target now.
    ///
    /// # Errors
    /// When it is not merged in the end, with what is in the way.
    pub(crate) fn merge(&self, client: &Client) -> Result<String, Failure> {
        let mut wait = WaitLimit { limit: self.limit, backoff: client.backoff() }.begin();
        let mut is_accepted = false;
        let mut unexplained = 0;
        loop {
            // Accepted and not merged yet is something to wait for: asked again, a merge train starts anew.
            let answer = match is_accepted {
                true => self.read(client).map(Ok)?,
                false => merge_request::merge(client, self.project, self.iid, self.sha, self.keep),
            };
            let now = match answer {
                Ok(now) => {
                    is_accepted = true;
                    if let Some(why) = refused_by_rule(&now) {
                        return Err(self.against_a_rule(why, &now));
                    }
                    now
                }
                // Lost, not possible at the moment, or somebody else was faster: only a look tells.
                Err(error) => {
                    let now = self.read(client)?;
                    // A conflict without another commit is a lock, for a moment.
                    unexplained += u32::from(error.status() == Some(409));
                    let may_wait = self.may_wait(&error, &now) && unexplained < MOST_CONFLICTS;
                    if now.state != State::Merged && !(may_wait && may_pass(&now)) {
                        return Err(self.refused(&error, &now));
                    }
                    now
                }
            };
            if now.state == State::Merged {
                return in_branch(client, self.target, &now, &self.again);
            }
            if now.state == State::Closed {
                let error = anyhow!("somebody closed !{} before it was merged: {}", self.iid, now.web_url);
                return Err(Failure::not_done(error).hint(format!("find out who closed it and why; {}", self.look)));
            }
            // Accepted, and something came in between that does not pass by itself.
            if is_accepted && !may_pass(&now) {
                return Err(self.stands(&now));
            }
            if !wait.pause() {
                return Err(self.too_slow(&now));
            }
        }
    }

    /// Whether the same may be asked again. That another commit is meant is told by the commit, not by the refusal.
    fn may_wait(&self, error: &Error, now: &MergeRequest) -> bool {
        match error.status() {
            Some(405 | 406 | 422) => true,
            Some(409) => error.is_locked() || now.sha.as_deref() == Some(self.sha),
            _ => error.may_have_taken_effect(),
        }
    }

    /// What GitLab itself gives for a reason: a push rule, a hook, a signature policy. It does not pass by itself.
    fn against_a_rule(&self, why: &str, now: &MergeRequest) -> Failure {
        let error = anyhow!("GitLab does not merge !{}: {why}: {}", self.iid, now.web_url);
        Failure::not_done(error).hint(format!("ask an owner of that project about the rule, then {}", self.again))
    }

    fn read(&self, client: &Client) -> Result<MergeRequest, Failure> {
        merge_request::read(client, self.project, self.iid).map_err(unanswered)
    }

    fn too_slow(&self, now: &MergeRequest) -> Failure {
        let limit = Span::from(self.limit);
        let MergeRequest { state, detailed_merge_status: status, web_url, .. } = now;
        let error =
            anyhow!("GitLab did not merge !{} within {limit}: it is `{state}`, `{status}`: {web_url}", self.iid);
        Failure::not_done(error).hint(self.longer.clone())
    }

    fn stands(&self, now: &MergeRequest) -> Failure {
        let MergeRequest { state, detailed_merge_status: status, web_url, .. } = now;
        Failure::not_done(anyhow!("GitLab does not merge !{}: it is `{state}`, `{status}`: {web_url}", self.iid))
            .hint(&self.look)
    }

    fn refused(&self, error: &Error, now: &MergeRequest) -> Failure {
        let Self { iid, target, source, .. } = self;
        if let Some(why) = refused_by_rule(now) {
            return self.against_a_rule(why, now);
        }
        match error.status() {
            // GitLab says 401 where 403 is meant: the token itself was good enough to read everything.
            Some(401) => Failure::not_done(anyhow!("this token may not merge !{iid} into `{target}` ({error})"))
                .hint(format!("ask {} to run: {}", self.who_may, self.again)),
            Some(409) if now.sha.as_deref() != Some(self.sha) => Failure::not_done(anyhow!(
                "somebody pushed to `{source}` after it was looked at, so !{iid} was not merged ({error})"
            ))
            .hint(&self.look),
            Some(405 | 406 | 409 | 422) => self.stands(now),
            _ => unanswered(error.clone()),
        }
    }
}

/// The commit by which a merge request came into its branch. What counts is that, whatever it says of itself.
///
/// # Errors
/// When the branch does not hold it.
pub(crate) fn in_branch(
    client: &Client,
    target: &str,
    merged: &MergeRequest,
    again: &Typed,
) -> Result<String, Failure> {
    if let Some(commit) = merged.merged_as()
        && compare::has_arrived(client, merged.project_id, commit, target).map_err(unanswered)?
    {
        return Ok(commit.to_owned());
    }
    Err(Failure::not_done(anyhow!(
        "GitLab says that !{} is merged, and `{target}` does not hold its commit",
        merged.iid
    ))
    .hint(format!("look at {}, then {again}", merged.web_url)))
}

/// Why GitLab did not merge what can be merged by everything else that it says.
fn refused_by_rule(now: &MergeRequest) -> Option<&str> {
    let why = now.merge_error.as_deref().filter(|why| !why.trim().is_empty())?;
    let is_ready = Mergeability::from(&now.detailed_merge_status) == Mergeability::Mergeable;
    (now.state == State::Opened && is_ready).then_some(why)
}

/// Whether what is in the way goes away by itself: a check, or a pipeline.
fn may_pass(now: &MergeRequest) -> bool {
    let is_open = matches!(now.state, State::Opened | State::Locked);
    is_open
        && refused_by_rule(now).is_none()
        && match Mergeability::from(&now.detailed_merge_status) {
            Mergeability::Mergeable | Mergeability::Computing => true,
            // A pipeline takes a moment to appear behind a new merge request.
            Mergeability::Blocked(MergeBlock::Pipeline) => match &now.head_pipeline {
                None => true,
                Some(pipeline) => Pipeline::from(&pipeline.status) == Pipeline::Running,
            },
            _ => false,
        }
}
