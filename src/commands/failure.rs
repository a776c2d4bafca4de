//! An error on its way to the user: what happened, the command that helps, and the exit code.

#[cfg(feature = "network")]
use crate::secrets::{KeyringError, VariableError};
use crate::{
    config::settings::SettingsError,
    domain::{exit::Exit, verdict::Refusal},
    git::GitError,
};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// Something is wrong.
    Error {
        /// What happened and why.
        error: anyhow::Error,
        /// A command to paste.
        hint: Option<String>,
        /// How the program ends.
        exit: Exit,
    },
    /// The guard or a gate refuses.
    Refused(Refusal),
}

impl Failure {
    /// The command line or a configuration file is wrong.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Error { error: error.into(), hint: None, exit: Exit::Usage }
    }

    /// Something blocks.
    pub fn not_done(error: impl Into<anyhow::Error>) -> Self {
        Self::Error { error: error.into(), hint: None, exit: Exit::NotDone }
    }

    /// A token on a command line was seen by every user of the machine, and is in the history.
    pub fn exposed_token() -> Self {
        let error = anyhow::anyhow!(
            "a token is not given on the command line, where other users and the shell's history see it; \
             if that was one, revoke it and make another"
        );
        Self::usage(error).hint("git secfix auth login --web")
    }

    /// A conflict is left for the user.
    pub fn conflict(error: impl Into<anyhow::Error>) -> Self {
        Self::Error { error: error.into(), hint: None, exit: Exit::Conflict }
    }

    /// A server did not answer as needed.
    pub fn network(error: impl Into<anyhow::Error>) -> Self {
        Self::Error { error: error.into(), hint: None, exit: Exit::Network }
    }

    /// There is no token, or it is not good enough.
    pub fn token(error: impl Into<anyhow::Error>) -> Self {
        Self::Error { error: error.into(), hint: None, exit: Exit::Auth }
    }

    /// It would be wrong to go on.
    pub fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self::Error { error: error.into(), hint: None, exit: Exit::Refused }
    }

    /// Adds the command that helps.
    #[must_use]
    pub fn hint(self, command: impl Into<String>) -> Self {
        match self {
            Self::Error { error, exit, .. } => Self::Error { error, hint: Some(command.into()), exit },
            refused @ Self::Refused(_) => refused,
        }
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Error { exit, .. } => *exit,
            Self::Refused(_) => Exit::Refused,
        }
    }
}

/// The message without its hint, for a place where the command goes on.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error { error, .. } => write!(f, "{error:#}"),
            Self::Refused(refusal) => f.write_str(&refusal.message().headline),
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        match &error {
            GitError::NotARepository(_) => {
                Self::usage(error).hint("cd into a clone of the public project, or use -C DIR")
            }
            GitError::Bare(_) => Self::usage(error).hint("git worktree add ../work && git -C ../work secfix init"),
            GitError::Locked(lock) => {
                let hint = format!("if no other git is running: rm '{}'", lock.display());
                Self::not_done(error).hint(hint)
            }
            GitError::RefStorage(_) => Self::not_done(error).hint("git refs migrate --ref-format=files"),
            GitError::NoGit(_) => Self::not_done(error).hint("install git 2.39 or newer, and put it on the PATH"),
            _ => Self::not_done(error),
        }
    }
}

/// Without its ways out, a keyring that fails is a dead end.
#[cfg(feature = "network")]
impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        let ways_out = error.ways_out();
        Self::token(error).hint(ways_out)
    }
}

#[cfg(feature = "network")]
impl From<VariableError> for Failure {
    fn from(error: VariableError) -> Self {
        let hint = format!("unset {}", error.name);
        Self::token(error).hint(hint)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::usage(error).hint("git secfix config --keys")
    }
}
