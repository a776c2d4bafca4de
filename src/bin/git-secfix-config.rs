//! `git secfix config`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::config::ConfigArgs>()
}
