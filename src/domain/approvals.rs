//! Who has to approve what: roles, each known by approval rules or by people.

use std::str::FromStr;

use thiserror::Error;

use super::merge_request::{Approval, ApprovalState, RoleApproval};

/// Which merge requests a role looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    /// All of a fix.
    All,
    /// The one to the default branch.
    Default,
}

/// A text that is neither.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is neither `all` nor `default`")]
pub struct TargetsError(String);

impl FromStr for Targets {
    type Err = TargetsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "default" => Ok(Self::Default),
            other => Err(TargetsError(other.to_owned())),
        }
    }
}

/// People who must approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// As it is shown: `maintainer`, `PSIRT`.
    pub name: &'static str,
    /// Approval rules that only these people fulfil.
    pub rules: Vec<String>,
    /// User names, and `@group` for all members of a group; they count where no such rule is there.
    pub users: Vec<String>,
    /// Which merge requests they look at.
    pub targets: Targets,
}

impl Role {
    /// Whether the role looks at a merge request to the default branch, or to another.
    pub fn looks_at(&self, is_default: bool) -> bool {
        is_default || self.targets == Targets::All
    }

    /// The groups whose members belong to the role.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.users.iter().filter_map(|user| user.strip_prefix('@').filter(|group| group.contains('/')))
    }
}

/// An approval rule of a merge request, as the server reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFact {
    /// Its name.
    pub name: String,
    /// Whether the server takes it for fulfilled.
    pub is_fulfilled: bool,
    /// Whether it was changed for this merge request alone, so that anybody may have made it easier.
    pub is_changed: bool,
    /// Who approved under it.
    pub approved_by: Vec<String>,
}

/// Whether a role has approved. `people` are the user names of the role, with the members of its
/// groups, or why these cannot be read.
pub fn judge(
    role: &Role,
    is_default: bool,
    rules: &[RuleFact],
    people: Result<&[String], &str>,
    given: &[Approval],
) -> RoleApproval {
    let state = if !role.looks_at(is_default) {
        ApprovalState::NotNeeded
    } else {
        let own: Vec<&RuleFact> =
            rules.iter().filter(|rule| role.rules.iter().any(|name| name.eq_ignore_ascii_case(&rule.name))).collect();
        if own.is_empty() { by_people(people, rules, given) } else { by_rules(&own) }
    };
    RoleApproval { role: role.name.to_owned(), state }
}

/// A rule that nobody could fulfil counts as fulfilled for GitLab, with nobody who approved: never
/// for us. All rules of a role must be there.
fn by_rules(rules: &[&RuleFact]) -> ApprovalState {
    if let Some(rule) = rules.iter().find(|rule| rule.is_changed) {
        return ApprovalState::CannotTell(format!("its rule `{}` was changed for this merge request alone", rule.name));
    }
    if rules.iter().any(|rule| !rule.is_fulfilled || rule.approved_by.is_empty()) {
        return ApprovalState::Missing;
    }
    let mut by: Vec<String> = rules.iter().flat_map(|rule| rule.approved_by.clone()).collect();
    by.sort();
    by.dedup();
    ApprovalState::Approved { by }
}

fn by_people(people: Result<&[String], &str>, rules: &[RuleFact], given: &[Approval]) -> ApprovalState {
    let people = match people {
        Ok([]) => return ApprovalState::CannotTell(nobody(rules)),
        Ok(people) => people,
        Err(why) => return ApprovalState::CannotTell(why.to_owned()),
    };
    let is_of_role = |by: &str| people.iter().any(|user| user.trim_start_matches('@').eq_ignore_ascii_case(by));
    let by: Vec<String> = given.iter().map(|approval| approval.by.clone()).filter(|by| is_of_role(by)).collect();
    if by.is_empty() { ApprovalState::Missing } else { ApprovalState::Approved { by } }
}

fn nobody(rules: &[RuleFact]) -> String {
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    match names[..] {
        [] => "it has no approval rules, and no users are configured for the role".to_owned(),
        _ => format!("none of its rules `{}` is configured for the role, nor are users", names.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(targets: Targets) -> Role {
        Role { name: "PSIRT", rules: vec!["PSIRT".to_owned()], users: vec![], targets }
    }

    fn rule(name: &str, is_fulfilled: bool, by: &[&str]) -> RuleFact {
        RuleFact {
            name: name.to_owned(),
            is_fulfilled,
            is_changed: false,
            approved_by: by.iter().map(|by| (*by).to_owned()).collect(),
        }
    }

    fn given(by: &[&str]) -> Vec<Approval> {
        by.iter().map(|by| Approval { by: (*by).to_owned(), at: None }).collect()
    }

    fn state(rules: &[RuleFact], people: Result<&[String], &str>, approvals: &[Approval]) -> ApprovalState {
        judge(&role(Targets::Default), true, rules, people, approvals).state
    }

    #[test]
    fn a_rule_counts_only_with_somebody_who_approved() {
        let approved = |by: &[&str]| ApprovalState::Approved { by: by.iter().map(|by| (*by).to_owned()).collect() };
        assert_eq!(state(&[rule("psirt", true, &["ann"])], Ok(&[]), &[]), approved(&["ann"]));
        assert_eq!(state(&[rule("PSIRT", true, &[])], Ok(&[]), &given(&["ann"])), ApprovalState::Missing);
        assert_eq!(state(&[rule("PSIRT", false, &["ann"])], Ok(&[]), &[]), ApprovalState::Missing);
        let changed = RuleFact { is_changed: true, ..rule("PSIRT", true, &["ann"]) };
        assert!(matches!(state(&[changed], Ok(&[]), &[]), ApprovalState::CannotTell(_)));
        let two = [rule("PSIRT", true, &["ann"]), rule("psirt", true, &[])];
        assert_eq!(state(&two, Ok(&[]), &[]), ApprovalState::Missing);
        let all = [rule("All Members", true, &["bob"]), rule("PSIRT", true, &["ann"])];
        assert_eq!(state(&all, Ok(&[]), &[]), approved(&["ann"]));
    }

    #[test]
    fn people_count_where_there_is_no_rule() {
        let people = ["ann".to_owned(), "@bob".to_owned()];
        let approved = ApprovalState::Approved { by: vec!["Bob".to_owned()] };
        assert_eq!(state(&[], Ok(&people), &given(&["eve", "Bob"])), approved);
        assert_eq!(state(&[], Ok(&people), &given(&["eve"])), ApprovalState::Missing);
        let other = [rule("Other", true, &["eve"])];
        let why = |rules: &[RuleFact], people| match state(rules, people, &given(&["eve"])) {
            ApprovalState::CannotTell(why) => why,
            other => format!("{other:?}"),
        };
        assert_eq!(why(&other, Ok(&[])), "none of its rules `Other` is configured for the role, nor are users");
        assert_eq!(why(&[], Ok(&[])), "it has no approval rules, and no users are configured for the role");
        assert_eq!(why(&other, Err("no answer")), "no answer");
    }

    #[test]
    fn a_role_looks_at_its_targets() {
        assert_eq!(judge(&role(Targets::Default), false, &[], Ok(&[]), &[]).state, ApprovalState::NotNeeded);
        assert_ne!(judge(&role(Targets::All), false, &[], Ok(&[]), &[]).state, ApprovalState::NotNeeded);
    }
}
