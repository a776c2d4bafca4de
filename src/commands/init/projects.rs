//! Finds the two projects: which remote is canonical, what follows from it, and where security is
//! or will be. Changes nothing.

use anyhow::anyhow;

use super::{InitArgs, Protocol};
use crate::{
    config::{
        clone_file,
        keys::Value,
        layer::Origin,
        preset::PRESETS,
        settings::{Settings, Sources},
    },
    domain::{
        destination::{Destination, NetworkUrl, Scheme, redacted, sibling},
        policy::{Place, Policy},
        project::{ProjectPath, Server},
    },
    git::{
        LocalClone, branches,
        remotes::{self, Remote},
        ssh,
    },
    ops::{Failure, typed::Typed},
};

/// The remote of the public project, and the settings that follow from it.
pub(super) fn find_canonical<'a>(
    clone: &LocalClone,
    args: &InitArgs,
    remotes: &'a [Remote],
    typed: &Typed,
) -> Result<(&'a Remote, Sources), Failure> {
    let own = clone_file::read(clone.common_dir())?;
    // Another project than before means other names as well; only the guard's mode stays.
    let kept = own.clone().unwrap_or_default();
    let kept = if args.canonical.is_some() { kept.only("guard.mode") } else { kept };
    let sources = Sources { clone: kept, ..Sources::read_outer()? };
    match &args.canonical {
        Some(wanted) if !wanted.contains('/') => {
            let remote = remotes
                .iter()
                .find(|remote| remote.name == *wanted)
                .ok_or_else(|| Failure::usage(anyhow!("there is no remote `{wanted}`")).hint("git remote -v"))?;
            let sources = sources_for_remote(clone, remote, None, sources)?;
            Ok((remote, sources))
        }
        Some(wanted) => {
            let project = project_of(wanted, typed)?;
            let remote = one_of(
                remotes.iter().filter(|remote| leads_to(remote, &project)),
                &project.to_string(),
                remotes,
                typed,
            )?;
            let sources = sources_for_remote(clone, remote, Some(&project), sources)?;
            Ok((remote, sources))
        }
        None => {
            // The clone's own file first, then what the user configured, then what is built in.
            let mut candidates = vec![sources.clone()];
            if own.is_none() {
                for preset in &PRESETS {
                    let mut sources = sources.clone();
                    sources.command_line.insert(
                        "preset",
                        Value::Text(preset.name.to_owned()),
                        Origin::Preset(preset.name),
                    )?;
                    candidates.push(sources);
                }
            }
            let mut matches: Vec<(&Remote, Sources)> = Vec::new();
            for candidate in candidates {
                let policy = candidate.clone().merge()?.policy()?;
                for remote in remotes {
                    let Some(url) = &remote.fetch_url else { continue };
                    // A remote of security's name that leads to canonical is a mistake, said later.
                    let known = remote.name == policy.security_remote.as_str()
                        || matches.iter().any(|(other, _)| other.name == remote.name);
                    if !known && remotes::place(clone, &policy, url) == Place::Canonical {
                        matches.push((remote, candidate.clone()));
                    }
                }
            }
            let remote =
                one_of(matches.iter().map(|(remote, _)| *remote), "a public project that is known", remotes, typed)?;
            let sources = matches.into_iter().find(|(found, _)| found.name == remote.name).map(|(_, sources)| sources);
            Ok((remote, sources.unwrap_or_default()))
        }
    }
}

/// The project that was named, also by a pasted URL. A private mirror that is known is no public one.
fn project_of(wanted: &str, typed: &Typed) -> Result<ProjectPath, Failure> {
    let is_url = wanted.contains(':');
    let path = network(wanted).filter(|_| is_url).and_then(|url| url.path.ok());
    let canonical = |project: &str| typed.clone().with_only("--canonical", project);
    let project: ProjectPath = path
        .as_deref()
        .unwrap_or(wanted)
        .parse()
        .map_err(|error| Failure::usage(anyhow::Error::from(error)).hint(canonical("GROUP/PROJECT")))?;
    match known_projects()?.into_iter().find(|(_, security, _)| *security == project) {
        Some((public, ..)) => {
            Err(Failure::usage(anyhow!("`{project}` is the private mirror of {public}, and not public"))
                .hint(canonical(public.as_str())))
        }
        None => Ok(project),
    }
}

/// Both projects of every preset, with what it says of the instance.
fn known_projects() -> Result<Vec<(ProjectPath, ProjectPath, Policy)>, Failure> {
    let policies = PRESETS.iter().map(|preset| {
        let mut sources = Sources::default();
        sources.command_line.insert("preset", Value::Text(preset.name.to_owned()), Origin::Preset(preset.name))?;
        let policy = sources.merge()?.policy()?;
        Ok((policy.canonical.clone(), policy.security.clone(), policy))
    });
    policies.collect()
}

