//! Printing: answers, notes, warnings, errors and refusals.

use std::{
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{
    link::{Links, linked},
    safe::safe,
    spinner::Spinner,
};

/// When to use colour. Without a choice, `NO_COLOR`, `CLICOLOR` and the terminal decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColorWhen {
    /// On terminals, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to print.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ui {
    /// When to use colour.
    pub color: ColorWhen,
    /// One JSON document on standard output instead of text.
    pub json: bool,
    /// No notes.
    pub quiet: bool,
    /// Details as well.
    pub verbose: bool,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Why an answer was not written.
static LOST: OnceLock<String> = OnceLock::new();

/// Why an answer did not arrive, where it went to a file that is full, for example. What was done is done.
pub fn lost_answer() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// An answer that is also a JSON document. `schema` counts its incompatible changes.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    command: &'a str,
    #[serde(flatten)]
    answer: &'a T,
}

impl Ui {
    fn choice(self) -> Option<ColorChoice> {
        match self.color {
            ColorWhen::Auto => None,
            ColorWhen::Always => Some(ColorChoice::Always),
            ColorWhen::Never => Some(ColorChoice::Never),
        }
    }

    fn stderr(self) -> impl Write {
        let stream = io::stderr();
        let choice = self.choice().unwrap_or_else(|| AutoStream::choice(&stream));
        AutoStream::new(stream, choice)
    }

    /// The answer, on standard output. A reader that went away is no error; for any other see [`lost_answer`].
    pub fn answer(self, text: &str) {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => drop(LOST.set(error.to_string())),
            _ => {}
        }
    }

    /// The answer as text or as a JSON document, whichever was asked for.
    pub fn report<T: Serialize>(self, command: &str, answer: &T, text: impl FnOnce() -> String) {
        self.report_with_links(command, answer, Links::new(), text);
    }

    /// Like [`Ui::report`], with links behind these words of the text, on terminals.
    pub fn report_with_links<T: Serialize>(
        self,
        command: &str,
        answer: &T,
        links: Links,
        text: impl FnOnce() -> String,
    ) {
        self.text_or(&links, text, || serde_json::to_string_pretty(&Document { schema: 1, command, answer }));
    }

    /// Like [`Ui::report_with_links`], with a document of a single line for programs that read line by line.
    pub fn line_with_links<T: Serialize>(self, command: &str, answer: &T, links: Links, text: impl FnOnce() -> String) {
        self.text_or(&links, text, || serde_json::to_string(&Document { schema: 1, command, answer }));
    }

    fn text_or(
        self,
        links: &Links,
        text: impl FnOnce() -> String,
        document: impl FnOnce() -> Result<String, serde_json::Error>,
    ) {
        if !self.json {
            return self.answer(&if self.has_links() { linked(&text(), links) } else { text() });
        }
        match document() {
            Ok(document) => self.answer(&format!("{document}\n")),
            Err(error) => self.error(&format!("the answer cannot be written as JSON: {error}"), None),
        }
    }

    fn has_links(self) -> bool {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        self.color != ColorWhen::Never && io::stdout().is_terminal() && !is_dumb
    }

    /// Empties the screen before a new answer, on terminals.
    pub fn clear(self) {
        if io::stdout().is_terminal() {
            self.answer("\x1b[H\x1b[2J");
        }
    }

    /// Calls somebody back to the terminal.
    pub fn bell(self) {
        if io::stderr().is_terminal() {
            let _ = io::stderr().write_all(b"\x07");
        }
    }

    /// Whether somebody sits at the terminal, and sees what is said.
    pub fn has_terminal(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks for a line on the terminal; `None` where nobody can type, where what was said before goes elsewhere than
    /// to a person, or where nothing was typed.
    pub fn ask(self, question: &str) -> Option<String> {
        let is_seen = io::stdout().is_terminal() && io::stderr().is_terminal();
        if self.json || !io::stdin().is_terminal() || !is_seen {
            return None;
        }
        forget_typed();
        let _ = write!(self.stderr(), "{} ", safe(question));
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim().to_owned())
    }

    /// Asks for a yes on the terminal; no where nobody can say it.
    pub fn confirm(self, question: &str) -> bool {
        let answer = self.ask(&format!("{question} [Y/n]"));
        answer.is_some_and(|answer| matches!(answer.to_lowercase().as_str(), "" | "y" | "yes"))
    }

    /// A note that may be left out.
    pub fn note(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(self.stderr(), "{}", safe(text));
        }
    }

    /// Something to know, and the command that goes with it.
    pub fn advice(self, text: &str, command: &str) {
        if !self.quiet {
            self.note(text);
            self.hint(command);
        }
    }

    /// Shows that something is going on, until it is dropped.
    pub fn spinner(self, what: &str) -> Spinner {
        if self.quiet || self.json { Spinner::hidden() } else { Spinner::start(what) }
    }

    /// A detail that was asked for with `-v`.
    pub fn detail(self, text: &str) {
        if self.verbose {
            let _ = writeln!(self.stderr(), "{}", safe(text));
        }
    }

    /// Something that the user should look at.
    pub fn warning(self, text: &str) {
        let _ = writeln!(self.stderr(), "{WARNING}warning:{WARNING:#} {}", safe(text));
    }

    /// What went wrong, and the command that helps.
    pub fn error(self, text: &str, hint: Option<&str>) {
        let mut out = self.stderr();
        let _ = writeln!(out, "{ERROR}error:{ERROR:#} {}", safe(text));
        if let Some(hint) = hint {
            self.hint(hint);
        }
    }

    /// The command that helps, below what went wrong.
    pub fn hint(self, hint: &str) {
        let _ = writeln!(self.stderr(), "{HINT}hint:{HINT:#} {}", safe(hint));
    }

    /// The next step, as the last line of a command that ended well.
    pub fn next(self, step: &str) {
        self.note(&format!("next: {step}"));
    }

    /// A push that must not go: what was refused, why, and what to do instead.
    pub fn refusal(self, headline: &str, details: &[String], instead: &str) {
        let mut out = self.stderr();
        let _ = writeln!(out, "{ERROR}refused:{ERROR:#} {}", safe(headline));
        for line in details {
            let _ = writeln!(out, "  {}", safe(line));
        }
        let _ = writeln!(out, "  {HINT}use:{HINT:#} {}", safe(instead));
    }

    /// A line for another program, exactly as given.
    pub fn signal(self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Throws away what was typed before a question was shown: it answers something that nobody has read.
fn forget_typed() {
    #[cfg(unix)]
    {
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
    }
}
