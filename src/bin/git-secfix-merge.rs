//! `git secfix merge`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::merge::MergeArgs>()
}
