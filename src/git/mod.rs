//! The clone: its objects, references, configuration and hooks, read and written with gix, and
//! the one door to the `git` program. Knows the domain; asks nobody and prints nothing.

pub mod branches;
pub mod embargo;
pub mod error;
pub mod hook_file;
pub mod hooks;
pub mod local_config;
pub mod parent_process;
pub mod pause;
pub mod probe;
pub mod process;
mod reachability;
pub mod record;
pub mod remotes;
pub mod repository;
pub mod revision;
mod sides;
pub mod ssh;
pub mod transport;

pub use error::GitError;
pub use repository::LocalClone;
