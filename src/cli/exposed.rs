//! Tokens that somebody typed where they do not belong: recognised by the prefixes that GitLab gives
//! them, so that they are not repeated.

use std::ffi::OsString;

/// Shorter texts are no tokens, but names such as `glib-fix`.
const SHORTEST: usize = 20;

/// Whether one of the arguments is, or ends with, a token: `glpat-…`, `--option=glpat-…`.
pub(super) fn is_token_among(arguments: impl IntoIterator<Item = OsString>) -> bool {
    arguments.into_iter().any(|argument| {
        let argument = argument.to_string_lossy();
        argument.match_indices("gl").any(|(at, _)| is_token(&argument[at..]))
    })
}

/// `gl`, the letters of a kind (`pat`, `oas`, `rt`, …), a hyphen, and a long text with a digit.
fn is_token(text: &str) -> bool {
    let Some((kind, secret)) = text.strip_prefix("gl").and_then(|rest| rest.split_once('-')) else { return false };
    (2..=6).contains(&kind.len())
        && kind.chars().all(|c| c.is_ascii_lowercase())
        && secret.len() >= SHORTEST
        && secret.contains(|c: char| c.is_ascii_digit())
        && secret.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(argument: &str) -> bool {
        is_token_among([OsString::from(argument)])
    }

    #[test]
    fn tokens_are_told_from_names() {
        for token in
            ["glpat-0123456789abcdefghij", "--token=gloas-0123456789abcdefghij", "-tglpat-0a_-.6789abcdefghij.01.x"]
        {
            assert!(found(token), "{token}");
        }
        for name in ["prompt-injection", "glib-fix-of-a-long-name-without-digits", "glpat-short1", "security-glob-18-4"]
        {
            assert!(!found(name), "{name}");
        }
    }
}
