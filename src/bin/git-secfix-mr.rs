//! `git secfix mr`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::mr::MrArgs>()
}
