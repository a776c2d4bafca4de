//! `git secfix auth status`: whose token is used, where it comes from, and what it is good for.

use super::{
    HostArgs,
    account_report::{AccountReport, today},
    check,
    server::Server,
};
use crate::{
    domain::exit::Exit,
    ops::{Context, Failure},
};

#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn run(args: &StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let ui = context.ui;
    let server = Server::named(context, args.host.host.as_deref())?;
    let (token, source) = server.token(context)?;
    let report = AccountReport::for_source(&server, source);
    let checked = match check::check(context, &server, &token) {
        Ok(checked) => checked,
        // Where the token comes from is worth knowing most when it fails.
        Err(failure) => {
            report.print("auth status", ui);
            return Err(failure);
        }
    };
    let today = today();
    report.with(&checked, today).print("auth status", ui);
    for warning in check::warnings(&server, &checked, today)? {
        ui.warning(&warning);
    }
    Ok(Exit::Done)
}
