//! Tokens that somebody typed where they do not belong: recognised by the prefixes that GitLab gives
//! them, so that they are not repeated.

/// Shorter texts are no tokens, but names such as `glib-fix`.
const SHORTEST: usize = 20;

/// Whether an argument is, or ends with, a token: `glpat-…`, `--option=glpat-…`.
///
/// ```
/// use git_secfix::domain::token_shape::ends_with_token;
/// assert!(ends_with_token("--token=glpat-0123456789abcdefghij"));
/// assert!(!ends_with_token("prompt-injection"));
/// ```
pub fn ends_with_token(argument: &str) -> bool {
    argument.match_indices("gl").any(|(at, _)| is_token(&argument[at..]))
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

    #[test]
    fn tokens_are_told_from_names() {
        for token in
            ["glpat-0123456789abcdefghij", "--token=gloas-0123456789abcdefghij", "-tglpat-0a_-.6789abcdefghij.01.x"]
        {
            assert!(ends_with_token(token), "{token}");
        }
        for name in ["prompt-injection", "glib-fix-of-a-long-name-without-digits", "glpat-short1", "security-glob-18-4"]
        {
            assert!(!ends_with_token(name), "{name}");
        }
    }
}
