//! Commits, branches and tags, as git tells of them.

use std::io;

use serde_json::{Map, Value, json};

use super::super::{access, repository::Repository, site::Site, state::Project};

/// What `git log` is asked for: fields with a separator that no field holds.
pub(in crate::rehearsal) const FORMAT: &str =
    "--format=%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%(trailers:only=true,unfold=true)%x1f%B";

/// Commits as `git log -z` with [`FORMAT`] prints them.
pub(in crate::rehearsal) fn parse(site: &Site, within: &Project, printed: &str) -> Vec<Value> {
    printed.split('\0').filter_map(|commit| shown(site, within, commit)).collect()
}

/// The commits of a `git log` with these further arguments; nothing when it fails.
pub(in crate::rehearsal) fn log(
    site: &Site,
    within: &Project,
    repository: &Repository,
    arguments: &[&str],
) -> io::Result<Option<Vec<Value>>> {
    let arguments = [&["log", "-z", FORMAT], arguments].concat();
    Ok(repository.ask(&arguments)?.map(|printed| parse(site, within, &printed)))
}

/// One commit by its id.
pub(in crate::rehearsal) fn one(
    site: &Site,
    within: &Project,
    repository: &Repository,
    id: &str,
) -> io::Result<Option<Value>> {
    let found = log(site, within, repository, &["-1", id, "--"])?;
    Ok(found.and_then(|commits| commits.into_iter().next()))
}

fn shown(site: &Site, within: &Project, commit: &str) -> Option<Value> {
    let fields: Vec<_> = commit.splitn(10, '\x1f').collect();
    let &[id, parents, author, author_email, authored, committer, committer_email, committed, trailers, message] =
        fields.as_slice()
    else {
        return None;
    };
    let message = message.trim_end_matches('\n');
    let trailers: Map<String, Value> = trailers
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    Some(json!({
        "id": id,
        "short_id": id.get(..8),
        "title": message.lines().next().unwrap_or_default(),
        "message": format!("{message}\n"),
        "parent_ids": parents.split(' ').filter(|parent| !parent.is_empty()).collect::<Vec<_>>(),
        "author_name": author,
        "author_email": author_email,
        "authored_date": date(authored),
        "committer_name": committer,
        "committer_email": committer_email,
        "committed_date": date(committed),
        "created_at": date(committed),
        "trailers": trailers,
        "extended_trailers": {},
        "web_url": format!("{}/-/commit/{id}", site.page(within)),
    }))
}

/// A date of git with milliseconds and its own offset.
pub(in crate::rehearsal) fn date(date: &str) -> String {
    let date = date.strip_suffix('Z').map_or_else(|| date.to_owned(), |date| format!("{date}+00:00"));
    match date.split_at_checked(19) {
        Some((time, offset)) => format!("{time}.000{offset}"),
        None => date,
    }
}

/// A branch, for somebody.
pub(in crate::rehearsal) fn branch(
    site: &Site,
    within: &Project,
    (name, commit): (&str, Value),
    is_merged: bool,
    can_push: bool,
) -> Value {
    json!({
        "name": name,
        "commit": commit,
        "protected": access::is_protected(within, name),
        "default": name == within.default_branch,
        "merged": is_merged,
        "can_push": can_push,
        "developers_can_push": false,
        "developers_can_merge": false,
        "web_url": format!("{}/-/tree/{name}", site.page(within)),
    })
}

/// The files that differ between two commits.
pub(in crate::rehearsal) fn diffs(repository: &Repository, from: &str, to: &str) -> io::Result<Vec<Value>> {
    let listed = repository.ask(&["diff", "-z", "--name-status", "--no-renames", from, to])?.unwrap_or_default();
    let fields: Vec<_> = listed.split('\0').filter(|field| !field.is_empty()).collect();
    let mut diffs = vec![];
    for pair in fields.chunks_exact(2) {
        let (status, path) = (pair[0], pair[1]);
        let patch = repository.ask(&["diff", "--no-renames", from, to, "--", path])?.unwrap_or_default();
        let hunks = patch.find("\n@@ ").map_or("", |at| &patch[at + 1..]);
        diffs.push(json!({
            "old_path": path,
            "new_path": path,
            "a_mode": if status == "A" { "0" } else { "100644" },
            "b_mode": if status == "D" { "0" } else { "100644" },
            "diff": if hunks.is_empty() { String::new() } else { format!("{hunks}\n") },
            "new_file": status == "A",
            "renamed_file": false,
            "deleted_file": status == "D",
            "generated_file": false,
        }));
    }
    Ok(diffs)
}
