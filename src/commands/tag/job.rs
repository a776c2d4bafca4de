//! Where a project's own job tags: it is started once, and its tag is waited for.

use std::time::Duration;

use anyhow::anyhow;

use crate::{
    domain::{ci_status::CiStatus, duration::Span, patch_tag::PatchTag, policy::Policy, version::ReleaseLine},
    gitlab::{Client, Error, commit, pipeline},
    ops::{Context, Failure, backoff::WaitLimit, connection::unanswered},
};

/// The job of a line.
pub(super) struct Job<'a> {
    pub(super) client: &'a Client,
    pub(super) policy: &'a Policy,
    pub(super) project: u64,
    /// A part of its name.
    pub(super) part: &'a str,
    pub(super) line: ReleaseLine,
    pub(super) limit: Duration,
}

impl Job<'_> {
    /// Starts the job in the newest pipeline of the commit, unless that was done, and waits for its tag.
    pub(super) fn run(&self, branch: &str, sha: &str, context: &Context) -> Result<String, Failure> {
        let Self { client, project, part, .. } = self;
        let mut wait = WaitLimit { limit: self.limit, backoff: client.backoff() }.begin();
        let (mut is_started, mut lost) = (false, None);
        loop {
            if let Some(tag) = self.tag(sha)? {
                return Ok(tag);
            }
            let pipelines = pipeline::list_for_commit(client, *project, sha).map_err(unanswered)?;
            let of_branch = pipelines.iter().filter(|found| found.reference.as_deref() == Some(branch));
            if let Some(newest) = of_branch.max_by_key(|found| found.id) {
                let jobs = pipeline::jobs(client, *project, newest.id).map_err(unanswered)?.unwrap_or_default();
                let own: Vec<_> = jobs.iter().filter(|job| job.name.contains(part)).collect();
                let [job] = own[..] else {
                    let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
                    return Err(Failure::not_done(anyhow!(
                        "{} jobs of the pipeline of `{branch}` have `{part}` in their name, not one: `{}`",
                        own.len(),
                        names.join("`, `")
                    ))
                    .hint("git secfix config, and see `tags.job`"));
                };
                match &job.status {
                    CiStatus::Manual => match lost.take() {
                        // The answer was lost, and the job waits as before: it was not started.
                        Some(error) => return Err(unanswered(error)),
                        None if !is_started => {
                            is_started = true;
                            lost = self.start(job, context)?;
                        }
                        None => {}
                    },
                    CiStatus::Failed | CiStatus::Canceled | CiStatus::Skipped => {
                        let place = job.web_url.as_deref().unwrap_or_default();
                        return Err(Failure::not_done(anyhow!(
                            "`{}` of `{branch}` is {}: {place}",
                            job.name,
                            job.status
                        ))
                        .hint("start it again there, then run the same command"));
                    }
                    _ => {}
                }
            }
            if !wait.pause() {
                return Err(Failure::not_done(anyhow!(
                    "`{branch}` has no tag of its job within {}",
                    Span::from(self.limit)
                ))
                .hint("run the same command again, with a longer --timeout"));
            }
        }
    }

    /// Starts it, and returns the error after which it cannot be told whether it did.
    fn start(&self, job: &pipeline::Job, context: &Context) -> Result<Option<Error>, Failure> {
        match pipeline::play(self.client, self.project, job.id) {
            Ok(()) => context.ui.note(&format!("started `{}`", job.name)),
            // Somebody else was faster.
            Err(error) if error.status() == Some(400) => {}
            // The next look tells.
            Err(error) if error.may_have_taken_effect() => return Ok(Some(error)),
            Err(error) if error.status() == Some(403) && !error.is_scope() => {
                return Err(Failure::not_done(anyhow!("this token may not start `{}` ({error})", job.name))
                    .hint("ask a maintainer of the project to run the same command"));
            }
            Err(error) => return Err(unanswered(error)),
        }
        Ok(None)
    }

    fn tag(&self, sha: &str) -> Result<Option<String>, Failure> {
        let names = commit::tags_with(self.client, self.project, sha).map_err(unanswered)?;
        let tags = names.iter().filter_map(|name| PatchTag::read(&self.policy.patch_tag, name));
        Ok(tags.filter(|tag| tag.line == self.line).map(|tag| tag.to_string()).next())
    }
}
