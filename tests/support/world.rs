//! The world of one test.

use std::{
    collections::HashMap,
    fs, io,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, OnceLock},
};

use tempfile::TempDir;

use super::{Ran, prepared};

pub(crate) const CAN: &str = "gitlab-org/modelops/applied-ml/code-suggestions/ai-assist";
pub(crate) const SEC: &str = "gitlab-org/security/modelops/applied-ml/code-suggestions/ai-assist";

/// Stands for ssh: runs git's command in the folder of the stub server. `ssh -G` is answered by
/// the real ssh, from the configuration in this world's home.
const SSH: &str = r#"#!/bin/sh
for word in "$@"; do
  if [ "$word" = -G ]; then exec "$REAL_SSH" -F "$HOME/.ssh/config" "$@"; fi
  last=$word
done
echo "$last" >>"$SRV/../ssh.log"
command=${last%% *}
path=${last#* \'}; path=${path%\'}; path=${path#/} path=${path%/}
for dir in "$SRV/$path" "$SRV/$path.git"; do
  [ -d "$dir" ] && exec "$command" "$dir"
done
echo "The project you were looking for could not be found or you don't have permission to view it." >&2
exit 1
"#;

pub(crate) struct World {
    root: TempDir,
    git: PathBuf,
    /// Variables that a test adds.
    env: Mutex<Vec<(String, String)>>,
    /// The files as they were copied.
    copied: Vec<(PathBuf, u64)>,
}

impl World {
    /// With the newest git.
    pub(crate) fn new() -> Self {
        let (version, git) = super::gits().last_key_value().expect("there is a git");
        Self::with_git(version, git)
    }

    /// With this git.
    pub(crate) fn with_git(version: &str, git: &Path) -> Self {
        let mut world = Self::empty(git);
        let template = template(version, git);
        copy_folder(template.path(), world.root.path()).expect("the template can be copied");
        world.link_programs();
        world.copied = world.files();
        world
    }

    fn empty(git: &Path) -> Self {
        let root = tempfile::Builder::new().prefix("secfix-").tempdir().expect("a temporary folder");
        Self { root, git: git.to_owned(), env: Mutex::new(vec![]), copied: vec![] }
    }

    fn link_programs(&self) {
        let bin = self.path("bin");
        fs::create_dir_all(&bin).unwrap();
        let _ = fs::remove_file(bin.join("git"));
        symlink(&self.git, bin.join("git")).unwrap();
        self.write_program("bin/ssh", SSH);
    }

    /// The git that its programs use.
    pub(crate) fn git_program(&self) -> &Path {
        &self.git
    }

    /// Whether nothing was done in it yet: no variable is set, and every file is as it was copied.
    pub(crate) fn is_new(&self) -> bool {
        self.env.lock().unwrap().is_empty() && self.files() == self.copied
    }

    /// The files with their sizes.
    fn files(&self) -> Vec<(PathBuf, u64)> {
        fn walk(folder: &Path, files: &mut Vec<(PathBuf, u64)>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                files.push((
                    path.clone(),
                    entry.metadata().map_or(0, |found| if kind.is_dir() { 0 } else { found.len() }),
                ));
                if kind.is_dir() {
                    walk(&path, files);
                }
            }
        }
        let mut files = vec![];
        ["srv", "work", "home"].iter().for_each(|part| walk(&self.path(part), &mut files));
        files.sort();
        files
    }

    /// Another world with the same git.
    pub(crate) fn another(&self) -> Self {
        let known = super::gits().iter().find(|(_, git)| **git == self.git);
        let (version, git) = known.expect("every git is known");
        Self::with_git(version, git)
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// The clone.
    pub(crate) fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// The bare repository of a project on the stub server.
    pub(crate) fn server(&self, project: &str) -> PathBuf {
        self.path("srv").join(format!("{project}.git"))
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn write_program(&self, path: &str, text: &str) {
        self.write(path, text);
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn set(&self, variable: &str, value: &str) {
        self.env.lock().unwrap().push((variable.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&self, variable: &str) {
        self.env.lock().unwrap().retain(|(name, _)| name != variable);
    }

    /// A program in the clone, with this world's environment and nothing else.
    pub(crate) fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        self.command_in(&self.work(), program, arguments)
    }

    pub(crate) fn command_in(&self, dir: &Path, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let programs = Path::new(env!("CARGO_BIN_EXE_git-secfix")).parent().unwrap();
        let path = format!("{}:{}:/usr/bin:/bin", self.path("bin").display(), programs.display());
        // The program is looked up on this world's path, not on the one of the test.
        let found = which::which_in(program.as_ref(), Some(&path), dir).expect("the program is there");
        let mut command = Command::new(found);
        command.args(arguments).current_dir(dir).env_clear().stdin(Stdio::null());
        let identity = [("NAME", "A Person"), ("EMAIL", "person@example.com"), ("DATE", "2026-01-02T03:04:05Z")];
        for (what, value) in identity {
            command.env(format!("GIT_AUTHOR_{what}"), value).env(format!("GIT_COMMITTER_{what}"), value);
        }
        command
            .env("PATH", &path)
            .env("HOME", self.path("home"))
            .env("SRV", self.path("srv"))
            .env("REAL_SSH", which::which("ssh").unwrap_or_else(|_| "/usr/bin/ssh".into()))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C.UTF-8")
            .envs(self.env.lock().unwrap().iter().cloned());
        command
    }

    pub(crate) fn run(&self, mut command: Command) -> Ran {
        let words: Vec<_> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let name = Path::new(&words[0]).file_name().unwrap().to_string_lossy().into_owned();
        let shown = std::iter::once(name).chain(words[1..].iter().cloned()).collect::<Vec<_>>().join(" ");
        let output = command.output().expect("the program runs");
        Ran::new(shown, &output, &self.root.path().to_string_lossy())
    }

    /// Like [`World::run`], with this on standard input.
    pub(crate) fn run_with_input(&self, mut command: Command, input: &[u8]) -> Ran {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that refuses early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Ran::new(format!("{command:?}"), &output, &self.root.path().to_string_lossy())
    }

    /// `git` in the clone.
    pub(crate) fn git(&self, arguments: &[&str]) -> Ran {
        self.run(self.command("git", arguments))
    }

    pub(crate) fn git_in(&self, dir: &Path, arguments: &[&str]) -> Ran {
        self.run(self.command_in(dir, "git", arguments))
    }

    /// `git secfix` in the clone.
    pub(crate) fn secfix(&self, arguments: &[&str]) -> Ran {
        self.git(&[&["secfix"], arguments].concat())
    }

    /// A commit on the current branch that changes one file.
    pub(crate) fn commit(&self, file: &str, text: &str) -> String {
        self.write(&format!("work/{file}"), text);
        self.git(&["add", "--", file]).ok();
        self.git(&["commit", "--quiet", "--message", &format!("Change {file}")]).ok();
        self.git(&["rev-parse", "HEAD"]).ok().line()
    }

    /// Somebody else's commit on a branch of a project on the server.
    pub(crate) fn commit_there(&self, project: &str, branch: &str, file: &str, text: &str) -> String {
        let server = self.server(project);
        let scratch = tempfile::tempdir_in(self.root()).unwrap();
        let run = |arguments: &[&str]| self.git_in(scratch.path(), arguments).ok();
        run(&["clone", "--quiet", "--branch", branch, &server.to_string_lossy(), "."]);
        fs::write(scratch.path().join(file), text).unwrap();
        run(&["add", "--", file]);
        run(&["commit", "--quiet", "--message", &format!("Other work on {file}")]);
        run(&["push", "--quiet", "origin", branch]);
        run(&["rev-parse", "HEAD"]).line()
    }

    /// Takes a commit of a branch of a project back there, as a colleague does; with more arguments of `git revert`.
    pub(crate) fn revert_there(&self, project: &str, branch: &str, arguments: &[&str]) {
        let scratch = tempfile::tempdir_in(self.root()).unwrap();
        let server = self.server(project).to_string_lossy().into_owned();
        let run = |arguments: &[&str]| self.git_in(scratch.path(), arguments).ok();
        run(&["clone", "--quiet", "--branch", branch, &server, "."]);
        run(&[&["revert", "--no-edit"], arguments].concat());
        run(&["push", "--quiet", "origin", branch]);
    }

    /// Whether a branch of a project on the server holds a commit.
    pub(crate) fn holds_there(&self, project: &str, branch: &str, commit: &str) -> bool {
        self.git_in(&self.server(project), &["merge-base", "--is-ancestor", commit, branch]).code == 0
    }

    /// The commit of a branch of a project on the server.
    pub(crate) fn tip_there(&self, project: &str, branch: &str) -> String {
        self.git_in(&self.server(project), &["rev-parse", &format!("refs/heads/{branch}")]).ok().line()
    }

    /// Makes the clone ready, and a fix with a commit on its branch: what most tests start from.
    pub(crate) fn with_fix(&self) -> String {
        prepared::world(self, "fix", |world| {
            world.secfix(&["init"]).ok();
            world.secfix(&["branch", "prompt-injection"]).ok();
            world.commit("fixed", "embargoed\n");
        });
        self.git(&["rev-parse", "HEAD"]).ok().line()
    }

    /// A personal fork on this machine.
    pub(crate) fn fork(&self) -> String {
        let fork = self.path("fork.git");
        if !fork.exists() {
            self.git(&["init", "--quiet", "--bare", &fork.to_string_lossy()]).ok();
        }
        fork.to_string_lossy().into_owned()
    }

    /// The references of a project on the stub server, with their commits.
    pub(crate) fn server_refs(&self, project: &str) -> String {
        let dir = self.server(project);
        self.git_in(&dir, &["for-each-ref", "--format=%(refname) %(objectname)"]).ok().stdout
    }

    /// Everything in the clone that a command may change: configuration, references and the files
    /// of the git directory, but not what git itself writes along the way.
    pub(crate) fn state(&self) -> String {
        let refs = self.git(&["for-each-ref"]).ok().stdout;
        let head = self.read("work/.git/HEAD");
        let mut files = vec![];
        list(&self.path("work/.git"), &mut files);
        let passing = ["objects", "logs", "FETCH_HEAD", "index", "ORIG_HEAD", "COMMIT_EDITMSG", "refs", "packed-refs"];
        files.retain(|(name, _)| !passing.iter().any(|start| name.starts_with(start)) && !name.ends_with(".sample"));
        files.sort();
        let files: Vec<_> = files.into_iter().map(|(name, text)| format!("{name}\n{text}")).collect();
        format!("{head}\n{refs}\n{}", files.join("\n"))
    }
}

fn list(folder: &Path, files: &mut Vec<(String, String)>) {
    fn walk(base: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !path.is_symlink() {
                walk(base, &path, files);
            } else {
                let mode = path.symlink_metadata().unwrap().permissions().mode();
                let text = fs::read(&path).unwrap_or_default();
                files.push((name, format!("{mode:o} {}", String::from_utf8_lossy(&text))));
            }
        }
    }
    walk(folder, folder, files);
}

/// The projects and the clone, made once for each git and copied for each test.
fn template(version: &str, git: &Path) -> &'static TempDir {
    static TEMPLATES: OnceLock<Mutex<HashMap<String, &'static TempDir>>> = OnceLock::new();
    let mut templates = TEMPLATES.get_or_init(Default::default).lock().unwrap();
    if let Some(template) = templates.get(version) {
        return template;
    }
    let world = World::empty(git);
    world.link_programs();
    fs::create_dir_all(world.path("home/.ssh")).unwrap();
    fs::create_dir_all(world.path("srv")).unwrap();
    world.write("home/.ssh/config", "Host gl\n  HostName gitlab.com\nHost fork\n  HostName fork.example\n");
    let root = world.root().to_owned();
    let canonical = world.server(CAN);
    let run = |dir: &Path, arguments: &[&str]| world.git_in(dir, arguments).ok();
    run(&root, &["init", "--quiet", "--template=", "--bare", "--initial-branch=main", &canonical.to_string_lossy()]);
    run(&root, &["init", "--quiet", "--template=", "--initial-branch=main", "seed"]);
    let seed = world.path("seed");
    for (number, file) in ["app", "lib", "docs"].iter().enumerate() {
        fs::write(seed.join(file), format!("{file}\nline {number}\n")).unwrap();
        run(&seed, &["add", "."]);
        run(&seed, &["commit", "--quiet", "--message", &format!("Add {file}")]);
        // Each older line lacks the commits after it.
        let line = ["stable-18-2-ee", "stable-18-3-ee", "stable-18-4-ee"][number];
        run(&seed, &["branch", line]);
    }
    run(&seed, &["push", "--quiet", &canonical.to_string_lossy(), "--all"]);
    fs::create_dir_all(world.server(SEC).parent().unwrap()).unwrap();
    run(
        &root,
        &[
            "clone",
            "--quiet",
            "--template=",
            "--bare",
            &canonical.to_string_lossy(),
            &world.server(SEC).to_string_lossy(),
        ],
    );
    run(&root, &["clone", "--quiet", "--template=", &format!("git@gitlab.com:{CAN}.git"), "work"]);
    fs::remove_dir_all(seed).unwrap();
    // Git makes the folder from its own template, with examples that nobody needs here.
    fs::create_dir_all(world.path("work/.git/hooks")).unwrap();
    let template = &*Box::leak(Box::new(world.root));
    templates.insert(version.to_owned(), template);
    template
}

/// Whether a folder is one of git's for objects, such as `objects/4b`.
fn is_object(folder: &Path) -> bool {
    folder.parent().is_some_and(|above| above.ends_with("objects"))
}

pub(super) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_symlink() {
            symlink(fs::read_link(entry.path())?, target)?;
        } else if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if is_object(from) {
            // Git never changes an object.
            fs::hard_link(entry.path(), target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
