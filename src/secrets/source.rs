//! Where a token comes from: the environment first, which is how CI gives one, then the keyring.

use std::{ffi::OsString, fmt};

use thiserror::Error;

use super::{
    keyring_error::STORE,
    token::{Token, TokenError},
};
use crate::domain::token_variables::TOKEN_VARIABLES;

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The environment variable of this name.
    Environment(&'static str),
    /// The keyring of this machine.
    Keyring,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Keyring => f.write_str(STORE),
        }
    }
}

/// An environment variable that should hold a token, and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the environment variable `{name}` {why}")]
pub struct VariableError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub why: TokenError,
}

/// The token of the environment, looked up with `variable`. An empty variable counts as unset.
///
/// # Errors
/// When the first variable that is set holds no token. The next one is not tried then: whoever set
/// the first meant it.
pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<(Token, Source)>, VariableError> {
    let Some((name, text)) = first_set(variable) else { return Ok(None) };
    let wrong = |why| VariableError { name, why };
    let text = text.into_string().map_err(|_| wrong(TokenError::Character))?;
    let token = Token::new(text).map_err(wrong)?;
    Ok(Some((token, Source::Environment(name))))
}

/// The variable that wins over the keyring, if one is set.
pub fn winning_variable(variable: impl Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    first_set(variable).map(|(name, _)| name)
}

fn first_set(variable: impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, OsString)> {
    let is_set = |text: &OsString| text.to_str().is_none_or(|text| !text.trim().is_empty());
    TOKEN_VARIABLES.into_iter().find_map(|name| Some((name, variable(name).filter(is_set)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.to_string(), value.into())).collect();
        move |wanted| variables.iter().find(|(name, _)| name == wanted).map(|(_, value): &(_, OsString)| value.clone())
    }

    fn found(variables: &[(&str, &str)]) -> Result<Option<(String, Source)>, VariableError> {
        let found = from_environment(environment(variables))?;
        Ok(found.map(|(token, source)| (token.expose().to_owned(), source)))
    }

    #[test]
    fn our_own_variable_comes_before_the_common_one() {
        let both = [("GITLAB_TOKEN", "common"), ("SECFIX_TOKEN", "own")];
        assert_eq!(found(&both), Ok(Some(("own".to_owned(), Source::Environment("SECFIX_TOKEN")))));
        assert_eq!(found(&both[..1]), Ok(Some(("common".to_owned(), Source::Environment("GITLAB_TOKEN")))));
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(winning_variable(environment(&both)), Some("SECFIX_TOKEN"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let variables = [("GITLAB_TOKEN", "common"), ("SECFIX_TOKEN", " \n")];
        assert_eq!(found(&variables), Ok(Some(("common".to_owned(), Source::Environment("GITLAB_TOKEN")))));
        assert_eq!(winning_variable(environment(&[("SECFIX_TOKEN", "")])), None);
    }

    #[test]
    fn a_malformed_variable_is_named_and_not_shown() {
        let error = found(&[("GITLAB_TOKEN", "common"), ("SECFIX_TOKEN", "s3cret s3cret")]).unwrap_err();
        assert_eq!(error.name, "SECFIX_TOKEN");
        assert!(error.to_string().contains("`SECFIX_TOKEN` holds white space"), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let error = from_environment(|_| Some(OsString::from_vec(vec![b'a', 0xff]))).err().unwrap();
        assert_eq!(error.why, TokenError::Character);
    }
}
