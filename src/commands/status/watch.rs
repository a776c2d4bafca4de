//! Looking again and again, until the review is over.

use std::time::Duration;

use crate::{
    commands::{Context, Failure, facts::Gathered},
    domain::{
        exit::Exit,
        runbook::{self, Step},
    },
};

/// A server that is watched by many is asked at least this often.
const SELDOM: Duration = Duration::from_secs(300);

/// How often to look again: as asked while things change, ever less often while nothing does or
/// GitLab does not answer.
fn next_pause(asked: Duration, last: Duration, has_changed: bool) -> Duration {
    if has_changed { asked } else { (last * 5 / 4).min(SELDOM.max(asked)) }
}

pub(super) fn watch(
    context: &Context,
    seconds: u64,
    look: impl Fn() -> Result<Vec<Gathered>, Failure>,
    show: impl Fn(&[Gathered]),
) -> Result<Exit, Failure> {
    let asked = Duration::from_secs(seconds);
    let mut pause = asked;
    // The first look must succeed: a wrong token is not waited for.
    let mut found = look()?;
    show(&found);
    while found.iter().any(|found| runbook::step(&found.facts) <= Step::Review) {
        context.ui.note(&format!("looking again in {} s; stop with Ctrl-C", pause.as_secs()));
        std::thread::sleep(pause);
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
            Err(failure) if failure.exit() == Exit::Network => {
                context.ui.warning(&failure.to_string());
                false
            }
            Err(failure) => return Err(failure),
        };
        pause = next_pause(asked, pause, has_changed);
    }
    context.ui.bell();
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_less_often_while_nothing_changes() {
        let seconds = Duration::from_secs;
        assert_eq!(next_pause(seconds(30), seconds(30), false), Duration::from_millis(37_500));
        assert_eq!(next_pause(seconds(30), seconds(290), false), SELDOM);
        assert_eq!(next_pause(seconds(30), seconds(290), true), seconds(30));
        assert_eq!(next_pause(seconds(3600), seconds(3600), false), seconds(3600));
    }
}
