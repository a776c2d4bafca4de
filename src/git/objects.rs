//! Where new objects go: into the clone, or into a folder of their own that is gone afterwards, for
//! what is only asked and must leave nothing behind.

use std::path::PathBuf;

use gix::{
    objs::{Kind, Write},
    odb::loose,
};
use tempfile::TempDir;

use super::{GitError, LocalClone, history::Id, process::Git};

/// Where new objects go.
pub struct Objects {
    scratch: Option<Scratch>,
}

struct Scratch {
    folder: TempDir,
    store: loose::Store,
}

impl Objects {
    /// Into the clone.
    pub fn kept() -> Self {
        Self { scratch: None }
    }

    /// Into a folder that is removed with the value.
    ///
    /// # Errors
    /// When there can be no temporary folder.
    pub fn forgotten(clone: &LocalClone) -> Result<Self, GitError> {
        let folder = temporary_folder()?;
        let store = loose::Store::at(folder.path(), clone.repo().object_hash());
        Ok(Self { scratch: Some(Scratch { folder, store }) })
    }

    /// Writes an object.
    pub(super) fn write(&self, clone: &LocalClone, kind: Kind, bytes: &[u8]) -> Result<Id, GitError> {
        let written = match &self.scratch {
            None => clone.repo().objects.write_buf(kind, bytes),
            Some(scratch) => scratch.store.write_buf(kind, bytes),
        };
        written.map_err(GitError::wrap_gix("write an object"))
    }

    /// The bytes of an object, wherever it is.
    pub(super) fn read(&self, clone: &LocalClone, id: Id) -> Result<Vec<u8>, GitError> {
        let wrap = || GitError::wrap_gix("read an object");
        let mut bytes = Vec::new();
        if let Some(scratch) = &self.scratch
            && scratch.store.try_find(&id, &mut bytes).map_err(wrap())?.is_some()
        {
            return Ok(bytes);
        }
        Ok(clone.repo().find_object(id).map_err(wrap())?.detach().data)
    }

    /// Makes a `git` read and write the same objects.
    pub(super) fn shared_with(&self, clone: &LocalClone, git: Git) -> Git {
        let Some(scratch) = &self.scratch else { return git };
        let given = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        let own: PathBuf = clone.repo().objects.store_ref().path().to_owned();
        let own = std::path::absolute(&own).unwrap_or(own);
        let all: Vec<PathBuf> = std::iter::once(own).chain(std::env::split_paths(&given)).collect();
        let all = std::env::join_paths(all).unwrap_or(given);
        git.with("GIT_OBJECT_DIRECTORY", scratch.folder.path()).with("GIT_ALTERNATE_OBJECT_DIRECTORIES", all)
    }
}

/// A folder that is removed with the value.
pub(super) fn temporary_folder() -> Result<TempDir, GitError> {
    let made = tempfile::Builder::new().prefix("secfix-pick-").tempdir();
    made.map_err(GitError::wrap_file("make a folder in", std::env::temp_dir()))
}
