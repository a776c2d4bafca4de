//! Finding and opening the clone.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{GitError, process::Git};

/// An open clone, and where it was opened from.
pub struct LocalClone {
    repo: gix::Repository,
    dir: PathBuf,
    common_dir: PathBuf,
}

/// One work tree of a clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTree {
    /// Its root folder.
    pub root: PathBuf,
    /// Its own git directory; the common one for the main work tree.
    pub git_dir: PathBuf,
}

impl LocalClone {
    /// Opens the clone that `dir` belongs to, as git would, with its environment variables.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, GitError> {
        use gix::{
            open::Options,
            sec::{
                Trust,
                trust::{DefaultForLevel, Mapping},
            },
        };
        // A replaced object is pushed as it really is, so that is how it must be read.
        let given = command_line_config(dir)?;
        let options = |trust| {
            let options = Options::default_for_level(trust).config_overrides(["core.useReplaceRefs=false"]);
            options.cli_overrides(given.iter().map(String::as_str))
        };
        let options = Mapping { full: options(Trust::Full), reduced: options(Trust::Reduced) };
        let repo =
            gix::ThreadSafeRepository::discover_with_environment_overrides_opts(dir, Default::default(), options)
                .map_err(|error| {
                    if error.is_not_found() || find_common_dir(dir).is_none() {
                        GitError::NotARepository(absolute(dir))
                    } else {
                        GitError::wrap_gix("open the repository")(error)
                    }
                })?
                .to_thread_local();
        let common_dir = absolute(repo.common_dir());
        let storage = repo.config_snapshot().string("extensions.refStorage");
        if let Some(storage) = storage.filter(|storage| *storage != "files") {
            return Err(GitError::RefStorage(storage.to_string()));
        }
        Ok(Self { repo, dir: absolute(dir), common_dir })
    }

    /// The repository for gix.
    pub(super) fn repo(&self) -> &gix::Repository {
        &self.repo
    }

    /// Reads the configuration anew, after it was changed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reload(&mut self) -> Result<(), GitError> {
        self.repo.reload().map(drop).map_err(GitError::wrap_gix("read the configuration"))
    }

    /// The git directory that all work trees share, absolute.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The main work tree, or the git directory where there is none.
    pub fn main_dir(&self) -> &Path {
        match self.common_dir.file_name() {
            Some(last) if last == ".git" => self.common_dir.parent().unwrap_or(&self.common_dir),
            _ => &self.common_dir,
        }
    }

    /// The git directory of the work tree that the clone was opened from, absolute.
    pub fn git_dir(&self) -> PathBuf {
        absolute(self.repo.git_dir())
    }

    /// Runs the `git` program in the folder that the clone was opened from; once that was removed, in the main one.
    pub fn git(&self) -> Git {
        if self.dir.is_dir() { Git::at(&self.dir) } else { Git::at(self.main_dir()) }
    }

    /// Opens the clone once more, as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reopen(&self) -> Result<Self, GitError> {
        Self::open(if self.dir.is_dir() { &self.dir } else { self.main_dir() })
    }

    /// The root of the work tree that the clone was opened from.
    ///
    /// # Errors
    /// When there is none.
    pub fn work_tree(&self) -> Result<PathBuf, GitError> {
        self.repo.workdir().map(absolute).ok_or_else(|| GitError::Bare(self.common_dir.clone()))
    }

    /// Every work tree whose folder exists, the main one first.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn work_trees(&self) -> Result<Vec<WorkTree>, GitError> {
        Ok(self.all_work_trees()?.into_iter().filter(|tree| tree.root.is_dir()).collect())
    }

    /// Every work tree that git knows of, the main one first, also those whose folder is missing.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn all_work_trees(&self) -> Result<Vec<WorkTree>, GitError> {
        let what = "list the work trees";
        let main = self.repo.main_repo().map_err(GitError::wrap_gix(what))?;
        let mut trees: Vec<WorkTree> = main
            .workdir()
            .map(|root| WorkTree { root: absolute(root), git_dir: self.common_dir.clone() })
            .into_iter()
            .collect();
        for proxy in self.repo.worktrees().map_err(GitError::wrap_gix(what))? {
            if let Ok(root) = proxy.base() {
                trees.push(WorkTree { root: absolute(&root), git_dir: absolute(proxy.git_dir()) });
            }
        }
        Ok(trees)
    }

    /// Whether history is cut off, so that what is reachable cannot be told.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_shallow(&self) -> Result<bool, GitError> {
        self.repo.is_shallow().map_err(GitError::wrap_gix("read the shallow file"))
    }

    /// The name of the current branch; `None` when `HEAD` is detached.
    ///
    /// # Errors
    /// When `HEAD` cannot be read.
    pub fn current_branch(&self) -> Result<Option<String>, GitError> {
        let name = self.repo.head_name().map_err(GitError::wrap_gix("read HEAD"))?;
        Ok(name.map(|name| name.shorten().to_string()))
    }
}

/// What `git -c` hands down to the programs that it runs, as `key=value`: only git itself can read
/// it, and gix does not know of it.
fn command_line_config(dir: &Path) -> Result<Vec<String>, GitError> {
    if env::var_os("GIT_CONFIG_PARAMETERS").is_none() {
        return Ok(vec![]);
    }
    let listed = Git::at(dir).run(&["config", "--list", "--null", "--show-scope"])?.stdout;
    let mut fields = listed.split('\0');
    let mut given = vec![];
    while let (Some(scope), Some(entry)) = (fields.next(), fields.next()) {
        if scope == "command" {
            given.push(entry.replacen('\n', "=", 1));
        }
    }
    Ok(given)
}

/// The common git directory of the clone that `dir` belongs to, found without opening it: all
/// that a refusal by destination needs. `None` when there is no clone.
pub fn find_common_dir(dir: &Path) -> Option<PathBuf> {
    let git_dir = match env::var_os("GIT_DIR") {
        Some(git_dir) => dir.join(git_dir),
        None => gix::discover::upwards(dir).ok()?.0.into_repository_and_work_tree_directories().0,
    };
    let common = match env::var_os("GIT_COMMON_DIR") {
        Some(common) => dir.join(common),
        None => match fs::read_to_string(git_dir.join("commondir")) {
            Ok(common) => git_dir.join(common.trim_end_matches('\n')),
            Err(_) => git_dir,
        },
    };
    fs::canonicalize(common).ok()
}

/// The path without `..` and links, where it exists.
pub(super) fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| env::current_dir().map_or_else(|_| path.to_owned(), |dir| dir.join(path)))
}
