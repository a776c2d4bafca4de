//! A sign of life for whatever may take longer than a moment; on terminals only, and gone when done.

use std::time::Duration;

use indicatif::ProgressBar;

use super::safe::safe_line;

/// As much as fits on a line: one that wraps could not be taken away again.
const WIDEST: usize = 72;

/// A line that moves. It goes away when it is dropped.
#[derive(Debug)]
pub struct Spinner {
    what: String,
    bar: ProgressBar,
}

impl Spinner {
    /// Begins to show `what`. Where standard error is no terminal, nothing is shown.
    pub(super) fn start(what: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_message(cut(what));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { what: what.to_owned(), bar }
    }

    /// Shows nothing.
    pub(super) fn hidden() -> Self {
        Self { what: String::new(), bar: ProgressBar::hidden() }
    }

    /// Shows a new state behind what is going on.
    pub fn tell(&self, state: &str) {
        self.bar.set_message(cut(&format!("{}: {state}", self.what)));
    }

    /// Steps aside while something else is printed.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// One line, made safe, that no usual terminal wraps.
fn cut(text: &str) -> String {
    let line = safe_line(text);
    match line.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_stays_on_its_line() {
        assert_eq!(cut("a\nb\u{1b}[2J").lines().count(), 1);
        assert_eq!(cut(&"🛫".repeat(200)).chars().count(), WIDEST + 1);
        assert_eq!(cut("fetching"), "fetching");
    }
}
