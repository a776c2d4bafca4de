//! A sign of life for whatever may take longer than a moment; on terminals only, and gone when done.

use std::time::Duration;

use indicatif::ProgressBar;

use super::safe::safe;

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
        bar.set_message(safe(what).into_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { what: what.to_owned(), bar }
    }

    /// Shows nothing.
    pub(super) fn hidden() -> Self {
        Self { what: String::new(), bar: ProgressBar::hidden() }
    }

    /// Shows a new state behind what is going on.
    pub fn tell(&self, state: &str) {
        self.bar.set_message(safe(&format!("{}: {state}", self.what)).into_owned());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
