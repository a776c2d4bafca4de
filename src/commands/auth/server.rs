//! The instance that `auth` is about, and whether tokens of the environment are meant for it.

use anyhow::anyhow;

use crate::{
    config::{
        clone_file,
        instance::InstanceUrl,
        settings::{Settings, Sources},
    },
    git::LocalClone,
    ops::{
        Context, Failure,
        connection::{account, instance_of, no_token},
    },
    secrets::{Account, Source, Token, source},
};

/// One instance, and what is configured about it.
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) instance: InstanceUrl,
    choice: Choice,
}

/// Who chose the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The settings: tokens of the environment are for this one.
    Settings,
    /// The command line, another one than the settings: a token that lies in the environment was
    /// not made for it, and must not be shown to it.
    CommandLine,
}

impl Server {
    /// The instance that the command line names, else that of the clone around or of the user.
    pub(super) fn named(context: &Context, host: Option<&str>) -> Result<Self, Failure> {
        let (clone, settings) = settings(context)?;
        let configured = instance_of(clone.as_ref(), &settings, &settings.policy()?)?;
        let Some(host) = host else {
            return Ok(Self { settings, instance: configured, choice: Choice::Settings });
        };
        let url = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
        let instance: InstanceUrl = url.parse().map_err(|error| {
            let error = anyhow::Error::new(error).context("`--host`");
            Failure::usage(error).hint("git secfix auth login --host gitlab.com")
        })?;
        let choice = if instance == configured { Choice::Settings } else { Choice::CommandLine };
        Ok(Self { settings, instance, choice })
    }

    /// The name that its token is kept under.
    pub(super) fn account(&self) -> Account {
        account(&self.instance)
    }

    /// The address of one of its pages.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.instance)
    }

    /// A command of `auth` for this instance, to paste.
    pub(super) fn command(&self, words: &str) -> String {
        match self.choice {
            Choice::Settings => format!("git secfix auth {words}"),
            Choice::CommandLine => format!("git secfix auth {words} --host {}", self.instance),
        }
    }

    /// The variable whose token is used, whatever the keyring holds.
    pub(super) fn winning_variable(&self) -> Option<&'static str> {
        match self.choice {
            Choice::Settings => variable(),
            Choice::CommandLine => None,
        }
    }

    /// The token to use, and where it came from.
    pub(super) fn token(&self, context: &Context) -> Result<(Token, Source), Failure> {
        match self.choice {
            Choice::Settings => context.token_for(&self.instance)?.ok_or_else(|| no_token(&self.instance)),
            Choice::CommandLine => context.kept_token(&self.instance)?.ok_or_else(|| self.no_token_for_this_one()),
        }
    }

    fn no_token_for_this_one(&self) -> Failure {
        let Some(name) = variable() else {
            return no_token(&self.instance).hint(self.command("login"));
        };
        let error = anyhow!(
            "there is no token for {}; `{name}` is for the instance of the settings, and to make this one that: \
             export SECFIX_GITLAB_URL={}",
            self.account(),
            self.instance
        );
        Failure::token(error).hint(self.command("login"))
    }
}

fn variable() -> Option<&'static str> {
    source::winning_variable(|name| std::env::var_os(name))
}

/// Those of a prepared clone, or the user's own: a token is also made outside of every clone.
fn settings(context: &Context) -> Result<(Option<LocalClone>, Settings), Failure> {
    if let Ok(clone) = LocalClone::open(&context.dir)
        && let Some(settings) = clone_file::settings(clone.common_dir())?
    {
        return Ok((Some(clone), settings));
    }
    Ok((None, Sources::read_outer()?.merge()?))
}
