//! Approvals of a merge request, and the rules that ask for them.

use gitlab::api::projects::merge_requests::{approval_state, approvals};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Client, Error, built, user::User};

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
