//! `git secfix config`: every effective value, and where it came from.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Program;
use crate::{
    config::{
        clone_file,
        keys::{KEYS, Reach, Value},
        settings::{Settings, Sources, user_file},
    },
    domain::exit::Exit,
    git::LocalClone,
    ops::{Context, Failure},
    ui::Table,
};

/// Show every effective setting and where it came from
///
/// Highest first, a value comes from: the command line, the environment, the clone's own file
/// (`secfix.toml` in the git directory), the user's file (`~/.config/git-secfix/config.toml`), and
/// the built-in preset. The guard listens to the clone's own file and the preset alone. Nothing is
/// ever read from the work tree.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    /// List the keys that may be set, with the environment variable of each
    #[arg(long)]
    keys: bool,
}

#[derive(Serialize)]
struct Report {
    settings: BTreeMap<&'static str, Row>,
}

#[derive(Serialize)]
struct Row {
    value: Plain,
    origin: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Plain {
    Text(String),
    List(Vec<String>),
    Count(u32),
}

impl Program for ConfigArgs {
    const NAME: &'static str = "config";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        if self.keys {
            print_keys(context);
            return Ok(Exit::Done);
        }
        let settings = match LocalClone::open(&context.dir) {
            Ok(clone) => clone_file::settings(clone.common_dir())?,
            Err(_) => None,
        };
        let settings = match settings {
            Some(settings) => settings,
            None => {
                context.ui.advice(
                    "this clone is not prepared: these are the values that it would start from",
                    "git secfix init",
                );
                Sources::read_outer()?.merge()?
            }
        };
        context.ui.report(Self::NAME, &report(&settings), || table(&settings));
        Ok(Exit::Done)
    }
}

fn report(settings: &Settings) -> Report {
    let rows = settings.all().filter_map(|(key, found)| {
        let (value, origin) = found?;
        let value = match value.clone() {
            Value::Text(text) => Plain::Text(text),
            Value::List(items) => Plain::List(items),
            Value::Count(count) => Plain::Count(count),
        };
        Some((key.name, Row { value, origin: origin.to_string() }))
    });
    Report { settings: rows.collect() }
}

fn table(settings: &Settings) -> String {
    let mut table = Table::default();
    for (key, found) in settings.all() {
        let (value, origin) = match found {
            Some((Value::Text(text), origin)) => (text.clone(), origin.to_string()),
            Some((Value::List(items), origin)) => (items.join(", "), origin.to_string()),
            Some((Value::Count(count), origin)) => (count.to_string(), origin.to_string()),
            None => ("-".to_owned(), "not set".to_owned()),
        };
        table.row([key.name.to_owned(), value, origin]);
    }
    table.to_string()
}

fn print_keys(context: &Context) {
    let mut table = Table::default();
    for key in &KEYS {
        let variable = match key.reach {
            Reach::Anywhere => key.variable(),
            Reach::Files => "only in a file".to_owned(),
            Reach::CloneOnly => "only for one clone".to_owned(),
        };
        table.row([key.name.to_owned(), key.about.to_owned(), key.form.name().to_owned(), variable]);
    }
    context.ui.answer(&table.to_string());
    if let Some(path) = user_file() {
        context.ui.note(&format!("your own values go to {}", path.display()));
    }
}
