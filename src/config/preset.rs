//! The built-in presets: whole sets of values for projects that we know.

use thiserror::Error;

/// A built-in set of values, in the same form as the files of users.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name used in `preset = "…"`.
    pub name: &'static str,
    /// Its values, as TOML.
    pub toml: &'static str,
}

/// The presets, the default one first.
pub static PRESETS: [Preset; 2] = [
    Preset { name: "ai-gateway", toml: include_str!("presets/ai-gateway.toml") },
    Preset { name: "gitlab", toml: include_str!("presets/gitlab.toml") },
];

/// A name that no preset has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no preset `{0}`: `ai-gateway` or `gitlab`")]
pub struct UnknownPreset(pub String);

/// The preset of that name.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static Preset, UnknownPreset> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| UnknownPreset(name.to_owned()))
}
