//! Looking again and again, until the review is over.

use std::time::Duration;

use crate::{
    domain::backoff::Backoff,
    ops::{backoff::WaitLimit, failure::FailureKind},
};
use crate::{
    domain::{
        exit::Exit,
        runbook::{self, Step},
    },
    ops::{Context, Failure, facts::Gathered},
};

/// A server that is watched by many is asked at least this often.
const SELDOM: Duration = Duration::from_secs(300);

pub(super) fn watch(
    context: &Context,
    asked: Duration,
    look: impl Fn() -> Result<Vec<Gathered>, Failure>,
    show: impl Fn(&[Gathered]),
) -> Result<Exit, Failure> {
    // Ever less often while nothing changes or GitLab does not answer.
    let backoff = Backoff { first: asked, longest: SELDOM.max(asked), jitter: 0 };
    let mut wait = WaitLimit { limit: Duration::MAX, backoff }.begin();
    // The first look must succeed: a wrong token is not waited for.
    let mut found = look()?;
    show(&found);
    while found.iter().any(|found| runbook::step(&found.facts) <= Step::Review) {
        context.ui.note(&format!("looking again in {}; stop with Ctrl-C", wait.next_pause()));
        wait.pause();
        let has_changed = match look() {
            Ok(newer) => {
                let has_changed = newer.iter().map(|found| &found.facts).ne(found.iter().map(|found| &found.facts));
                if has_changed {
                    context.ui.clear();
                    show(&newer);
                }
                found = newer;
                has_changed
            }
            Err(failure) if failure.kind() == FailureKind::Network => {
                failure.warn(context.ui);
                false
            }
            Err(failure) => return Err(failure),
        };
        if has_changed {
            wait.begin_anew();
        }
    }
    context.ui.bell();
    Ok(Exit::Done)
}
