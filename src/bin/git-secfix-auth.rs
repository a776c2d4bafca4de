//! `git secfix auth`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::auth::AuthArgs>()
}
