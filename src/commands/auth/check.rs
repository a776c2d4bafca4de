//! Asks the server about a token: whose it is, and what it knows of it.

use anyhow::anyhow;
use jiff::civil::Date;

use super::{server::Server, token_rights};
use crate::{
    gitlab::{
        self, TokenEnd, at_once,
        own_token::{self, OwnToken},
        user::{self, User},
    },
    ops::{Context, Failure, connection::unanswered},
    secrets::Token,
};

/// What the server says of a token that it accepts.
pub(super) struct Checked {
    /// `None` where the token may not even ask that.
    pub(super) user: Option<User>,
    /// `None` for the kinds of which the server tells nothing.
    pub(super) token: Option<OwnToken>,
}

enum Answer {
    User(Result<User, gitlab::Error>),
    Token(Result<Option<OwnToken>, gitlab::Error>),
}

#[derive(Clone, Copy)]
enum Question {
    User,
    Token,
}

/// Asks both at the same time.
pub(super) fn check(context: &Context, server: &Server, token: &Token) -> Result<Checked, Failure> {
    let client = context.connect(&server.instance, &server.settings, Some(token))?;
    let spinner = context.ui.spinner(&format!("asking {}", server.account()));
    let answers = at_once(&[Question::User, Question::Token], |question| match question {
        Question::User => Answer::User(user::me(&client)),
        Question::Token => Answer::Token(own_token::own(&client)),
    });
    drop(spinner);
    let mut checked = Checked { user: None, token: None };
    let mut too_small = None;
    for answer in answers {
        match answer {
            Answer::User(Err(error)) if error.is_scope() => too_small = Some(error),
            Answer::User(result) => checked.user = Some(result.map_err(|error| failure(server, error))?),
            Answer::Token(result) => checked.token = result.map_err(|error| failure(server, error))?,
        }
    }
    match too_small {
        // What is known of the token says the same, and more.
        Some(error) if checked.token.is_none() => Err(failure(server, error)),
        _ => Ok(checked),
    }
}

fn failure(server: &Server, error: gitlab::Error) -> Failure {
    let account = server.account();
    let text = if error.status() == Some(401) {
        format!("{account} does not accept this token: {}", why_not(&error))
    } else if error.is_scope() {
        format!("the scopes of this token are too small for {account}: `api` is needed")
    } else {
        return unanswered(error);
    };
    new_token(server, text)
}

/// GitLab tells why only of tokens that it knows.
fn why_not(error: &gitlab::Error) -> &'static str {
    match error.token_end() {
        TokenEnd::Expired => "it has expired",
        TokenEnd::Revoked => "it was revoked",
        TokenEnd::Unknown => "it is mistyped, deleted, or of another instance",
    }
}

/// Nothing but another token helps.
fn new_token(server: &Server, text: String) -> Failure {
    Failure::token(anyhow!(text)).hint(server.command("login --web"))
}

/// What is to be known of a token that can be used.
pub(super) fn warnings(server: &Server, checked: &Checked, today: Date) -> Result<Vec<String>, Failure> {
    token_rights::judge(checked.token.as_ref(), today)
        .map_err(|why| new_token(server, format!("this token cannot be used: {why}")))
}
