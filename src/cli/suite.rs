//! The one list of the commands. The front door, the manual pages and the completions all follow from it.

use clap::{Arg, Command};

use super::program::definition;
#[cfg(feature = "network")]
use crate::commands::{
    auth::AuthArgs, clean::CleanArgs, deploy::DeployArgs, issue::IssueArgs, merge::MergeArgs, mr::MrArgs,
    status::StatusArgs, sync::SyncArgs, tag::TagArgs, verify::VerifyArgs,
};
use crate::commands::{
    backport::BackportArgs, branch::BranchArgs, config::ConfigArgs, doctor::DoctorArgs, guard::GuardArgs,
    init::InitArgs, push::PushArgs,
};

/// What every program of the suite starts with.
pub(super) const PREFIX: &str = "git-secfix-";

/// The commands with a program of their own, in the order in which they are used.
pub fn programs() -> Vec<Command> {
    vec![
        definition::<InitArgs>(),
        #[cfg(feature = "network")]
        definition::<IssueArgs>(),
        definition::<BranchArgs>(),
        definition::<BackportArgs>(),
        definition::<PushArgs>(),
        #[cfg(feature = "network")]
        definition::<MrArgs>(),
        #[cfg(feature = "network")]
        definition::<StatusArgs>(),
        #[cfg(feature = "network")]
        definition::<MergeArgs>(),
        #[cfg(feature = "network")]
        definition::<DeployArgs>(),
        #[cfg(feature = "network")]
        definition::<SyncArgs>(),
        #[cfg(feature = "network")]
        definition::<TagArgs>(),
        #[cfg(feature = "network")]
        definition::<VerifyArgs>(),
        #[cfg(feature = "network")]
        definition::<CleanArgs>(),
        definition::<GuardArgs>(),
        #[cfg(feature = "network")]
        definition::<AuthArgs>(),
        definition::<DoctorArgs>(),
        definition::<ConfigArgs>(),
    ]
}

/// The whole suite as one command, for completions and manual pages.
pub fn definition_of_all() -> Command {
    let shell = Arg::new("shell").required(true).value_parser(["bash", "zsh", "fish"]).help("The shell");
    let name = Arg::new("command").help("The command to explain");
    let man = Arg::new("write-man")
        .long("write-man")
        .value_name("DIR")
        .value_hint(clap::ValueHint::DirPath)
        .help("Write every manual page into this folder");
    let all = Command::new("git-secfix")
        .bin_name("git secfix")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Carry a security fix from a private GitLab mirror to its published patch")
        .long_about(
            "Carry a security fix from a private GitLab mirror to its published patch, and never let it leak on the \
             way. Each command is a program of its own, git-secfix-COMMAND; any such program on the PATH is a \
             command as well.",
        )
        .subcommand_required(true)
        .disable_help_subcommand(true);
    let all = programs().into_iter().fold(all, |all, program| {
        let name = program.get_name().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let about = program.get_about().cloned().unwrap_or_default();
        all.subcommand(program.name(name).about(about))
    });
    all.subcommand(Command::new("completions").about("Print the completions of a shell").arg(shell))
        .subcommand(Command::new("help").about("Explain a command, or all of them").arg(name).arg(man))
        .subcommand(Command::new("version").about("Print the version"))
}
