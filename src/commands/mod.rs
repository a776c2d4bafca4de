//! One file, or folder, per command: its options, what it would do, and doing it.

#[cfg(feature = "network")]
pub mod auth;
pub mod backport;
pub mod branch;
#[cfg(feature = "network")]
mod browser;
mod candidates;
pub mod config;
#[cfg(feature = "network")]
mod connection;
pub mod context;
pub mod doctor;
#[cfg(feature = "network")]
mod facts;
pub mod failure;
mod fix;
#[cfg(feature = "network")]
mod gate;
pub mod guard;
pub mod init;
#[cfg(feature = "network")]
pub mod issue;
mod linked_issue;
#[cfg(feature = "network")]
pub mod merge;
#[cfg(feature = "network")]
pub mod mr;
pub mod push;
#[cfg(feature = "network")]
pub mod status;

pub use context::{Context, Program};
pub use failure::Failure;
