//! A conflict of a backport in a linked work tree of its own, stopped in an ordinary `git cherry-pick`.
//!
//! What is known of it is git's: the list of work trees, the state of the cherry-pick, and two
//! references that belong to that work tree alone and go with it. So whatever plain git does there, is
//! understood here. While it is being made it is locked, so that what is left of an interruption is recognised.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    GitError, LocalClone,
    checkouts::{self, Checkout},
    history::{self, Id},
    picked_commit,
    process::{Ended, Git},
    unfinished::Unfinished,
};

/// Below these each work tree keeps, under the branch's name, where the picks began and where the branch
/// was before, which is missing when the branch was made for them.
const START: &str = "refs/worktree/secfix/start/";
const BEFORE: &str = "refs/worktree/secfix/before/";

/// What makes a resolution be remembered, and replayed on the next line.
pub(super) const RERERE: [&str; 4] = ["-c", "rerere.enabled=true", "-c", "rerere.autoUpdate=true"];

/// Why a work tree is locked that is being made.
const MAKING: &str = "secfix backport is making it";

/// A work tree for the conflict of one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Its folder, which may have been deleted.
    pub root: PathBuf,
    /// The backport branch.
    pub branch: String,
    /// Where the picks began.
    pub start: Id,
    /// Where the branch was before; `None` when it was made for them.
    pub before: Option<Id>,
    git_dir: PathBuf,
}

/// What to pick in a new work tree.
#[derive(Debug)]
pub struct Task<'a> {
    /// Where the work tree is to be.
    pub root: &'a Path,
    /// The branch, which exists.
    pub branch: &'a str,
    /// Where the picks begin: the branch or a commit ahead of it.
    pub start: Id,
    /// Where the branch is; `None` when it was made just now.
    pub before: Option<Id>,
    /// The commits, oldest first.
    pub commits: &'a [Id],
    /// The parent by which merges are picked.
    pub mainline: Option<usize>,
}

/// The work trees that were made for conflicts.
///
/// # Errors
/// When the list cannot be read.
pub fn list(clone: &LocalClone) -> Result<Vec<Resolution>, GitError> {
    let mut found = Vec::new();
    for tree in clone.all_work_trees()? {
        for branch in names_in(&tree.git_dir.join(START)) {
            let Some(start) = read_ref(&tree.git_dir, START, &branch) else { continue };
            let before = read_ref(&tree.git_dir, BEFORE, &branch);
            found.push(Resolution { root: tree.root.clone(), git_dir: tree.git_dir.clone(), branch, start, before });
        }
    }
    Ok(found)
}

/// The names of the files of a folder, with those of its folders before them.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut names = Vec::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.path().is_dir() {
            names.extend(names_in(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            names.push(name);
        }
    }
    names
}

fn read_ref(git_dir: &Path, below: &str, branch: &str) -> Option<Id> {
    read_id(&git_dir.join(below).join(branch))
}

fn read_id(file: &Path) -> Option<Id> {
    Id::from_hex(fs::read_to_string(file).ok()?.trim().as_bytes()).ok()
}

/// Makes the work tree and begins the picks there.
///
/// # Errors
/// When the work tree cannot be made, or git refuses to begin.
pub fn open(clone: &LocalClone, task: &Task<'_>) -> Result<Resolution, GitError> {
    let root = task.root.to_string_lossy().into_owned();
    let no_hooks = format!("core.hooksPath={}", clone.common_dir().join("secfix/no-hooks").display());
    let git = Git::on(clone.common_dir());
    let branch = format!("refs/heads/{}", task.branch);
    let lock = ["--lock", "--reason", MAKING];
    // Without the branch at first: an interruption must not leave it checked out there.
    git.read(
        &[&["-c", &no_hooks, "worktree", "add", "--quiet", "--detach"], &lock[..], &["--", &root, &branch]].concat(),
    )?;
    let here = Git::on(task.root);
    let begin = || {
        // The start last: with it the other counts as missing for good.
        if let Some(before) = task.before {
            here.read(&["update-ref", &format!("{BEFORE}{}", task.branch), &before.to_string()])?;
        }
        here.read(&["update-ref", &format!("{START}{}", task.branch), &task.start.to_string()])?;
        here.read(&["-c", &no_hooks, "switch", "--quiet", "--no-guess", task.branch])?;
        let checkout = Checkout { root: task.root.to_owned(), branch: task.branch.to_owned(), busy: None };
        checkouts::fast_forward(&checkout, task.start, "secfix backport")?
            .map_err(|stderr| GitError::Command { command: "merge --ff-only".to_owned(), stderr })?;
        let mut words: Vec<String> = RERERE.map(str::to_owned).into();
        words.extend(["cherry-pick".to_owned(), "-x".to_owned()]);
        words.extend(task.mainline.iter().flat_map(|parent| ["-m".to_owned(), parent.to_string()]));
        words.extend(task.commits.iter().map(Id::to_string));
        let ended = editorless(task.root).run(&words)?;
        let known = list(clone)?.into_iter().find(|known| known.branch == task.branch);
        match known {
            Some(known) if ended.success || known.is_under_way() => {
                unlock(&known.git_dir)?;
                Ok(known)
            }
            _ => Err(ended.error("cherry-pick -x")),
        }
    };
    begin().inspect_err(|_| {
        // Without a cherry-pick under way the work tree is of no use to anybody.
        let _ = git.run(&["worktree", "remove", "--force", "--force", "--", &root]);
    })
}

