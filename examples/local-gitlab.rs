//! Starts a local GitLab with the public AI Gateway and its private mirror, for trying things by
//! hand. Runs until it is stopped; what was pushed stays in the folder.
//!
//! ```text
//! cargo run --example local-gitlab -- FOLDER [PORT]
//! ```

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use git_secfix::rehearsal::{Options, Server, sample};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().filter(|folder| !folder.to_string_lossy().starts_with('-'));
    let port = |text: std::ffi::OsString| text.to_str()?.parse().ok();
    let (Some(folder), Some(port)) = (folder, arguments.next().map_or(Some(0), port)) else {
        let _ = writeln!(io::stderr(), "usage: local-gitlab FOLDER [PORT]");
        return ExitCode::from(2);
    };
    match serve(PathBuf::from(folder), port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(folder: PathBuf, port: u16) -> io::Result<()> {
    if folder.join(format!("{}.git", sample::CANONICAL)).exists() {
        return Err(io::Error::other(format!(
            "`{}` holds a local GitLab already; name an empty folder",
            folder.display()
        )));
    }
    let made = sample::pair(&folder, "git".as_ref())?;
    let server = Server::start(Options { port, ..Options::at(folder) }, made.state)?;
    let url = server.url();
    let with_token = url.replace("http://", &format!("http://oauth2:{}@", made.engineer_token));
    let project = sample::SECURITY.replace('/', "%2F");
    writeln!(
        io::stdout(),
        "\
local GitLab  {url}

canonical     {url}/{canonical}
security      {url}/{security}
issue         {url}/{canonical}/-/issues/{issue}

engineer      {engineer}
maintainer    {maintainer}
psirt         {psirt}

try
  git clone {with_token}/{canonical}.git
  curl --header 'PRIVATE-TOKEN: {engineer}' {url}/api/v4/projects/{project}/merge_requests

stop with Ctrl-C",
        canonical = sample::CANONICAL,
        security = sample::SECURITY,
        issue = made.issue,
        engineer = made.engineer_token,
        maintainer = made.maintainer_token,
        psirt = made.psirt_token,
    )?;
    loop {
        std::thread::park();
    }
}
