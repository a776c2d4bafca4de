//! The only door to the `git` program: by argument list, never through a shell, and never with a
//! token in the environment of the child.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
};

use crate::domain::{destination::redacted, token_variables::TOKEN_VARIABLES};

use super::GitError;

/// The `git` program in a folder.
#[derive(Debug, Clone)]
pub struct Git {
    dir: PathBuf,
    for_this_folder_alone: bool,
    env: Vec<(&'static str, OsString)>,
}

/// What becomes of the progress that `git` reports while it talks to a server.
pub enum Progress<'a> {
    /// The user sees all that git says, as it comes; none of it is kept.
    Shown,
    /// All that git says is kept for the error message.
    Kept,
    /// Each new state, such as `Receiving objects:  45%`, is told; the rest is kept.
    Told(&'a dyn Fn(&str)),
}

/// Variables that make `git` work on another repository than the one of its folder
/// (`git rev-parse --local-env-vars`).
const REPOSITORY_VARIABLES: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// How a `git` process ended that may fail without being an error.
#[derive(Debug)]
pub struct Ended {
    /// Whether its exit code was 0.
    pub success: bool,
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error, without secrets.
    pub stderr: String,
}

impl Git {
    /// Runs in `dir`, as the user's own git would.
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), for_this_folder_alone: false, env: vec![] }
    }

    /// Runs on the repository of `dir`, whatever the environment and `git -c` say.
    pub fn on(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), for_this_folder_alone: true, env: vec![] }
    }

    /// The same, with one more environment variable.
    #[must_use]
    pub fn with(mut self, variable: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((variable, value.into()));
        self
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new("git");
        // Messages are compared in one place (`remotes`), in one language.
        command.args(arguments).current_dir(&self.dir).env("LC_ALL", "C");
        for variable in TOKEN_VARIABLES {
            command.env_remove(variable);
        }
        for variable in REPOSITORY_VARIABLES.iter().filter(|_| self.for_this_folder_alone) {
            command.env_remove(variable);
        }
        command.envs(self.env.iter().map(|(variable, value)| (variable, value)));
        command
    }

    /// Runs `git` and tells how it ended. Its standard input is empty.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Ended, GitError> {
        self.finish(self.command(arguments).stdin(Stdio::null()))
    }

    /// Like [`Git::run`], with one more environment variable.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run_with<S: AsRef<OsStr>>(&self, arguments: &[S], variable: (&str, &str)) -> Result<Ended, GitError> {
        self.finish(self.command(arguments).stdin(Stdio::null()).env(variable.0, variable.1))
    }

    fn finish(&self, command: &mut Command) -> Result<Ended, GitError> {
        Ok(ended(command.output().map_err(GitError::NoGit)?))
    }

    /// Runs `git` with these bytes on its standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn feed<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8]) -> Result<Ended, GitError> {
        Ok(ended(self.exchange(arguments, input)?))
    }

    /// Runs `git` with these bytes on its standard input, and a second one on what the first says; returns what the
    /// second says. Both run at the same time, and nothing is kept of what passes between them.
    ///
    /// # Errors
    /// When one of them cannot be started or fails.
    pub fn feed_through<S: AsRef<OsStr>>(&self, first: &[S], input: &[u8], second: &[S]) -> Result<String, GitError> {
        let mut from = self.spawn(first, Stdio::piped())?;
        let stdin = from.stdin.take();
        let passed = from.stdout.take().map_or_else(Stdio::null, Stdio::from);
        let to = self.spawn(second, passed)?;
        let (from, to) = thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            let from = scope.spawn(move || from.wait_with_output());
            let to = to.wait_with_output();
            (from.join().unwrap_or_else(|panic| resume_unwind(panic)), to)
        });
        let (from, to) = (ended(from.map_err(GitError::NoGit)?), ended(to.map_err(GitError::NoGit)?));
        from.output_of(joined(first))?;
        to.output_of(joined(second))
    }

    fn exchange<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8]) -> Result<Output, GitError> {
        let mut child = self.spawn(arguments, Stdio::piped())?;
        let stdin = child.stdin.take();
        // Written beside the reading, so that neither side waits for the other; a program that ends
        // early does not read all of it, and says why itself.
        let output = thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        });
        output.map_err(GitError::NoGit)
    }

    /// Starts `git` beside others. Its standard input is empty.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Running, GitError> {
        Ok(Running { child: self.spawn(arguments, Stdio::null())?, command: joined(arguments) })
    }

    fn spawn<S: AsRef<OsStr>>(&self, arguments: &[S], stdin: Stdio) -> Result<Child, GitError> {
        let mut command = self.command(arguments);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(GitError::NoGit)
    }

    /// Runs `git` and returns its standard output without the last line end.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn read<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, GitError> {
        self.run(arguments)?.output_of(joined(arguments))
    }

    /// Runs `git` where it talks to a server: it may ask the user for a passphrase.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn talk<S: AsRef<OsStr>>(&self, arguments: &[S], progress: &Progress<'_>) -> Result<Ended, GitError> {
        let mut command = self.command(arguments);
        let is_shown = matches!(progress, Progress::Shown);
        command.stdout(Stdio::piped()).stderr(if is_shown { Stdio::inherit() } else { Stdio::piped() });
        let mut child = command.spawn().map_err(GitError::NoGit)?;
        let stderr = child.stderr.take().map(|stderr| listen(stderr, progress)).transpose().map_err(GitError::NoGit)?;
        let Output { status, stdout, .. } = child.wait_with_output().map_err(GitError::NoGit)?;
        let stderr = without_secrets(&stderr.unwrap_or_default());
        Ok(Ended { success: status.success(), code: status.code(), stdout: text(&stdout), stderr })
    }
}

