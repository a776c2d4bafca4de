//! Issues that a text mentions or says that it closes.

/// An issue that is meant: the path of its project and its number.
pub(super) type Mention = (String, u64);

/// Words after which a mentioned issue is closed by a merge.
const CLOSING: [&str; 13] = [
    "close",
    "closes",
    "closed",
    "closing",
    "fix",
    "fixes",
    "fixed",
    "fixing",
    "resolve",
    "resolves",
    "resolved",
    "resolving",
    "implements",
];

/// Every issue that a text mentions: as `#1`, `group/project#1` or by its address below `url`.
pub(super) fn mentioned(text: &str, project: &str, url: &str) -> Vec<Mention> {
    let mut mentions: Vec<Mention> = words(text).filter_map(|word| mention(word, project, url)).collect();
    mentions.sort();
    mentions.dedup();
    mentions
}

/// Every issue that a text says to be closed by it, as in `Closes #1, group/project#2 and #3`.
pub(super) fn closed(text: &str, project: &str, url: &str) -> Vec<Mention> {
    let (mut mentions, mut is_closing) = (vec![], false);
    for word in words(text) {
        let plain = word.trim_end_matches(':').to_ascii_lowercase();
        if CLOSING.contains(&plain.as_str()) {
            is_closing = true;
        } else if let Some(mention) = mention(word, project, url) {
            mentions.extend(is_closing.then_some(mention));
        } else if !matches!(plain.as_str(), "and" | "issue" | "issues" | ",") {
            is_closing = false;
        }
    }
    mentions.sort();
    mentions.dedup();
    mentions
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | '`'))
        .filter(|word| !word.is_empty())
}

fn mention(word: &str, project: &str, url: &str) -> Option<Mention> {
    let word = word.trim_end_matches(['.', ',', ';', ':', '+', '!', '?']);
    if let Some(path) = word.strip_prefix(url).and_then(|rest| rest.strip_prefix('/')) {
        let (project, rest) = path.split_once("/-/")?;
        let number = rest.strip_prefix("issues/").or_else(|| rest.strip_prefix("work_items/"))?;
        return Some((project.to_owned(), number.parse().ok()?));
    }
    let (path, number) = word.split_once('#')?;
    let is_path = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'));
    let project = if path.is_empty() { project } else { path };
    Some((is_path.then(|| project.to_owned())?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{closed, mentioned};

    #[test]
    fn issues_are_found_in_texts() {
        let text = "See #3 and g/p#4, http://x/g/q/-/work_items/5. Closes #6, g/p#7 and http://x/g/p/-/issues/8 or #9";
        let of = |path: &str, number| (path.to_owned(), number);
        let all = [of("a/b", 3), of("a/b", 6), of("a/b", 9), of("g/p", 4), of("g/p", 7), of("g/p", 8), of("g/q", 5)];
        assert_eq!(mentioned(text, "a/b", "http://x"), all);
        assert_eq!(closed(text, "a/b", "http://x"), [of("a/b", 6), of("g/p", 7), of("g/p", 8)]);
        assert_eq!(closed("Related to #1\nFixes: #2", "a/b", "http://x"), [of("a/b", 2)]);
    }
}
