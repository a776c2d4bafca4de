//! The front door, `git secfix`: lists the commands, and runs the program of each, from its own
//! folder first, then from the `PATH`, so that anybody may add a `git-secfix-something`.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::{Command as Process, ExitCode},
};

use anyhow::anyhow;

use super::{
    completions, manual,
    program::{end, ended, report_defects},
    suite::{PREFIX, definition_of_all},
};
use crate::{
    domain::exit::Exit,
    ops::Failure,
    ui::{Table, Ui},
};

/// The whole life of the front door.
pub fn run() -> ExitCode {
    report_defects();
    clap_complete::CompleteEnv::with_factory(definition_of_all).bin("git-secfix").complete();
    let mut arguments = env::args_os().skip(1);
    let (options, first) = leading_options(&mut arguments);
    let Some(first) = first else {
        Ui::default().answer(&overview());
        return ended(Ui::default(), Exit::Done);
    };
    let rest: Vec<OsString> = arguments.chain(options).collect();
    match door(&first, &rest) {
        Ok(code) => code,
        Err(failure) => end(Ui::default(), &failure, Exit::Refused.code()),
    }
}

/// Splits the options that all programs share from before the command, where people write them too.
fn leading_options(arguments: &mut impl Iterator<Item = OsString>) -> (Vec<OsString>, Option<OsString>) {
    let mut options = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("-C" | "--color") => {
                options.push(argument);
                options.extend(arguments.next());
            }
            Some("--json" | "-q" | "--quiet" | "-v" | "--verbose") => options.push(argument),
            _ => return (options, Some(argument)),
        }
    }
    (options, None)
}

fn door(first: &OsStr, rest: &[OsString]) -> Result<ExitCode, Failure> {
    let ui = Ui::default();
    let done = || ended(ui, Exit::Done);
    let asks_for_help = rest.iter().any(|word| word == "--help" || word == "-h");
    if let Some(usage) = first.to_str().and_then(usage_of).filter(|_| asks_for_help) {
        ui.answer(usage);
        return Ok(done());
    }
    match first.to_str() {
        Some("help" | "--help" | "-h") => help(ui, rest).map(|()| done()),
        Some("version" | "--version" | "-V") => {
            ui.answer(&format!("git-secfix {}\n", env!("CARGO_PKG_VERSION")));
            Ok(done())
        }
        Some("completions") => {
            let shell = rest.first().and_then(|shell| shell.to_str()).unwrap_or_default();
            let script = completions::script(shell).ok_or_else(|| {
                Failure::usage(anyhow!("`{shell}` is no shell that is known: `bash`, `zsh` or `fish`"))
                    .hint("git secfix completions bash")
            })?;
            ui.answer(script);
            Ok(done())
        }
        Some(option) if option.starts_with('-') => {
            Err(Failure::usage(anyhow!("`{option}` is no option of git secfix"))
                .hint("git secfix help, or give it to the command: git secfix COMMAND --help"))
        }
        _ => run_program(first, rest),
    }
}

/// How the words of the front door itself are used.
fn usage_of(word: &str) -> Option<&'static str> {
    match word {
        "help" => Some("usage: git secfix help [COMMAND]\n       git secfix help --write-man FOLDER\n"),
        "version" => Some("usage: git secfix version\n"),
        "completions" => Some("usage: git secfix completions bash|zsh|fish\n"),
        _ => None,
    }
}

/// Runs the program of a command, and becomes it where the system can.
fn run_program(name: &OsStr, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let program = find(name).ok_or_else(|| unknown(name))?;
    let mut process = Process::new(&program);
    process.args(arguments);
    let failed = |error: std::io::Error| Failure::not_done(anyhow!("cannot run `{}`: {error}", program.display()));
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(failed(process.exec()))
    }
    #[cfg(not(unix))]
    {
        let status = process.status().map_err(failed)?;
        Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(Exit::NotDone.code())))
    }
}

/// The folders of the suite's programs: its own, then those of the `PATH`.
fn folders() -> Vec<PathBuf> {
    let own = env::current_exe().ok().and_then(|exe| exe.parent().map(PathBuf::from));
    let path = env::var_os("PATH").unwrap_or_default();
    own.into_iter().chain(env::split_paths(&path)).collect()
}

fn find(name: &OsStr) -> Option<PathBuf> {
    // A name with a slash is a path, and no command.
    let plain = name.to_str().is_some_and(|name| !name.is_empty() && !name.contains(['/', '\\']));
    let own = env::current_exe().ok()?;
    let mut program = OsString::from(PREFIX);
    program.push(name);
    let found = || which::which_in(&program, env::join_paths(folders()).ok(), own.parent()?).ok();
    plain.then(found).flatten()
}

/// Every command that can be run: the suite's own, and those that others put on the `PATH`.
fn foreign_commands() -> Vec<String> {
    let known = definition_of_all();
    let mut names: Vec<String> = folders()
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(PREFIX).map(str::to_owned))
        .map(|name| name.trim_end_matches(env::consts::EXE_SUFFIX).to_owned())
        .filter(|name| known.find_subcommand(name).is_none())
        .filter(|name| find(OsStr::new(name)).is_some())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn overview() -> String {
    let all = definition_of_all();
    let mut table = Table::default();
    for command in all.get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        table.row([format!("  {}", command.get_name()), about]);
    }
    let foreign = foreign_commands();
    for name in &foreign {
        table.row([format!("  {name}"), "(from the PATH)".to_owned()]);
    }
    let about = all.get_about().map(ToString::to_string).unwrap_or_default();
    format!(
        "{about}\n\nusage: git secfix COMMAND [OPTIONS]\n\n{table}\nStart with `git secfix init` in a clone of the public project.\n"
    )
}

fn unknown(name: &OsStr) -> Failure {
    let name = name.to_string_lossy();
    let all = definition_of_all();
    let known = all.get_subcommands().map(|command| command.get_name().to_owned()).chain(foreign_commands());
    let nearest = known
        .map(|command| (strsim::damerau_levenshtein(&command, &name), command))
        .filter(|(distance, command)| *distance <= command.len().max(3) / 2)
        .min();
    let failure = Failure::usage(anyhow!("`{name}` is no command of git secfix"));
    match nearest {
        Some((_, command)) => failure.hint(format!("git secfix {command}")),
        None => failure.hint("git secfix help"),
    }
}

fn help(ui: Ui, rest: &[OsString]) -> Result<(), Failure> {
    let mut all = definition_of_all();
    match rest {
        [] => ui.answer(&overview()),
        [option, folder] if option == "--write-man" => manual::write(folder.as_ref(), ui)?,
        [option] if option == "--write-man" => {
            return Err(Failure::usage(anyhow!("`--write-man` needs a folder"))
                .hint("git secfix help --write-man ~/.local/share/man/man1"));
        }
        [name, ..] => {
            if let Some(usage) = name.to_str().and_then(usage_of) {
                ui.answer(usage);
                return Ok(());
            }
            let command = all.find_subcommand_mut(name).ok_or_else(|| unknown(name))?;
            ui.answer(&command.render_long_help().to_string());
        }
    }
    Ok(())
}
