//! What several commands share: looking at a fix, fetching and pushing, waiting, merging, the gates, and what is next.
//!
//! Operations know no command line and print no answers. They take what they need and return values; only progress,
//! notes and warnings go to the terminal while they are at work.

#[cfg(feature = "network")]
pub mod backoff;
pub mod backport_state;
#[cfg(feature = "network")]
pub mod browser;
#[cfg(feature = "network")]
pub mod connection;
pub mod facts;
pub mod failure;
pub mod fetch;
pub mod fix_branches;
#[cfg(feature = "network")]
pub mod gate;
pub mod issue_link;
pub mod issue_question;
#[cfg(feature = "network")]
pub mod jobs;
#[cfg(feature = "network")]
pub mod keep_alive;
pub mod known_names;
pub mod lines;
#[cfg(feature = "network")]
pub mod merge_request;
pub mod next;
pub mod prepared;
#[cfg(feature = "network")]
pub mod public_request;
pub mod push;
pub mod sibling;
pub mod typed;
pub mod waivers;
pub mod work_tree_folder;

pub use failure::Failure;
pub use prepared::{Context, Prepared};
