//! `git secfix guard`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::guard::GuardArgs>()
}
