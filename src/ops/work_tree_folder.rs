//! Where the work tree of a conflict goes.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::Failure;
use crate::git::LocalClone;

/// A folder that does not exist yet: beside the clone, or where the settings say. `what` is the end of its
/// name.
///
/// # Errors
/// When a hundred folders like it exist.
pub(crate) fn free(clone: &LocalClone, folder: Option<&Path>, what: &str) -> Result<PathBuf, Failure> {
    let common = clone.common_dir();
    let top = match common.file_name() {
        Some(last) if last == ".git" => common.parent().unwrap_or(common),
        _ => common,
    };
    let beside = top.parent().unwrap_or(top);
    let folder = folder.map_or_else(|| beside.to_owned(), |folder| top.join(folder));
    let stem = top.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let base = format!("{}-{what}", stem.trim_end_matches(".git"));
    let names = std::iter::once(base.clone()).chain((2..100).map(|number| format!("{base}.{number}")));
    names
        .map(|name| folder.join(name))
        .find(|path| path.symlink_metadata().is_err())
        .ok_or_else(|| Failure::not_done(anyhow!("`{}` and 98 folders like it exist", folder.join(base).display())))
}
