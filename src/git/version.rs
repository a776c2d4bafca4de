//! Which version the `git` program is.

use std::{io, path::Path};

use super::{GitError, process::Git};

/// The version of the program as it is found from a folder, also where there is no repository: major and minor.
///
/// # Errors
/// When it cannot be run, or says something else.
pub fn in_folder(dir: &Path) -> Result<(u32, u32), GitError> {
    let said = Git::at(dir).read(&["version"])?;
    parse(&said).ok_or_else(|| GitError::NoGit(io::Error::other(format!("`git version` said `{said}`"))))
}

/// Reads `git version 2.39.5 (Apple Git-154)`.
fn parse(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse("git version 2.39.5"), Some((2, 39)));
        assert_eq!(parse("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(parse("git version 2.54.windows.1"), Some((2, 54)));
        assert_eq!(parse("git version 3.0-rc1"), Some((3, 0)));
        assert_eq!(parse("hub version 2"), None);
    }
}
