//! Where the work tree of a conflict goes, and how it is told of.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::{Context, Failure};
use crate::git::LocalClone;

/// A folder as it is pasted into a shell.
pub(crate) fn quoted(place: &Path) -> String {
    shell_words::quote(&place.to_string_lossy()).into_owned()
}

/// The failure of a command that would have removed a work tree in which somebody has files.
pub(crate) fn holds_files(place: &Path, why: &str) -> Failure {
    let shown = quoted(place);
    Failure::not_done(anyhow!("{} holds files of yours, so it stays{why}", place.display()))
        .hint(format!("git -C {shown} status, and once they are in another place: git worktree remove {shown}"))
}

/// Leaves a folder that was removed, and tells whoever stands in it to do the same. Nothing can be opened from there any
/// more, so the clone is opened once more where it is; `None` where there is nothing to leave.
///
/// # Errors
/// When that cannot be.
pub(crate) fn leave(clone: &LocalClone, context: &Context) -> Result<Option<LocalClone>, Failure> {
    if context.dir.canonicalize().is_ok() {
        return Ok(None);
    }
    let main = clone.main_dir();
    std::env::set_current_dir(main)
        .map_err(|error| Failure::not_done(anyhow!("cannot enter `{}`: {error}", main.display())))?;
    context.ui.hint(&format!("cd {}, as the folder of the conflict is gone", quoted(main)));
    Ok(Some(clone.reopen()?))
}

/// A folder that does not exist yet: beside the clone, or where the settings say. `what` is the end of its
/// name.
///
/// # Errors
/// When a hundred folders like it exist.
pub(crate) fn free(clone: &LocalClone, folder: Option<&Path>, what: &str) -> Result<PathBuf, Failure> {
    let top = clone.main_dir();
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
