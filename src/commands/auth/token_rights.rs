//! What a token may do, and for how long: decided from what the server says of it, and the day.

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    domain::{due, token_words::Scope},
    gitlab::own_token::OwnToken,
};

/// From this many days before its end, a token is worth a warning.
const WARNED_DAYS: i32 = 14;

/// What a token may do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rights {
    /// Everything that its owner may do.
    Full,
    /// Looking, and nothing else.
    ReadOnly,
    /// Nothing that is needed.
    None,
    /// The server tells nothing about this kind of token.
    Unknown,
}

/// Whether a token is any good: what to know about it, or why it is not.
pub(super) fn judge(token: Option<&OwnToken>, today: Date) -> Result<Vec<String>, String> {
    let Some(known) = token else {
        return Ok(vec!["the server does not tell what this kind of token may do, nor when it ends".to_owned()]);
    };
    life(known, today)?;
    let mut warnings = Vec::new();
    match rights(token) {
        Rights::Full | Rights::Unknown => {}
        Rights::ReadOnly => warnings.push(
            "the token has the scope `read_api` and not `api`: what is there can be looked at, but no merge request \
             can be opened, changed or merged, no job started and no tag made"
                .to_owned(),
        ),
        Rights::None if known.scopes.is_empty() => return Err("it has no scopes, and `api` is needed".to_owned()),
        Rights::None => {
            return Err(format!(
                "it has the scopes `{}`, and `api` is needed",
                known.scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join("`, `")
            ));
        }
    }
    warnings.extend(ends_soon(known, today));
    Ok(warnings)
}

fn life(token: &OwnToken, today: Date) -> Result<(), String> {
    if token.revoked {
        return Err("it was revoked".to_owned());
    }
    match token.expires_at {
        // It ends at the beginning of that day in UTC.
        Some(date) if date <= today => Err(format!("it expired {} ({date})", due::in_words(date, today))),
        _ if !token.active => Err("it is not active".to_owned()),
        _ => Ok(()),
    }
}

/// What the token may do by its scopes.
pub(super) fn rights(token: Option<&OwnToken>) -> Rights {
    let Some(token) = token else { return Rights::Unknown };
    match (token.scopes.contains(&Scope::Api), token.scopes.contains(&Scope::ReadApi)) {
        (true, _) => Rights::Full,
        (false, true) => Rights::ReadOnly,
        (false, false) => Rights::None,
    }
}

/// When it ends, in words.
pub(super) fn expiry(token: &OwnToken, today: Date) -> String {
    match token.expires_at {
        None => "never".to_owned(),
        Some(date) => format!("{} ({date})", due::in_words(date, today)),
    }
}

fn ends_soon(token: &OwnToken, today: Date) -> Option<String> {
    let date = token.expires_at?;
    (due::days_until(date, today) < WARNED_DAYS).then(|| format!("the token expires {}", expiry(token, today)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn token(scopes: &[&str], expires_at: Option<&str>) -> OwnToken {
        OwnToken {
            name: "laptop".to_owned(),
            scopes: scopes.iter().map(|scope| Scope::from(*scope)).collect(),
            active: true,
            revoked: false,
            expires_at: expires_at.map(day),
        }
    }

    #[test]
    fn scopes_decide_what_a_token_may_do() {
        for (scopes, expected) in [
            (&["api"][..], Rights::Full),
            (&["read_api", "api", "read_user"], Rights::Full),
            (&["read_api"], Rights::ReadOnly),
            (&["read_api", "write_repository"], Rights::ReadOnly),
            (&["read_repository", "write_repository"], Rights::None),
            (&["apis", "read_user"], Rights::None),
            (&[], Rights::None),
        ] {
            assert_eq!(rights(Some(&token(scopes, None))), expected, "{scopes:?}");
        }
        assert_eq!(rights(None), Rights::Unknown);
    }

    #[test]
    fn a_token_is_good_good_enough_or_bad() {
        let today = day("2026-11-22");
        assert_eq!(judge(Some(&token(&["api"], Some("2027-01-01"))), today), Ok(vec![]));
        assert_eq!(judge(Some(&token(&["read_api"], Some("2026-11-28"))), today).unwrap().len(), 2);
        assert_eq!(judge(None, today).unwrap().len(), 1);
        let error = judge(Some(&token(&["read_user", "read_repository"], None)), today).unwrap_err();
        assert_eq!(error, "it has the scopes `read_user`, `read_repository`, and `api` is needed");
        assert!(judge(Some(&token(&[], None)), today).is_err());
        assert!(judge(Some(&token(&["api"], Some("2026-11-22"))), today).is_err());
    }

    #[test]
    fn a_token_is_dead_from_the_beginning_of_its_last_day() {
        let today = day("2026-11-22");
        for (expires_at, expected) in [
            (None, Ok(())),
            (Some("2026-11-23"), Ok(())),
            (Some("2026-11-22"), Err("it expired today (2026-11-22)".to_owned())),
            (Some("2026-11-19"), Err("it expired 3 days ago (2026-11-19)".to_owned())),
        ] {
            assert_eq!(life(&token(&["api"], expires_at), today), expected);
        }
        let revoked = OwnToken { revoked: true, active: false, ..token(&["api"], None) };
        assert_eq!(life(&revoked, today), Err("it was revoked".to_owned()));
        let inactive = OwnToken { active: false, ..token(&["api"], None) };
        assert_eq!(life(&inactive, today), Err("it is not active".to_owned()));
    }

    #[test]
    fn the_end_is_told_two_weeks_before() {
        let today = day("2026-11-22");
        let words = |date| ends_soon(&token(&["api"], date), today);
        assert_eq!(words(None), None);
        assert_eq!(words(Some("2026-12-06")), None);
        assert_eq!(words(Some("2026-12-05")).as_deref(), Some("the token expires in 13 days (2026-12-05)"));
        assert_eq!(words(Some("2026-11-23")).as_deref(), Some("the token expires tomorrow (2026-11-23)"));
        assert_eq!(expiry(&token(&[], Some("2027-11-22")), today), "in 365 days (2027-11-22)");
    }
}