/// For a clone of a fork, or of the private mirror itself: the command that adds the public project.
fn hint_for_fork(remotes: &[Remote], typed: &Typed) -> Option<String> {
    let known = known_projects().ok()?;
    remotes.iter().find_map(|remote| {
        let url = remote.fetch_url.as_deref()?;
        let found = network(url)?;
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let path = found.path.clone().ok()?;
        let (canonical, ..) = known.iter().find(|(canonical, _, policy)| {
            policy.instance.has_host(&found) && name(canonical.as_str()) == name(&path)
        })?;
        let url = sibling(url, "", canonical.as_str())?;
        Some(format!("git remote add upstream {url} && {}", typed.clone().without_value("--canonical")))
    })
}

/// Exactly one remote, or an error that says what to do.
fn one_of<'a>(
    mut found: impl Iterator<Item = &'a Remote>,
    wanted: &str,
    all: &[Remote],
    typed: &Typed,
) -> Result<&'a Remote, Failure> {
    let Some(first) = found.next() else {
        let have: Vec<String> = all
            .iter()
            .map(|remote| {
                format!("{} ({})", remote.name, remote.fetch_url.as_deref().map_or("no URL".into(), redacted))
            })
            .collect();
        let have =
            if have.is_empty() { "this clone has none".to_owned() } else { format!("there are {}", have.join(", ")) };
        let hint = hint_for_fork(all, typed).unwrap_or_else(|| {
            let named = typed.clone().with_only("--canonical", "GROUP/PROJECT");
            format!("{named}, or a remote's name in its place")
        });
        return Err(Failure::usage(anyhow!("no remote leads to {wanted}: {have}")).hint(hint));
    };
    let rest: Vec<&str> = found.map(|remote| remote.name.as_str()).filter(|name| *name != first.name).collect();
    if rest.is_empty() {
        return Ok(first);
    }
    let names = [&[first.name.as_str()], &rest[..]].concat().join("`, `");
    Err(Failure::usage(anyhow!("several remotes lead to {wanted}: `{names}`"))
        .hint(typed.clone().with_only("--canonical", &first.name)))
}

fn network(url: &str) -> Option<NetworkUrl> {
    match Destination::parse(url) {
        Destination::Network(url) => Some(url),
        _ => None,
    }
}

/// The host in a URL, for people.
pub(super) fn host_of(url: &str) -> String {
    network(url).map_or_else(|| "?".to_owned(), |url| url.host.to_string())
}

fn leads_to(remote: &Remote, project: &ProjectPath) -> bool {
    let Some(url) = remote.fetch_url.as_deref().and_then(network) else { return false };
    url.path.as_deref().is_ok_and(|path| project.is(path) || root_before(&url, project).is_some())
}

/// The relative root in an HTTP URL, where the project's path follows one.
fn root_before(url: &NetworkUrl, project: &ProjectPath) -> Option<String> {
    let path = url.path.as_deref().ok().filter(|_| url.scheme != Scheme::Ssh)?;
    let start = path.len().checked_sub(project.as_str().len() + 1)?;
    let (root, rest) = path.split_at_checked(start)?;
    rest.strip_prefix('/').filter(|rest| project.is(rest)).map(|_| root.to_owned())
}

/// The settings for a public project that was named: a preset's where one knows it, otherwise the
/// usual names with what the remote tells.
fn sources_for_remote(
    clone: &LocalClone,
    remote: &Remote,
    project: Option<&ProjectPath>,
    mut sources: Sources,
) -> Result<Sources, Failure> {
    let url = remote.fetch_url.as_deref().unwrap_or_default();
    for preset in &PRESETS {
        let mut known = sources.clone();
        known.command_line.insert("preset", Value::Text(preset.name.to_owned()), Origin::Preset(preset.name))?;
        let policy = known.clone().merge()?.policy()?;
        if remotes::place(clone, &policy, url) == Place::Canonical {
            return Ok(known);
        }
    }
    let shown = redacted(url).into_owned();
    let found = network(url).ok_or_else(|| {
        Failure::usage(anyhow!("remote `{}` does not lead to a GitLab project: {shown}", remote.name))
    })?;
    let path = found
        .path
        .clone()
        .map_err(|why| Failure::usage(anyhow!("remote `{}` leads to {shown}: {why}", remote.name)))?;
    let root = project.and_then(|project| root_before(&found, project)).unwrap_or_default();
    let project: ProjectPath = match project {
        Some(project) => project.clone(),
        None => path.parse().map_err(Failure::usage)?,
    };
    let origin = || Origin::Found(format!("remote {}", remote.name));
    let text = |text: String| Value::Text(text);
    let layer = &mut sources.command_line;
    layer.insert("canonical.project", text(project.to_string()), Origin::CommandLine("--canonical"))?;
    layer.insert(
        "security.project",
        text(project.security_mirror().to_string()),
        Origin::Found("the usual place".to_owned()),
    )?;
    layer.insert("gitlab.hosts", Value::List(hosts(clone, &found)?), origin())?;
    if !root.is_empty() {
        layer.insert("gitlab.url", text(instance_url(&found, &root)), origin())?;
    }
    if let Some(branch) = branches::remote_head(clone, &remote.name)? {
        layer.insert("branches.default", text(branch), Origin::Found(format!("{}/HEAD", remote.name)))?;
    }
    Ok(sources)
}

