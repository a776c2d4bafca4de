//! Where git looks for hooks in every work tree, and putting the guard there without taking
//! anything else away.
//!
//! A folder of hooks inside the git directory belongs to this clone: the guard's hook goes there,
//! and an existing one is kept beside it. Any other folder (`core.hooksPath` of a user, a system,
//! husky) is shared or tracked, so it is wrapped instead: a folder of ours passes every hook on to
//! it, and `core.hooksPath` of this clone points to ours.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    GitError, LocalClone,
    hook_file::{self, After, BEFORE, PRE_PUSH, guard_hook, passing_hook},
    init_record::{HooksPath, Record},
    local_config::{self, Change},
    process::Git,
    repository::WorkTree,
    secfix_dir,
};

/// A folder where git looks for hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// Inside the git directory.
    Own(PathBuf),
    /// Outside of it.
    Foreign {
        /// As configured, with `~` expanded: absolute, or relative to the work tree.
        folder: String,
        /// The configuration file of this clone in which to point to our folder instead.
        config: PathBuf,
        /// Our folder.
        ours: PathBuf,
    },
}

/// The hooks folder in effect in a work tree, as git itself resolves it.
///
/// # Errors
/// When git cannot tell.
pub fn effective_folder(tree: &WorkTree) -> Result<PathBuf, GitError> {
    let folder = Git::on(&tree.root).read(&["rev-parse", "--git-path", "hooks"])?;
    Ok(tree.root.join(folder))
}

/// Where the guard has to be put so that it is in effect in this work tree.
///
/// # Errors
/// When git cannot tell where it looks for hooks.
pub fn site(clone: &LocalClone, tree: &WorkTree) -> Result<Site, GitError> {
    let folder = effective_folder(tree)?;
    let resolved = fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
    let ours = secfix_dir::folder(clone.common_dir());
    if resolved.starts_with(clone.common_dir()) {
        return Ok(Site::Own(resolved));
    }
    let git = Git::on(&tree.root);
    let configured = git.run(&["config", "--show-scope", "--type=path", "--get", "core.hooksPath"])?;
    // Without the setting, the folder of hooks in the git directory is a link to somewhere else.
    let linked = resolved.to_string_lossy();
    let configured = configured.stdout.trim_end_matches('\n').split_once('\t');
    let (scope, folder) = configured.unwrap_or(("local", &linked));
    let (config, ours) = if scope == "worktree" {
        // A linked work tree may have any name, also one like ours for the main one.
        let own = match tree.git_dir.strip_prefix(clone.common_dir().join("worktrees")) {
            Ok(name) => ours.join("hooks-of-linked").join(name),
            Err(_) => ours.join("hooks-of-main"),
        };
        (tree.git_dir.join("config.worktree"), own)
    } else {
        (local_config::local_file(clone), ours.join("hooks"))
    };
    Ok(Site::Foreign { folder: folder.to_owned(), config, ours })
}

impl Site {
    /// Whether the place already has the guard's hook with this program.
    pub fn has_guard(&self, guard: &Path) -> bool {
        match self {
            Self::Foreign { .. } => false,
            Self::Own(folder) => {
                let hook = folder.join(PRE_PUSH);
                let runs = |text: String| text.contains(&hook_file::quoted(&guard.to_string_lossy()));
                hook_file::is_ours(&hook)
                    && hook_file::is_executable(&hook)
                    && fs::read_to_string(&hook).is_ok_and(runs)
            }
        }
    }

    /// The hook that is there now and is not ours.
    pub fn existing_hook(&self, tree: &WorkTree) -> Option<PathBuf> {
        let hook = match self {
            Self::Own(folder) => folder.join(PRE_PUSH),
            Self::Foreign { folder, .. } => tree.root.join(folder).join(PRE_PUSH),
        };
        (hook.symlink_metadata().is_ok() && !hook_file::is_ours(&hook)).then_some(hook)
    }

    /// Whether one of our hooks lies there under another name, put away by a hook manager that may
    /// still run it.
    pub fn may_hide_guard(&self) -> bool {
        matches!(self, Self::Own(folder) if !our_hooks_in(folder).is_empty())
    }

    /// The hook of somebody else that runs after the guard, if there is one.
    pub fn kept_hook(&self, tree: &WorkTree) -> Option<PathBuf> {
        match self {
            Self::Own(folder) => self
                .existing_hook(tree)
                .or_else(|| kept_beside(folder).into_iter().next())
                .or_else(|| wrapped_hook(folder, tree)),
            Self::Foreign { .. } => self.existing_hook(tree),
        }
    }
}

