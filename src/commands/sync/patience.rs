//! How long a sync waits between opening and merging.

use std::time::Duration;

/// How long somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as they said, for people as well.
    Long,
    /// For what passes by itself, and a moment only.
    Short,
    /// Not at all: only while GitLab itself works out what can be merged.
    None,
}

/// How long what passes by itself is waited for where nobody said how long.
const MOMENT: Duration = Duration::from_secs(30);

impl Patience {
    /// How long this is at most, of what was asked for.
    pub(super) fn within(self, limit: Duration) -> Duration {
        match self {
            Self::Long => limit,
            Self::Short | Self::None => MOMENT.min(limit),
        }
    }
}
