//! An error on its way to the user: what happened, the command that helps, and the exit code.

#[cfg(feature = "network")]
use crate::secrets::{KeyringError, VariableError};
use crate::{
    config::error::SettingsError,
    domain::{
        exit::Exit,
        verdict::{Message, Refusal},
    },
    git::GitError,
    ui::Ui,
};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    /// What happened and why.
    message: String,
    /// Lines below it.
    details: Vec<String>,
    /// A command to paste.
    hint: Option<String>,
}

/// What sort of failure it is, which decides about the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The command line or a configuration file is wrong.
    Usage,
    /// Something blocks.
    NotDone,
    /// It would be wrong to go on.
    Refused,
    /// The guard refuses a push.
    PushRefused,
    /// There is no token, or it is not good enough.
    Token,
    /// A server did not answer as needed.
    Network,
    /// A conflict is left for the user.
    Conflict,
}

impl FailureKind {
    /// How the program ends.
    pub fn exit(self) -> Exit {
        match self {
            Self::Usage => Exit::Usage,
            Self::NotDone => Exit::NotDone,
            Self::Refused | Self::PushRefused => Exit::Refused,
            Self::Token => Exit::Auth,
            Self::Network => Exit::Network,
            Self::Conflict => Exit::Conflict,
        }
    }
}

impl Failure {
    fn new(kind: FailureKind, error: impl Into<anyhow::Error>) -> Self {
        Self { kind, message: format!("{:#}", error.into()), details: vec![], hint: None }
    }

    /// The command line or a configuration file is wrong.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::new(FailureKind::Usage, error)
    }

    /// Something blocks.
    pub fn not_done(error: impl Into<anyhow::Error>) -> Self {
        Self::new(FailureKind::NotDone, error)
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
        Self::new(FailureKind::Conflict, error)
    }

    /// A server did not answer as needed.
    pub fn network(error: impl Into<anyhow::Error>) -> Self {
        Self::new(FailureKind::Network, error)
    }

    /// There is no token, or it is not good enough.
    pub fn token(error: impl Into<anyhow::Error>) -> Self {
        Self::new(FailureKind::Token, error)
    }

    /// It would be wrong to go on.
    pub fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self::new(FailureKind::Refused, error)
    }

    /// Sets the command that helps, in the place of another one.
    #[must_use]
    pub fn hint(self, command: impl Into<String>) -> Self {
        Self { hint: Some(command.into()), ..self }
    }

    /// Sets the command that helps where none is known that helps better.
    #[must_use]
    pub fn or_hint(self, command: impl Into<String>) -> Self {
        if self.hint.is_some() { self } else { self.hint(command) }
    }

    /// The same, said of this.
    #[must_use]
    pub fn of(self, what: &str) -> Self {
        Self { message: format!("`{what}`: {}", self.message), ..self }
    }

    /// The command that helps.
    pub fn command(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What sort it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        self.kind.exit()
    }

    /// Says it where the command ends for it.
    pub fn tell(&self, ui: Ui) {
        let hint = self.hint.as_deref();
        match self.kind {
            FailureKind::PushRefused => ui.refusal(&self.message, &self.details, hint.unwrap_or_default()),
            _ => ui.error(&self.message, hint),
        }
    }

    /// Says it where the command goes on.
    pub fn warn(&self, ui: Ui) {
        ui.warning(&self.message);
        if let Some(hint) = &self.hint {
            ui.hint(hint);
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Message { headline, details, hint } = refusal.message();
        Self { kind: FailureKind::PushRefused, message: headline, details, hint: Some(hint) }
    }
}

/// The message alone, for a line of progress.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
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
                let hint = format!("if no other git is running: rm {}", shell_words::quote(&lock.to_string_lossy()));
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
