//! The pause of the guard: kept in the git directory with its end and its reason, and written to
//! a log there. It ends by itself; a pause that cannot be understood is none.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{GitError, secfix_dir};

/// The longest pause: a working day, so that a forgotten one is over the next morning.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(8);

/// The file's name in the suite's folder.
const FILE: &str = "pause.toml";

/// A time during which the guard lets everything pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// When it was begun.
    pub since: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Why, in the words of the person.
    pub reason: String,
}

fn file(common_dir: &Path) -> PathBuf {
    secfix_dir::folder(common_dir).join(FILE)
}

/// Where pauses and the pushes that passed during them are written down.
pub fn log_file(common_dir: &Path) -> PathBuf {
    secfix_dir::folder(common_dir).join("guard.log")
}

impl Pause {
    /// Whether the pause holds at `now`. A clock that was put back ends it as well.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.until && self.until.duration_since(self.since) <= LONGEST
    }
}

/// The pause that holds now, if there is one.
pub fn current(common_dir: &Path, now: Timestamp) -> Option<Pause> {
    let text = fs::read_to_string(file(common_dir)).ok()?;
    toml::from_str::<Pause>(&text).ok().filter(|pause| pause.holds_at(now))
}

/// Begins a pause.
///
/// # Errors
/// When the git directory cannot be written to; then there is no pause.
pub fn begin(common_dir: &Path, pause: &Pause) -> Result<(), GitError> {
    let reason = pause.reason.escape_debug();
    log(common_dir, pause.since, &format!("paused until {}: {reason}", pause.until))?;
    let path = file(common_dir);
    let text =
        toml::to_string(pause).map_err(|error| GitError::wrap_file("write", &path)(std::io::Error::other(error)))?;
    secfix_dir::write_whole(&path, &text).map_err(GitError::wrap_file("write", path))
}

/// Ends the pause, if there is one. Returns whether there was a file to remove.
///
/// # Errors
/// When the file cannot be removed.
pub fn end(common_dir: &Path, now: Timestamp) -> Result<bool, GitError> {
    let path = file(common_dir);
    match fs::remove_file(&path) {
        Ok(()) => log(common_dir, now, "resumed").map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(GitError::wrap_file("remove", path)(error)),
    }
}

/// Forgets the pause without a word: the guard goes.
///
/// # Errors
/// When the file cannot be removed.
pub fn forget(common_dir: &Path) -> Result<(), GitError> {
    secfix_dir::remove_file(common_dir, FILE)
}

/// Appends a line to the guard's log.
///
/// # Errors
/// When the log cannot be written.
pub fn log(common_dir: &Path, now: Timestamp, line: &str) -> Result<(), GitError> {
    let path = log_file(common_dir);
    let write = || {
        fs::create_dir_all(secfix_dir::folder(common_dir))?;
        let mut log = fs::OpenOptions::new().create(true).append(true).open(&path)?;
        log.write_all(format!("{now} {line}\n").as_bytes())
    };
    write().map_err(GitError::wrap_file("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(since: &str, until: &str) -> Pause {
        Pause { since: since.parse().unwrap(), until: until.parse().unwrap(), reason: "x".to_owned() }
    }

    #[test]
    fn a_pause_ends_by_itself() {
        let pause = pause("2026-01-01T10:00:00Z", "2026-01-01T10:15:00Z");
        for (now, holds) in [
            ("2026-01-01T10:00:00Z", true),
            ("2026-01-01T10:14:59Z", true),
            ("2026-01-01T10:15:00Z", false),
            ("2026-01-01T09:59:59Z", false),
        ] {
            assert_eq!(pause.holds_at(now.parse().unwrap()), holds, "{now}");
        }
    }

    #[test]
    fn an_endless_pause_written_by_hand_is_none() {
        let pause = pause("2026-01-01T10:00:00Z", "2036-01-01T10:00:00Z");
        assert!(!pause.holds_at("2026-01-01T11:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_pause_that_cannot_be_read_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let now = "2026-01-01T10:00:00Z".parse().unwrap();
        for text in ["", "until = 3", "since = \"x\""] {
            secfix_dir::write_whole(&file(dir.path()), text).unwrap();
            assert_eq!(current(dir.path(), now), None, "{text}");
        }
    }
}
