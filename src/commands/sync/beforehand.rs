//! What of the disclosure can be known before anything is opened: who will have to approve, and who may merge.

use std::collections::BTreeMap;

use anyhow::anyhow;

use super::survey::Branch;
use crate::{
    gitlab::{
        Client, Error, approval,
        project::{DEVELOPER, MAINTAINER, Project},
        user,
    },
    ops::{Failure, connection::unanswered, public_request::approvals, typed::Typed},
};

/// What people should have ready, in words.
///
/// # Errors
/// When this token cannot open what is to be opened, so that nothing is.
pub(super) fn look(
    client: &Client,
    security: &Project,
    canonical: &Project,
    branches: &[Branch],
    again: &Typed,
) -> Result<Vec<String>, Failure> {
    let open: Vec<&Branch> = branches.iter().filter(|branch| !branch.is_public()).collect();
    if open.is_empty() {
        return Ok(vec![]);
    }
    check_rights(security, canonical, &open, again)?;
    let (rules, maintainers) = std::thread::scope(|scope| {
        let rules = scope.spawn(|| rules(client, canonical.id));
        let maintainers = maintainers(client, canonical.id);
        (rules.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), maintainers)
    });
    let (rules, maintainers) = (rules.map_err(unanswered)?, maintainers.map_err(unanswered)?);
    // One line for all branches of which the same is to be said.
    let mut wanted: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for branch in &open {
        let approvals = approvals_wanted(rules.as_deref(), branch).into_iter();
        let approvals = approvals.map(|text| (format!("canonical wants {text} for"), "have them ready".to_owned()));
        for said in approvals.chain(right_to_merge(canonical, branch, &maintainers)) {
            wanted.entry(said).or_default().push(&branch.name);
        }
    }
    let texts = wanted.iter().map(|((before, behind), names)| format!("{before} `{}`: {behind}", names.join("`, `")));
    let texts = texts.collect();
    Ok(texts)
}

/// Whoever may not open the second merge request does not open the first.
fn check_rights(security: &Project, canonical: &Project, open: &[&Branch], again: &Typed) -> Result<(), Failure> {
    let is_new = |branch: &&&Branch| branch.own_request().is_none();
    if !open.iter().any(|branch| is_new(&branch)) {
        return Ok(());
    }
    let ask = |path: &str| format!("ask a maintainer of {path} to run: {}", again.clone().without_value("--yes"));
    if canonical.can_create_merge_request_in == Some(false) {
        let path = &canonical.path_with_namespace;
        return Err(Failure::not_done(anyhow!("this token may not open merge requests in {path}, so none was opened"))
            .hint(ask(path)));
    }
    // Members through an invited group have no level here: GitLab itself decides then.
    if (1..DEVELOPER).contains(&security.access_level()) {
        let path = &security.path_with_namespace;
        return Err(Failure::not_done(anyhow!("this token may not create branches in {path}, so none was opened"))
            .hint(ask(path)));
    }
    Ok(())
}

/// The rules for approvals; `None` where they are not for us to see.
fn rules(client: &Client, canonical: u64) -> Result<Option<Vec<approval::ProjectRule>>, Error> {
    match approval::project_rules(client, canonical) {
        // A GitLab without rules has no such list.
        Err(error) if error.status() == Some(404) => Ok(Some(vec![])),
        Err(error) if error.status() == Some(403) && !error.is_scope() => Ok(None),
        found => found.map(Some),
    }
}

fn maintainers(client: &Client, canonical: u64) -> Result<Vec<String>, Error> {
    let members = user::members_of_project(client, canonical)?.unwrap_or_default();
    let maintainers = members.into_iter().filter(|member| member.access_level >= MAINTAINER);
    Ok(maintainers.map(|member| member.username).collect())
}

fn approvals_wanted(rules: Option<&[approval::ProjectRule]>, branch: &Branch) -> Vec<String> {
    let Some(rules) = rules else {
        return vec!["approvals that this token may not read".to_owned()];
    };
    let asks =
        |rule: &&approval::ProjectRule| rule.approvals_required > 0 && rule.is_for(&branch.name, branch.is_protected);
    let text = |rule: &approval::ProjectRule| {
        let groups = rule.groups.iter().map(|group| group.full_path.as_str());
        let people = rule.eligible_approvers.iter().map(|user| user.username.as_str());
        let named: Vec<&str> = if rule.groups.is_empty() { people.collect() } else { groups.collect() };
        approvals(rule.approvals_required, &rule.name, named.into_iter())
    };
    rules.iter().filter(asks).map(text).collect()
}

/// What to say of a branch that this token may not merge into, or where that cannot be told: in front of its name, and
/// behind it.
fn right_to_merge(canonical: &Project, branch: &Branch, maintainers: &[String]) -> Option<(String, String)> {
    let needed = if branch.is_protected && !branch.developers_may_merge { MAINTAINER } else { DEVELOPER };
    let level = canonical.access_level();
    if level >= needed {
        return None;
    }
    let names: Vec<String> = maintainers.iter().map(|name| format!("@{name}")).collect();
    let people = if names.is_empty() { String::new() } else { format!(", such as {}", names.join(", ")) };
    let before = match level {
        0 => "whether this token may merge into canonical cannot be read, for",
        _ => "unless a rule says so, this token may not merge into canonical, for",
    };
    Some((before.to_owned(), format!("have a maintainer ready{people}")))
}
