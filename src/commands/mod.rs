//! One file, or folder, per command: its options, what it would do, and doing it.

#[cfg(feature = "network")]
pub mod auth;
pub mod backport;
#[cfg(feature = "network")]
mod both_projects;
pub mod branch;
#[cfg(feature = "network")]
mod browser;
mod candidates;
#[cfg(feature = "network")]
pub mod clean;
pub mod config;
#[cfg(feature = "network")]
mod connection;
pub mod context;
#[cfg(feature = "network")]
pub mod deploy;
pub mod doctor;
#[cfg(feature = "network")]
mod facts;
pub mod failure;
mod fetching;
mod fix;
#[cfg(feature = "network")]
mod gate;
pub mod guard;
pub mod init;
#[cfg(feature = "network")]
pub mod issue;
#[cfg(feature = "network")]
mod keep_alive;
mod linked_issue;
#[cfg(feature = "network")]
pub mod merge;
#[cfg(feature = "network")]
mod merging;
#[cfg(feature = "network")]
pub mod mr;
#[cfg(feature = "network")]
mod play;
pub mod push;
#[cfg(feature = "network")]
pub mod status;
#[cfg(feature = "network")]
pub mod sync;
#[cfg(feature = "network")]
pub mod tag;
#[cfg(feature = "network")]
pub mod verify;
#[cfg(feature = "network")]
mod waiting;
mod work_tree_folder;

pub use context::{Context, Program};
pub use failure::Failure;
