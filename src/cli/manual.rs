//! The manual pages, made from the definitions of the commands.

use std::path::Path;

use anyhow::anyhow;
use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::suite::{definition_of_all, programs};
use crate::{domain::exit::Exit, ops::Failure, ui::Ui};

/// Every page: its file name and its text.
///
/// # Errors
/// Only when the text cannot be collected, which the memory never refuses.
pub fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut pages = vec![page(&definition_of_all(), &[])?];
    for mut program in programs() {
        // Only then do the inner commands know the options that they share.
        program.build();
        let name = program.get_name().trim_start_matches("git-secfix-");
        pages.push(page(&program, &[name])?);
        for inner in program.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
            pages.push(page(inner, &[name, inner.get_name()])?);
        }
    }
    Ok(pages)
}

/// The page of the command that is called with these words behind `git secfix`.
fn page(command: &Command, words: &[&str]) -> std::io::Result<(String, Vec<u8>)> {
    let joined = |with: &str| words.iter().fold("secfix".to_owned(), |all, word| format!("{all}{with}{word}"));
    let name = format!("git-{}", joined("-"));
    let mut command = command
        .clone()
        .name(name.clone())
        .bin_name(format!("git {}", joined(" ")))
        .version(env!("CARGO_PKG_VERSION"))
        .after_help("");
    command.build();
    let usage = command.render_usage().to_string().trim_start_matches("Usage:").trim().to_owned();
    let has_commands = command.get_subcommands().any(|inner| !inner.is_hide_set());
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .section("1")
        .manual("git-secfix")
        .source(concat!("git-secfix ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    synopsis(&usage).to_writer(&mut text)?;
    man.render_description_section(&mut text)?;
    if has_commands {
        commands(&command).to_writer(&mut text)?;
    }
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut text)?;
    }
    exit_status().to_writer(&mut text)?;
    files().to_writer(&mut text)?;
    see_also(words).to_writer(&mut text)?;
    Ok((format!("{name}.1"), text))
}

/// How the command is called; unlike the generated section, with the names of the values.
fn synopsis(usage: &str) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["SYNOPSIS"]);
    for line in usage.lines() {
        section.text([roman(line.trim())]);
        section.control("br", []);
    }
    section
}

fn commands(command: &Command) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["COMMANDS"]);
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
        section.control("TP", []);
        section.text([bold(inner.get_name())]);
        section.text([roman(inner.get_about().map(ToString::to_string).unwrap_or_default())]);
    }
    section
}

fn see_also(words: &[&str]) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["SEE ALSO"]);
    let names = [
        "git-secfix",
        "git-secfix-init",
        "git-secfix-branch",
        "git-secfix-push",
        "git-secfix-guard",
        "git-secfix-auth",
        "git-secfix-doctor",
    ];
    let own = words.iter().fold("git-secfix".to_owned(), |name, word| format!("{name}-{word}"));
    let others: Vec<String> = names.iter().filter(|name| **name != own).map(|name| format!("{name}(1)")).collect();
    section.text([roman(format!("{}, githooks(5)", others.join(", ")))]);
    section
}

fn exit_status() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in Exit::TABLE {
        section.control("TP", ["6"]);
        section.text([bold(code.to_string())]);
        section.text([roman(meaning)]);
    }
    section.control("PP", []);
    section.text([roman("As a hook, every refusal ends with 1.")]);
    section
}

fn files() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["FILES"]);
    for (file, meaning) in [
        ("~/.config/git-secfix/config.toml", "your own settings, for all clones"),
        ("$GIT_COMMON_DIR/secfix.toml", "the settings of one clone, and the only ones that the guard trusts"),
        ("$GIT_COMMON_DIR/secfix/guard.log", "every pause of the guard, and what passed during it"),
    ] {
        section.control("TP", []);
        section.text([bold(file)]);
        section.text([roman(meaning)]);
    }
    section
}

/// Writes every page into a folder, making it when there is none.
///
/// # Errors
/// When the folder cannot be written to.
pub(super) fn write(folder: &Path, ui: Ui) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::not_done(anyhow!("cannot write to `{}`: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let pages = pages().map_err(failed)?;
    for (name, text) in &pages {
        std::fs::write(folder.join(name), text).map_err(failed)?;
    }
    ui.note(&format!("{} manual pages written to {}", pages.len(), folder.display()));
    Ok(())
}
