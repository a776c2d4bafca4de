//! Links on words, for terminals that know them (OSC 8). Others ignore the sequences.

/// Words of a text, each with the address behind it.
pub type Links = Vec<(String, String)>;

/// The text with each label, where it stands as a whole word, made a link to its address.
pub(super) fn linked(text: &str, links: &Links) -> String {
    let mut linked = text.to_owned();
    for (label, url) in links {
        if is_plain(url) && !label.is_empty() {
            linked = replace_words(&linked, label, &format!("\x1b]8;;{url}\x1b\\{label}\x1b]8;;\x1b\\"));
        }
    }
    linked
}

/// An address comes from a server: it must not end the sequence that it stands in.
fn is_plain(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://")) && url.chars().all(|c| c.is_ascii_graphic())
}

/// Replaces `word` where no letter, digit or `/` is next to it: `!41` is no part of `!412`, and an
/// address that was put in before stays whole.
fn replace_words(text: &str, word: &str, by: &str) -> String {
    let is_inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '-'));
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        replaced.push_str(before);
        let part_of_more = is_inside(before.chars().next_back().or_else(|| replaced.chars().next_back()))
            || is_inside(after.chars().next());
        replaced.push_str(if part_of_more { word } else { by });
        rest = after;
    }
    replaced + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(rows: &[(&str, &str)]) -> Links {
        rows.iter().map(|(label, url)| ((*label).to_owned(), (*url).to_owned())).collect()
    }

    #[test]
    fn whole_words_become_links() {
        let text = linked("!41 and !412, !41", &links(&[("!41", "https://x/41"), ("!412", "https://x/412")]));
        let link = |label: &str, url: &str| format!("\x1b]8;;{url}\x1b\\{label}\x1b]8;;\x1b\\");
        let first = link("!41", "https://x/41");
        assert_eq!(text, format!("{first} and {}, {first}", link("!412", "https://x/412")));
    }

    #[test]
    fn an_address_that_would_end_the_sequence_is_no_link() {
        for url in ["https://x/\x1b\\evil", "javascript:x", "https://x/ y", ""] {
            assert_eq!(linked("!1", &links(&[("!1", url)])), "!1");
        }
    }
}
