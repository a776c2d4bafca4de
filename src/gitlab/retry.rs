//! Whether to try once more, and how long to wait before. Pure, so that every case is a line of a
//! table.

use std::time::Duration;

use super::Error;

/// How often a request is sent at most.
pub(super) const ATTEMPTS: u32 = 4;

/// A server that wants to be left alone for longer is told to the user instead of waited for.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The time to wait before the next attempt, `None` to give up. `attempt` counts from 1, `usual` is
/// the pause where the server does not ask for another one.
pub(super) fn wait_before_next(error: &Error, is_repeatable: bool, attempt: u32, usual: Duration) -> Option<Duration> {
    let may_repeat = match error {
        Error::Unreachable { .. } => true,
        Error::Lost { .. } => is_repeatable,
        // The server did not look at the request, whatever it was.
        Error::Refused(refused) if refused.status == 429 || error.is_locked() => true,
        Error::Refused(refused) => is_repeatable && matches!(refused.status, 500 | 502 | 503 | 504),
        _ => false,
    };
    if !may_repeat || attempt >= ATTEMPTS {
        return None;
    }
    match error {
        Error::Refused(refused) => match refused.retry_after {
            Some(asked) if asked > LONGEST_WAIT => None,
            Some(asked) => Some(asked.max(usual)),
            None => Some(usual),
        },
        _ => Some(usual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::Refused;

    fn refused(status: u16, seconds: Option<u64>) -> Error {
        Error::Refused(Refused {
            request: String::new(),
            status,
            said: String::new(),
            request_id: None,
            retry_after: seconds.map(Duration::from_secs),
        })
    }

    fn lost() -> Error {
        Error::Lost { request: String::new(), why: String::new() }
    }

    #[test]
    fn only_what_cannot_have_taken_effect_is_repeated_without_leave() {
        let unreachable = Error::Unreachable { server: String::new(), why: String::new() };
        for (error, repeatable, repeated) in [
            (unreachable.clone(), false, true),
            (lost(), true, true),
            (lost(), false, false),
            (refused(429, None), false, true),
            (refused(502, None), true, true),
            (refused(502, None), false, false),
            (refused(404, None), true, false),
            (refused(401, None), true, false),
            (refused(409, None), true, false),
            (Error::Setup(String::new()), true, false),
        ] {
            assert_eq!(wait_before_next(&error, repeatable, 1, USUAL).is_some(), repeated, "{error:?}");
            assert_eq!(wait_before_next(&error, repeatable, ATTEMPTS, USUAL), None);
        }
    }

    const USUAL: Duration = Duration::from_millis(200);

    #[test]
    fn waits_obey_the_server_up_to_a_limit() {
        let wait = |seconds| wait_before_next(&refused(429, seconds), true, 1, USUAL);
        assert_eq!(wait(None), Some(USUAL));
        assert_eq!(wait(Some(3)), Some(Duration::from_secs(3)));
        assert_eq!(wait(Some(0)), Some(USUAL));
        assert_eq!(wait(Some(31)), None);
    }
}
