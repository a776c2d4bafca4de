//! The suite's own folder in the common git directory, and writing there in one step.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::GitError;

/// Its name.
pub const FOLDER: &str = "secfix";

/// The folder in a common git directory.
pub fn folder(common_dir: &Path) -> PathBuf {
    common_dir.join(FOLDER)
}

/// Removes a folder unless something is in it.
///
/// # Errors
/// When it is empty and cannot be removed.
pub(super) fn remove_if_empty(folder: &Path) -> Result<(), GitError> {
    match fs::remove_dir(folder) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
            Err(GitError::wrap_file("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a file of the folder, where there is one.
///
/// # Errors
/// When it cannot be removed.
pub(super) fn remove_file(common_dir: &Path, name: &str) -> Result<(), GitError> {
    let path = folder(common_dir).join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(GitError::wrap_file("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes the folder with those of ours in it that are empty. The guard's log stays, where there is one, and so does
/// whatever somebody else put there.
///
/// # Errors
/// When an empty folder cannot be removed.
pub fn remove_where_empty(common_dir: &Path) -> Result<(), GitError> {
    let folder = folder(common_dir);
    for inner in ["hooks-of-linked", ""] {
        remove_if_empty(&folder.join(inner))?;
    }
    Ok(())
}

/// Writes a file of the folder in one step, making the folder when there is none.
///
/// # Errors
/// When the folder cannot be written to.
pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut temporary, text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map(drop).map_err(|error| error.error)
}
