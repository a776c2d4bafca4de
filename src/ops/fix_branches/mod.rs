//! Which fix a command is about, and what this clone knows of its branches.

pub(crate) mod names;
pub(crate) mod plan;

use anyhow::anyhow;

use self::plan::{LocalBranch, Problem, State};

use super::{Context, Failure, Prepared, typed::Typed};
use crate::{
    domain::{
        fix::{FixBranch, FixName},
        policy::Policy,
        version::ReleaseLine,
    },
    git::{LocalClone, branches, remotes},
};

/// The fix that was named, or the one of the current branch, or the only one that is open, after a yes.
///
/// # Errors
/// When the name is none, or none was given and it cannot be told which fix is meant.
pub(crate) fn find(context: &Context, prepared: &Prepared, name: Option<&str>) -> Result<FixName, Failure> {
    let Prepared { clone, policy, .. } = prepared;
    if let Some(name) = name {
        let right = |error| Failure::usage(error).hint(context.typed().in_place_of(name, "NAME"));
        return policy.branches.fix_name(name).map_err(right);
    }
    if let Some(fix) = current(clone, policy)? {
        return Ok(fix);
    }
    let here = match clone.current_branch()? {
        Some(branch) => format!("`{branch}` is not a branch of a fix"),
        None => "HEAD is detached".to_owned(),
    };
    // What was typed is repeated, with the one word that it lacked.
    let again = |name: &str| context.typed().about(name);
    let open = names::fixes(clone, policy)?;
    match &open[..] {
        [] => {
            Err(Failure::usage(anyhow!("{here}, and no fix is open in this clone: it must be named"))
                .hint(again("NAME")))
        }
        [only] if context.ui.confirm(&format!("{here}; is it about the fix `{only}`?")) => Ok(only.clone()),
        [only] => {
            Err(Failure::usage(anyhow!("{here}, so the fix must be named; `{only}` is open"))
                .hint(again(only.as_str())))
        }
        several => {
            let names: Vec<&str> = several.iter().map(FixName::as_str).collect();
            Err(Failure::usage(anyhow!("{here}, and several fixes are open: `{}`", names.join("`, `")))
                .hint(again("NAME")))
        }
    }
}

/// The fix of the current branch, also before its first commit.
///
/// # Errors
/// When HEAD cannot be read.
pub(crate) fn current(clone: &LocalClone, policy: &Policy) -> Result<Option<FixName>, Failure> {
    let branch = clone.current_branch()?;
    Ok(branch.as_deref().and_then(|branch| policy.branches.read(branch)).map(|branch| branch.fix))
}

/// The local branches of the fix: its own first, then the backports, newest line first.
///
/// # Errors
/// When there is none.
pub(crate) fn local_branches(clone: &LocalClone, policy: &Policy, fix: &FixName) -> Result<Vec<String>, Failure> {
    let names = branches::names_below(clone, "refs/heads/")?;
    let found = belonging_to(policy, fix, names.iter().map(String::as_str));
    if found.is_empty() {
        return Err(Failure::not_done(anyhow!("there is no branch of the fix `{fix}`"))
            .hint(format!("git secfix branch {fix}")));
    }
    Ok(found.iter().map(|branch| policy.branches.write(branch)).collect())
}

/// Those of these names that are branches of the fix, in the order in which they are shown.
pub(crate) fn belonging_to<'a>(policy: &Policy, fix: &FixName, names: impl Iterator<Item = &'a str>) -> Vec<FixBranch> {
    let mut found: Vec<_> =
        names.filter_map(|name| policy.branches.read(name)).filter(|branch| branch.fix == *fix).collect();
    found.sort_by(|a, b| b.line.is_none().cmp(&a.line.is_none()).then(b.line.cmp(&a.line)));
    found.dedup();
    found
}

/// What is there of the fix's branch and of each backport branch. While nothing of security is known,
/// canonical's branches stand for those of its mirror.
pub(crate) fn survey(
    clone: &LocalClone,
    policy: &Policy,
    fix: &FixName,
    lines: &[ReleaseLine],
    never_fetched: bool,
) -> Result<Vec<State>, Failure> {
    let security = format!("refs/remotes/{}/", policy.security_remote);
    let canonical = remotes::canonical(clone, policy);
    let targets = std::iter::once(None).chain(lines.iter().copied().map(Some));
    targets
        .map(|line| {
            let branch = policy.branches.write(&FixBranch { fix: fix.clone(), line });
            let target = policy.branches.target(line);
            let exists = |name: &str| branches::commit_of(clone, name).map(|commit| commit.is_some());
            let local = format!("refs/heads/{branch}");
            let published = format!("{security}{branch}");
            let has_published = exists(&published)?;
            let canonical = match canonical.as_ref().and_then(|remote| remote.tracking(&target)) {
                Some(kept) if exists(&kept)? => Some(kept),
                _ => None,
            };
            let base = match &canonical {
                Some(kept) if never_fetched => kept.clone(),
                _ => format!("{security}{target}"),
            };
            let start = if has_published { published } else { base.clone() };
            let local = match exists(&local)? {
                false => None,
                true => Some(LocalBranch {
                    tracks_security: branches::tracked_remote(clone, &branch).as_deref()
                        == Some(policy.security_remote.as_str()),
                    has_own_work: !branches::is_contained(clone, &local, &start)?,
                }),
            };
            Ok(State {
                line,
                has_base: exists(&base)?,
                has_published,
                canonical,
                branch,
                target,
                start,
                create_base: false,
                local,
            })
        })
        .collect()
}

/// Why branches cannot be made; `again` is the command to run once that is mended.
pub(crate) fn explain(problem: Problem, policy: &Policy, fix: &FixName, again: Option<Typed>) -> Failure {
    let remote = &policy.security_remote;
    match problem {
        Problem::NoBase { target, line: None, .. } => {
            Failure::not_done(anyhow!("{remote} has no branch `{target}`, as last fetched")).hint(format!("git fetch {remote}"))
        }
        Problem::NoBase { target, line: Some(line), in_canonical: true } => Failure::not_done(anyhow!(
            "{remote} has no branch `{target}`, but {} has it",
            policy.canonical
        ))
        .hint(match again {
            Some(again) => again.with("--create-stable").to_string(),
            None => format!("git secfix branch {fix} --backport {}-{} --create-stable", line.major, line.minor),
        }),
        Problem::NoBase { target, line: Some(_), in_canonical: false } => {
            Failure::not_done(anyhow!("neither {remote} nor {} has a branch `{target}`", policy.canonical))
                .hint(format!("git fetch --all, if the line is new; else see git branch -r -l '{remote}/*'"))
        }
        Problem::OtherWork { branch } => Failure::not_done(anyhow!(
            "the branch `{branch}` exists, holds work of its own, and does not track {remote}"
        ))
        .hint(format!("git branch --move {branch} NEW-NAME, or, if it is the fix: git branch --set-upstream-to={remote}/{} {branch}", policy.branches.default)),
    }
}
