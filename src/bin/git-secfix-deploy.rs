//! `git secfix deploy`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::deploy::DeployArgs>()
}
