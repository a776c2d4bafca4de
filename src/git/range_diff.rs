//! What `git range-diff` says of a backport beside its fix.

use super::{
    GitError, LocalClone,
    history::{Commit, Id, Range},
    objects::Objects,
    picked_commit::Committer,
};

/// The differences between the commits of a fix and those of a branch. The line on its origin, which every
/// pick has and no original, is no difference: the fix is shown to git as if its commits had it as well.
///
/// # Errors
/// When a commit is missing or git fails.
pub fn between(clone: &LocalClone, committer: &Committer, fix: &[Commit], branch: Range) -> Result<String, GitError> {
    let objects = Objects::forgotten(clone)?;
    let mut tips: Option<(Id, Id)> = None;
    for commit in fix {
        let Some(parent) = tips.map(|(_, tip)| tip).or(commit.parents.first().copied()) else { continue };
        let copy = committer.write(clone, &objects, commit.id, commit.tree, parent)?;
        tips = Some((tips.map_or(parent, |(base, _)| base), copy));
    }
    let Some((base, tip)) = tips else { return Ok(String::new()) };
    let names: Vec<String> = fix.iter().map(|commit| commit.id.to_string()).collect();
    let git = objects.shared_with(clone, clone.git());
    let (old, new) = (format!("{base}..{tip}"), format!("{}..{}", branch.without, branch.tip));
    let said = git.read(&["range-diff", "--no-color", "--creation-factor=999", &old, &new])?;
    Ok(with_real_names(&said, &names))
}

/// Puts the names of the fix's commits back where those of the copies stand.
fn with_real_names(said: &str, names: &[String]) -> String {
    // What is indented by four is the difference itself.
    let line = |line: &str| match renamed(line, names).filter(|_| !line.starts_with("    ")) {
        Some(line) => format!("{line}\n"),
        None => format!("{line}\n"),
    };
    said.lines().map(line).collect()
}

/// A line such as `1:  0123456 = 1:  89abcde Subject`, with the name that belongs to its first number.
fn renamed(line: &str, names: &[String]) -> Option<String> {
    let (number, rest) = line.split_once(":  ")?;
    let position: usize = number.trim().parse().ok()?;
    let name = names.get(position.checked_sub(1)?)?;
    let (copy, rest) = rest.split_once(' ')?;
    let is_name = copy.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| format!("{number}:  {} {rest}", &name[..copy.len().min(name.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copies_are_called_like_their_originals() {
        let said = "1:  aaaaaaa = 1:  1111111 One\n2:  bbbbbbb ! 2:  2222222 Two\n    1:  ccccccc no name\n-:  ------- > 3:  3333333 Own\n";
        let names = ["0123456789ab", "ba9876543210"].map(str::to_owned);
        assert_eq!(
            with_real_names(said, &names),
            "1:  0123456 = 1:  1111111 One\n2:  ba98765 ! 2:  2222222 Two\n    1:  ccccccc no name\n-:  ------- > 3:  3333333 Own\n"
        );
    }
}
