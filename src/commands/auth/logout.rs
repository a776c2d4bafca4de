//! `git secfix auth logout`: the token is removed from the keyring, and goes on being valid.

use serde::Serialize;

use super::{HostArgs, TOKENS_PAGE, server::Server};
use crate::{
    domain::exit::Exit,
    ops::{Context, Failure},
    secrets::keyring_error::STORE,
};

#[derive(Debug, clap::Args)]
pub(super) struct LogoutArgs {
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Serialize)]
struct Report {
    instance: String,
    store: &'static str,
    removed: bool,
    revoke_at: String,
}

pub(super) fn run(args: &LogoutArgs, context: &Context) -> Result<Exit, Failure> {
    let ui = context.ui;
    let server = Server::named(context, args.host.host.as_deref())?;
    let account = server.account();
    let removed = context.with_keyring(|keyring| keyring.remove(&account))?;
    let revoke_at = server.page(TOKENS_PAGE);
    let report = Report { instance: server.instance.to_string(), store: STORE, removed, revoke_at };
    ui.report("auth logout", &report, || {
        if removed {
            format!("the token for {account} is no longer in the {STORE}\n")
        } else {
            format!("there was no token for {account} in the {STORE}\n")
        }
    });
    if removed {
        ui.note(&format!("the token itself stays valid until it is revoked: {}", report.revoke_at));
    }
    if let Some(name) = server.winning_variable() {
        ui.warning(&format!("`{name}` is set, and its token is still used; to stop that: unset {name}"));
    }
    Ok(Exit::Done)
}
