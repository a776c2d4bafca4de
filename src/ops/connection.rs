//! The way from a command to GitLab: which instance, whose token, and what becomes of its errors.

use std::io::{self, IsTerminal};

use anyhow::anyhow;

use super::{Context, Failure, prepared::Prepared};
use crate::{
    config::{
        instance::InstanceUrl,
        settings::{Connection, Settings},
    },
    domain::{
        destination::{Destination, Scheme, redacted},
        policy::{Place, Policy},
        project::Server,
    },
    git::{LocalClone, remotes},
    gitlab::{Client, Error, Options},
    secrets::{Account, Keyring, KeyringWait, Source, Token, source},
};

impl Context {
    /// The connection to the instance of a prepared clone, with the user's token.
    ///
    /// # Errors
    /// When there is no token, or the connection cannot be made as configured.
    pub(crate) fn gitlab(&self, prepared: &Prepared) -> Result<Client, Failure> {
        let Prepared { clone, settings, policy } = prepared;
        let url = instance_of(Some(clone), settings, policy)?;
        let (token, _) = self.token_for(&url)?.ok_or_else(|| no_token(&url))?;
        self.connect(&url, settings, Some(&token))
    }

    /// A connection with this token, or with none.
    ///
    /// # Errors
    /// When the connection cannot be made as configured.
    pub(crate) fn connect(
        &self,
        url: &InstanceUrl,
        settings: &Settings,
        token: Option<&Token>,
    ) -> Result<Client, Failure> {
        let Connection { time_limit, pause, ca_file } = settings.connection()?;
        let ui = self.ui;
        let options = Options { url: url.to_string(), time_limit, pause, ca_file };
        let trace = Box::new(move |text: &str| ui.detail(text));
        Client::new(&options, token.map(Token::expose), trace).map_err(unanswered)
    }

    /// The token for the instance of the settings, from the environment or the keyring.
    ///
    /// # Errors
    /// When a variable holds no token, or the keyring cannot be used.
    pub(crate) fn token_for(&self, url: &InstanceUrl) -> Result<Option<(Token, Source)>, Failure> {
        let from_environment = source::from_environment(|name| std::env::var_os(name))?;
        if from_environment.is_some() {
            return Ok(from_environment);
        }
        self.kept_token(url)
    }

    /// The token for any instance, from the keyring alone: one that lies in the environment was not
    /// made for every instance that somebody names.
    ///
    /// # Errors
    /// When the keyring cannot be used.
    pub(crate) fn kept_token(&self, url: &InstanceUrl) -> Result<Option<(Token, Source)>, Failure> {
        let token = self.with_keyring(|keyring| keyring.read(&account(url)))?;
        Ok(token.map(|token| (token, Source::Keyring)))
    }

    /// Uses the keyring, which gets time where somebody who reads this can unlock it.
    pub(crate) fn with_keyring<T>(&self, work: impl FnOnce(&Keyring<'_>) -> T) -> T {
        let tell = |text: &str| self.ui.warning(text);
        let wait = if io::stderr().is_terminal() { KeyringWait::ForAPerson(&tell) } else { KeyringWait::Brief };
        work(&Keyring::new(wait))
    }
}

/// The failure of a command that needs a token.
pub(crate) fn no_token(url: &InstanceUrl) -> Failure {
    Failure::token(anyhow!("there is no token for {}", account(url))).hint("git secfix auth login")
}

/// The name under which the token of an instance is kept.
pub(crate) fn account(url: &InstanceUrl) -> Account {
    Account::new(&url.server, &url.root)
}

/// The address of the instance: as configured, else from the URL of the security remote where that is
/// the security project, else `https` at the first of the configured hosts.
pub(crate) fn instance_of(
    clone: Option<&LocalClone>,
    settings: &Settings,
    policy: &Policy,
) -> Result<InstanceUrl, Failure> {
    if let Some(url) = settings.instance_url()? {
        return Ok(url);
    }
    let remote = clone.and_then(|clone| remotes::find(clone, policy.security_remote.as_str()));
    let url = remote.and_then(|remote| remote.fetch_url);
    // A remote that was bent to another host or port must not get the token.
    if let (Some(clone), Some(url)) = (clone, &url)
        && remotes::place(clone, policy, url) != Place::Security
    {
        let error =
            anyhow!("remote `{}` leads to {}, not to {}", policy.security_remote, redacted(url), policy.security);
        return Err(Failure::refused(error).hint("git secfix doctor"));
    }
    let url = url.map(|url| Destination::parse(&url));
    let root = policy.instance.root.clone();
    if let Some(Destination::Network(url)) = url
        && (url.scheme == Scheme::Https || (url.scheme == Scheme::Http && url.host.is_loopback()))
    {
        // As in a configured address: the usual port is no part of the name.
        let port = url.port.filter(|port| *port != url.scheme.usual_port());
        return Ok(InstanceUrl { scheme: url.scheme, server: Server { host: url.host, port }, root });
    }
    let server =
        policy.instance.servers.first().ok_or_else(|| {
            Failure::usage(anyhow!("no host of GitLab is configured")).hint("git secfix config --keys")
        })?;
    // The port of an ssh host is not one of its web pages.
    Ok(InstanceUrl { scheme: Scheme::Https, server: Server { host: server.host.clone(), port: None }, root })
}

/// What an error of GitLab means for the user: the message, the next command, and the exit code.
pub(crate) fn unanswered(error: Error) -> Failure {
    let is_scope = error.is_scope();
    match &error {
        Error::Refused(refused) => match refused.status {
            401 => {
                // What is in the environment wins, so a new token in the keyring would not help.
                let variable = source::winning_variable(|name| std::env::var_os(name));
                let hint = variable.map_or_else(|| "git secfix auth login".to_owned(), |name| format!("unset {name}"));
                Failure::token(error).hint(hint)
            }
            403 if is_scope => Failure::token(error).hint("git secfix auth login --web, with the scope `api`"),
            403 => Failure::not_done(error).hint("ask a maintainer of the project for the right, then try again"),
            404 => Failure::not_done(error).hint("git secfix auth status"),
            429 | 500..=599 => Failure::network(error).hint("wait a while, then run the same command again"),
            _ => Failure::not_done(error).hint("git secfix status"),
        },
        Error::Setup(_) => Failure::usage(error).hint("git secfix config"),
        Error::Unreachable { .. } => Failure::network(error).hint("git secfix config"),
        Error::Redirected { .. } => Failure::network(error)
            .hint("git secfix config, and set `gitlab.url` to the address that the server really has"),
        Error::Unreadable { .. } => {
            Failure::network(error).hint("git secfix config, and see whether `gitlab.url` leads to GitLab")
        }
        Error::Lost { .. } | Error::Endless { .. } => {
            Failure::network(error).hint("run the same command again: what is done stays done")
        }
        Error::Defect(_) => Failure::network(error),
    }
}
