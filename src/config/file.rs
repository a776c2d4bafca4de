//! One configuration file: parsed and checked as a whole, or refused as a whole. An error names
//! the file, the line and, for a mistyped key, the nearest valid one.

use std::{io, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    error::FileError,
    keys::{self, Reach, Value},
    layer::{Layer, Origin},
};

/// Whose file it is, which decides what it may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The user's file, for all clones.
    User,
    /// The clone's own file in the git directory.
    Clone,
    /// A preset; the text is its name.
    Preset(&'static str),
}

/// Reads and checks a file; `None` when there is none.
///
/// # Errors
/// When it cannot be read, is no TOML, or holds a key or value that is not known.
pub fn read(path: &Path, owner: Owner) -> Result<Option<Layer>, FileError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path, owner).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Checks the text of a file.
///
/// # Errors
/// When it is no TOML, or holds a key or value that is not known.
pub fn parse(text: &str, path: &Path, owner: Owner) -> Result<Layer, FileError> {
    let wrong = |at: usize, why: String| FileError::Wrong { path: path.to_owned(), line: line_of(text, at), why };
    let table = DeTable::parse(text)
        .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    let mut layer = Layer::default();
    walk(table.get_ref(), "", &mut |name, at, value| {
        let Some(key) = keys::find(name) else {
            let nearest = keys::nearest(name).map_or_else(String::new, |key| format!("; did you mean `{}`?", key.name));
            return Err(wrong(at, format!("unknown key `{name}`{nearest}")));
        };
        if key.reach == Reach::CloneOnly && owner == Owner::User {
            return Err(wrong(at, format!("`{name}` can only be set for one clone, with `git secfix guard`")));
        }
        let value = read_value(value).ok_or_else(|| wrong(at, format!("`{name}` takes {}", key.form.name())))?;
        key.check(&value).map_err(|why| wrong(at, why))?;
        let origin = match owner {
            Owner::User => Origin::User { path: path.to_owned(), line: line_of(text, at) },
            Owner::Clone => Origin::Clone { path: path.to_owned(), line: line_of(text, at) },
            Owner::Preset(name) => Origin::Preset(name),
        };
        layer.set(key, value, origin);
        Ok(())
    })?;
    Ok(layer)
}

/// Calls `found` with the dotted name, the byte position and the value of everything that is no table.
fn walk<E>(
    table: &DeTable<'_>,
    prefix: &str,
    found: &mut impl FnMut(&str, usize, &DeValue<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
        match value.get_ref() {
            // An empty table that is no section of ours is a mistake like any other.
            DeValue::Table(inner) if !inner.is_empty() || keys::is_section(&name) => {
                walk(inner, &name, found)?;
            }
            other => found(&name, key.span().start, other)?,
        }
    }
    Ok(())
}

fn read_value(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Count),
        DeValue::Array(items) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect::<Option<_>>()
            .map(Value::List),
        _ => None,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset::PRESETS;

    fn error(text: &str, owner: Owner) -> String {
        parse(text, Path::new("f.toml"), owner).unwrap_err().to_string()
    }

    #[test]
    fn presets_are_valid_and_complete() {
        let may_be_unset = [
            "preset",
            "gitlab.url",
            "gitlab.ca_file",
            "issues.project",
            "backport.worktrees",
            "merge_requests.reviewers",
            "merge_requests.milestone",
            "approvals.maintainer.users",
            "tags.job",
            "tags.message",
            "deploy.stage",
            "deploy.jobs",
            "deploy.optional",
            "sync.title",
            "schedule.keep_alive",
            "publish.jobs",
            "verify.images",
        ];
        for preset in &PRESETS {
            let layer = parse(preset.toml, Path::new(preset.name), Owner::Preset(preset.name)).unwrap();
            let missing: Vec<_> =
                keys::KEYS.iter().filter(|key| layer.get(key).is_none() && !may_be_unset.contains(&key.name)).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", preset.name);
        }
    }

    #[test]
    fn errors_name_file_line_and_the_nearest_key() {
        assert_eq!(
            error("[branches]\n\nfixx = \"x\"\n", Owner::User),
            "f.toml:3: unknown key `branches.fixx`; did you mean `branches.fix`?"
        );
        assert_eq!(
            error("[branches]\nsupported = \"3\"\n", Owner::User),
            "f.toml:2: `branches.supported` takes a whole number above 0"
        );
        assert_eq!(
            error("[branches]\nfix = \"security\"\n", Owner::User),
            "f.toml:2: the pattern `security` lacks the placeholder `{name}`"
        );
        assert!(error("[branches\n", Owner::User).starts_with("f.toml:1: "));
        assert!(error("a = 1\n[guard.x]\n", Owner::User).starts_with("f.toml:"));
        assert_eq!(error("nonsense = {}\n", Owner::User), "f.toml:1: unknown key `nonsense`");
        assert_eq!(
            error("branches = 3\n", Owner::User),
            "f.toml:1: unknown key `branches`; did you mean `branches.fix`?"
        );
        for value in ["1.5", "true", "[1]", "{}", "-1", "1979-05-27"] {
            assert!(
                error(&format!("[branches]\nsupported = {value}\n"), Owner::User).contains("f.toml:2: "),
                "{value}"
            );
        }
    }

    #[test]
    fn the_guard_is_not_weakened_from_outside_the_clone() {
        let text = "[guard]\nmode = \"strict\"\n";
        assert!(error(text, Owner::User).contains("only be set for one clone"));
        assert!(parse(text, Path::new("f"), Owner::Clone).is_ok());
    }
}
