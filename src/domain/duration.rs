//! How long something takes, as people write it: `90s`, `15m`, `2h`.

use core::time::Duration;
use std::{fmt, str::FromStr};

use thiserror::Error;

/// A duration as it is written on the command line and in settings. A bare number is seconds.
///
/// ```
/// use git_secfix::domain::duration::Span;
/// let span: Span = "15m".parse().unwrap();
/// assert_eq!(span.get().as_secs(), 900);
/// assert_eq!(span.to_string(), "15m");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpanError {
    /// Not a number with a unit.
    #[error("`{0}` is not a duration, such as `90s`, `15m` or `2h`")]
    Malformed(String),
    /// Outside of what makes sense.
    #[error("`{text}` is not between {least} and {most}")]
    OutOfRange {
        /// What was given.
        text: String,
        /// The shortest.
        least: Span,
        /// The longest.
        most: Span,
    },
}

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Nobody waits for longer in one go.
    pub const LONGEST_WAIT: Self = Self::seconds(86_400);

    /// Twice as long, as far as anybody waits: what to try where the time was too short.
    ///
    /// ```
    /// use git_secfix::domain::duration::Span;
    /// assert_eq!(Span::seconds(60).longer().to_string(), "2m");
    /// assert_eq!(Span::LONGEST_WAIT.longer(), Span::LONGEST_WAIT);
    /// ```
    #[must_use]
    pub fn longer(self) -> Self {
        Self(self.0 * 2).min(Self::LONGEST_WAIT)
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// Reads a duration between two others.
    ///
    /// # Errors
    /// When the text is none, or one outside of them.
    pub fn between(text: &str, least: Self, most: Self) -> Result<Self, SpanError> {
        let span: Self = text.parse()?;
        if (least..=most).contains(&span) {
            return Ok(span);
        }
        Err(SpanError::OutOfRange { text: text.to_owned(), least, most })
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || SpanError::Malformed(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| malformed())?;
        let unit = if unit.is_empty() { "s" } else { unit };
        let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?;
        let whole = number.checked_mul(*milliseconds).ok_or_else(malformed)?;
        Ok(Self(Duration::from_millis(whole)))
    }
}

/// In the largest unit that leaves no rest.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = |(_, unit): &&(&str, u64)| whole >= *unit && whole % unit == 0;
        match UNITS.iter().rev().find(fits) {
            Some((name, unit)) => write!(f, "{}{name}", whole / unit),
            None => f.write_str("0s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_written_again() {
        for (text, seconds, written) in [
            ("90s", 90, "90s"),
            ("15m", 900, "15m"),
            ("2h", 7200, "2h"),
            ("90", 90, "90s"),
            ("120", 120, "2m"),
            ("1d", 86_400, "1d"),
            ("0", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.get().as_secs(), span.to_string().as_str()), (seconds, written), "{text}");
        }
        assert_eq!("250ms".parse::<Span>().unwrap().get(), Duration::from_millis(250));
        for text in ["", "s", "-1", "1.5h", "1 h", "1h30m", "2w", "99999999999999999999", "18446744073709551615h"] {
            assert!(matches!(text.parse::<Span>(), Err(SpanError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_range_is_named_in_the_same_words() {
        let read = |text: &str| Span::between(text, Span::seconds(1), Span::seconds(86_400));
        assert!(read("1").is_ok() && read("24h").is_ok());
        assert_eq!(read("2d").unwrap_err().to_string(), "`2d` is not between 1s and 1d");
        assert!(read("0").is_err());
    }
}
