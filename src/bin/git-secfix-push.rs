//! `git secfix push`.

fn main() -> std::process::ExitCode {
    git_secfix::cli::run::<git_secfix::commands::push::PushArgs>()
}
