//! `git secfix verify`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::verify::VerifyArgs>()
}
