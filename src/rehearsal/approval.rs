//! Approval rules, and whether a merge request has what they ask for.

use super::state::{ApprovalRule, MergeRequest, Project, State, matches_pattern};

/// A rule as it stands for one merge request.
pub(super) struct RuleState<'a> {
    pub(super) rule: &'a ApprovalRule,
    /// Whose approval would count.
    pub(super) eligible: Vec<u64>,
    /// Who gave one that counts.
    pub(super) approved_by: Vec<u64>,
}

impl RuleState<'_> {
    /// A rule that nobody can satisfy counts as satisfied.
    pub(super) fn is_approved(&self) -> bool {
        let is_impossible = self.rule.rule_type != "any_approver" && self.eligible.is_empty();
        is_impossible || self.approved_by.len() >= self.rule.approvals_required
    }

    pub(super) fn left(&self) -> usize {
        if self.is_approved() { 0 } else { self.rule.approvals_required - self.approved_by.len() }
    }
}

/// The rules for the target branch of a merge request.
pub(super) fn rules<'a>(project: &'a Project, request: &MergeRequest) -> Vec<RuleState<'a>> {
    let is_for = |rule: &&ApprovalRule| {
        rule.branches.is_empty() || rule.branches.iter().any(|name| matches_pattern(name, &request.target_branch))
    };
    let counts = |user: &u64| project.merge_requests_author_approval || *user != request.author;
    let with_state = |rule: &'a ApprovalRule| {
        let eligible: Vec<u64> = rule.eligible.iter().copied().filter(counts).collect();
        let approved = request.approvals.iter().map(|approval| approval.user);
        let approved_by = approved.filter(|user| rule.rule_type == "any_approver" || eligible.contains(user)).collect();
        RuleState { rule, eligible, approved_by }
    };
    project.approval_rules.iter().filter(is_for).map(with_state).collect()
}

/// Whether nothing is missing.
pub(super) fn is_approved(state: &State, project: &Project, request: &MergeRequest) -> bool {
    !state.premium || rules(project, request).iter().all(RuleState::is_approved)
}
