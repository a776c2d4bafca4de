//! The completions of the shells. They call `git-secfix` for everything, so they never grow old,
//! and work for `git secfix <TAB>` as for `git-secfix <TAB>`.

/// The script for a shell: `bash`, `zsh` or `fish`.
pub fn script(shell: &str) -> Option<&'static str> {
    match shell {
        "bash" => Some(include_str!("../../completions/git-secfix.bash")),
        "zsh" => Some(include_str!("../../completions/_git-secfix")),
        "fish" => Some(include_str!("../../completions/git-secfix.fish")),
        _ => None,
    }
}
