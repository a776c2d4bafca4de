//! `git secfix backport`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::backport::BackportArgs>()
}
