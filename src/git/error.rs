//! What can go wrong with a clone.

use std::{io, path::PathBuf};

use thiserror::Error;

/// An error of this layer.
#[derive(Debug, Error)]
pub enum GitError {
    /// There is no repository at or above a folder.
    #[error("`{}` is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// A repository without work trees, where one is needed.
    #[error("`{}` is a bare repository, which has no branches to work on", .0.display())]
    Bare(PathBuf),
    /// The references are kept in a way that is not understood.
    #[error("this clone keeps its references as `{0}`, which git-secfix cannot read")]
    RefStorage(String),
    /// The repository cannot be read or written as asked.
    #[error("cannot {what}: {why}")]
    Repository {
        /// What was tried, as in "read the references".
        what: &'static str,
        /// The reasons, outermost first.
        why: String,
    },
    /// A file of the git directory cannot be read or written.
    #[error("cannot {what} `{}`: {source}", path.display())]
    File {
        /// What was tried, as in "write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another program is writing a file, or was stopped while it did.
    #[error("`{}` is being written by another program, or was left by one that was stopped", .0.display())]
    Locked(PathBuf),
    /// The `git` program could not be started.
    #[error("cannot run `git`: {0}")]
    NoGit(io::Error),
    /// The `git` program failed.
    #[error("`git {command}` failed{}", said(stderr))]
    Command {
        /// Its arguments, without secrets.
        command: String,
        /// What it said on standard error, without secrets.
        stderr: String,
    },
    /// The hook is in a state that is not understood.
    #[error("{0}")]
    Hook(String),
}

fn said(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

impl GitError {
    /// Wraps an error of gix, whose reasons form a chain.
    pub(super) fn wrap_gix(what: &'static str) -> impl FnOnce(gix::Error) -> Self {
        move |error| {
            let mut reasons: Vec<String> = Vec::new();
            for reason in error.iter_errors().map(ToString::to_string) {
                if !reasons.iter().any(|known| known.contains(&reason)) {
                    reasons.push(reason);
                }
            }
            Self::Repository { what, why: reasons.join(": ") }
        }
    }

    /// Wraps an error of the file system.
    pub(super) fn wrap_file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
