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
    /// `None` removes the value, and all of the section where the name is empty.
    value: Option<String>,
    /// The value must be the last word of the file.
    at_the_end: bool,
}

impl Change {
    /// Sets `key`, such as `core.hooksPath` or `branch.security-x.remote`.
    pub fn set(key: &str, value: &str) -> Self {
        Self { value: Some(value.to_owned()), ..Self::unset(key) }
    }

    /// Sets `key` behind everything that the file includes.
    pub fn set_last(key: &str, value: &str) -> Self {
        Self { at_the_end: true, ..Self::set(key, value) }
    }

    /// Removes `key`.
    pub fn unset(key: &str) -> Self {
        let (section, rest) = key.split_once('.').unwrap_or((key, ""));
        let (subsection, name) = match rest.rsplit_once('.') {
            Some((subsection, name)) => (Some(subsection.to_owned()), name),
            None => (None, rest),
        };
        Self { section: section.to_owned(), subsection, name: name.to_owned(), value: None, at_the_end: false }
    }

    /// Removes everything of a branch, as git does together with the branch.
    pub fn forget_branch(branch: &str) -> Self {
        Self::unset(&format!("branch.{branch}."))
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
    let wrap = || GitError::wrap_gix(WHAT);
    let mut config = clone.repo().config_file_mut(file).map_err(|error| {
        let mut lock = file.as_os_str().to_owned();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        if lock.exists() { GitError::Locked(lock) } else { wrap()(error) }
    })?;
    for change in changes {
        let subsection = change.subsection.as_deref().map(BStr::new);
        match &change.value {
            Some(value) if change.at_the_end && has_includes(&config) => {
                let mut section =
                    config.new_section(&change.section, subsection.map(ToOwned::to_owned)).map_err(wrap())?;
                section.push(&change.name, value.as_str()).map_err(wrap())?;
            }
            Some(value) => {
                let mut section = config.section_mut_or_create_new(&change.section, subsection).map_err(wrap())?;
                section.set(&change.name, value.as_str()).map_err(wrap())?;
            }
            None => unset(&mut config, change),
        }
    }
    config.commit().map_err(wrap())
}

/// Removes the value from the last section that has it, and the section if nothing else is in it.
fn unset(config: &mut gix::config::File, change: &Change) {
    let is_whole = change.name.is_empty();
    let holds = |section: &gix::config::file::SectionRef<'_>| {
        section.header().subsection_name().map(ToString::to_string) == change.subsection
            && (is_whole || section.contains_value_name(&change.name))
    };
    let found: Vec<_> = match config.sections_and_ids_by_name(&change.section) {
        Some(sections) => sections.filter(|(section, _)| holds(section)).map(|(_, id)| id).collect(),
        None => return,
    };
    if is_whole {
        for id in found {
            config.remove_section_by_id(id);
        }
        return;
    }
    let Some(id) = found.last() else { return };
    if let Some(mut section) = config.section_mut_by_id(*id) {
        section.remove(&change.name);
        if section.num_values() > 0 {
            return;
        }
    }
    config.remove_section_by_id(*id);
}

fn has_includes(config: &gix::config::File) -> bool {
    ["include", "includeIf"]
        .iter()
        .any(|name| config.sections_by_name(name).is_some_and(|mut all| all.next().is_some()))
}

/// Whether a key is set to something true.
pub fn is_true(clone: &LocalClone, key: &str) -> bool {
    clone.repo().config_snapshot().boolean(key).unwrap_or(false)
}

/// Every value of a key, lowest layer first.
pub fn values(clone: &LocalClone, key: &str) -> Vec<String> {
    let config = clone.repo().config_snapshot();
    let values = config.plumbing().strings(key).unwrap_or_default();
    values.iter().map(ToString::to_string).collect()
}

/// A value of the effective configuration.
pub fn value(clone: &LocalClone, key: &str) -> Option<String> {
    clone.repo().config_snapshot().string(key).map(|value| value.to_string())
}
