//! Patterns of names with placeholders, such as `stable-{major}-{minor}-ee`: written out for
//! given values, and read back from a name.

use std::fmt;

use thiserror::Error;

use super::version::{ReleaseLine, parse_number};

/// What may stand between braces in a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `{name}`: the name of a fix.
    Name,
    /// `{major}`: the first number of a version.
    Major,
    /// `{minor}`: the second number of a version.
    Minor,
    /// `{patch}`: the third number of a version.
    Patch,
}

impl Placeholder {
    const ALL: [Self; 4] = [Self::Name, Self::Major, Self::Minor, Self::Patch];

    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "{name}",
            Self::Major => "{major}",
            Self::Minor => "{minor}",
            Self::Patch => "{patch}",
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a usable pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Without it, two different things would get the same name.
    #[error("the pattern `{pattern}` lacks the placeholder `{missing}`")]
    Missing {
        /// The pattern.
        pattern: String,
        /// What it lacks.
        missing: Placeholder,
    },
    /// A brace that belongs to no known placeholder, or one used twice.
    #[error("the pattern `{pattern}` may hold each of {allowed} once, and no other brace")]
    Unknown {
        /// The pattern.
        pattern: String,
        /// The placeholders that it may hold.
        allowed: String,
    },
    /// The literal parts would not make a valid reference name.
    #[error("the pattern `{0}` does not make valid reference names")]
    NotARef(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(String),
    Value(Placeholder),
}

/// A parsed pattern. All its placeholders are required ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

/// The values of the placeholders, given or read back. Absent ones are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// `{name}`
    pub name: Option<String>,
    /// `{major}`
    pub major: Option<u32>,
    /// `{minor}`
    pub minor: Option<u32>,
    /// `{patch}`
    pub patch: Option<u32>,
}

impl Values {
    /// The release line among the values.
    pub fn line(&self) -> Option<ReleaseLine> {
        Some(ReleaseLine { major: self.major?, minor: self.minor? })
    }

    /// Only the numbers of a line.
    pub fn from_line(line: ReleaseLine) -> Self {
        Self { major: Some(line.major), minor: Some(line.minor), ..Self::default() }
    }

    fn number(&mut self, placeholder: Placeholder) -> Option<&mut Option<u32>> {
        match placeholder {
            Placeholder::Name => None,
            Placeholder::Major => Some(&mut self.major),
            Placeholder::Minor => Some(&mut self.minor),
            Placeholder::Patch => Some(&mut self.patch),
        }
    }
}

impl Pattern {
    /// Parses `text`, which must hold each of `required` exactly once and no other placeholder.
    ///
    /// # Errors
    /// When a required placeholder is missing, another brace stands in it, or what it makes could
    /// not be the name of a branch or a tag.
    pub fn parse(text: &str, required: &[Placeholder]) -> Result<Self, PatternError> {
        let unknown = || PatternError::Unknown {
            pattern: text.to_owned(),
            allowed: required.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", "),
        };
        let mut tokens = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let brace = rest.find(['{', '}']).unwrap_or(rest.len());
            let (literal, after) = rest.split_at(brace);
            if !literal.is_empty() {
                tokens.push(Token::Literal(literal.to_owned()));
            }
            if after.is_empty() {
                break;
            }
            let placeholder = Placeholder::ALL
                .into_iter()
                .find(|p| after.starts_with(p.as_str()))
                .filter(|p| required.contains(p) && !tokens.contains(&Token::Value(*p)))
                .ok_or_else(unknown)?;
            tokens.push(Token::Value(placeholder));
            rest = &after[placeholder.as_str().len()..];
        }
        if let Some(missing) = required.iter().find(|p| !tokens.contains(&Token::Value(**p))) {
            return Err(PatternError::Missing { pattern: text.to_owned(), missing: *missing });
        }
        let pattern = Self { text: text.to_owned(), tokens };
        let sample =
            pattern.write(&Values { name: Some("x".to_owned()), major: Some(1), minor: Some(2), patch: Some(3) });
        if is_ref_name(&sample) { Ok(pattern) } else { Err(PatternError::NotARef(text.to_owned())) }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name for the given values; an absent value leaves nothing in its place.
    pub fn write(&self, values: &Values) -> String {
        let mut values = values.clone();
        self.tokens.iter().fold(String::new(), |mut name, token| {
            match token {
                Token::Literal(text) => name.push_str(text),
                Token::Value(Placeholder::Name) => {
                    name.push_str(values.name.as_deref().unwrap_or_default());
                }
                Token::Value(number) => {
                    if let Some(Some(number)) = values.number(*number) {
                        name.push_str(&number.to_string());
                    }
                }
            }
            name
        })
    }

    /// The values that make `name` by this pattern, or `None` when it is not of this pattern.
    pub fn read(&self, name: &str) -> Option<Values> {
        read_tokens(&self.tokens, name)
    }

    /// The literal text before the first placeholder.
    pub fn prefix(&self) -> &str {
        match self.tokens.first() {
            Some(Token::Literal(text)) => text,
            _ => "",
        }
    }
}

