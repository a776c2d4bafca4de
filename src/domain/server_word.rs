//! Words of the server as types: each list of words stands once, and a word that is not in it is kept as it is written.

/// An enumeration of words that a server uses, with `Other` for those of another version.
macro_rules! server_words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that is not known here. It is never good news.
            Other(String),
        }

        impl $name {
            /// The server's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        /// What is missing in an answer is no word at all.
        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use server_words;

#[cfg(test)]
mod tests {
    server_words! {
        /// Two words.
        pub enum Word {
            /// One.
            One = "one",
            /// Another.
            TwoParts = "two_parts",
        }
    }

    #[test]
    fn a_word_is_read_and_written_as_the_server_has_it() {
        for (text, word) in [
            ("one", Word::One),
            ("two_parts", Word::TwoParts),
            ("One", Word::Other("One".to_owned())),
            ("", Word::default()),
        ] {
            let read: Word = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(read, word);
            assert_eq!((word.as_str(), word.to_string().as_str()), (text, text));
            assert_eq!(serde_json::to_string(&word).unwrap(), format!("\"{text}\""));
        }
    }
}
