//! Decides what `init` has to do. Pure: from what was found to a list of actions.

use std::fmt;

use super::{InitArgs, survey::Survey};
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

/// A remote's state in words.
pub(super) fn remote_state(remote: &str, actions: &[Action], done: bool) -> String {
    let is_of = |action: &&Action| match action {
        Action::AddRemote { name, .. } | Action::Fetch { name, .. } => name == remote,
        _ => false,
    };
    let words = actions.iter().filter(is_of).filter_map(|action| match (action, done) {
        (Action::AddRemote { .. }, true) => Some("added"),
        (Action::AddRemote { .. }, false) => Some("would be added"),
        (Action::Fetch { .. }, true) => Some("fetched"),
        (Action::Fetch { .. }, false) => Some("would be fetched"),
        _ => None,
    });
    let words: Vec<_> = words.collect();
    words.join(", ")
}

/// The guard's state in words; `None` when it was not asked for.
pub(super) fn guard_state(found: &Survey, actions: &[Action], done: bool) -> Option<String> {
    if found.sites.is_empty() {
        return None;
    }
    let installs = actions.iter().any(|action| matches!(action, Action::InstallGuard(_)));
    let state = match (installs, done) {
        (true, true) => "installed",
        (true, false) => "would be installed",
        (false, _) => "unchanged",
    };
    let kept = found.sites.iter().find_map(|site| site.kept.as_ref());
    Some(match kept {
        None => state.to_owned(),
        Some((_, Some(manager))) => format!("{state}; the hook of {manager} still runs after it"),
        Some((_, None)) => format!("{state}; an existing hook still runs after it"),
    })
}
