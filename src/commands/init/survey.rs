//! Looks at the clone: what of its preparation is there already. Changes nothing.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{
    InitArgs,
    projects::{find_canonical, find_security, new_url},
};
use crate::{
    config::{clone_file, keys::Value, layer::Origin},
    domain::{
        policy::Policy,
        project::{ProjectPath, RemoteName},
    },
    git::{
        LocalClone,
        hooks::{self, Site},
        init_record::Record,
        probe::{self, Fired},
        remotes,
        repository::WorkTree,
    },
    ops::{Failure, typed::Typed},
};

/// Everything that the plan is made from.
#[derive(Debug)]
pub(super) struct Survey {
    /// The remote of the public project.
    pub(super) canonical_remote: String,
    /// Where it is fetched from.
    pub(super) canonical_url: String,
    /// The remote of the private mirror, which may not exist yet.
    pub(super) security_remote: String,
    /// Where it is, or will be, fetched from.
    pub(super) security_url: String,
    /// Whether that remote exists.
    pub(super) has_security: bool,
    /// The remotes of which nothing was fetched yet, without which neither branches nor the guard
    /// know what there is.
    pub(super) never_fetched: Vec<String>,
    /// What the guard decides by.
    pub(super) policy: Policy,
    /// The text of the clone's own file as it should be.
    pub(super) clone_file: String,
    /// Whether it is like that already.
    pub(super) has_clone_file: bool,
    /// Every work tree of the clone.
    pub(super) trees: Vec<WorkTree>,
    /// Where the guard belongs, once for each place.
    pub(super) sites: Vec<FoundSite>,
    /// The program that the hook runs.
    pub(super) guard: PathBuf,
}

/// A place where the guard belongs.
#[derive(Debug)]
pub(super) struct FoundSite {
    pub(super) site: Site,
    /// Whether the guard is there and in effect.
    pub(super) guarded: bool,
    /// The hook of somebody else that runs after it, with the tool that made it.
    pub(super) kept: Option<(PathBuf, Option<&'static str>)>,
}

/// Looks.
///
/// # Errors
/// When there is no canonical remote, more than one, or one of the wrong name is in the way.
pub(super) fn survey(clone: &LocalClone, args: &InitArgs, typed: &Typed) -> Result<Survey, Failure> {
    clone.work_tree()?;
    // What an interrupted or damaged `init` left must be readable before anything is changed.
    Record::read(clone.common_dir())?;
    let remotes = remotes::list(clone);
    let (canonical, mut sources) = find_canonical(clone, args, &remotes, typed)?;
    let canonical_url = canonical.fetch_url.clone().unwrap_or_default();
    if let Some(security) = &args.security {
        let security: ProjectPath = security.parse().map_err(Failure::usage)?;
        sources.command_line.insert(
            "security.project",
            Value::Text(security.to_string()),
            Origin::CommandLine("--security"),
        )?;
    }
    if let Some(name) = &args.remote {
        let name: RemoteName = name.parse().map_err(Failure::usage)?;
        sources.command_line.insert(
            "security.remote",
            Value::Text(name.to_string()),
            Origin::CommandLine("--remote"),
        )?;
    }
    let mut settings = sources.clone().merge()?;
    let mut policy = settings.policy()?;
    if policy.security == policy.canonical {
        return Err(Failure::usage(anyhow!(
            "`{}` cannot be both the public project and its private mirror",
            policy.canonical
        )));
    }
    let security = find_security(clone, args, &remotes, &policy, typed)?;
    let (security_remote, security_url, has_security) = match security {
        Some(remote) => (remote.name.clone(), remote.fetch_url.clone().unwrap_or_default(), true),
        None => (policy.security_remote.to_string(), new_url(args, &settings, &canonical_url, &policy)?, false),
    };
    if security_remote != policy.security_remote.as_str() {
        let origin = Origin::Found(format!("remote {security_remote}"));
        sources.command_line.insert("security.remote", Value::Text(security_remote.clone()), origin)?;
        settings = sources.merge()?;
        policy = settings.policy()?;
    }
    // The mode is the clone's own; everything else is spelled out anew.
    let clone_file = clone_file::render(&settings, policy.mode);
    let has_clone_file =
        std::fs::read_to_string(clone_file::path(clone.common_dir())).is_ok_and(|text| text == clone_file);
    let mut never_fetched = Vec::new();
    for remote in [Some(canonical), security].into_iter().flatten() {
        if remotes::branches_of(clone, remote)?.is_empty() {
            never_fetched.push(remote.name.clone());
        }
    }
    never_fetched.extend((!has_security).then(|| security_remote.clone()));
    let guard = guard_program()?;
    let sites = if args.no_guard { vec![] } else { find_sites(clone, &guard, &policy)? };
    Ok(Survey {
        canonical_remote: canonical.name.clone(),
        canonical_url,
        security_remote,
        security_url,
        has_security,
        never_fetched,
        policy,
        clone_file,
        has_clone_file,
        trees: clone.work_trees()?,
        sites,
        guard,
    })
}

/// The guard's program: beside this one.
fn guard_program() -> Result<PathBuf, Failure> {
    let name = format!("git-secfix-guard{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe()
        .map_err(|error| Failure::not_done(anyhow!("cannot tell where this program is: {error}")))?;
    let beside = own.with_file_name(&name);
    if beside.is_file() {
        return Ok(beside);
    }
    which::which(&name).map_err(|_| {
        Failure::not_done(anyhow!("the guard's program `{name}` is neither beside this one nor on the PATH"))
            .hint("cargo install --locked git-secfix")
    })
}

fn find_sites(clone: &LocalClone, guard: &Path, policy: &Policy) -> Result<Vec<FoundSite>, Failure> {
    let mut sites: Vec<FoundSite> = Vec::new();
    for tree in clone.work_trees()? {
        let site = hooks::site(clone, &tree)?;
        if sites.iter().any(|known| known.site == site) {
            continue;
        }
        let guarded = is_guarded(&site, &tree, guard, policy)?;
        let kept = site.kept_hook(&tree).map(|hook| {
            let manager = crate::git::hook_file::manager(&hook);
            (hook, manager)
        });
        sites.push(FoundSite { site, guarded, kept });
    }
    Ok(sites)
}

/// Whether our hook is there with this program, or answers behind a hook manager that keeps it.
fn is_guarded(site: &Site, tree: &WorkTree, guard: &Path, policy: &Policy) -> Result<bool, Failure> {
    if site.has_guard(guard) {
        return Ok(true);
    }
    // Firing runs the hooks of others, so only where one of ours could be behind them.
    Ok(site.may_hide_guard() && probe::fire(tree, Some(policy))? == Fired::Refused)
}
