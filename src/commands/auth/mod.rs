//! `git secfix auth`: the token of an instance, given, looked at and taken away.

mod account_report;
mod ask;
mod check;
mod login;
mod logout;
mod server;
mod status;
mod token_rights;

use super::Program;
use crate::{
    domain::{exit::Exit, token_shape::ends_with_token},
    ops::{Context, Failure},
};

/// Keep the token that GitLab is talked to with, look at it, or remove it
///
/// A token is kept in the keyring of this machine (Secret Service, macOS Keychain or Windows
/// Credential Manager) and nowhere else, one for each GitLab instance. `SECFIX_TOKEN` and
/// `GITLAB_TOKEN` in the environment come first, for CI and for machines without a keyring.
#[derive(Debug, clap::Args)]
pub struct AuthArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Check a token with the server and keep it in the keyring
    ///
    /// The token is read from the terminal, where it is not shown, or from standard input. It needs
    /// the scope `api`; with `read_api` alone, nothing can be opened or merged.
    Login(login::LoginArgs),
    /// Show whose token is used, where it comes from, what it may do and when it ends
    Status(status::StatusArgs),
    /// Remove the token from the keyring
    ///
    /// The token itself goes on being valid until it is revoked in GitLab.
    Logout(logout::LogoutArgs),
}

/// Which GitLab is meant.
#[derive(Debug, clap::Args)]
struct HostArgs {
    /// The GitLab instance, if not the one of the settings: `gitlab.com`, `https://git.example/gitlab`
    #[arg(long, value_name = "HOST|URL", value_hint = clap::ValueHint::Hostname, value_parser = host)]
    host: Option<String>,
}

/// The name of a host is asked of the network, and a token by mistake in its place would be, too.
fn host(text: &str) -> Result<String, String> {
    if ends_with_token(text) { Err("that is no host".to_owned()) } else { Ok(text.to_owned()) }
}

impl Program for AuthArgs {
    const NAME: &'static str = "auth";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        match self.what {
            What::Login(args) => login::run(&args, context),
            What::Status(args) => status::run(&args, context),
            What::Logout(args) => logout::run(&args, context),
        }
    }
}

/// The page on which tokens are made and revoked.
const TOKENS_PAGE: &str = "-/user_settings/personal_access_tokens";
