//! `git secfix issue`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::issue::IssueArgs>()
}
