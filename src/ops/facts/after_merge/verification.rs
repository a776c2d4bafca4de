//! Whether everything arrived: pipelines of tags, images, mirrors, and the schedule at rest.

use super::{AfterMerge, KeepAlive, Merged, Reader};
use crate::{
    domain::{
        ci_status::CiStatus,
        deployment::Waiting,
        destination::Destination,
        patch_tag::PatchTag,
        policy::Place,
        project_words::MirrorStatus,
        verification::{Check, Image, Outcome, judge_pipeline},
    },
    gitlab::{
        Error, at_once, branch, compare,
        mirror::{self, Mirror, MirrorFailure},
        pipeline,
        project::Project,
        registry,
    },
};

/// What is missing of the publishing, and jobs that wait.
type Publishing = (Vec<String>, Vec<Waiting>);

enum Ask<'a> {
    Tag(&'a PatchTag),
    Image(&'a Image, &'a PatchTag),
    Tips(&'a Merged),
    Mirrors,
}

enum Got {
    Tag(Check, Publishing),
    Image(Check),
    Tips(String, Tips),
    Mirrors(Option<Vec<Mirror>>),
}

/// How the branches of one name in both projects compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tips {
    Same,
    /// Canonical is ahead.
    Behind,
    /// Security has commits that canonical lacks. They are not of this fix, which has arrived.
    Ahead,
    /// One of the projects lacks it.
    Missing,
}

/// Looks at everything at the same time.
pub(super) fn check(
    reader: &Reader<'_>,
    after_merge: &AfterMerge,
    tags: &[PatchTag],
    images: &[Image],
    jobs: &[String],
) -> Result<(Vec<Check>, Publishing), Error> {
    let mut asks: Vec<Ask<'_>> = tags.iter().map(Ask::Tag).collect();
    asks.extend(images.iter().flat_map(|image| tags.iter().map(move |tag| Ask::Image(image, tag))));
    asks.extend(after_merge.merged.iter().map(Ask::Tips));
    asks.push(Ask::Mirrors);
    let canonical = after_merge.canonical.id;
    let answers = at_once(&asks, |ask| match ask {
        Ask::Tag(tag) => check_tag(reader, canonical, tag, jobs).map(|(check, publishing)| Got::Tag(check, publishing)),
        Ask::Image(image, tag) => check_image(reader, canonical, image, tag).map(Got::Image),
        Ask::Tips(merged) => tips(reader, canonical, merged).map(|tips| Got::Tips(merged.branch.clone(), tips)),
        Ask::Mirrors => mirror::list(reader.client, canonical).map(Got::Mirrors),
    });
    let mut checks = Vec::new();
    let mut publishing = Publishing::default();
    let mut ahead: Vec<String> = Vec::new();
    for answer in answers {
        match answer? {
            Got::Tag(check, (missing, waiting)) => {
                checks.push(check);
                publishing.0.extend(missing);
                publishing.1.extend(waiting);
            }
            Got::Image(check) => checks.push(check),
            Got::Tips(branch, tips) => {
                checks.push(check_tips(&branch, tips));
                ahead.extend(Some(branch).filter(|_| tips == Tips::Ahead));
            }
            Got::Mirrors(mirrors) => checks.push(check_mirrors(reader, &after_merge.canonical, mirrors, &ahead)),
        }
    }
    checks.extend(after_merge.keep_alive.as_ref().map(|keep_alive| check_schedule(keep_alive, &ahead)));
    Ok((checks, publishing))
}

