//! What keeps a work tree from being committed, while a conflict is resolved in it.

use std::{fs, path::Path};

use super::{
    GitError,
    process::{Ended, Git},
};

/// What stands in the way of going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished {
    /// These files still have conflicts.
    Unresolved(Vec<String>),
    /// These files still have conflict markers.
    Markers(Vec<String>),
    /// These files were changed and not added.
    NotAdded(Vec<String>),
}

impl Unfinished {
    /// What keeps a work tree from being committed: conflicts, markers that are left, changes that were not added.
    ///
    /// # Errors
    /// When git fails.
    pub fn find(root: &Path) -> Result<Option<Self>, GitError> {
        let git = Git::on(root);
        let named = |words: &[&str]| git.run(words).map(|ended| paths(&ended));
        let unresolved = named(&["diff", "--name-only", "--diff-filter=U", "-z"])?;
        if !unresolved.is_empty() {
            return Ok(Some(Self::Unresolved(unresolved)));
        }
        let changed = named(&["diff", "--name-only", "-z"])?;
        if !changed.is_empty() {
            return Ok(Some(Self::NotAdded(changed)));
        }
        let checked = git.run(&["-c", "core.quotePath=false", "diff", "--cached", "--check", "--no-color"])?.stdout;
        let marked = marked(&checked, |path, number| {
            let content = fs::read(root.join(path)).ok()?;
            let line = content.split(|byte| *byte == b'\n').nth(number.checked_sub(1)?)?;
            Some(String::from_utf8_lossy(line).into_owned())
        });
        Ok((!marked.is_empty()).then_some(Self::Markers(marked)))
    }
}

fn paths(ended: &Ended) -> Vec<String> {
    let mut paths: Vec<String> = ended.stdout.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.dedup();
    paths
}

/// The files with markers, from what `git diff --check` says: `path:line: leftover conflict marker`. A line of
/// `=` alone may be a heading; what cannot be looked at counts.
fn marked(said: &str, line_of: impl Fn(&str, usize) -> Option<String>) -> Vec<String> {
    let places = said.lines().filter_map(|line| line.split_once(": leftover conflict marker"));
    let mut found: Vec<String> = Vec::new();
    for (place, _) in places {
        let (path, number) = place.rsplit_once(':').unwrap_or((place, ""));
        let line = number.parse().ok().and_then(|number| line_of(path, number));
        let is_marker =
            line.is_none_or(|line| ["<<<<<<<", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)));
        if is_marker && !found.iter().any(|known| known == path) {
            found.push(path.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_and_headings_are_none() {
        let said = "a b:1: leftover conflict marker\na b:3: leftover conflict marker\nx.rst:2: leftover conflict marker\n\
            x:9: trailing whitespace.\n+z \ngone:1: leftover conflict marker\n";
        let line_of = |path: &str, number: usize| match (path, number) {
            ("a b", 1) => Some("<<<<<<< HEAD".to_owned()),
            ("gone", _) => None,
            _ => Some("=======".to_owned()),
        };
        assert_eq!(marked(said, line_of), ["a b", "gone"]);
        assert!(marked("", line_of).is_empty());
    }
}
