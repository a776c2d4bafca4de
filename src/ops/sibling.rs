//! Questions that need a network, asked of the program beside this one that has it. What this program does not hold it
//! cannot leak; so it hands over words, and gets a document back.

use std::{
    io::Read,
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

use super::Context;
use crate::git::child;

/// What the other program answered: its document, and how it ended.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    /// How it ended, as in the table of exit codes.
    pub(crate) code: i32,
    /// Its document, where it printed one.
    pub(crate) document: Option<T>,
}

/// Asks the program of a command; `None` where there is no such program, or it does not answer within this time.
pub(crate) fn ask<T: DeserializeOwned>(
    context: &Context,
    command: &str,
    arguments: &[&str],
    limit: Duration,
) -> Option<Answer<T>> {
    let own = std::env::current_exe().ok()?.canonicalize().ok()?;
    let program = own.with_file_name(format!("git-secfix-{command}{}", std::env::consts::EXE_SUFFIX));
    context.ui.detail(&format!("git secfix {command} {}", arguments.join(" ")));
    let mut child = Command::new(program)
        .args(arguments)
        .args(["--json", "--color=never"])
        .current_dir(&context.dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut out = child.stdout.take()?;
    let (sender, said) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = out.read_to_string(&mut text).map(|_| text);
        // Nobody listens any more where the time is over.
        let _ = sender.send(read);
    });
    let begin = Instant::now();
    let Ok(Some(status)) = child::wait_within(&mut child, limit) else {
        let _ = child.kill();
        let _ = child.wait();
        return None;
    };
    // What it started may hold its output open for longer than it runs.
    let text = said.recv_timeout(limit.saturating_sub(begin.elapsed())).ok()?.ok()?;
    Some(Answer { code: status.code()?, document: serde_json::from_str(&text).ok() })
}