/// The newest pipeline of a tag, and the jobs in it that publish.
fn check_tag(
    reader: &Reader<'_>,
    canonical: u64,
    tag: &PatchTag,
    wanted: &[String],
) -> Result<(Check, Publishing), Error> {
    let what = format!("pipeline of {tag}");
    let newest = pipeline::list_newest(reader.client, canonical, &tag.to_string())?;
    let Some(newest) = newest.into_iter().max_by_key(|found| found.id) else {
        let missing = wanted.iter().map(|part| format!("{tag} has no pipeline with a job `{part}`")).collect();
        return Ok((Check::new(what, Outcome::Pending, "there is none yet"), (missing, vec![])));
    };
    let outcome = judge_pipeline(&newest.status);
    let page = newest.web_url.as_ref().filter(|_| outcome != Outcome::Ok);
    let text = match page {
        Some(page) => format!("{}: {page}", newest.status),
        None => newest.status.to_string(),
    };
    let check = Check::new(what, outcome, text);
    if wanted.is_empty() {
        return Ok((check, Publishing::default()));
    }
    let jobs = pipeline::jobs(reader.client, canonical, newest.id)?.unwrap_or_default();
    let mut publishing = Publishing::default();
    for part in wanted {
        let own: Vec<_> = jobs.iter().filter(|job| job.name.contains(part.as_str())).collect();
        if own.is_empty() {
            publishing.0.push(format!("the pipeline of {tag} has no job with `{part}` in its name"));
        }
        for job in own.into_iter().filter(|job| job.status != CiStatus::Success) {
            if job.status != CiStatus::Manual {
                publishing.0.push(format!("`{}` of {tag} is {}", job.name, job.status));
                continue;
            }
            publishing.0.push(format!("`{}` of {tag} waits for somebody to start it", job.name));
            let (name, web_url) = (job.name.clone(), job.web_url.clone());
            publishing.1.push(Waiting { id: job.id, project: canonical, name, is_of_gate: true, web_url });
        }
    }
    Ok((check, publishing))
}

fn check_image(reader: &Reader<'_>, canonical: u64, image: &Image, tag: &PatchTag) -> Result<Check, Error> {
    let project = image.project.as_ref().map_or_else(|| canonical.to_string(), ToString::to_string);
    let wanted = image.tag_of(tag);
    let what = match &image.project {
        Some(project) => format!("image {project}/{}:{wanted}", image.repository),
        None => format!("image {}:{wanted}", image.repository),
    };
    let Some(repositories) = registry::repositories(reader.client, &project)? else {
        return Ok(Check::new(what, Outcome::Unknown, "this token may not see the registry"));
    };
    let Some(repository) = repositories.iter().find(|repository| repository.name == image.repository) else {
        let text = format!("the registry has no repository `{}`, see `verify.images`", image.repository);
        return Ok(Check::new(what, Outcome::Failed, text));
    };
    Ok(match registry::has_image(reader.client, &project, repository.id, &wanted)? {
        true => Check::new(what, Outcome::Ok, "is there"),
        false => Check::new(what, Outcome::Pending, "is not there yet"),
    })
}

fn tips(reader: &Reader<'_>, canonical: u64, merged: &Merged) -> Result<Tips, Error> {
    let both =
        at_once(&[canonical, reader.security.id], |project| branch::find(reader.client, *project, &merged.branch));
    let tips = both.into_iter().collect::<Result<Vec<_>, _>>()?;
    let [Some(public), Some(private)] = &tips[..] else { return Ok(Tips::Missing) };
    let (public, private) = (&public.commit.id, &private.commit.id);
    if public == private {
        return Ok(Tips::Same);
    }
    let is_contained = compare::has_arrived(reader.client, canonical, private, &merged.branch)?;
    Ok(if is_contained { Tips::Behind } else { Tips::Ahead })
}

/// Canonical holds all that security has, and the mirror has brought security up to it.
fn check_tips(branch: &str, tips: Tips) -> Check {
    let (outcome, text) = match tips {
        Tips::Same => (Outcome::Ok, "the same commit"),
        Tips::Behind => (Outcome::Pending, "canonical is ahead: the mirror has not caught up yet"),
        Tips::Ahead => (Outcome::Ok, "security is ahead with other work, which the mirror waits for"),
        Tips::Missing => (Outcome::Failed, "one of them does not have it"),
    };
    Check::new(format!("{branch} in both projects"), outcome, text)
}

