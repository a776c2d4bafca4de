//! git-secfix carries a security fix from a private GitLab mirror to its published patch,
//! and keeps it from leaking on the way. This file is the map of the layers, nothing else.
//!
//! ```text
//! bin -> cli -> commands -> git, config -> domain
//!        ui is used by commands and cli, and knows domain
//! ```
//!
//! * [`domain`] decides: names, destinations, verdicts. No file, network, clock or terminal.
//! * [`git`] is the clone: objects, references, configuration, hooks, and the `git` program.
//! * [`config`] gathers settings from their layers and remembers where each came from.
//! * [`commands`] holds one file (or folder) per command: what it would do, and doing it.
//! * [`ui`] is the only place that prints.
//! * [`cli`] turns a command line into a command, and its end into an exit code.
//!
//! A test reads the `use` lines and fails on an arrow that points the other way.

pub mod cli;
pub mod commands;
pub mod config;
pub mod domain;
pub mod git;
pub mod ui;
