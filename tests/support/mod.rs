//! A small world per test: two projects on a stub of GitLab's SSH, a clone of the public one, and
//! a home without anything in it. Nothing of the machine's own configuration is seen.

pub(crate) mod gitlab;
pub(crate) mod http;
pub(crate) mod keyring;
mod prepared;
mod run;
pub(crate) mod sample;
pub(crate) mod scenario;
pub(crate) mod sources;
pub(crate) mod stage;
pub(crate) mod terminal;
mod world;

pub(crate) use gitlab::GitLab;
pub(crate) use run::Ran;
pub(crate) use world::{CAN, SEC, World};

use std::{collections::BTreeMap, io::Write, path::PathBuf, process::Command, sync::OnceLock};

/// Every distinct git on the `PATH`, by version, as `which -a git` finds them.
pub(crate) fn gits() -> &'static BTreeMap<String, PathBuf> {
    static GITS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    GITS.get_or_init(|| {
        let found = which::which_all("git").expect("git is on the PATH");
        let mut gits = BTreeMap::new();
        for git in found {
            let said = Command::new(&git).arg("version").output().expect("git runs").stdout;
            let version = String::from_utf8_lossy(&said).trim().replace("git version ", "");
            gits.entry(version).or_insert(git);
        }
        assert!(!gits.is_empty());
        let shown: Vec<_> = gits.iter().map(|(version, git)| format!("{version} ({})", git.display())).collect();
        say(&format!("the tests use git {}", shown.join(", ")));
        gits
    })
}

/// Says something to whoever runs the tests, also when all of them pass.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Reports a test that cannot run on this machine. In CI every one must.
pub(crate) fn skip(reason: &str) {
    say(&format!("skipped: {reason}"));
    assert!(std::env::var_os("CI").is_none(), "must not be skipped in CI: {reason}");
}

/// Runs a test once with each git, in a fresh world with a prepared clone of nothing yet.
pub(crate) fn each_git(test: impl Fn(&World)) {
    for (version, git) in gits() {
        println!("git {version} ({})", git.display());
        test(&World::with_git(version, git));
    }
}
