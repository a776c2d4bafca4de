//! One file, or folder, per command: its options, what it would do, and doing it.

pub mod branch;
mod candidates;
pub mod config;
pub mod context;
pub mod doctor;
pub mod failure;
pub mod guard;
pub mod init;
pub mod push;

pub use context::{Context, Program};
pub use failure::Failure;
