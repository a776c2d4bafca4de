//! The jobs that deploy: those of the pipeline of the merge, and of later ones that hold it.

use super::{Merged, Reader};
use crate::{
    domain::deployment::{self, DeployTarget, Downstream, Job, Pipeline, Service},
    gitlab::{Client, Error, at_once, compare, pipeline},
};

/// Later pipelines that are looked at besides those of the merge itself: so many right behind it, and so many of the
/// newest. Schedules and other fixes make many more.
const LATER: usize = 15;

/// A chain of pipelines that is longer than this leads nowhere.
const DEEPEST: u32 = 5;

/// How far each service is.
pub(super) fn services(
    reader: &Reader<'_>,
    wanted: &DeployTarget,
    merged: Option<&Merged>,
) -> Result<Vec<Service>, Error> {
    let Some(merged) = merged else {
        let why =
            format!("the fix has no merge to `{}`, and no other branch is deployed", reader.policy.branches.default);
        return Ok(deployment::unknown(wanted, &why));
    };
    let found = holding(reader, merged)?;
    let pipelines = at_once(&found, |found| with_jobs(reader.client, wanted, reader.security.id, found, 0));
    let pipelines = pipelines.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    Ok(deployment::judge(wanted, &pipelines))
}

/// The services of a fix that this commit took back: what is deployed may not hold it.
pub(super) fn taken_back(wanted: &DeployTarget, by: &str) -> Vec<Service> {
    deployment::unknown(wanted, &format!("{} took the fix back", by.get(..12).unwrap_or(by)))
}

/// The pipelines on the branch that hold the merge.
fn holding(reader: &Reader<'_>, merged: &Merged) -> Result<Vec<pipeline::Pipeline>, Error> {
    let Reader { client, security, .. } = reader;
    let lists = at_once(&[true, false], |of_merge| match of_merge {
        true => pipeline::list_for_commit(client, security.id, &merged.commit),
        false => match merged.merged_at {
            Some(since) => pipeline::list_since(client, security.id, &merged.branch, since),
            None => pipeline::list_newest(client, security.id, &merged.branch),
        },
    });
    let mut all = lists.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    // What runs on a branch of the same commit, or for a merge request, deploys something else.
    all.retain(|found| {
        found.reference.as_deref() == Some(&merged.branch) && found.project_id.is_none_or(|id| id == security.id)
    });
    all.sort_by_key(|found| std::cmp::Reverse(found.id));
    all.dedup_by_key(|found| found.id);
    let (mut own, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|found| found.sha == merged.commit);
    let first = own.iter().map(|found| found.id).min().unwrap_or_default();
    let mut later: Vec<_> = later.into_iter().filter(|found| found.id > first).collect();
    if later.len() > 2 * LATER {
        later.drain(LATER..later.len() - LATER);
    }
    let holds = at_once(&later, |found| compare::is_in_branch(client, security.id, &merged.commit, &found.sha));
    for (found, holds) in later.into_iter().zip(holds) {
        // The commit of an old pipeline may be gone.
        if Error::absent(holds)?.unwrap_or(false) {
            own.push(found);
        }
    }
    Ok(own)
}

/// A pipeline with its jobs, and those of the pipelines that they started; `None` where they cannot be seen.
fn with_jobs(
    client: &Client,
    wanted: &DeployTarget,
    project: u64,
    found: &pipeline::Pipeline,
    depth: u32,
) -> Result<Option<Pipeline>, Error> {
    let mut lists = at_once(&[false, true], |of_triggers| match of_triggers {
        false => pipeline::jobs(client, project, found.id),
        true => pipeline::bridges(client, project, found.id),
    });
    let (Some(triggers), Some(jobs)) = (lists.pop(), lists.pop()) else { return Ok(None) };
    let (Some(jobs), Some(triggers)) = (jobs?, triggers?) else { return Ok(None) };
    // Only triggers of the deployment lead to it, and everything that these started belongs to it.
    let leads_on = |job: &pipeline::Job| {
        let is_of_service = wanted.services.iter().any(|service| job.name.contains(service));
        depth > 0 || (job.stage == wanted.stage && is_of_service)
    };
    let further = at_once(&triggers, |job| match &job.downstream_pipeline {
        Some(started) if leads_on(job) => further(client, wanted, started, depth + 1).map(Some),
        _ => Ok(None),
    });
    let mut all: Vec<Job> = jobs.into_iter().map(|job| convert_job(project, job, false, None)).collect();
    for (job, downstream) in triggers.into_iter().zip(further) {
        all.push(convert_job(project, job, true, downstream?));
    }
    Ok(Some(Pipeline {
        id: found.id,
        sha: found.sha.clone(),
        status: found.status.clone(),
        web_url: found.web_url.clone(),
        jobs: all,
    }))
}

/// The pipeline that a trigger job started, read under its own project.
fn further(
    client: &Client,
    wanted: &DeployTarget,
    started: &pipeline::Pipeline,
    depth: u32,
) -> Result<Downstream, Error> {
    let seen = match started.project_id {
        Some(project) if depth <= DEEPEST => match pipeline::read(client, project, started.id)? {
            Some(read) => with_jobs(client, wanted, project, &read, depth)?,
            None => None,
        },
        _ => None,
    };
    Ok(Downstream {
        id: started.id,
        status: started.status.clone(),
        web_url: started.web_url.clone(),
        seen: seen.map(Box::new),
    })
}

fn convert_job(project: u64, job: pipeline::Job, is_trigger: bool, downstream: Option<Downstream>) -> Job {
    // A trigger job has no page of its own worth looking at.
    let started = downstream.as_ref().and_then(|started| started.web_url.clone());
    Job {
        id: job.id,
        project,
        name: job.name,
        stage: job.stage,
        status: job.status,
        failure: job.failure_reason,
        web_url: started.or(job.web_url),
        is_trigger,
        downstream,
    }
}
