//! A token that cannot be printed, copied by accident, or found in memory after its use.

use thiserror::Error;
use zeroize::Zeroizing;

/// Far longer than any token of GitLab, and short enough for a header of HTTP.
const LONGEST: usize = 1024;

/// A token of GitLab.
///
/// It is wiped from memory when it is dropped. Its text comes out by [`Token::expose`] alone: it has
/// neither `Debug` nor `Display`, nor can it be cloned or serialised.
///
/// ```
/// use git_secfix::secrets::Token;
/// let token = Token::new("glpat-example\n".to_owned())?;
/// assert_eq!(token.expose(), "glpat-example");
/// # Ok::<(), git_secfix::secrets::TokenError>(())
/// ```
///
/// ```compile_fail,E0277
/// # let token = git_secfix::secrets::Token::new("glpat-example".to_owned()).unwrap();
/// format!("{token}");
/// ```
///
/// ```compile_fail,E0277
/// # let token = git_secfix::secrets::Token::new("glpat-example".to_owned()).unwrap();
/// format!("{token:?}");
/// ```
///
/// ```compile_fail,E0599
/// # let token = git_secfix::secrets::Token::new("glpat-example".to_owned()).unwrap();
/// let _second = token.clone();
/// ```
///
/// ```compile_fail,E0277
/// # let token = git_secfix::secrets::Token::new("glpat-example".to_owned()).unwrap();
/// serde_json::to_string(&token);
/// ```
pub struct Token(Zeroizing<String>);

/// What is wrong with a text that should be a token. Never shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Nothing, or white space alone.
    #[error("is empty")]
    Empty,
    /// More than any token has.
    #[error("is longer than {LONGEST} characters, so it is no token")]
    TooLong,
    /// Two words, or two lines.
    #[error("holds white space in its middle, so it is more than one token, or none")]
    WhiteSpace,
    /// Control characters or letters of other scripts.
    #[error("holds characters that no token has (it is made of printable ASCII)")]
    Character,
}

impl Token {
    /// Takes a text for a token, without white space at its ends. The text is wiped in any case.
    ///
    /// # Errors
    /// When it cannot be a token.
    pub fn new(text: String) -> Result<Self, TokenError> {
        let text = Zeroizing::new(text);
        let trimmed = text.trim();
        let problem = if trimmed.is_empty() {
            Some(TokenError::Empty)
        } else if trimmed.len() > LONGEST {
            Some(TokenError::TooLong)
        } else if trimmed.contains(char::is_whitespace) {
            Some(TokenError::WhiteSpace)
        } else if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            Some(TokenError::Character)
        } else {
            None
        };
        match problem {
            Some(problem) => Err(problem),
            None => Ok(Self(Zeroizing::new(trimmed.to_owned()))),
        }
    }

    /// The text: for the header of a request, and for the keyring.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> TokenError {
        match Token::new(text.to_owned()) {
            Ok(_) => panic!("taken for a token"),
            Err(problem) => problem,
        }
    }

    #[test]
    fn white_space_at_the_ends_is_no_part_of_a_token() {
        for text in ["glpat-a_b.c-1", " glpat-a_b.c-1", "glpat-a_b.c-1\r\n", "\n\tglpat-a_b.c-1  "] {
            assert!(Token::new(text.to_owned()).is_ok_and(|token| token.expose() == "glpat-a_b.c-1"));
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        for (text, expected) in [
            ("", TokenError::Empty),
            (" \n", TokenError::Empty),
            ("glpat-a glpat-b", TokenError::WhiteSpace),
            ("glpat-a\nglpat-b", TokenError::WhiteSpace),
            ("glpat-a\u{a0}b", TokenError::WhiteSpace),
            ("glpat-\u{1b}[2J", TokenError::Character),
            ("glpat-\0", TokenError::Character),
            ("glpat-é", TokenError::Character),
            ("\u{feff}glpat-a", TokenError::Character),
        ] {
            assert_eq!(problem(text), expected, "{text:?}");
        }
        assert!(Token::new("x".repeat(LONGEST)).is_ok());
        assert_eq!(problem(&"x".repeat(LONGEST + 1)), TokenError::TooLong);
    }

    #[test]
    fn the_error_never_shows_the_text() {
        for text in ["s3cret s3cret".to_owned(), "s3cret\0".to_owned(), "s3cret".repeat(LONGEST)] {
            let problem = problem(&text);
            assert!(!format!("{problem} {problem:?}").contains("s3cret"));
        }
    }
}