/// Whether our hook stands where git looks for it from this work tree, or is kept there by a hook
/// manager. Runs no hook; only firing it proves that it answers.
///
/// # Errors
/// When git cannot tell where it looks.
pub fn is_in_place(clone: &LocalClone) -> Result<bool, GitError> {
    let tree = WorkTree { root: clone.work_tree()?, git_dir: clone.common_dir().to_owned() };
    let folder = effective_folder(&tree)?;
    Ok(our_hooks_in(&folder).iter().any(|hook| hook_file::is_executable(hook)))
}

/// The hook in the folder that a folder of ours passes on to.
fn wrapped_hook(folder: &Path, tree: &WorkTree) -> Option<PathBuf> {
    let text = fs::read_to_string(folder.join(PRE_PUSH)).ok()?;
    let behind = folder_after(text.lines().last()?)?;
    Some(tree.root.join(behind).join(PRE_PUSH)).filter(|hook| hook.is_file())
}

/// Puts the guard into every place, writing down first what is changed.
///
/// # Errors
/// When a file cannot be written; what was done stays written down.
pub fn install(clone: &LocalClone, sites: &[Site], guard: &Path) -> Result<(), GitError> {
    for site in sites {
        match site {
            Site::Own(folder) => install_beside(folder, guard)?,
            Site::Foreign { folder, config, ours } => wrap(clone, folder, config, ours, guard)?,
        }
    }
    Ok(())
}

fn install_beside(folder: &Path, guard: &Path) -> Result<(), GitError> {
    fs::create_dir_all(folder).map_err(GitError::wrap_file("create", folder))?;
    let hook = folder.join(PRE_PUSH);
    // The text of a wrapping folder names the folder behind it; only the program in it is new.
    if let Some(text) = fs::read_to_string(&hook).ok().filter(|_| hook_file::is_ours(&hook)) {
        let after = text.lines().last().and_then(folder_after);
        return write_hook(&hook, &guard_hook(guard, after.as_deref().map_or(After::Beside, After::In)));
    }
    if let Ok(kind) = hook.symlink_metadata().map(|found| found.file_type()) {
        keep(&hook, kind.is_symlink())?;
    }
    write_hook(&hook, &guard_hook(guard, After::Beside))?;
    // One of ours that a hook manager put away is of no use any more, and in the manager's way.
    let put_away = our_hooks_in(folder).into_iter().filter(|ours| *ours != hook);
    put_away.into_iter().try_for_each(|ours| fs::remove_file(&ours).map_err(GitError::wrap_file("remove", &ours)))
}

/// The folder that our hook passes on to, from its last line.
fn folder_after(line: &str) -> Option<String> {
    let quoted = line.split_once("--after '")?.1.rsplit_once(&format!("'/{PRE_PUSH} -- "))?.0;
    Some(quoted.replace(r"'\''", "'"))
}

/// Gives the existing hook a second name, so that there is no moment without any hook.
fn keep(hook: &Path, is_symlink: bool) -> Result<(), GitError> {
    let wrap = || GitError::wrap_file("keep", hook);
    let folder = hook.parent().unwrap_or(hook);
    if kept_beside(folder).iter().any(|kept| is_same(kept, hook)) {
        return Ok(());
    }
    let free = std::iter::once(folder.join(BEFORE))
        .chain((1..).map(|number| folder.join(format!("{BEFORE}.{number}"))))
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or_else(|| folder.join(BEFORE));
    if is_symlink {
        let target = fs::read_link(hook).map_err(wrap())?;
        return symlink(&target, &free).map_err(wrap());
    }
    fs::hard_link(hook, &free).or_else(|_| fs::copy(hook, &free).map(drop)).map_err(wrap())
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    fs::copy(target, link).map(drop)
}

/// The hooks that were kept in a folder, in the order in which they arrived.
pub fn kept_beside(folder: &Path) -> Vec<PathBuf> {
    files_starting_with(folder, BEFORE)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

/// The hooks to run after an allow: the file itself, and those with a number behind its name. A hook
/// manager that was kept, and then took the hook's place again, runs already, and is left out.
pub fn hooks_after(after: &Path) -> Vec<PathBuf> {
    let is_kept = after.file_name().is_some_and(|name| name == BEFORE);
    let in_place = after.with_file_name(PRE_PUSH);
    let numbered = (1..).map(|number| {
        let mut name = after.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    });
    std::iter::once(after.to_owned())
        .chain(numbered)
        .take_while(|hook| hook.symlink_metadata().is_ok())
        .filter(|hook| !(is_kept && is_same(hook, &in_place)))
        .collect()
}

fn write_hook(path: &Path, text: &str) -> Result<(), GitError> {
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o755))?;
        }
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(GitError::wrap_file("write", path))
}

