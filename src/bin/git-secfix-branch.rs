//! `git secfix branch`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::branch::BranchArgs>()
}
