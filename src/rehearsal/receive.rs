//! What comes before and after a push over HTTP: rules that refuse it, and what follows from it.

use std::{collections::BTreeMap, io};

use super::{
    access,
    lifecycle::{self, Change},
    repository::Repository,
    site::Site,
    state::{Project, State},
};

/// Who was let in where.
pub(super) struct Admitted {
    pub(super) project: u64,
    pub(super) user: Option<u64>,
    pub(super) repository: Repository,
}

/// A change that a push asks for.
#[derive(Debug, PartialEq, Eq)]
struct Command {
    old: String,
    new: String,
    reference: String,
}

/// The packets at the beginning of a push: commands, and the abilities of the client.
fn commands(body: &[u8]) -> (Vec<Command>, String) {
    let (mut commands, mut abilities, mut rest) = (vec![], String::new(), body);
    while let Some(length) = rest.get(..4).and_then(|text| usize::from_str_radix(str::from_utf8(text).ok()?, 16).ok()) {
        let Some(packet) = rest.get(4..length) else { break };
        rest = &rest[length..];
        let line = String::from_utf8_lossy(packet).into_owned();
        let (command, more) = line.split_once('\0').unwrap_or((&line, ""));
        if !more.is_empty() {
            abilities = more.trim().to_owned();
        }
        let mut words = command.trim_end_matches('\n').splitn(3, ' ');
        if let (Some(old), Some(new), Some(reference)) = (words.next(), words.next(), words.next()) {
            commands.push(Command { old: old.into(), new: new.into(), reference: reference.into() });
        }
    }
    (commands, abilities)
}

/// The report that a push is refused, when a rule does.
pub(super) fn refusal(state: &State, admitted: &Admitted, body: &[u8]) -> Option<Vec<u8>> {
    let project = state.project_by_id(admitted.project)?;
    let (commands, abilities) = commands(body);
    let why = commands.iter().find_map(|command| why_refused(state, project, admitted, command))?;
    let mut report = packet(b"unpack ok\n");
    for command in &commands {
        report.extend(packet(format!("ng {} pre-receive hook declined\n", command.reference).as_bytes()));
    }
    report.extend(b"0000");
    if !abilities.split(' ').any(|ability| ability == "side-band-64k") {
        return Some(report);
    }
    let said = [b"\x02".as_slice(), format!("GitLab: {why}\n").as_bytes()].concat();
    let mut answer = packet(&said);
    answer.extend(packet(&[b"\x01".as_slice(), &report].concat()));
    answer.extend(b"0000");
    Some(answer)
}

fn packet(content: &[u8]) -> Vec<u8> {
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

fn why_refused(state: &State, project: &Project, admitted: &Admitted, command: &Command) -> Option<&'static str> {
    let is_none = |id: &str| id.bytes().all(|byte| byte == b'0');
    if let Some(tag) = command.reference.strip_prefix("refs/tags/") {
        if !access::is_protected_tag(project, tag) {
            return None;
        }
        let may_create = access::may_create_tag(state, project, tag, admitted.user);
        return match (is_none(&command.old), may_create) {
            (true, true) => None,
            (true, false) => Some("You are not allowed to create this tag as it is protected."),
            (false, _) => Some("Protected tags cannot be updated."),
        };
    }
    let branch = command.reference.strip_prefix("refs/heads/")?;
    if !access::is_protected(project, branch) {
        return None;
    }
    if is_none(&command.new) {
        return Some("You can only delete protected branches using the web interface.");
    }
    if !access::may_push(state, project, branch, admitted.user) {
        return Some(if is_none(&command.old) {
            "You are not allowed to create protected branches on this project."
        } else {
            "You are not allowed to push code to protected branches on this project."
        });
    }
    let allows_force = project
        .protected_branches
        .iter()
        .any(|rule| rule.allow_force_push && super::state::matches_pattern(&rule.name, branch));
    // A push forward is new to this repository. What it has already, and has not in front of the
    // branch, can only be a step back or aside; what it has not at all git itself looks at.
    let is_aside = !is_none(&command.old)
        && matches!(admitted.repository.commit(&command.new), Ok(Some(_)))
        && matches!(admitted.repository.is_ancestor(&command.old, &command.new), Ok(false));
    (is_aside && !allows_force)
        .then_some("You are not allowed to force push code to a protected branch on this project.")
}

/// All branches and tags with their objects.
pub(super) fn references(repository: &Repository) -> io::Result<BTreeMap<String, String>> {
    let format = "--format=%(refname) %(objectname)";
    let listed = repository.must(&["for-each-ref", format, "refs/heads", "refs/tags"])?;
    let lines = listed.lines().filter_map(|line| line.split_once(' '));
    Ok(lines.map(|(name, id)| (name.to_owned(), id.to_owned())).collect())
}

/// Pipelines of what was pushed, and new versions of merge requests.
pub(super) fn follow_up(
    site: &Site,
    state: &mut State,
    admitted: &Admitted,
    before: &BTreeMap<String, String>,
) -> io::Result<()> {
    let after = references(&admitted.repository)?;
    for (reference, id) in &after {
        if before.get(reference) != Some(id) {
            let change = Change { project: admitted.project, reference, user: admitted.user.unwrap_or_default() };
            lifecycle::start_ref_pipeline(site, state, &change)?;
        }
    }
    lifecycle::refresh_everything(site, state)
}

#[cfg(test)]
mod tests {
    use super::{Command, commands, packet};

    #[test]
    fn commands_of_a_push_are_read() {
        let (old, new) = ("0".repeat(40), "a".repeat(40));
        let first = format!("{old} {new} refs/heads/main\0 report-status side-band-64k agent=git/2.39");
        let second = format!("{new} {old} refs/tags/v1\n");
        let body = [packet(first.as_bytes()), packet(second.as_bytes()), b"0000PACK....".to_vec()].concat();
        let (commands, abilities) = commands(&body);
        let tag = Command { old: new.clone(), new: old.clone(), reference: "refs/tags/v1".into() };
        assert_eq!(commands, [Command { old, new, reference: "refs/heads/main".into() }, tag]);
        assert_eq!(abilities, "report-status side-band-64k agent=git/2.39");
    }
}
