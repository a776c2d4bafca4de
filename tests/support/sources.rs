//! The sources of this project, as texts to look at.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Every path of a file that starts at the crate or at a module above, group by group: `crate::git::process::Git`.
pub(crate) fn paths(text: &str) -> Vec<String> {
    let mut found = vec![];
    for start in ["crate::", "super::", "self::"] {
        let mut rest = text;
        while let Some(at) = rest.find(start) {
            let is_whole = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let path = &rest[at..];
            rest = &rest[at + start.len()..];
            if is_whole {
                expand(path, String::new(), &mut found);
            }
        }
    }
    found
}

/// Reads one path, with what follows in braces, and returns what is behind it.
pub(crate) fn expand<'a>(text: &'a str, prefix: String, found: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    let path = format!("{prefix}{}", text[..end].trim_end_matches("::"));
    let Some(mut rest) = text[end..].strip_prefix('{').filter(|_| text[..end].ends_with("::")) else {
        found.push(path);
        return &text[end..];
    };
    loop {
        rest = expand(rest, format!("{path}::"), found).trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        if let Some(behind) = rest.strip_prefix('}') {
            return behind;
        }
        if rest.is_empty() || rest.starts_with(';') {
            return rest;
        }
        // A new name, or something that is no path: both are left to the next round, which must get on.
        if !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
        }
    }
}

/// What a file says, without its tests.
pub(crate) fn product(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

/// What the files below a folder say of some words, with the files that may say them left out.
pub(crate) fn said(folder: &str, words: &[&str], but: &[&str]) -> Vec<String> {
    let found = |file: &PathBuf| {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let text = product(file);
        let word = words.iter().find(|word| text.contains(**word)).filter(|_| !but.contains(&name.as_str()))?;
        Some(format!("{name}: {word}"))
    };
    sources(&root().join(folder)).iter().filter_map(found).collect()
}
