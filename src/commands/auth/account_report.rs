//! What `login` and `status` answer: one account, the same facts as text and as a document.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{
    check::Checked,
    server::Server,
    token_rights::{self, Rights},
};
use crate::{
    domain::due,
    gitlab::own_token::OwnToken,
    secrets::{Source, keyring_error::STORE},
    ui::{Table, Ui, report_words},
};

/// The day, by the clock of GitLab: tokens end at midnight UTC.
pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

#[derive(Serialize)]
pub(super) struct AccountReport {
    instance: String,
    source: SourceRow,
    user: Option<UserRow>,
    token: Option<TokenRow>,
    rights: Option<Rights>,
}

#[derive(Serialize)]
struct SourceRow {
    kind: SourceKind,
    name: &'static str,
}

report_words! {
    /// Where a token comes from.
    enum SourceKind {
        Environment = "environment",
        Keyring = "keyring",
    }
}

#[derive(Serialize)]
struct UserRow {
    username: String,
    name: String,
}

#[derive(Serialize)]
struct TokenRow {
    name: String,
    scopes: Vec<String>,
    expires_at: Option<Date>,
    days_left: Option<i32>,
    #[serde(skip)]
    expires: String,
}

impl AccountReport {
    /// Before the server was asked, or when it could not be.
    pub(super) fn for_source(server: &Server, source: Source) -> Self {
        let source = match source {
            Source::Environment(name) => SourceRow { kind: SourceKind::Environment, name },
            Source::Keyring => SourceRow { kind: SourceKind::Keyring, name: STORE },
        };
        Self { instance: server.instance.to_string(), source, user: None, token: None, rights: None }
    }

    /// With what the server says.
    pub(super) fn with(self, checked: &Checked, today: Date) -> Self {
        let user = checked.user.as_ref();
        let token = checked.token.as_ref();
        Self {
            user: user.map(|user| UserRow { username: user.username.clone(), name: user.name.clone() }),
            token: token.map(|token| token_row(token, today)),
            rights: Some(token_rights::rights(token)),
            ..self
        }
    }

    pub(super) fn print(&self, command: &str, ui: Ui) {
        ui.report(command, self, || self.text());
    }

    fn text(&self) -> String {
        let mut table = Table::default();
        table.row(["instance", &self.instance]);
        let source = match self.source.kind {
            SourceKind::Environment => format!("environment {}, which wins over the {STORE}", self.source.name),
            SourceKind::Keyring => self.source.name.to_owned(),
        };
        table.row(["token from", &source]);
        if let Some(user) = &self.user {
            table.row(["user", &format!("@{} ({})", user.username, user.name)]);
        }
        if let Some(token) = &self.token {
            table.row(["token", &token.name]);
            table.row(["scopes", &token.scopes.join(", ")]);
            table.row(["expires", &token.expires]);
        }
        table.to_string()
    }
}

fn token_row(token: &OwnToken, today: Date) -> TokenRow {
    TokenRow {
        name: token.name.clone(),
        scopes: token.scopes.iter().map(ToString::to_string).collect(),
        expires_at: token.expires_at,
        days_left: token.expires_at.map(|date| due::days_until(date, today)),
        expires: token_rights::expiry(token, today),
    }
}
