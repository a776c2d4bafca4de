//! `git secfix init`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::init::InitArgs>()
}
