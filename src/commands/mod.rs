//! One file, or folder, per command: its options, what it would do, and doing it. What two of them share is an
//! operation of `ops`; none of them uses another.

#[cfg(feature = "network")]
pub mod auth;
pub mod backport;
pub mod branch;
#[cfg(feature = "network")]
pub mod clean;
pub mod config;
#[cfg(feature = "network")]
pub mod deploy;
pub mod doctor;
pub mod guard;
pub mod init;
#[cfg(feature = "network")]
pub mod issue;
#[cfg(feature = "network")]
pub mod merge;
#[cfg(feature = "network")]
pub mod mr;
mod program;
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
mod wait_options;

pub use program::Program;
