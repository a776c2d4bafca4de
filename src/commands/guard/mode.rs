//! `git secfix guard mode`: shows or sets how strict the guard is, in the clone's own file.

use anyhow::anyhow;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::question;
use crate::{
    config::{clone_file, settings::Sources},
    domain::{exit::Exit, policy::Mode},
    ops::{Context, Failure, prepared::not_prepared},
};

#[derive(Debug, clap::Args)]
pub(super) struct ModeArgs {
    /// `strict`: canonical is refused, and embargoed work anywhere but to security; `paranoid`:
    /// everything but security is refused
    #[arg(value_parser = PossibleValuesParser::new(Mode::ALL.map(Mode::as_str)).try_map(|text| text.parse::<Mode>()))]
    mode: Option<Mode>,
}

#[derive(Serialize)]
struct Report {
    mode: &'static str,
}

pub(super) fn run(args: &ModeArgs, context: &Context) -> Result<Exit, Failure> {
    let clone = context.open()?;
    let common_dir = clone.common_dir();
    let mode = match args.mode {
        None => question::policy(common_dir)?.mode,
        Some(mode) => {
            let own = clone_file::read(common_dir)?.ok_or_else(not_prepared)?;
            question::policy(common_dir)?;
            let settings = Sources { clone: own, ..Sources::default() }.merge()?;
            clone_file::write(common_dir, &clone_file::render(&settings, mode)).map_err(|error| {
                Failure::not_done(anyhow!("cannot write `{}`: {error}", clone_file::path(common_dir).display()))
            })?;
            mode
        }
    };
    context.ui.report("guard mode", &Report { mode: mode.as_str() }, || format!("{mode}\n"));
    Ok(Exit::Done)
}
