//! Why a configuration file, or the settings as a whole, cannot be used.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::preset::UnknownPreset;

/// Why a configuration file cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// The file exists and cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, with the nearest valid key where one was mistyped.
        why: String,
    },
}

/// Why the settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A file is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// A value of the environment or the command line is wrong.
    #[error("{origin}: {why}")]
    Wrong {
        /// Where the value came from.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// A preset that does not exist.
    #[error(transparent)]
    Preset(#[from] UnknownPreset),
    /// No layer sets a key that is needed.
    #[error("`{0}` is not set")]
    Unset(String),
}
