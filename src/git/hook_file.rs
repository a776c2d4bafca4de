//! The text of our hook files: plain POSIX `sh`, each as short as it can be, since git starts one
//! at every push. The file refuses by itself when the guard's program is gone.

use std::{fs, path::Path};

/// The name of the hook that the guard answers.
pub const PRE_PUSH: &str = "pre-push";

/// The line by which our files are known.
const MARKER: &str = "# git-secfix hook";

/// What the hooks that were there before are renamed to: this, or this with a number behind it.
pub const BEFORE: &str = "pre-push.before-secfix";

/// Every hook that git runs on the side of a user. All of them are passed on when a whole folder
/// of hooks is wrapped, also those that arrive there later.
pub const CLIENT_HOOKS: [&str; 14] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "sendemail-validate",
];

/// Hooks that change what git does, or cost time, by being there at all. They are passed on only
/// when they are there.
pub const OTHER_HOOKS: [&str; 9] = [
    "reference-transaction",
    "post-index-change",
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "push-to-checkout",
    "fsmonitor-watchman",
];

/// Where the guard finds the hooks that run after it has allowed a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After<'a> {
    /// Beside the hook itself, under [`BEFORE`].
    Beside,
    /// In the folder that was configured before, absolute or relative to the work tree.
    In(&'a str),
}

/// The text of the guard's hook.
pub fn guard_hook(guard: &Path, after: After<'_>) -> String {
    let guard = quoted(&guard.to_string_lossy());
    let after = match after {
        After::Beside => format!("--after \"${{0%/*}}/{BEFORE}\""),
        After::In(folder) => format!("--after {}/{PRE_PUSH}", quoted(folder)),
    };
    format!(
        r#"#!/bin/sh
{MARKER}: refuses pushes of embargoed work. `git secfix init --undo` takes it away.
guard={guard}
[ -x "$guard" ] || guard=$(command -v git-secfix-guard) || {{
  echo 'refused: the program git-secfix-guard is missing, so this push cannot be checked' >&2
  echo '  install git-secfix again, then run: git secfix init' >&2
  exit 1
}}
exec "$guard" pre-push {after} -- "$@"
"#
    )
}

/// The text of a hook that only passes on to the folder that was configured before.
pub fn passing_hook(name: &str, folder: &str) -> String {
    let hook = format!("{}/{name}", quoted(folder));
    format!(
        r#"#!/bin/sh
{MARKER}: passes on to the folder of hooks that was configured before.
hook={hook}
[ -x "$hook" ] || exit 0
exec "$hook" "$@"
"#
    )
}

/// A text as one word of `sh`.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether a file is one of ours.
pub fn is_ours(path: &Path) -> bool {
    // A hook may be a compiled program of any size; ours say so in the second line.
    let mut start = [0; 256];
    let read = fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut start));
    read.is_ok_and(|len| {
        String::from_utf8_lossy(&start[..len]).lines().nth(1).is_some_and(|line| line.starts_with(MARKER))
    })
}

/// Whether git would run the file.
#[cfg(unix)]
pub fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Whether git would run the file.
#[cfg(not(unix))]
pub fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// The tool that made a hook, where it says so in its text.
pub fn manager(path: &Path) -> Option<&'static str> {
    let text = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(text.get(..text.len().min(4096))?).to_ascii_lowercase();
    ["lefthook", "husky", "pre-commit", "overcommit", "git-lfs", "git lfs"]
        .into_iter()
        .find(|name| text.contains(name))
        .map(|name| if name == "git lfs" { "git-lfs" } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_known_by_its_marker() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hook");
        for (text, ours) in [
            (guard_hook(Path::new("/x/guard"), After::Beside), true),
            (guard_hook(Path::new("/x/it's"), After::In(".husky/_")), true),
            (passing_hook("pre-commit", ".husky/_"), true),
            ("#!/bin/sh\nexit 0\n".to_owned(), false),
            (String::new(), false),
        ] {
            fs::write(&file, &text).unwrap();
            assert_eq!(is_ours(&file), ours, "{text}");
        }
        assert!(!is_ours(&dir.path().join("absent")));
    }

    #[test]
    fn quotes_in_paths_stay_text() {
        assert!(guard_hook(Path::new("/a'b/guard"), After::Beside).contains(r"guard='/a'\''b/guard'"));
    }
}
