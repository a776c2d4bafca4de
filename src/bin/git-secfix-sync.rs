//! `git secfix sync`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::sync::SyncArgs>()
}
