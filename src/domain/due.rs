//! Days until a date, as people say them.

use jiff::civil::Date;

/// `in 6 days`, `tomorrow`, `today`, `yesterday`, `6 days ago`.
///
/// ```
/// use git_secfix::domain::due::in_words;
/// let day = |text: &str| text.parse().unwrap();
/// assert_eq!(in_words(day("2026-11-28"), day("2026-11-22")), "in 6 days");
/// ```
pub fn in_words(date: Date, today: Date) -> String {
    match days_until(date, today) {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "yesterday".to_owned(),
        days @ 2.. => format!("in {days} days"),
        days => format!("{} days ago", days.unsigned_abs()),
    }
}

/// How many days are left; negative when the date is over.
pub fn days_until(date: Date, today: Date) -> i32 {
    // Two days of a calendar are never further apart than an `i32` can say.
    date.since(today).map_or(0, |span| span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_months_and_years() {
        let today = "2026-12-31".parse().unwrap();
        for (date, words) in [
            ("2026-12-31", "today"),
            ("2027-01-01", "tomorrow"),
            ("2026-12-30", "yesterday"),
            ("2027-01-06", "in 6 days"),
            ("2027-12-31", "in 365 days"),
            ("2026-11-30", "31 days ago"),
        ] {
            assert_eq!(in_words(date.parse().unwrap(), today), words);
        }
    }
}
