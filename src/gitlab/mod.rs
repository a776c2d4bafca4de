//! The API of GitLab: the transport in `client.rs`, and one file per resource.
//!
//! Endpoints are those of the `gitlab` crate; the transport is our own, since that crate's follows
//! redirects with the token to other hosts, and knows no time limits. Answers are read into types
//! with only the fields that are used. A value that is not known here is kept as the server wrote
//! it, and nothing takes it for a good one.

mod answer;
mod client;
mod connection;
mod error;
mod link_header;
mod retry;
mod wildcard;

pub mod approval;
pub mod branch;
pub mod commit;
pub mod compare;
pub mod discussion;
pub mod issue;
pub mod merge_request;
pub mod milestone;
pub mod mirror;
pub mod own_token;
pub mod pipeline;
pub mod project;
pub mod registry;
pub mod schedule;
pub mod tag;
pub mod template;
pub mod user;

pub use client::{Client, Trace, at_once};
pub use connection::Options;
pub use error::{Error, Refused, TokenEnd};

/// Ends the building of an endpoint: a parameter that is missing there is a mistake of ours.
fn built<T, E: std::fmt::Display>(endpoint: Result<T, E>) -> Result<T, Error> {
    endpoint.map_err(|error| Error::Defect(error.to_string()))
}
