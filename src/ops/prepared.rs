//! What every command is given, and a clone that `init` has prepared.

use std::path::PathBuf;

use super::Failure;
use crate::{
    config::{clone_file, settings::Settings},
    domain::policy::Policy,
    git::{LocalClone, hooks},
    ui::Ui,
};

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// How to print.
    pub ui: Ui,
    /// The folder to work in.
    pub dir: PathBuf,
    /// The name of the command behind `git secfix`.
    pub command: &'static str,
    /// The words behind the command, as they were typed.
    pub arguments: Vec<String>,
    /// Whether they name the fix.
    pub names_fix: bool,
}

/// A clone that `init` has prepared.
pub struct Prepared {
    /// The clone.
    pub clone: LocalClone,
    /// The effective settings.
    pub settings: Settings,
    /// What the settings say about projects and names.
    pub policy: Policy,
}

impl Context {
    /// Opens the clone.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(&self) -> Result<LocalClone, Failure> {
        Ok(LocalClone::open(&self.dir)?)
    }

    /// Opens a clone that `init` has prepared.
    ///
    /// # Errors
    /// When there is none, or it is not prepared.
    pub fn prepared(&self) -> Result<Prepared, Failure> {
        let clone = self.open()?;
        let settings = clone_file::settings(clone.common_dir())?.ok_or_else(not_prepared)?;
        let policy = settings.policy()?;
        if !hooks::is_in_place(&clone)? {
            self.ui.warning("the guard does not stand in this work tree");
            self.ui.hint("git secfix init");
        }
        Ok(Prepared { clone, settings, policy })
    }
}

/// The failure of a command that needs a prepared clone.
pub fn not_prepared() -> Failure {
    Failure::not_done(anyhow::anyhow!("this clone is not prepared for security fixes")).hint("git secfix init")
}