fn read_tokens(tokens: &[Token], name: &str) -> Option<Values> {
    let Some((token, later)) = tokens.split_first() else {
        return name.is_empty().then(Values::default);
    };
    match token {
        Token::Literal(text) => read_tokens(later, name.strip_prefix(text.as_str())?),
        // The longest name wins, so that `security-a-18-4-18-3` is the fix `a-18-4` on 18.3.
        Token::Value(Placeholder::Name) => {
            (1..=name.len()).rev().filter(|end| name.is_char_boundary(*end)).find_map(|end| {
                let mut values = read_tokens(later, &name[end..])?;
                values.name = Some(name[..end].to_owned());
                Some(values)
            })
        }
        Token::Value(number) => {
            let digits = name.bytes().take_while(u8::is_ascii_digit).count();
            let value = parse_number(&name[..digits])?;
            let mut values = read_tokens(later, &name[digits..])?;
            *values.number(*number)? = Some(value);
            Some(values)
        }
    }
}

/// Whether `name` may be the name of a branch or a tag (`git check-ref-format --branch`).
pub fn is_ref_name(name: &str) -> bool {
    let forbidden =
        |c: char| c.is_ascii_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\' | '\u{7f}');
    !name.is_empty()
        && name != "@"
        && !name.starts_with('-')
        && !name.ends_with(['/', '.'])
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(forbidden)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Placeholder::{Major, Minor, Name, Patch};

    #[test]
    fn names_are_written_and_read_back() {
        let stable = Pattern::parse("stable-{major}-{minor}-ee", &[Major, Minor]).unwrap();
        assert_eq!(stable.write(&Values::from_line("18.4".parse().unwrap())), "stable-18-4-ee");
        assert_eq!(stable.read("stable-18-20-ee").unwrap().line(), "18.20".parse().ok());
        for other in ["stable-18-4", "stable-18-4-ee-x", "stable-018-4-ee", "xstable-18-4-ee", "stable--4-ee"] {
            assert_eq!(stable.read(other), None, "{other}");
        }
    }

    #[test]
    fn a_patch_tag_is_not_a_candidate() {
        let tags = Pattern::parse("self-hosted-v{major}.{minor}.{patch}-ee", &[Major, Minor, Patch]).unwrap();
        assert_eq!(tags.read("self-hosted-v18.4.2-ee").unwrap().patch, Some(2));
        assert_eq!(tags.read("self-hosted-v18.4.2-rc1-ee"), None);
    }

    #[test]
    fn wrong_patterns_are_named() {
        let error = |text| Pattern::parse(text, &[Major, Minor]).unwrap_err();
        assert!(matches!(error("stable-{major}"), PatternError::Missing { missing: Minor, .. }));
        for text in ["{major}-{minor}-{x}", "{major}-{minor}-{name}", "{major}-{minor}-{major}", "{major}-{minor}}"] {
            assert!(matches!(error(text), PatternError::Unknown { .. }), "{text}");
        }
        for text in ["a b-{major}-{minor}", "{major}..{minor}", "{major}/{minor}.lock", "-{major}-{minor}"] {
            assert!(matches!(error(text), PatternError::NotARef(_)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "[a-z][a-z0-9]{0,8}(-[a-z][a-z0-9]{0,5}){0,3}", major in 0u32..100, minor in 0u32..100) {
            let pattern = Pattern::parse("security-{name}-{major}-{minor}", &[Name, Major, Minor]).unwrap();
            let values = Values { name: Some(name), major: Some(major), minor: Some(minor), patch: None };
            prop_assert_eq!(pattern.read(&pattern.write(&values)), Some(values));
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,40}") {
            let pattern = Pattern::parse("security-{name}-{major}-{minor}", &[Name, Major, Minor]).unwrap();
            let _ = pattern.read(&text);
        }
    }
}