/// After an interruption, undoes the work trees that were not handed over yet, unless their picks have stopped at a
/// conflict: git may have been ended in the middle of a file, and nobody was told of them.
///
/// # Errors
/// When a file cannot be removed.
pub fn tidy(clone: &LocalClone) -> Result<(), GitError> {
    let Ok(entries) = fs::read_dir(clone.common_dir().join("worktrees")) else { return Ok(()) };
    let known = list(clone)?;
    for git_dir in entries.flatten().map(|entry| entry.path()) {
        if !fs::read_to_string(git_dir.join("locked")).is_ok_and(|reason| reason.trim_end() == MAKING) {
            continue;
        }
        let known = known.iter().find(|known| known.git_dir == git_dir);
        if let Some(known) = known {
            if known.has_stopped()? {
                unlock(&git_dir)?;
                continue;
            }
            // The branch first: as long as the work tree is there, the next run comes here again.
            known.take_picks_back(clone)?;
        }
        if let Ok(file) = fs::read_to_string(git_dir.join("gitdir"))
            && let Some(root) = Path::new(file.trim_end()).parent()
        {
            let root = root.to_string_lossy();
            Git::on(clone.common_dir()).run(&["worktree", "remove", "--force", "--force", "--", &root])?;
        }
        // Git removes none that is not whole.
        if git_dir.exists() {
            fs::remove_dir_all(&git_dir).map_err(GitError::wrap_file("remove", &git_dir))?;
        }
    }
    Ok(())
}

fn unlock(git_dir: &Path) -> Result<(), GitError> {
    let lock = git_dir.join("locked");
    fs::remove_file(&lock).map_err(GitError::wrap_file("remove", &lock))
}

fn is_picking(git_dir: &Path) -> bool {
    ["CHERRY_PICK_HEAD", "sequencer"].iter().any(|name| git_dir.join(name).exists())
}

fn editorless(root: &Path) -> Git {
    Git::on(root).with("GIT_EDITOR", ":")
}

impl Resolution {
    /// Whether its folder is still there.
    pub fn has_folder(&self) -> bool {
        self.root.is_dir()
    }

    /// Whether a cherry-pick is still under way there.
    pub fn is_under_way(&self) -> bool {
        is_picking(&self.git_dir)
    }

    /// Whether the picks have stopped at a conflict, with all that git writes of that.
    fn has_stopped(&self) -> Result<bool, GitError> {
        if !self.has_folder() || read_id(&self.git_dir.join("CHERRY_PICK_HEAD")).is_none() {
            return Ok(false);
        }
        let git = Git::on(&self.root);
        let head = git.run(&["rev-parse", "--verify", "HEAD"])?.stdout;
        let safe = fs::read_to_string(self.git_dir.join("sequencer/abort-safety"));
        let is_whole = !self.git_dir.join("sequencer").exists() || safe.is_ok_and(|safe| safe.trim() == head.trim());
        Ok(is_whole && git.run(&["diff", "--cached", "--quiet"])?.code == Some(1))
    }

