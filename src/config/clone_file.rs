//! The clone's own file, `secfix.toml` in the common git directory: written by `init`, read by
//! every command, and the only one that the guard trusts.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::domain::policy::{Mode, Policy};

use super::{
    error::SettingsError,
    file::{self, Owner},
    keys::{KEYS, Reach, Value},
    layer::{Layer, Origin},
    settings::{Settings, Sources},
};

/// The file's name in the common git directory.
pub const NAME: &str = "secfix.toml";

/// Where the file of a clone is.
pub fn path(common_dir: &Path) -> PathBuf {
    common_dir.join(NAME)
}

/// Reads the file; `None` when the clone has none.
///
/// # Errors
/// When it is wrong or cannot be read.
pub fn read(common_dir: &Path) -> Result<Option<Layer>, SettingsError> {
    Ok(file::read(&path(common_dir), Owner::Clone)?)
}

/// The settings of a prepared clone from all layers; `None` when it has no file of its own.
///
/// # Errors
/// When one of the layers is wrong.
pub fn settings(common_dir: &Path) -> Result<Option<Settings>, SettingsError> {
    match read(common_dir)? {
        Some(clone) => Sources { clone, ..Sources::read_outer()? }.merge().map(Some),
        None => Ok(None),
    }
}

/// What the guard decides by: the clone's file over its preset, and nothing else.
///
/// # Errors
/// When the file is wrong.
pub fn policy(common_dir: &Path) -> Result<Option<Policy>, SettingsError> {
    match read(common_dir)? {
        Some(clone) => {
            // `init` writes every key: a file that lacks one was cut off, or weakened by hand.
            if let Some(key) = KEYS.iter().find(|key| key.is_of_guard && clone.get(key).is_none()) {
                let origin = path(common_dir).display().to_string();
                return Err(SettingsError::Wrong { origin, why: format!("`{}` is missing", key.name) });
            }
            Ok(Some(Sources { clone, ..Sources::default() }.merge()?.policy()?))
        }
        None => Ok(None),
    }
}

/// The text of the file for the given settings: everything that the guard decides by, spelled out,
/// so that neither a user's file nor a newer preset changes it silently.
pub fn render(settings: &Settings, mode: Mode) -> String {
    let mut root = toml::Table::new();
    for (key, value) in settings.all() {
        // What is no matter of the guard stays with whoever set it. How the instance is reached was
        // found by looking at this clone, and is written down for it.
        let stays = |origin: &Origin| {
            key.is_of_guard
                || matches!(origin, Origin::Clone { .. })
                || (matches!(key.name, "preset" | "gitlab.url") && !matches!(origin, Origin::Environment(_)))
        };
        let Some((value, _)) = value.filter(|(_, origin)| stays(origin)) else { continue };
        let value = match (key.reach, value) {
            (Reach::CloneOnly, _) => toml::Value::String(mode.as_str().to_owned()),
            (_, Value::Text(text)) => toml::Value::String(text.clone()),
            (_, Value::List(items)) => toml::Value::Array(items.iter().cloned().map(toml::Value::String).collect()),
            (_, Value::Count(count)) => toml::Value::Integer((*count).into()),
        };
        let mut table = &mut root;
        let mut path = key.name.split('.').peekable();
        while let Some(name) = path.next() {
            if path.peek().is_none() {
                table.insert(name.to_owned(), value);
                break;
            }
            let inner = table.entry(name).or_insert_with(|| toml::Table::new().into());
            let toml::Value::Table(inner) = inner else { break };
            table = inner;
        }
    }
    format!(
        "# Written by `git secfix init`; the guard of this clone decides by this file alone.\n\
         # Change the mode with `git secfix guard mode`.\n{root}"
    )
}

/// Writes the file in one step: there is always the old one or the new one, whole.
///
/// # Errors
/// When the git directory cannot be written to.
pub fn write(common_dir: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(common_dir)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.as_file().sync_all()?;
    file.persist(path(common_dir)).map(drop).map_err(|error| error.error)
}

/// Removes the file, if there is one.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(common_dir: &Path) -> io::Result<()> {
    match fs::remove_file(path(common_dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_the_same_policy() {
        let settings = Sources::default().merge().unwrap();
        let text = render(&settings, Mode::Paranoid);
        let clone = file::parse(&text, Path::new(NAME), Owner::Clone).unwrap();
        let read = Sources { clone, ..Sources::default() }.merge().unwrap().policy().unwrap();
        assert_eq!(read, Policy { mode: Mode::Paranoid, ..settings.policy().unwrap() });
    }
}
