//! `git secfix tag`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::tag::TagArgs>()
}
