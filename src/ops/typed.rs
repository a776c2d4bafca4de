//! The command as it was typed, for hints that repeat it: what was asked for is never lost on the way.

use std::{borrow::Cow, fmt};

use super::Context;
use crate::domain::{fix::FixName, token_shape::ends_with_token};

/// A command line to paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    words: Vec<String>,
}

impl Context {
    /// The command as it was typed.
    pub(crate) fn typed(&self) -> Typed {
        let words = ["git", "secfix", self.command].map(str::to_owned).into_iter();
        let given = self.arguments.iter().map(|word| match ends_with_token(word) {
            true => "TOKEN".to_owned(),
            false => word.clone(),
        });
        Typed { words: words.chain(given).collect() }
    }

    /// The command as it was typed, with the fix that it is about.
    pub(crate) fn again(&self, fix: &FixName) -> Typed {
        let typed = self.typed();
        if self.names_fix { typed } else { typed.about(fix.as_str()) }
    }
}

impl Typed {
    const COMMAND: usize = 3;

    /// With this fix in front of the options.
    pub(crate) fn about(mut self, fix: &str) -> Self {
        self.words.insert(Self::COMMAND, fix.to_owned());
        self
    }

    /// With this word in the place of the first that is another.
    pub(crate) fn in_place_of(mut self, word: &str, other: &str) -> Self {
        if let Some(typed) = self.words.iter_mut().skip(Self::COMMAND).find(|typed| *typed == word) {
            other.clone_into(typed);
        }
        self
    }

    /// Where an option goes: what stands behind `--` is none.
    fn end_of_options(&self) -> usize {
        self.words.iter().position(|word| word == "--").unwrap_or(self.words.len())
    }

    /// With an option that has no value.
    pub(crate) fn with(mut self, flag: &str) -> Self {
        if !self.words.iter().any(|word| word == flag) {
            self.words.insert(self.end_of_options(), flag.to_owned());
        }
        self
    }

    /// With one more value of an option.
    pub(crate) fn with_value(mut self, option: &str, value: &str) -> Self {
        let has_it = self.words.windows(2).any(|pair| pair == [option, value])
            || self.words.contains(&format!("{option}={value}"));
        if !has_it {
            let end = self.end_of_options();
            self.words.splice(end..end, [option.to_owned(), value.to_owned()]);
        }
        self
    }

    /// With an option and its value in one word.
    pub(crate) fn with_joined(self, option: &str, value: &str) -> Self {
        self.with(&format!("{option}={value}"))
    }

    /// Without these options, each of which has no value, or one in the same word.
    pub(crate) fn without(mut self, flags: &[&str]) -> Self {
        let is_one = |word: &str| flags.contains(&word.split_once('=').map_or(word, |(flag, _)| flag));
        self.words.retain(|word| !is_one(word));
        self
    }

    /// Without any value of an option.
    pub(crate) fn without_value(mut self, option: &str) -> Self {
        let mut is_value = false;
        let joined = format!("{option}=");
        self.words.retain(|word| {
            let is_of_option = is_value || word == option || word.starts_with(&joined);
            is_value = !is_value && word == option;
            !is_of_option
        });
        self
    }

    /// With this value of an option, and no other.
    pub(crate) fn with_only(self, option: &str, value: &str) -> Self {
        self.without_value(option).with_value(option, value)
    }
}

/// Quoted for a shell.
impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.words.iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// What no shell takes for anything but a word stays as it was typed.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,+=~".contains(c);
    let is_word = word.starts_with(|c: char| !"=~".contains(c)) && word.chars().all(is_plain);
    if is_word { word.into() } else { shell_words::quote(word) }
}

impl From<Typed> for String {
    fn from(typed: Typed) -> Self {
        typed.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &str) -> Typed {
        Typed { words: shell_words::split(words).unwrap() }
    }

    #[test]
    fn a_command_is_repeated_with_what_it_lacked() {
        let branch = typed("git secfix branch --backport all --issue=34");
        assert_eq!(
            branch.clone().about("fix").with("--create-stable").to_string(),
            "git secfix branch fix --backport all --issue=34 --create-stable"
        );
        assert_eq!(
            branch.clone().with_only("--issue", "35").to_string(),
            "git secfix branch --backport all --issue 35"
        );
        assert_eq!(branch.clone().with_value("--backport", "all"), branch);
        assert_eq!(branch.clone().with_value("--issue", "34"), branch);
    }

    #[test]
    fn an_option_stands_in_front_of_what_is_none() {
        let branch = typed("git secfix branch --issue 34 -- 34");
        assert_eq!(
            branch.clone().with("--create-stable").with_value("--backport", "all").to_string(),
            "git secfix branch --issue 34 --create-stable --backport all -- 34"
        );
    }

    #[test]
    fn what_stood_in_the_way_is_left_out() {
        let sync = typed("git secfix sync 'a b' --yes wrong --dry-run --include abc");
        assert_eq!(
            sync.clone().without(&["--dry-run"]).without_value("--yes").to_string(),
            "git secfix sync 'a b' --include abc"
        );
        assert_eq!(
            sync.in_place_of("a b", "a-b").to_string(),
            "git secfix sync a-b --yes wrong --dry-run --include abc"
        );
    }
}
