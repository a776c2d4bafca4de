//! Puts the question to the guard: the same for the hook and for `guard check`. Reads only what
//! the answer needs: a push to canonical is refused without opening the repository.

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
};

use crate::{
    config::clone_file,
    domain::{
        destination::redacted,
        policy::{Place, Policy},
        push::RefUpdate,
        push_options::{ConfiguredOptions, PushOptions},
        verdict::{CannotTell, Push, Refusal, Verdict, judge},
    },
    git::{GitError, LocalClone, branches, embargo, local_config, remotes, ssh},
};

/// Opens the clone at the first use.
pub(super) struct LazyClone {
    dir: PathBuf,
    clone: OnceCell<LocalClone>,
}

impl LazyClone {
    pub(super) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), clone: OnceCell::new() }
    }

    pub(super) fn open(&self) -> Result<&LocalClone, GitError> {
        if let Some(clone) = self.clone.get() {
            return Ok(clone);
        }
        let clone = LocalClone::open(&self.dir)?;
        Ok(self.clone.get_or_init(|| clone))
    }
}

/// The policy of the clone; a refusal when it has none that can be read.
pub(super) fn policy(common_dir: &Path) -> Result<Policy, Refusal> {
    match clone_file::policy(common_dir) {
        Ok(Some(policy)) => Ok(policy),
        Ok(None) => Err(Refusal::NoPolicy {
            why: format!("`{}` is missing", clone_file::path(common_dir).display()),
            hint: "git secfix init".to_owned(),
        }),
        Err(error) => Err(Refusal::NoPolicy {
            why: error.to_string(),
            hint: format!("git secfix init, after removing `{}`", clone_file::path(common_dir).display()),
        }),
    }
}

/// A push to be judged.
pub(super) struct Question<'a> {
    /// The remote's name, or the URL once more.
    pub(super) remote: &'a str,
    /// The URL that git really uses.
    pub(super) url: &'a str,
    /// What would change there.
    pub(super) updates: Vec<RefUpdate>,
    /// Tells the arguments of the `git push` that asks, if one does.
    pub(super) arguments: fn() -> Result<Option<Vec<String>>, String>,
}

/// Answers: nothing when the push may go, otherwise the refusal.
pub(super) fn ask(question: Question<'_>, policy: &Policy, clone: &LazyClone) -> Option<Refusal> {
    // A URL stands for a remote's name where git was given one, and may be rewritten since.
    let destination = redacted(question.remote).into_owned();
    let cannot_tell = |why: String| Refusal::CannotTell {
        to: destination.clone(),
        reason: CannotTell { why, hint: "git secfix doctor".to_owned() },
    };
    let place = remotes::place_with(policy, question.url, |url| {
        let clone = clone.open().map_err(|error| error.to_string())?;
        ssh::resolve(clone, url)
    });
    let options = if place == Place::Security {
        match push_options(&question, clone) {
            Ok(options) => options,
            Err(why) => return Some(cannot_tell(why)),
        }
    } else {
        PushOptions::default()
    };
    let push = Push { destination: destination.clone(), place, updates: question.updates, options };
    match judge(policy, &push, |branch| canonical_tip(clone, policy, branch)) {
        Verdict::Allowed => None,
        Verdict::Refused(refusal) => Some(refusal),
        Verdict::DependsOnContent => {
            let clone = match clone.open() {
                Ok(clone) => clone,
                Err(error) => return Some(cannot_tell(error.to_string())),
            };
            match embargo::carried(clone, policy, &push.updates) {
                Ok(found) if found.is_empty() => None,
                Ok(found) => {
                    let canonical = remotes::canonical(clone, policy).map(|remote| remote.name);
                    let canonical_remote = canonical.unwrap_or_else(|| "origin".to_owned());
                    Some(Refusal::Embargoed { to: push.destination, found, canonical_remote })
                }
                Err(reason) => Some(Refusal::CannotTell { to: push.destination, reason }),
            }
        }
    }
}

/// What the command line and the configuration ask of the server beyond the references.
fn push_options(question: &Question<'_>, clone: &LazyClone) -> Result<PushOptions, String> {
    let arguments = (question.arguments)()?.unwrap_or_default();
    let clone = clone.open().map_err(|error| error.to_string())?;
    let key = |name: &str| format!("remote.{}.{name}", question.remote);
    let other_end = ["receivepack", "vcs"].map(key).into_iter().find(|key| local_config::value(clone, key).is_some());
    let configured = ConfiguredOptions {
        mirror: local_config::is_true(clone, &key("mirror")),
        push_option: local_config::values(clone, "push.pushOption"),
        other_end,
    };
    Ok(PushOptions::read(&arguments, configured))
}

/// The commit of a branch of canonical, as last fetched.
fn canonical_tip(clone: &LazyClone, policy: &Policy, branch: &str) -> Option<String> {
    let clone = clone.open().ok()?;
    let kept = remotes::canonical(clone, policy)?.tracking(branch)?;
    branches::commit_of(clone, &kept).ok().flatten()
}