/// A `git` process that was started beside others.
#[derive(Debug)]
pub struct Running {
    child: Child,
    command: String,
}

impl Running {
    /// Waits for its end.
    ///
    /// # Errors
    /// When its output cannot be read.
    pub fn wait(self) -> Result<Ended, GitError> {
        Ok(ended(self.child.wait_with_output().map_err(GitError::NoGit)?))
    }

    /// Waits for its end, and returns its standard output without the last line end.
    ///
    /// # Errors
    /// When it failed.
    pub fn read(self) -> Result<String, GitError> {
        let command = self.command.clone();
        self.wait()?.output_of(command)
    }
}

impl Ended {
    fn output_of(self, command: String) -> Result<String, GitError> {
        if self.success {
            Ok(self.stdout.trim_end_matches('\n').to_owned())
        } else {
            Err(GitError::Command { command, stderr: self.stderr })
        }
    }

    /// The error of a process that should not have failed.
    pub(super) fn error(&self, command: &str) -> GitError {
        GitError::Command { command: command.to_owned(), stderr: self.stderr.clone() }
    }
}

fn ended(Output { status, stdout, stderr }: Output) -> Ended {
    let stderr = without_secrets(&text(&stderr));
    Ended { success: status.success(), code: status.code(), stdout: text(&stdout), stderr }
}

/// Reads all that git says, telling each state of its progress, and returns the rest. Git ends a
/// state that the next one replaces with a carriage return.
fn listen(stderr: impl Read, progress: &Progress<'_>) -> io::Result<String> {
    let mut kept = Vec::new();
    let mut part = Vec::new();
    for byte in io::BufReader::new(stderr).bytes() {
        let byte = byte?;
        part.push(byte);
        match byte {
            b'\r' => {
                if let Progress::Told(tell) = progress {
                    tell(text(&part).trim());
                }
                part.clear();
            }
            b'\n' => kept.append(&mut part),
            _ => {}
        }
    }
    kept.append(&mut part);
    Ok(text(&kept))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn joined<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    without_secrets(&words.join(" "))
}

/// Redacts every URL in a text, word by word and also inside quotes, keeping the white space.
pub fn without_secrets(text: &str) -> String {
    let is_border = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '<' | '>');
    text.split_inclusive(is_border)
        .map(|word| {
            let end = word.trim_end_matches(is_border);
            format!("{}{}", redacted(end), &word[end.len()..])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_and_the_rest_is_kept() {
        let told = std::cell::RefCell::new(vec![]);
        let said = "Counting:  50%\rCounting: 100%\rCounting: 100%, done.\nfatal: no\nend";
        let kept = listen(said.as_bytes(), &Progress::Told(&|state| told.borrow_mut().push(state.to_owned()))).unwrap();
        assert_eq!(told.into_inner(), ["Counting:  50%", "Counting: 100%"]);
        assert_eq!(kept, "Counting: 100%, done.\nfatal: no\nend");
    }

    #[test]
    fn secrets_are_taken_out_of_messages() {
        let said = "fatal: unable to access 'https://oauth2:SECRET@gitlab.com/a/b.git/': nope\n";
        assert_eq!(without_secrets(said), "fatal: unable to access 'https://…@gitlab.com/a/b.git/': nope\n");
    }
}
