//! How a program ended, with helpers that show everything when an expectation fails.

use std::process::Output;

#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) command: String,
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn new(command: String, output: &Output, root: &str) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(root, "[world]");
        Self {
            command: command.replace(root, "[world]"),
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Ends with this code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ends(0)
    }

    /// Says this on standard output.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no `{text}` in: {self}");
        self
    }

    /// Says this on standard error.
    #[track_caller]
    pub(crate) fn warns(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no `{text}` in: {self}");
        self
    }

    /// Says this nowhere.
    #[track_caller]
    pub(crate) fn never_says(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text) && !self.stdout.contains(text), "`{text}` in: {self}");
        self
    }

    /// A push that the guard refused: git ends with 1, and the guard said why.
    #[track_caller]
    pub(crate) fn refused(self) -> Self {
        assert_ne!(self.code, 0, "{self}");
        self.warns("refused: ")
    }

    pub(crate) fn line(&self) -> String {
        self.stdout.trim_end().to_owned()
    }
}

/// The whole run, as snapshots show it.
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        writeln!(f, "--- exit {}", self.code)
    }
}
