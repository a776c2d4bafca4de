//! The options that every program of the suite has.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Command, FromArgMatches};

use crate::{
    ops::{Context, Failure},
    ui::{ColorWhen, Ui},
};

// No doc comment: clap would take it for the description of the program.
#[expect(missing_docs, reason = "clap would print it as the description of every program")]
#[derive(Debug, Args)]
pub struct Options {
    /// Work in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, display_order = 100)]
    dir: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long, global = true, display_order = 101)]
    json: bool,
    /// Print no notes
    #[arg(short, long, global = true, display_order = 102, conflicts_with = "verbose")]
    quiet: bool,
    /// Print details, such as the requests to GitLab
    #[arg(short, long, global = true, display_order = 103, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true, display_order = 104, default_value = "auto")]
    color: Color,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Color {
    /// On terminals
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Options {
    pub(super) fn augment(command: Command) -> Command {
        Self::augment_args(command)
    }

    pub(super) fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        FromArgMatches::from_arg_matches(matches)
    }

    /// What the command of this name is given, and whether it was told the name of a fix.
    ///
    /// # Errors
    /// When the folder cannot be entered.
    pub(super) fn context(&self, command: &'static str, names_fix: bool) -> Result<Context, Failure> {
        let dir = self.dir.clone().unwrap_or_else(|| PathBuf::from("."));
        if !dir.is_dir() {
            return Err(Failure::usage(anyhow!("`{}` is no folder", dir.display())));
        }
        let arguments = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        let color = match self.color {
            Color::Auto => ColorWhen::Auto,
            Color::Always => ColorWhen::Always,
            Color::Never => ColorWhen::Never,
        };
        let ui = Ui { color, json: self.json, quiet: self.quiet, verbose: self.verbose > 0 };
        Ok(Context { ui, dir, command, arguments, names_fix })
    }
}
