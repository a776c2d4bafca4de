//! Changes of git's configuration files: one transaction, written whole or not at all, and every
//! line that is not ours stays as it was.

use std::path::{Path, PathBuf};

use gix::bstr::BStr;

use super::{GitError, LocalClone};

const WHAT: &str = "write the configuration";

/// A change of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    section: String,
    subsection: Option<String>,
    name: String,
    /// `None` removes the value.
    value: Option<String>,
}

impl Change {
    /// Sets `key`, such as `core.hooksPath` or `branch.security-x.remote`.
    pub fn set(key: &str, value: &str) -> Self {
        Self { value: Some(value.to_owned()), ..Self::unset(key) }
    }

    /// Removes `key`.
    pub fn unset(key: &str) -> Self {
        let (section, rest) = key.split_once('.').unwrap_or((key, ""));
        let (subsection, name) = match rest.rsplit_once('.') {
            Some((subsection, name)) => (Some(subsection.to_owned()), name),
            None => (None, rest),
        };
        Self { section: section.to_owned(), subsection, name: name.to_owned(), value: None }
    }
}

/// The clone's own configuration file.
pub fn local_file(clone: &LocalClone) -> PathBuf {
    clone.common_dir().join("config")
}

/// Applies all changes to one configuration file at once.
///
/// # Errors
/// When the file is locked by another program, or cannot be written.
pub fn apply(clone: &LocalClone, file: &Path, changes: &[Change]) -> Result<(), GitError> {
    if changes.is_empty() {
        return Ok(());
    }
    let wrap = || GitError::of_gix(WHAT);
    let mut config = clone.repo().config_file_mut(file).map_err(wrap())?;
    for change in changes {
        let subsection = change.subsection.as_deref().map(BStr::new);
        match &change.value {
            Some(value) => {
                let mut section = config.section_mut_or_create_new(&change.section, subsection).map_err(wrap())?;
                section.set(&change.name, value.as_str()).map_err(wrap())?;
            }
            None => {
                let Ok(mut section) = config.section_mut(&change.section, subsection) else { continue };
                section.remove(&change.name);
                if section.num_values() == 0 {
                    let id = section.id();
                    config.remove_section_by_id(id);
                }
            }
        }
    }
    config.commit().map_err(wrap())
}

/// Whether a key is set to something true.
pub fn is_true(clone: &LocalClone, key: &str) -> bool {
    clone.repo().config_snapshot().boolean(key).unwrap_or(false)
}

/// Every value of a key, also of the command line of the `git` that runs this program.
///
/// # Errors
/// When git cannot tell.
pub fn values(clone: &LocalClone, key: &str) -> Result<Vec<String>, GitError> {
    // Only git itself understands what `git -c` hands down to its children.
    if std::env::var_os("GIT_CONFIG_PARAMETERS").is_some() {
        let ended = clone.git().run(&["config", "--null", "--get-all", key])?;
        return Ok(ended.stdout.split_terminator('\0').map(str::to_owned).collect());
    }
    let config = clone.repo().config_snapshot();
    let values = config.plumbing().strings(key).unwrap_or_default();
    Ok(values.iter().map(ToString::to_string).collect())
}

/// A value of the effective configuration.
pub fn value(clone: &LocalClone, key: &str) -> Option<String> {
    clone.repo().config_snapshot().string(key).map(|value| value.to_string())
}
