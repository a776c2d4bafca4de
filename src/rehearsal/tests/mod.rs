//! Tests over real HTTP, with real repositories.

mod access;
mod approvals;
mod faults;
mod git;
mod issues;
mod merge_requests;
mod merging;
mod operations;
mod paging;
mod pipelines;
mod repository;

use std::{fs, path::PathBuf, process::Command, sync::LazyLock};

use reqwest::blocking::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    Options, Server, State,
    sample::{self, CANONICAL, SECURITY, Sample},
};

/// A server over the sample pair.
struct Local {
    folder: TempDir,
    server: Server,
    client: Client,
    sample: Sample,
}

/// An answer, read to its end.
struct Answered {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
    asked: String,
}

impl Answered {
    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: {}", self.asked, self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A project's path as the API takes it.
fn encoded(path: &str) -> String {
    path.replace('/', "%2F")
}

impl Local {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut State)) -> Self {
        Self::at_root("", change)
    }

    fn at_root(root: &str, change: impl FnOnce(&mut State)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut sample = sample::pair(&folder.path().join("srv"), "git".as_ref()).unwrap();
        change(&mut sample.state);
        let options = Options { root: root.into(), ..Options::at(folder.path().join("srv")) };
        let server = Server::start(options, sample.state.clone()).unwrap();
        // One for all tests: making one reads the certificates of the machine.
        static CLIENT: LazyLock<Client> =
            LazyLock::new(|| Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap());
        Self { folder, server, client: CLIENT.clone(), sample }
    }

    fn repository(&self, path: &str) -> PathBuf {
        self.folder.path().join("srv").join(format!("{path}.git"))
    }

    /// `git` in a folder, without the machine's configuration.
    fn git_output(&self, dir: &std::path::Path, arguments: &[&str]) -> std::process::Output {
        Command::new("git")
            .args(arguments)
            .current_dir(dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
            .envs([("GIT_COMMITTER_NAME", "A"), ("GIT_COMMITTER_EMAIL", "a@example.com")])
            .output()
            .unwrap()
    }

    #[track_caller]
    fn git(&self, dir: &std::path::Path, arguments: &[&str]) -> String {
        let output = self.git_output(dir, arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Puts a commit that writes a file on a branch, as a push behind the server's back would. The
    /// branch begins at another one if it is new.
    fn commit(&self, project: &str, (branch, from): (&str, &str), file: &str, text: &str) -> String {
        let repository = self.repository(project);
        let tree = self.folder.path().join("tree");
        let start = format!("refs/heads/{branch}");
        let known = self.git_output(&repository, &["rev-parse", "--verify", "--quiet", &start]).status.success();
        let start = if known { start } else { format!("refs/heads/{from}") };
        self.git(&repository, &["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap(), &start]);
        fs::write(tree.join(file), text).unwrap();
        self.git(&tree, &["add", "."]);
        self.git(&tree, &["commit", "--quiet", "--allow-empty", "--message", &format!("Change {file}")]);
        let commit = self.git(&tree, &["rev-parse", "HEAD"]);
        self.git(&repository, &["update-ref", &format!("refs/heads/{branch}"), &commit]);
        self.git(&repository, &["worktree", "remove", "--force", tree.to_str().unwrap()]);
        commit
    }

    fn send(&self, token: Option<&str>, method: &str, path: &str, body: Option<Value>) -> Answered {
        let method = method.parse().unwrap();
        let mut request = self.client.request(method, format!("{}/api/v4{path}", self.server.url()));
        if let Some(token) = token {
            request = request.header("PRIVATE-TOKEN", token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        read(path, request.send().unwrap())
    }

    /// As the engineer.
    fn get(&self, path: &str) -> Answered {
        self.send(Some(&self.sample.engineer_token), "GET", path, None)
    }

    /// As the engineer.
    fn post(&self, path: &str, body: Value) -> Answered {
        self.send(Some(&self.sample.engineer_token), "POST", path, Some(body))
    }

    /// As the maintainer.
    fn maintain(&self, method: &str, path: &str, body: Value) -> Answered {
        self.send(Some(&self.sample.maintainer_token), method, path, Some(body))
    }
}

fn read(path: &str, response: Response) -> Answered {
    Answered {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().unwrap(),
        asked: path.to_owned(),
    }
}

/// The addresses of both projects in the API.
fn security(path: &str) -> String {
    format!("/projects/{}{path}", encoded(SECURITY))
}

fn canonical(path: &str) -> String {
    format!("/projects/{}{path}", encoded(CANONICAL))
}
