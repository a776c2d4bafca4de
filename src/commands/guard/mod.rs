//! `git secfix guard`: the hook, the same question asked by hand, its mode, and its pause.

mod check;
mod mode;
mod pause;
mod pre_push;
mod question;

use super::Program;
use crate::{
    domain::exit::Exit,
    ops::{Context, Failure},
};

/// Ask the guard, change how strict it is, or pause it
///
/// The guard lets embargoed work reach the security project and nothing else, and refuses when it
/// cannot tell. As the `pre-push` hook it decides by where a push goes (the URL that git really
/// uses, never the remote's name) and by what it carries.
#[derive(Debug, clap::Args)]
pub struct GuardArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Would this push be allowed? Ends with 0 if so, with 3 if not
    Check(check::CheckArgs),
    /// Show or set how strict the guard is
    Mode(mode::ModeArgs),
    /// Let everything pass for a while: the only off switch, which ends by itself
    Pause(pause::PauseArgs),
    /// End a pause before its time
    Resume(pause::ResumeArgs),
    /// The hook itself, run by git
    #[command(hide = true)]
    PrePush(pre_push::PrePushArgs),
}

impl Program for GuardArgs {
    const NAME: &'static str = "guard";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.what {
            What::Check(args) => check::run(&args, context),
            What::Mode(args) => mode::run(&args, context),
            What::Pause(args) => pause::pause(&args, context),
            What::Resume(args) => pause::resume(&args, context),
            What::PrePush(args) => pre_push::run(&args, context),
        }
    }

    fn refusal_code(&self) -> u8 {
        match self.what {
            What::PrePush(_) => Exit::NotDone.code(),
            _ => Exit::Refused.code(),
        }
    }
}
