//! `git secfix clean`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::clean::CleanArgs>()
}
