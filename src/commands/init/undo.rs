//! `init --undo`: takes back what `init` did, and nothing else. Refused while this clone still
//! holds embargoed work on local branches, which nothing would guard any more.

use anyhow::anyhow;
use serde::Serialize;

use crate::{
    config::clone_file,
    domain::{exit::Exit, policy::Policy},
    git::{
        LocalClone, branches, embargo, hooks,
        init_record::{self, Record},
        pause, remotes, secfix_dir,
    },
    ops::{Context, Failure},
};

/// What was taken back.
#[derive(Debug, Serialize)]
struct Report {
    undone: Vec<String>,
    /// Branches of fixes, which stay.
    left: Vec<String>,
    done: bool,
}

pub(super) fn run(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let clone = context.open()?;
    let record = Record::read(clone.common_dir())?;
    let prepared = clone_file::path(clone.common_dir()).exists();
    let mut undone = Vec::new();
    let mut left = Vec::new();
    if prepared || secfix_dir::folder(clone.common_dir()).exists() {
        // A policy that cannot be read guards nothing any more, and must not keep its own removal.
        if let Ok(Some(policy)) = clone_file::policy(clone.common_dir()) {
            if !dry_run {
                refuse_with_embargoed_work(&clone, &policy)?;
            }
            left = branches::names_below(&clone, "refs/heads/")?;
            left.retain(|branch| policy.branches.looks_like_fix(branch));
        }
        undone.push("the guard".to_owned());
        undone.extend(record.hooks_paths.iter().map(|path| format!("core.hooksPath in {}", path.file.display())));
        undone.extend(record.added_remote.iter().map(|remote| format!("remote {}", remote.name)));
        if !dry_run {
            take_back(&clone)?;
        }
    }
    let report = Report { undone, left, done: !dry_run };
    context.ui.report("init", &report, || match (report.undone.as_slice(), dry_run) {
        ([], _) => "nothing to undo: this clone is not prepared\n".to_owned(),
        (undone, true) => format!("would be removed: {}\n", undone.join(", ")),
        (undone, false) => format!("removed: {}\n", undone.join(", ")),
    });
    if !report.left.is_empty() {
        context.ui.note(&format!("these branches of fixes stay: {}", report.left.join(", ")));
    }
    Ok(Exit::Done)
}

/// Takes everything back. The record goes last, so that an interruption can be finished.
pub(super) fn take_back(clone: &LocalClone) -> Result<(), Failure> {
    hooks::uninstall(clone)?;
    let record = Record::read(clone.common_dir())?;
    if let Some(remote) = &record.added_remote {
        remotes::remove(clone, &remote.name, &remote.url)?;
    }
    clone_file::remove(clone.common_dir())
        .map_err(|error| Failure::not_done(anyhow!("cannot remove `{}`: {error}", clone_file::NAME)))?;
    pause::forget(clone.common_dir())?;
    init_record::remove(clone.common_dir())?;
    Ok(secfix_dir::remove_where_empty(clone.common_dir())?)
}

fn refuse_with_embargoed_work(clone: &LocalClone, policy: &Policy) -> Result<(), Failure> {
    let held = embargo::held(clone, policy)?;
    if held.is_empty() {
        return Ok(());
    }
    let names = held.join("`, `");
    let canonical = remotes::canonical(clone, policy).map_or_else(|| "origin".to_owned(), |remote| remote.name);
    Err(Failure::refused(anyhow!(
        "without the guard nothing would keep `{names}` from leaking: not all of it is published, as far as this clone knows"
    ))
    .hint(format!("git fetch {canonical}, if it is published by now")))
}
