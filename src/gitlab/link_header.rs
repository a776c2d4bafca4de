//! Which relations a `Link` header tells of, as RFC 8288 writes them: several lines, any order, quoted or not.

use reqwest::header::{HeaderMap, LINK};

/// Whether any link of an answer has this relation.
pub(super) fn has(headers: &HeaderMap, relation: &str) -> bool {
    let lines = headers.get_all(LINK).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(links).any(|parameters| relations(parameters).any(|found| found.eq_ignore_ascii_case(relation)))
}

/// The parameters of each link of a line. Targets stand in angle brackets, and may hold whatever separates elsewhere.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split('<').skip(1).filter_map(|link| link.split_once('>')).map(|(_, parameters)| parameters)
}

/// What a link is: the words of its first `rel`; any other one does not count.
fn relations(parameters: &str) -> impl Iterator<Item = &str> {
    let value = separated(parameters).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_end_matches(',').trim().trim_matches('"'))
    });
    value.unwrap_or_default().split_ascii_whitespace()
}

/// Splits at semicolons outside of quotes.
fn separated(parameters: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    parameters.split(move |c| {
        is_quoted ^= c == '"';
        c == ';' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(LINK, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn a_next_page_is_found_however_it_is_written() {
        for lines in [
            &["<https://x/a?page=2>; rel=\"next\""][..],
            &["<https://x/a?page=2>; rel=next"],
            &["<https://x/a?page=1>; rel=\"first\", <https://x/a?page=2>; rel=\"next\", <https://x/a>; rel=\"last\""],
            &["<https://x/a?page=2>;rel=next,<https://x/a>;rel=last"],
            &["<https://x/style.css>; rel=preload", "<https://x/a?page=2>; title=\"a; rel=last, b\"; rel=\"next\""],
            &["<https://x/a,b;c?page=2>; REL=\"last Next\""],
        ] {
            assert!(has(&headers(lines), "next"), "{lines:?}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for lines in [
            &[][..],
            &["<https://x/a?rel=\"next\">; rel=\"last\""],
            &["<https://x/a>; title=\"rel=next\"; rel=first"],
            &["<https://x/a>; rel=\"nextish\""],
            &["<https://x/a>; rel=prev; rel=next"],
            &["rel=\"next\""],
        ] {
            assert!(!has(&headers(lines), "next"), "{lines:?}");
        }
    }
}
