//! `git secfix status`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::status::StatusArgs>()
}
