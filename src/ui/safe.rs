//! Hostile text made safe: names and messages of servers, hooks and other people may hold control
//! sequences that rewrite the screen, or characters that reorder what is read.

use std::borrow::Cow;

/// The text with everything that is not plainly visible replaced by `?`. Line ends and tabs stay.
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_harmful) {
        Cow::Owned(text.chars().map(|c| if is_harmful(c) { '?' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The same on one line: what comes from outside must not look like a line of ours.
pub fn safe_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) {
        Cow::Owned(safe(&text.replace(['\n', '\t'], " ")).into_owned())
    } else {
        safe(text)
    }
}

fn is_harmful(c: char) -> bool {
    let reorders = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}' | '\u{2028}' | '\u{2029}');
    (c.is_control() && c != '\n' && c != '\t') || reorders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_do_not_reach_the_terminal() {
        assert_eq!(safe("a\x1b[2Jb\r\u{202e}c\u{9b}d"), "a?[2Jb??c?d");
        assert_eq!(safe_line("a\nnext  rm\tb\u{2028}c"), "a next  rm b?c");
        assert!(matches!(safe("plain\n\tüñí…"), Cow::Borrowed(_)));
    }
}
