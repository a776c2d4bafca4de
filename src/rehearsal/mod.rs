//! The local GitLab: a server on this machine with the endpoints that git-secfix uses, over real
//! bare repositories and with git's own smart HTTP.
//!
//! What it knows beyond the repositories is a [`State`], plain data that may be changed while the
//! server runs. Branches may also change behind its back. It listens on 127.0.0.1 only, and its
//! tokens are worth nothing anywhere else.
//!
//! ```no_run
//! use git_secfix::rehearsal::{At, Fault, Injected, IssueSpec, Options, Server, State, TokenSpec, Visibility};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut state = State::default();
//! let engineer = state.add_user("engineer", "An Engineer");
//! state.add_token("glpat-engineer", TokenSpec::of(engineer));
//! let project = state.add_project("group/project", Visibility::Private);
//! state.add_member(project, engineer, 30);
//! let spec = IssueSpec { title: "Prompt injection".into(), confidential: true, ..IssueSpec::default() };
//! let issue = state.add_issue(project, spec);
//!
//! // Expects a bare repository in `repositories/group/project.git`.
//! let server = Server::start(Options::at("repositories"), state)?;
//! server.inject(Injected { at: At::Request(0), fault: Fault::Status(502), times: 1 });
//! // Here something talks to `server.url()`.
//! server.change(|state| state.approve(project, 1, engineer));
//! assert_eq!(server.log().len(), 0);
//! # Ok(())
//! # }
//! ```

mod access;
mod api;
mod approval;
mod base64;
mod call;
mod caller;
mod faults;
mod lifecycle;
mod log;
mod mentions;
mod mergeability;
mod merging;
mod paging;
mod parameters;
mod quick_actions;
mod receive;
mod reply;
mod repository;
pub mod sample;
mod server;
mod service;
mod shared;
mod show;
mod site;
mod smart_http;
mod state;
#[cfg(test)]
#[cfg(feature = "network")]
mod tests;

pub use faults::{At, Fault, Happening, Injected};
pub use log::Logged;
pub use server::{Options, Server};
pub use state::{
    Approval, ApprovalRule, Bridge, BridgeSpec, Check, Discussion, Downstream, Group, Issue, IssueSpec, Job, JobSpec,
    Label, Member, MergeRequest, Milestone, Mirror, Note, Pipeline, PipelineSpec, Project, Protection, RefPipeline,
    RegistryRepository, RegistryTag, Release, Schedule, State, Token, TokenKind, TokenSpec, User, Version, Visibility,
};
