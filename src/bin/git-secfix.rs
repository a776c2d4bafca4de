//! `git secfix`: the front door.

fn main() -> std::process::ExitCode {
    git_secfix::cli::dispatch::run()
}
