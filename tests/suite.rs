//! The whole test suite as one program; a file per command. `support` makes real repositories with
//! the real git, and runs the real programs with a cleared environment.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and says which git it ran with"
)]

mod support;

mod auth;
mod backport;
mod backport_as_git;
mod backport_conflict;
mod backport_random;
mod branch;
mod clean;
mod completions;
mod config;
mod deploy;
mod disclosure;
mod dispatch;
mod doctor;
mod faults;
mod gates;
mod guard;
mod guard_content;
mod guard_hook;
mod guard_vectors;
mod house;
mod house_doors;
mod init;
mod init_hooks;
mod issue;
mod killed;
mod late_line;
mod manual;
mod merge;
mod monkey;
mod mr;
mod older_clone;
mod one_answer;
mod process;
mod push;
mod release;
mod reverted;
mod robot;
mod status;
mod sync;
mod sync_conflict;
mod tag;
mod transport;
mod verify;
mod waivers;