/// The hosts of the instance behind a URL: an alias of the SSH configuration is resolved.
fn hosts(clone: &LocalClone, url: &NetworkUrl) -> Result<Vec<String>, Failure> {
    let written = Server { host: url.host.clone(), port: None };
    let at = |host: &Server, port: Option<u16>| Server { host: host.host.clone(), port }.to_string();
    let unusual = url.port.filter(|port| *port != url.scheme.usual_port());
    if url.scheme != Scheme::Ssh {
        return Ok(vec![at(&written, unusual)]);
    }
    let real = ssh::resolve(clone, url).map_err(|why| Failure::not_done(anyhow!(why)))?;
    let host: Server = Server { host: real.host.parse().map_err(Failure::usage)?, port: None };
    let unusual = unusual.or(real.port.filter(|port| !matches!(port, 22 | 443)));
    let mut hosts = vec![host.to_string()];
    hosts.extend(unusual.map(|port| at(&host, Some(port))));
    Ok(hosts)
}

fn instance_url(url: &NetworkUrl, root: &str) -> String {
    let scheme = if url.scheme == Scheme::Http { "http" } else { "https" };
    format!("{scheme}://{}/{root}", Server { host: url.host.clone(), port: url.port })
}

/// The remote of the private mirror, if there is one; an error if its name is taken.
pub(super) fn find_security<'a>(
    clone: &LocalClone,
    args: &InitArgs,
    remotes: &'a [Remote],
    policy: &Policy,
    typed: &Typed,
) -> Result<Option<&'a Remote>, Failure> {
    let is_security = |url: &String| remotes::place(clone, policy, url) == Place::Security;
    let name = policy.security_remote.as_str();
    let named = remotes.iter().find(|remote| remote.name == name);
    let other = || remotes.iter().find(|remote| remote.fetch_url.as_ref().is_some_and(&is_security));
    let Some(remote) = named.or_else(|| if args.remote.is_none() { other() } else { None }) else { return Ok(None) };
    let wrong = remote.fetch_url.iter().chain(&remote.push_urls).find(|url| !is_security(url));
    match wrong {
        None if remote.fetch_url.is_some() => Ok(Some(remote)),
        None => Err(Failure::not_done(anyhow!("remote `{name}` has no URL"))
            .hint(format!("git remote remove {name} && {typed}"))),
        Some(url) => Err(Failure::not_done(anyhow!(
            "remote `{}` leads to {}, not to {}",
            remote.name,
            redacted(url),
            policy.security
        ))
        .hint(format!(
            "git remote rename {0} {0}-old && {typed}, or: {1}",
            remote.name,
            typed.clone().with_only("--remote", "NAME")
        ))),
    }
}

/// The URL for a new remote of the private mirror.
pub(super) fn new_url(
    args: &InitArgs,
    settings: &Settings,
    canonical_url: &str,
    policy: &Policy,
) -> Result<String, Failure> {
    let canonical = network(canonical_url);
    let project = policy.security.as_str();
    let is_ssh = canonical.as_ref().is_none_or(|url| url.scheme == Scheme::Ssh);
    let host = || policy.instance.servers.first().map(|server| server.host.to_string()).unwrap_or_default();
    let url = match args.protocol {
        Some(Protocol::Ssh) if !is_ssh => Some(format!("git@{}:{project}.git", host())),
        Some(Protocol::Https) if is_ssh => Some(match settings.instance_url()? {
            Some(url) => format!("{url}/{project}.git"),
            None => format!("https://{}/{project}.git", host()),
        }),
        _ => sibling(canonical_url, &policy.instance.root, project),
    };
    let url = url.ok_or_else(|| Failure::usage(anyhow!("`{}` leads to no server", redacted(canonical_url))))?;
    Ok(url)
}
