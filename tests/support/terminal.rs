//! Commands on a terminal, with somebody who types.

use std::{
    io::{Read, Write},
    process::Stdio,
    thread,
    time::Duration,
};

use super::World;

/// Runs a line in a shell on a terminal, types `early` at once and `typed` behind the first of these words; returns how it
/// ended, and all that the screen showed.
pub(crate) fn on_a_terminal(world: &World, line: &str, early: &str, behind: &str, typed: &str) -> (i32, String) {
    let mut command = world.command("script", &["--quiet", "--return", "--command", line, "/dev/null"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    keyboard.write_all(early.as_bytes()).unwrap();
    let mut seen = Vec::new();
    let mut more = [0; 1024];
    let mut is_typed = false;
    while let Ok(count @ 1..) = screen.read(&mut more) {
        seen.extend(&more[..count]);
        if !is_typed && String::from_utf8_lossy(&seen).contains(behind) {
            // A question for a secret stops to show what is typed, right after it is shown.
            thread::sleep(Duration::from_millis(500));
            keyboard.write_all(typed.as_bytes()).unwrap();
            is_typed = true;
        }
    }
    drop(keyboard);
    (child.wait().unwrap().code().unwrap_or(-1), String::from_utf8_lossy(&seen).into_owned())
}

/// Whether there is a terminal to type on.
pub(crate) fn has_terminal() -> bool {
    cfg!(target_os = "linux") && which::which("script").is_ok()
}
