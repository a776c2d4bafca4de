//! A bare repository of the server: the only door to the `git` program here.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use jiff::Timestamp;

/// A repository. It may not exist; then nothing is found in it.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    pub(super) folder: PathBuf,
    git: PathBuf,
    home: PathBuf,
    /// Another repository whose objects can be read as if they were here.
    other: Option<PathBuf>,
}

/// Who makes a commit, and when.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) at: Timestamp,
}

/// Variables that would lead git to another repository, configuration or identity.
const FOREIGN_VARIABLES: [&str; 18] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_AUTHOR_DATE",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_DATE",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// A `git` command that sees nothing of the machine's configuration.
pub(super) fn git_command(git: &Path, home: &Path) -> Command {
    let mut command = Command::new(git);
    for variable in FOREIGN_VARIABLES {
        command.env_remove(variable);
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", home).env_remove("XDG_CONFIG_HOME").env("LC_ALL", "C");
    command.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    command
}

impl Repository {
    pub(super) fn new(folder: PathBuf, git: PathBuf, home: PathBuf) -> Self {
        Self { folder, git, home, other: None }
    }

    /// This repository with the objects of another one in view; nothing is copied.
    pub(super) fn with_objects_of(mut self, other: &Self) -> Self {
        self.other = Some(other.folder.join("objects"));
        self
    }

    fn bare_command(&self) -> Command {
        let mut command = git_command(&self.git, &self.home);
        if let Some(other) = &self.other {
            command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", other);
        }
        command
    }

    /// Whether it is there.
    pub(super) fn exists(&self) -> bool {
        self.folder.join("HEAD").exists()
    }

    /// `git` in the repository.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare_command();
        command.arg("--git-dir").arg(&self.folder).args(arguments);
        command
    }

    /// `git` in a work tree of the repository.
    pub(super) fn command_in(&self, tree: &Path, arguments: &[&str]) -> Command {
        let mut command = self.bare_command();
        command.arg("-C").arg(tree).args(arguments);
        command
    }

    /// Runs git, whatever comes of it.
    pub(super) fn run(&self, arguments: &[&str]) -> io::Result<Output> {
        if !self.exists() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no repository {}", self.folder.display())));
        }
        self.command(arguments).output()
    }

    /// What git prints, without the last line end; nothing when it fails.
    pub(super) fn ask(&self, arguments: &[&str]) -> io::Result<Option<String>> {
        let Output { status, stdout, .. } = self.run(arguments)?;
        Ok(status.success().then(|| String::from_utf8_lossy(&stdout).trim_end_matches('\n').to_owned()))
    }

    /// What git prints; an error when it fails.
    pub(super) fn must(&self, arguments: &[&str]) -> io::Result<String> {
        printed(&mut self.command(arguments))
    }

    /// As [`Repository::must`], committing as somebody.
    pub(super) fn must_as(&self, who: &Identity, arguments: &[&str]) -> io::Result<String> {
        let mut command = self.command(arguments);
        who.sign(&mut command);
        printed(&mut command)
    }

    /// The commit of a full reference. Loose references are read from their file: this is asked for
    /// every row of a list of merge requests.
    pub(super) fn tip(&self, reference: &str) -> io::Result<Option<String>> {
        if !self.exists() || !is_plain(reference) {
            return Ok(None);
        }
        if let Ok(text) = fs::read_to_string(self.folder.join(reference)) {
            let id = text.trim();
            if is_full_id(id) {
                return Ok(Some(id.to_owned()));
            }
        }
        self.ask(&["rev-parse", "--verify", "--quiet", reference])
    }

    /// The commit of a branch.
    pub(super) fn branch(&self, name: &str) -> io::Result<Option<String>> {
        self.tip(&format!("refs/heads/{name}"))
    }

    /// The commit that somebody may mean: a branch, a tag or an id, in this order.
    pub(super) fn commit(&self, revision: &str) -> io::Result<Option<String>> {
        if !self.exists() || revision.is_empty() || revision.starts_with('-') {
            return Ok(None);
        }
        for reference in [format!("refs/heads/{revision}"), format!("refs/tags/{revision}")] {
            if is_plain(&reference) {
                let found = self.ask(&["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")])?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        self.ask(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
    }

    /// Whether the first commit is contained in the second.
    pub(super) fn is_ancestor(&self, first: &str, second: &str) -> io::Result<bool> {
        Ok(self.run(&["merge-base", "--is-ancestor", first, second])?.status.success())
    }

    /// The best common ancestor.
    pub(super) fn merge_base(&self, first: &str, second: &str) -> io::Result<Option<String>> {
        Ok(self.ask(&["merge-base", first, second])?.filter(|id| !id.is_empty()))
    }

    /// How many commits a range has.
    pub(super) fn count(&self, range: &str) -> io::Result<usize> {
        Ok(self.ask(&["rev-list", "--count", range])?.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Sets a reference, provided that it is what it was: `Some("")` for one that must not exist.
    pub(super) fn update(&self, reference: &str, new: &str, old: Option<&str>) -> io::Result<bool> {
        let mut arguments = vec!["update-ref", reference, new];
        let zeros = "0".repeat(40);
        arguments.extend(old.map(|old| if old.is_empty() { zeros.as_str() } else { old }));
        Ok(self.run(&arguments)?.status.success())
    }

    /// Fetches references of another repository on this machine.
    pub(super) fn fetch(&self, other: &Self, refspec: &str) -> io::Result<()> {
        let other = other.folder.to_string_lossy();
        let arguments = ["-c", "maintenance.auto=false", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        self.must(&[&arguments[..], &[&other, refspec]].concat()).map(drop)
    }
}

impl Identity {
    /// Makes a command commit as this person.
    pub(super) fn sign(&self, command: &mut Command) {
        let date = self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), &self.name).env(format!("GIT_{role}_EMAIL"), &self.email);
            command.env(format!("GIT_{role}_DATE"), &date);
        }
    }
}

/// What a command prints, without the last line end.
pub(super) fn printed(command: &mut Command) -> io::Result<String> {
    let Output { status, stdout, stderr } = command.output()?;
    if !status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&stdout).trim_end_matches('\n').to_owned())
}

/// Whether a text is the whole id of an object.
pub(super) fn is_full_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a reference is well-formed enough to be looked up: nothing of git's revision syntax and
/// no way out of the folder.
pub(super) fn is_plain(reference: &str) -> bool {
    let is_bad = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    !reference.contains("..")
        && !reference.contains("@{")
        && !reference.contains("//")
        && !reference.chars().any(is_bad)
        && !reference.ends_with(['/', '.'])
        && reference.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

/// Whether a name can be one of a branch or tag.
pub(super) fn is_ref_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name != "HEAD"
        && name != "@"
        && is_plain(&format!("refs/heads/{name}"))
}