    /// Puts the branch back to where it was, if nothing but picks came to it.
    fn take_picks_back(&self, clone: &LocalClone) -> Result<(), GitError> {
        let name = format!("refs/heads/{}", self.branch);
        let Some(tip) = history::find(clone, &name)? else { return Ok(()) };
        let own = history::commits(clone, &[history::Range { tip, without: self.start }])?.concat();
        if own.iter().any(|commit| commit.picked_from.is_empty()) {
            return Ok(());
        }
        match self.before {
            None => super::branches::delete(clone, &self.branch, tip),
            Some(before) => {
                let (before, tip) = (before.to_string(), tip.to_string());
                let words = ["update-ref", "-m", "secfix backport: interrupted", &name, &before, &tip];
                Git::on(clone.common_dir()).read(&words).map(drop)
            }
        }
    }

    /// Whether everything that was in conflict is resolved, by an earlier resolution or by hand.
    ///
    /// # Errors
    /// When git fails.
    pub fn unfinished(&self) -> Result<Option<Unfinished>, GitError> {
        Unfinished::find(&self.root)
    }

    /// Commits what is resolved and picks on, to the end or to the next conflict.
    ///
    /// # Errors
    /// When git fails, for instance for a hook of the user's.
    pub fn proceed(&self, clone: &LocalClone) -> Result<Option<Unfinished>, GitError> {
        let git = editorless(&self.root);
        // Each round ends a commit or the loop.
        while self.is_under_way() {
            // A resolution that was made elsewhere meanwhile is replayed here.
            git.run(&[&RERERE[..], &["rerere"]].concat())?;
            if let Some(unfinished) = self.unfinished()? {
                return Ok(Some(unfinished));
            }
            let picked = read_id(&self.git_dir.join("CHERRY_PICK_HEAD"));
            let changes_nothing = git.run(&["diff", "--cached", "--quiet"])?.success;
            let ended = match picked {
                Some(_) if changes_nothing => git.run(&[&RERERE[..], &["cherry-pick", "--skip"]].concat())?,
                Some(original) => {
                    let ended = self.commit(clone, original)?;
                    if !ended.success {
                        return Err(ended.error("commit"));
                    }
                    continue;
                }
                None => git.run(&[&RERERE[..], &["cherry-pick", "--continue"]].concat())?,
            };
            if !ended.success && read_id(&self.git_dir.join("CHERRY_PICK_HEAD")).is_none() && self.is_under_way() {
                return Err(ended.error("cherry-pick --continue"));
            }
        }
        Ok(None)
    }

    /// Commits as a pick without a conflict would: git's own message would list the conflicts, and lose
    /// lines that start with `#`.
    fn commit(&self, clone: &LocalClone, original: Id) -> Result<Ended, GitError> {
        let (message, encoding) = picked_commit::message(clone, original)?;
        let encoding = format!("i18n.commitEncoding={}", encoding.as_deref().unwrap_or("UTF-8"));
        let words = [&RERERE[..], &["-c", &encoding, "commit", "--quiet", "--cleanup=verbatim", "--file=-"]].concat();
        editorless(&self.root).feed(&words, &message)
    }

    /// Removes the work tree, unless something of the user's is in it; tells whether it is gone.
    ///
    /// # Errors
    /// When git cannot be started.
    pub fn remove(&self, clone: &LocalClone) -> Result<bool, GitError> {
        let root = self.root.to_string_lossy();
        Ok(Git::on(clone.common_dir()).run(&["worktree", "remove", "--", &root])?.success)
    }

    /// Ends the picks, and removes the work tree with all that is in it. Returns where the branch is then.
    ///
    /// # Errors
    /// When git fails.
    pub fn abort(&self, clone: &LocalClone) -> Result<Option<Id>, GitError> {
        let mut rewound = None;
        if self.is_under_way() {
            if self.has_folder() {
                let ended = Git::on(&self.root).run(&["cherry-pick", "--abort"])?;
                if !ended.success {
                    return Err(ended.error("cherry-pick --abort"));
                }
            } else if let Some(safe) = read_id(&self.git_dir.join("sequencer/abort-safety")) {
                // What git would do in the folder, if it were there.
                let tip = history::find(clone, &format!("refs/heads/{}", self.branch))?;
                rewound = Some(self.start).filter(|_| tip == Some(safe));
            }
        }
        // Before the work tree goes: the clone may have been opened from it.
        let tip = match rewound {
            Some(start) => Some(start),
            None => history::find(clone, &format!("refs/heads/{}", self.branch))?,
        };
        let root = self.root.to_string_lossy();
        Git::on(clone.common_dir()).read(&["worktree", "remove", "--force", "--", &root])?;
        Ok(tip)
    }
}
