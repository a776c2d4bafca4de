//! Everything that is known of a fix, gathered from the clone and from GitLab, as the runbook wants it. `status` shows
//! it, and the commands that change something decide by it.

#[cfg(feature = "network")]
mod after_merge;
pub(crate) mod clone;
#[cfg(feature = "network")]
mod gather;
#[cfg(feature = "network")]
mod gitlab;
#[cfg(feature = "network")]
mod project;
#[cfg(feature = "network")]
mod sources;
#[cfg(feature = "network")]
mod targets;

#[cfg(feature = "network")]
pub(crate) use self::{
    after_merge::{AfterMerge, KeepAlive, Merged, PublicRequest},
    gather::{Gathered, Gatherer},
    project::ProjectFacts,
};