fn wrap(clone: &LocalClone, folder: &str, config: &Path, ours: &Path, guard: &Path) -> Result<(), GitError> {
    fs::create_dir_all(ours).map_err(GitError::wrap_file("create", ours))?;
    for name in hook_file::CLIENT_HOOKS {
        write_hook(&ours.join(name), &passing_hook(name, folder))?;
    }
    for name in hook_file::OTHER_HOOKS {
        if clone.work_tree()?.join(folder).join(name).exists() {
            write_hook(&ours.join(name), &passing_hook(name, folder))?;
        }
    }
    write_hook(&ours.join(PRE_PUSH), &guard_hook(guard, After::In(folder)))?;
    let mut record = Record::read(clone.common_dir())?;
    record.hooks_paths.retain(|known| known.file != config);
    record.hooks_paths.push(HooksPath { file: config.to_owned(), before: value_in(config)?, ours: ours.to_owned() });
    record.write(clone.common_dir())?;
    let value = ours.to_string_lossy();
    // Without a value of its own to take the place of, it must come after everything that the file
    // includes, which would win otherwise.
    let before = record.hooks_paths.iter().find(|known| known.file == config).and_then(|known| known.before.as_ref());
    let change = if before.is_some() { Change::set } else { Change::set_last };
    local_config::apply(clone, config, &[change("core.hooksPath", &value)])
}

/// The value of `core.hooksPath` in one configuration file alone.
fn value_in(config: &Path) -> Result<Option<String>, GitError> {
    let folder = config.parent().unwrap_or(config);
    let file = config.to_string_lossy();
    let ended = Git::on(folder).run(&["config", "--file", &file, "--get", "core.hooksPath"])?;
    Ok(ended.success.then(|| ended.stdout.trim_end_matches('\n').to_owned()))
}

/// Takes the guard out of every place, and puts back what was there before.
///
/// # Errors
/// When a file cannot be written.
pub fn uninstall(clone: &LocalClone) -> Result<(), GitError> {
    for changed in Record::read(clone.common_dir())?.hooks_paths {
        // Somebody who changed it since then knows what they want.
        if value_in(&changed.file)?.is_some_and(|value| Path::new(&value) == changed.ours) {
            let change = match &changed.before {
                Some(before) => Change::set("core.hooksPath", before),
                None => Change::unset("core.hooksPath"),
            };
            local_config::apply(clone, &changed.file, &[change])?;
        }
        remove_folder(&changed.ours)?;
    }
    for tree in clone.work_trees()? {
        if let Site::Own(folder) = site(clone, &tree)? {
            uninstall_beside(&folder)?;
        }
    }
    // Our hook may lie in the usual folder although another one is in effect by now.
    uninstall_beside(&clone.common_dir().join("hooks"))
}

/// Removes our hooks from a folder of ours, and the folder with them unless somebody put another
/// hook there, believing that it was the folder of hooks.
fn remove_folder(folder: &Path) -> Result<(), GitError> {
    for hook in files_starting_with(folder, "").into_iter().filter(|hook| hook_file::is_ours(hook)) {
        fs::remove_file(&hook).map_err(GitError::wrap_file("remove", &hook))?;
    }
    secfix_dir::remove_if_empty(folder)
}

fn uninstall_beside(folder: &Path) -> Result<(), GitError> {
    let in_place = folder.join(PRE_PUSH);
    for kept in kept_beside(folder).into_iter().filter(|kept| is_same(kept, &in_place)) {
        fs::remove_file(&kept).map_err(GitError::wrap_file("remove", &kept))?;
    }
    for hook in our_hooks_in(folder) {
        match kept_beside(folder).into_iter().next_back() {
            Some(kept) => fs::rename(kept, &hook).map_err(GitError::wrap_file("put back", &hook))?,
            None => fs::remove_file(&hook).map_err(GitError::wrap_file("remove", &hook))?,
        }
    }
    Ok(())
}

/// Our hooks in a folder, under any name: hook managers rename the one that they find to `.old` or
/// `.legacy`.
fn our_hooks_in(folder: &Path) -> Vec<PathBuf> {
    let hooks = files_starting_with(folder, PRE_PUSH);
    hooks.into_iter().filter(|path| hook_file::is_ours(path)).collect()
}

/// The files of a folder whose names start like that, sorted; none where there is no such folder.
fn files_starting_with(folder: &Path, start: &str) -> Vec<PathBuf> {
    let named =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(start));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(named).collect();
    files.sort();
    files
}
