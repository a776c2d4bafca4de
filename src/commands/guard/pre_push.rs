//! The `pre-push` hook: reads git's input once, decides, and after an allow hands the input on to
//! the hooks that were there before.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::anyhow;
use jiff::Timestamp;

use super::question::{self, LazyClone, Question};
use crate::{
    domain::{
        destination::redacted, exit::Exit, push::parse_updates, token_variables::TOKEN_VARIABLES, verdict::Refusal,
    },
    git::{hook_file, hooks, parent_process, pause, probe::PROBE_VARIABLE, repository::find_common_dir},
    ops::{Context, Failure},
};

/// Names the clone for the hooks that run after the guard: a hook manager among them may keep our
/// hook and run it again, which decides once more but starts no hook of this clone a second time.
const CHAINED_VARIABLE: &str = "GIT_SECFIX_CHAINED";

/// As git gives them to a `pre-push` hook (githooks(5)).
#[derive(Debug, clap::Args)]
pub(super) struct PrePushArgs {
    /// The hook to run after an allow, also with a number behind its name
    #[arg(long, value_name = "FILE")]
    after: Option<PathBuf>,
    /// The remote's name
    remote: OsString,
    /// The URL that is pushed to
    url: OsString,
}

pub(super) fn run(args: &PrePushArgs, context: &Context) -> Result<Exit, Failure> {
    let mut input = Vec::new();
    io::stdin()
        .read_to_end(&mut input)
        .map_err(|error| no_policy(format!("git's list of references cannot be read: {error}"), "git push"))?;
    if let Some(refusal) = judge(args, &input, context)? {
        if let Ok(proof) = std::env::var(PROBE_VARIABLE) {
            context.ui.signal(&format!("{PROBE_VARIABLE}={proof}"));
        }
        return Err(refusal.into());
    }
    let here = find_common_dir(&context.dir).unwrap_or_default();
    let is_chained = std::env::var_os(CHAINED_VARIABLE).is_some_and(|within| within == here.as_os_str());
    if std::env::var_os(PROBE_VARIABLE).is_some() || is_chained {
        return Ok(Exit::Done);
    }
    for hook in args.after.iter().flat_map(|after| hooks::hooks_after(after)) {
        if !run_hook(&hook, args, &input, &here)? {
            return Ok(Exit::NotDone);
        }
    }
    Ok(Exit::Done)
}

fn judge(args: &PrePushArgs, input: &[u8], context: &Context) -> Result<Option<Refusal>, Failure> {
    let common_dir = find_common_dir(&context.dir)
        .ok_or_else(|| no_policy("the git directory of this clone cannot be found".to_owned(), "git secfix init"))?;
    let (remote, url) = match (args.remote.to_str(), args.url.to_str()) {
        (Some(remote), Some(url)) => (remote, url),
        _ => return Err(no_policy("the URL is no valid text".to_owned(), "git remote -v")),
    };
    // A probe asks whether the guard is in its place, which a pause does not change.
    let is_probe = std::env::var_os(PROBE_VARIABLE).is_some();
    if let Some(pause) = pause::current(&common_dir, Timestamp::now()).filter(|_| !is_probe) {
        let passed = format!("passed while paused: push to {}", redacted(url).escape_debug());
        pause::log(&common_dir, Timestamp::now(), &passed)?;
        context.ui.warning(&format!(
            "the guard is paused until {} ({}): this push to {} is not checked",
            pause.until,
            pause.reason,
            redacted(remote)
        ));
        return Ok(None);
    }
    let policy = match question::policy(&common_dir) {
        Ok(policy) => policy,
        Err(refusal) => return Ok(Some(refusal)),
    };
    let updates = match parse_updates(input) {
        Ok(updates) => updates,
        Err(error) => return Err(no_policy(error.to_string(), "git secfix doctor")),
    };
    let question = Question { remote, url, updates, arguments: parent_process::push_arguments };
    Ok(question::ask(question, &policy, &LazyClone::at(&context.dir)))
}

fn no_policy(why: String, hint: &str) -> Failure {
    Refusal::NoPolicy { why, hint: hint.to_owned() }.into()
}

/// Runs a hook with git's arguments and input. Like git, passes over one that may not be executed.
fn run_hook(hook: &Path, args: &PrePushArgs, input: &[u8], here: &Path) -> Result<bool, Failure> {
    if !hook_file::is_executable(hook) {
        return Ok(true);
    }
    let failed = |error: io::Error| Failure::not_done(anyhow!("cannot run the hook `{}`: {error}", hook.display()));
    // A name without a folder would be looked up on the PATH.
    let program = if hook.components().count() == 1 { Path::new(".").join(hook) } else { hook.to_owned() };
    let mut command = Command::new(program);
    command.args([&args.remote, &args.url]).stdin(Stdio::piped()).env(CHAINED_VARIABLE, here);
    for variable in TOKEN_VARIABLES {
        command.env_remove(variable);
    }
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook need not read its input.
        match stdin.write_all(input) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(child.wait().map_err(failed)?.success())
}
