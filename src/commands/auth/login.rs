//! `git secfix auth login`: a token is asked for, checked with the server, and kept in the keyring.

use std::ffi::OsString;

use super::{
    HostArgs, TOKENS_PAGE,
    account_report::{AccountReport, today},
    ask::Input,
    check,
    server::Server,
};
use crate::{
    domain::exit::Exit,
    ops::{Context, Failure, browser},
    secrets::{Source, Token},
    ui::Ui,
};

#[derive(Debug, clap::Args)]
pub(super) struct LoginArgs {
    #[command(flatten)]
    host: HostArgs,
    /// Read the token from standard input, as from a password manager
    #[arg(long)]
    stdin: bool,
    /// Open the page that makes a token, with its name and scope filled in
    #[arg(long)]
    web: bool,
    // Taken only to be refused without being repeated, as the usual message would do.
    #[arg(hide = true)]
    exposed: Vec<OsString>,
}

pub(super) fn run(args: &LoginArgs, context: &Context) -> Result<Exit, Failure> {
    if !args.exposed.is_empty() {
        return Err(Failure::exposed_token());
    }
    let ui = context.ui;
    let server = Server::named(context, args.host.host.as_deref())?;
    let input = if args.stdin { Input::Standard } else { Input::Terminal };
    input.check()?;
    try_keyring(context, &server)?;
    if args.web {
        show_page(&server, ui);
    }
    let token = input.read(&server.account(), ui)?;
    let checked = check::check(context, &server, &token)?;
    let today = today();
    let warnings = check::warnings(&server, &checked, today)?;
    keep(context, &server, &token)?;
    AccountReport::for_source(&server, Source::Keyring).with(&checked, today).print("auth login", ui);
    for warning in warnings {
        ui.warning(&warning);
    }
    if let Some(name) = server.winning_variable() {
        ui.warning(&format!(
            "`{name}` is set, and wins over the token that was just kept; to use this one: unset {name}"
        ));
    }
    Ok(Exit::Done)
}

/// Before anybody makes and pastes a token: is there a place to keep it in?
fn try_keyring(context: &Context, server: &Server) -> Result<(), Failure> {
    match context.with_keyring(|keyring| keyring.read(&server.account())) {
        // What is there now will be replaced.
        Err(error) if error.is_about_the_entry() => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

fn keep(context: &Context, server: &Server, token: &Token) -> Result<(), Failure> {
    context.with_keyring(|keyring| keyring.store(&server.account(), token)).map_err(|error| {
        context.ui.warning("the token is good, and was not kept");
        error.into()
    })
}

fn show_page(server: &Server, ui: Ui) {
    let page = server.page(&format!("{TOKENS_PAGE}?name=git-secfix&scopes=api"));
    match browser::open(&page) {
        Ok(()) => ui.note(&format!("make a token in your browser: {page}")),
        Err(error) => ui.warning(&format!("no browser could be opened ({error}); make a token here: {page}")),
    }
}
