//! What all requests share: the state, the log and the faults of one server.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{faults::Faults, log::Log, site::Site, state::State};

/// What all requests share.
pub(super) struct Shared {
    pub(super) site: Site,
    pub(super) log: Log,
    pub(super) faults: Faults,
    pub(super) state: Mutex<State>,
}

impl Shared {
    /// The state, for as long as the guard lives. A test that failed within a change does not take
    /// the others down.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
