//! The clone: its objects, references, configuration and hooks, read and written with gix, and
//! the one door to the `git` program. Knows the domain; asks nobody and prints nothing.

pub mod advance;
pub mod branches;
pub mod checkouts;
pub(crate) mod child;
pub mod embargo;
pub mod error;
pub mod history;
pub mod hook_file;
pub mod hooks;
pub mod init_record;
pub mod local_config;
pub mod merge;
pub mod merge_resolution;
pub mod objects;
pub mod parent_process;
pub mod patch_id;
pub mod patch_search;
pub mod pause;
pub mod pick;
pub mod pick_comparison;
pub mod picked_commit;
pub mod probe;
pub mod process;
mod project_refs;
pub mod push;
pub mod range_diff;
mod reachability;
pub mod remotes;
pub mod repository;
pub mod resolution;
pub mod revision;
pub mod secfix_dir;
pub mod ssh;
pub mod taken_back;
pub mod transport;
mod tree_changes;
pub mod unfinished;
pub mod version;

pub use error::GitError;
pub use repository::LocalClone;
