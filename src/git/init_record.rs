//! What `init` changed in the clone, written down before it is changed, so that `init --undo` can
//! take exactly that back, also after an interruption.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{GitError, secfix_dir};

/// The name of the record in the suite's folder.
const RECORD: &str = "init.toml";

/// Everything that `init` changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The remote that was added, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_remote: Option<AddedRemote>,
    /// Every configuration file whose `core.hooksPath` was changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks_paths: Vec<HooksPath>,
}

/// A remote that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedRemote {
    /// Its name.
    pub name: String,
    /// Its URL, by which it is known to be still the same one.
    pub url: String,
}

/// A changed `core.hooksPath`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HooksPath {
    /// The configuration file.
    pub file: PathBuf,
    /// Its value before; `None` when that file did not set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Its value now: a folder of ours.
    pub ours: PathBuf,
}

fn file(common_dir: &Path) -> PathBuf {
    secfix_dir::folder(common_dir).join(RECORD)
}

impl Record {
    /// Reads the record; an empty one when there is none.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn read(common_dir: &Path) -> Result<Self, GitError> {
        let path = file(common_dir);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(GitError::wrap_file("read", path)(error)),
        };
        toml::from_str(&text)
            .map_err(|error| GitError::wrap_file("understand", path)(io::Error::other(error.message().to_owned())))
    }

    /// Writes the record.
    ///
    /// # Errors
    /// When the git directory cannot be written to.
    pub fn write(&self, common_dir: &Path) -> Result<(), GitError> {
        let path = file(common_dir);
        let wrap = || GitError::wrap_file("write", &path);
        let text = toml::to_string(self).map_err(|error| wrap()(io::Error::other(error)))?;
        secfix_dir::write_whole(&path, &text).map_err(wrap())
    }
}

/// Removes the record, where there is one.
///
/// # Errors
/// When the file cannot be removed.
pub fn remove(common_dir: &Path) -> Result<(), GitError> {
    secfix_dir::remove_file(common_dir, RECORD)
}
