//! The pure layer: what names mean and what may happen. No file, network, clock, environment
//! or terminal is touched from here, so every rule can be tested with a table.

pub mod approvals;
pub mod backoff;
pub mod ci_status;
pub mod deployment;
pub mod destination;
pub mod disclosure;
pub mod due;
pub mod duration;
pub mod exit;
pub mod fix;
pub mod issue;
pub mod issue_standing;
pub mod merge_request;
pub mod patch_tag;
pub mod pattern;
pub mod policy;
pub mod project;
pub mod project_words;
pub mod push;
pub mod push_options;
pub mod runbook;
mod server_word;
pub mod sync_branch;
pub mod token_shape;
pub mod token_variables;
pub mod token_words;
pub mod trailers;
pub mod verdict;
pub mod verification;
pub mod version;
pub mod waiver;