/// The push mirror that leads from canonical to security.
fn check_mirrors(reader: &Reader<'_>, canonical: &Project, mirrors: Option<Vec<Mirror>>, ahead: &[String]) -> Check {
    let what = "mirror of canonical";
    let Some(mirrors) = mirrors else {
        let text = "this token may not see push mirrors, which takes a maintainer of canonical";
        return Check::new(what, Outcome::Unknown, text);
    };
    let leads_to_security = |mirror: &&Mirror| {
        // GitLab shows `*****` in the place of user and password.
        let url = mirror.url.replace("*****:*****@", "").replace("*****@", "");
        reader.policy.place(&Destination::parse(&url)) == Place::Security
    };
    let own: Vec<_> = mirrors.iter().filter(leads_to_security).collect();
    let Some(first) = own.first() else {
        return Check::new(what, Outcome::Failed, "none leads to security");
    };
    let one = own.iter().find(|mirror| mirror.last_error.is_some()).unwrap_or(first);
    let only_known = |branches: Vec<&str>| branches.iter().all(|name| ahead.iter().any(|one| one == name));
    let waits = one.diverged_branches().is_some_and(only_known);
    use MirrorStatus as S;
    match (one.enabled, &one.update_status, &one.last_error) {
        (false, _, _) => Check::new(what, Outcome::Failed, "it is switched off"),
        // An old error stays visible until the next run ends.
        (_, status @ (S::Scheduled | S::Started | S::None), _) => {
            Check::new(what, Outcome::Pending, format!("its run is `{status}`"))
        }
        (_, S::Finished, None) => Check::new(what, Outcome::Ok, "its last run succeeded"),
        (_, S::Failed | S::Finished | S::ToRetry, Some(_)) if waits => {
            Check::new(what, Outcome::Ok, format!("it waits for other work of security in {}", ahead.join(", ")))
        }
        // It runs again by itself.
        (_, S::Failed | S::Finished | S::ToRetry, error) => {
            let said = error.as_deref().unwrap_or("its last run failed");
            let said: Vec<&str> = said.split_whitespace().collect();
            let said = said.join(" ");
            let page = format!("{}/-/settings/repository#js-push-remote-settings", canonical.web_url);
            match one.failure() {
                None => Check::new(what, Outcome::Pending, said),
                Some(MirrorFailure::Login) => {
                    let text = format!("{said}: a maintainer gives it a new token at {page}");
                    Check::new(what, Outcome::Failed, text)
                }
                Some(MirrorFailure::Diverged) => {
                    let text =
                        format!("{said}: a maintainer brings both projects together, and runs it again at {page}");
                    Check::new(what, Outcome::Failed, text)
                }
            }
        }
        (_, S::Other(other), _) => Check::new(what, Outcome::Unknown, format!("its run is `{other}`")),
    }
}

fn check_schedule(keep_alive: &KeepAlive, ahead: &[String]) -> Check {
    let what = "keep-alive schedule";
    match keep_alive {
        KeepAlive::Found(schedule) if !schedule.active => Check::new(what, Outcome::Ok, "is off"),
        KeepAlive::Found(_) if !ahead.is_empty() => {
            Check::new(what, Outcome::Ok, "is active for other work of security")
        }
        KeepAlive::Found(schedule) => {
            let owner = schedule.owner.as_ref().map_or("nobody", |owner| owner.username.as_str());
            let text = format!("`{}` is still active: its owner @{owner} has to switch it off", schedule.description);
            Check::new(what, Outcome::Failed, text)
        }
        KeepAlive::NotOne { .. } => Check::new(what, Outcome::Failed, keep_alive.problem()),
        KeepAlive::Unseen => Check::new(what, Outcome::Unknown, keep_alive.problem()),
    }
}
