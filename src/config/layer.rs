//! A layer of configuration: values, each with the place it came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::{
    error::SettingsError,
    keys::{Form, KEYS, Key, Reach, Value},
};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A built-in preset.
    Preset(&'static str),
    /// The user's file.
    User {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// The clone's own file.
    Clone {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// An option of the command line.
    CommandLine(&'static str),
    /// Found in the clone itself.
    Found(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset(name) => write!(f, "preset {name}"),
            Self::User { path, line } | Self::Clone { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::CommandLine(option) => write!(f, "command line {option}"),
            Self::Found(place) => f.write_str(place),
        }
    }
}

/// Values by key. A later layer wins over an earlier one, key by key.
#[derive(Debug, Clone, Default)]
pub struct Layer(BTreeMap<&'static str, (Value, Origin)>);

impl Layer {
    /// Sets a checked value.
    pub(super) fn set(&mut self, key: &Key, value: Value, origin: Origin) {
        self.0.insert(key.name, (value, origin));
    }

    /// Checks and sets a value.
    ///
    /// # Errors
    /// When the key does not take that value.
    pub fn insert(&mut self, name: &str, value: Value, origin: Origin) -> Result<(), SettingsError> {
        let key = super::keys::find(name).ok_or_else(|| SettingsError::Unset(name.to_owned()))?;
        key.check(&value).map_err(|why| SettingsError::Wrong { origin: origin.to_string(), why })?;
        self.set(key, value, origin);
        Ok(())
    }

    /// The value of a key with its origin.
    pub fn get(&self, key: &Key) -> Option<(&Value, &Origin)> {
        self.0.get(key.name).map(|(value, origin)| (value, origin))
    }

    /// The text of a key, where it is set to one.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some((Value::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    /// The layer with this key alone.
    #[must_use]
    pub fn only(mut self, name: &str) -> Self {
        self.0.retain(|key, _| *key == name);
        self
    }

    /// Puts `other` on top of this layer.
    pub fn overlay(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The layer of environment variables, looked up with `variable`.
    ///
    /// # Errors
    /// When a variable holds a value that its key does not take.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut layer = Self::default();
        for key in KEYS.iter().filter(|key| key.reach == Reach::Anywhere) {
            let name = key.variable();
            let Some(text) = variable(&name) else { continue };
            let origin = Origin::Environment(name);
            let value = match key.form {
                Form::Text | Form::Duration => Value::Text(text),
                Form::List => Value::List(text.split(',').map(|item| item.trim().to_owned()).collect()),
                Form::Count => Value::Count(text.parse().map_err(|_| SettingsError::Wrong {
                    origin: origin.to_string(),
                    why: format!("`{text}` is not {}", key.form.name()),
                })?),
            };
            layer.insert(key.name, value, origin)?;
        }
        Ok(layer)
    }
}
