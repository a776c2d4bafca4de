//! `git secfix doctor`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::doctor::DoctorArgs>()
}
