//! Decides what `init` has to do. Pure: from what was found to a list of actions.

use std::fmt;

use super::{GuardState, InitArgs, RemoteState, survey::Survey};
use crate::{domain::destination::redacted, git::hooks::Site};

/// One thing that `init` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Adds the remote of the private mirror.
    AddRemote { name: String, url: String },
    /// Fetches a remote.
    Fetch { name: String, is_first: bool },
    /// Writes the clone's own file.
    WriteFile,
    /// Puts the guard into a place.
    InstallGuard(Site),
}

impl Action {
    /// Whether it changes how the clone is prepared.
    pub(super) fn is_preparation(&self) -> bool {
        !matches!(self, Self::Fetch { is_first: false, .. })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddRemote { name, url } => write!(f, "add remote {name} {}", redacted(url)),
            Self::Fetch { name, .. } => write!(f, "fetch {name}"),
            Self::WriteFile => write!(f, "write {} in the git directory", crate::config::clone_file::NAME),
            Self::InstallGuard(Site::Own(folder)) => write!(f, "install the guard in {}", folder.display()),
            Self::InstallGuard(Site::Foreign { folder, ours, .. }) => {
                write!(f, "install the guard in {}, in front of the hooks in {folder}", ours.display())
            }
        }
    }
}

/// What is missing, in the order in which it is done: the guard first, since it needs nothing of the
/// rest, and is there then whatever interrupts a long fetch.
pub(super) fn plan(found: &Survey, args: &InitArgs) -> Vec<Action> {
    let mut actions = Vec::new();
    if !found.has_clone_file {
        actions.push(Action::WriteFile);
    }
    let missing = found.sites.iter().filter(|site| !site.guarded);
    actions.extend(missing.map(|site| Action::InstallGuard(site.site.clone())));
    if !found.has_security {
        actions.push(Action::AddRemote { name: found.security_remote.clone(), url: found.security_url.clone() });
    }
    let is_new = |name: &String| found.never_fetched.contains(name);
    let canonical = Some(&found.canonical_remote).filter(|name| is_new(name));
    // Security is fetched again each time; whether the clone is ready does not depend on that.
    let security = Some(&found.security_remote).filter(|name| is_new(name) || !args.check);
    if !args.no_fetch {
        let names = canonical.into_iter().chain(security);
        actions.extend(names.map(|name| Action::Fetch { name: name.clone(), is_first: is_new(name) }));
    }
    actions
}

/// What was done with a remote, or would be.
pub(super) fn remote_state(remote: &str, actions: &[Action], done: bool) -> Vec<RemoteState> {
    let states = actions.iter().filter_map(|action| match action {
        Action::AddRemote { name, .. } if name == remote => {
            Some(if done { RemoteState::Added } else { RemoteState::WouldBeAdded })
        }
        Action::Fetch { name, .. } if name == remote => {
            Some(if done { RemoteState::Fetched } else { RemoteState::WouldBeFetched })
        }
        _ => None,
    });
    states.collect()
}

/// What became of the guard, or would; `None` when it was not asked for.
pub(super) fn guard_state(found: &Survey, actions: &[Action], done: bool) -> Option<GuardState> {
    if found.sites.is_empty() {
        return None;
    }
    let installs = actions.iter().any(|action| matches!(action, Action::InstallGuard(_)));
    Some(match (installs, done) {
        (true, true) => GuardState::Installed,
        (true, false) => GuardState::WouldBeInstalled,
        (false, _) => GuardState::Unchanged,
    })
}

/// The hook that runs behind the guard, by the manager that it is of.
pub(super) fn kept_hook(found: &Survey) -> Option<String> {
    let (_, manager) = found.sites.iter().find_map(|site| site.kept.as_ref())?;
    Some(manager.as_ref().map_or_else(|| "an existing hook".to_owned(), |manager| format!("the hook of {manager}")))
}
