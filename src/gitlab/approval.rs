//! Approvals of a merge request, and the rules that ask for them.

use std::borrow::Cow;

use gitlab::api::{
    Endpoint, Pageable,
    projects::merge_requests::{approval_state, approvals},
};
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Client, Error, built, user::User, wildcard};

/// Who approved.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approvals {
    /// Everybody who approved.
    #[serde(default)]
    pub approved_by: Vec<ApprovedBy>,
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ApprovedBy {
    /// By whom.
    pub user: User,
    /// When; older servers do not say.
    pub approved_at: Option<Timestamp>,
}

/// A rule that asks for approvals.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// How many it asks for.
    #[serde(default)]
    pub approvals_required: u64,
    /// Whose approval would count, as far as the server tells.
    #[serde(default)]
    pub eligible_approvers: Vec<User>,
    /// Whether GitLab takes it for fulfilled, which it also does when nobody could fulfil it.
    #[serde(default)]
    pub approved: bool,
    /// Whether it was changed for this merge request alone.
    #[serde(default)]
    pub overridden: bool,
    /// Who approved under this rule.
    #[serde(default)]
    pub approved_by: Vec<User>,
}

#[derive(Deserialize)]
struct State {
    rules: Vec<Rule>,
}

/// Who approved a merge request.
///
/// # Errors
/// See [`Error`].
pub fn read(client: &Client, project: u64, iid: u64) -> Result<Approvals, Error> {
    client.get(&built(approvals::MergeRequestApprovals::builder().project(project).merge_request(iid).build())?)
}

/// The rules of a merge request; `None` on a GitLab that has none (the Free tier).
///
/// # Errors
/// See [`Error`].
pub fn rules(client: &Client, project: u64, iid: u64) -> Result<Option<Vec<Rule>>, Error> {
    let endpoint = approval_state::MergeRequestApprovalState::builder().project(project).merge_request(iid).build();
    let state: Option<State> = Error::absent(client.get(&built(endpoint)?))?;
    Ok(state.map(|state| state.rules))
}

/// A rule of a project, for merge requests to come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProjectRule {
    /// Its name.
    pub name: String,
    /// How many approvals it asks for.
    #[serde(default)]
    pub approvals_required: u64,
    /// Whose approval would count, as far as the server tells.
    #[serde(default)]
    pub eligible_approvers: Vec<User>,
    /// The groups whose members may approve.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// The protected branches that it is for; for every branch where there is none.
    #[serde(default)]
    pub protected_branches: Vec<ProtectedBranch>,
    /// Whether it is for all protected branches, and for no other.
    #[serde(default)]
    pub applies_to_all_protected_branches: bool,
}

impl ProjectRule {
    /// Whether it is for merge requests into this branch.
    pub fn is_for(&self, branch: &str, is_protected: bool) -> bool {
        if self.applies_to_all_protected_branches {
            return is_protected;
        }
        self.protected_branches.is_empty()
            || self.protected_branches.iter().any(|rule| wildcard::matches(&rule.name, branch))
    }
}

/// A group in a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Group {
    /// Its full path.
    pub full_path: String,
}

/// A protected branch in a rule, by its name or pattern.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProtectedBranch {
    /// Its name, where `*` stands for any characters.
    pub name: String,
}

/// The rules of a project.
///
/// # Errors
/// See [`Error`]; 404 on a GitLab that has none (the Free tier), 403 where this token may not read them.
pub fn project_rules(client: &Client, project: u64) -> Result<Vec<ProjectRule>, Error> {
    client.all(&ProjectRules(project))
}

/// `GET /projects/:id/approval_rules`.
struct ProjectRules(u64);

impl Endpoint for ProjectRules {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/approval_rules", self.0).into()
    }
}

impl Pageable for ProjectRules {}
