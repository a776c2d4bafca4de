//! Fetching, for commands that must see a project as it is now.

use anyhow::anyhow;

use super::{Context, Failure};
use crate::git::{
    LocalClone,
    transport::{self, FetchFailure, Unreachable},
};

/// Fetches a remote; `hint` is what helps where it cannot be reached.
///
/// # Errors
/// When it cannot be reached.
pub(super) fn fetch(clone: &LocalClone, remote: &str, context: &Context, hint: &str) -> Result<(), Failure> {
    let spinner = context.ui.spinner(&format!("fetching {remote}"));
    transport::fetch(clone, remote, &|state| spinner.tell(state))?.map_err(|FetchFailure { reason, said }| {
        let error = anyhow!("cannot fetch `{remote}`: {said}");
        // What git says of a file of this clone is no matter of the network.
        let failure = if reason == Unreachable::Other { Failure::not_done(error) } else { Failure::network(error) };
        failure.hint(hint)
    })
}
