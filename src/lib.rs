//! git-secfix carries a security fix from a private GitLab mirror to its published patch,
//! and keeps it from leaking on the way. This file is the map of the layers, nothing else.
//!
//! ```text
//! bin -> cli -> commands -> ops -> git, gitlab, secrets, config -> domain
//!        ui is used by cli, commands and ops, and knows domain
//!        rehearsal stands alone
//! ```
//!
//! * [`domain`] decides: names, destinations, verdicts. No file, network, clock or terminal.
//! * [`git`] is the clone: objects, references, configuration, hooks, and the `git` program.
//! * `gitlab` is the API of the server: transport, and one file per resource. \[`network`\]
//! * `secrets` keeps tokens in the keyring, and from being seen. \[`network`\]
//! * [`config`] gathers settings from their layers and remembers where each came from.
//! * [`commands`] holds one file (or folder) per command: its options, what it would do, and doing it.
//! * [`ops`] is what several commands share, without a command line and without answers.
//! * [`ui`] is the only place that prints.
//! * [`cli`] turns a command line into a command, and its end into an exit code.
//! * `rehearsal` is a GitLab on this machine, to rehearse with and for the tests. \[`rehearsal`\]
//!
//! Layers with a name in brackets are there with that feature of the package; programs on the
//! guard's side do without them.
//!
//! A test reads the `use` lines and fails on an arrow that points the other way.

pub mod cli;
pub mod commands;
pub mod config;
pub mod domain;
pub mod git;
#[cfg(feature = "network")]
pub mod gitlab;
pub mod ops;
#[cfg(feature = "rehearsal")]
pub mod rehearsal;
#[cfg(feature = "network")]
pub mod secrets;
pub mod ui;
