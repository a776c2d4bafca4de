//! What one push would change, as `git push` tells its `pre-push` hook (githooks(5)).

use thiserror::Error;

/// One line of the hook's input: a reference of the remote that would change.
///
/// Object ids are hexadecimal, 40 digits for SHA-1 or 64 for SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// What is pushed, as git names it; `(delete)` for a deletion.
    pub local_ref: String,
    /// The object that is pushed; `None` for a deletion.
    pub local_oid: Option<String>,
    /// The reference of the remote.
    pub remote_ref: String,
    /// What the remote has there now; `None` when the reference is new.
    pub remote_oid: Option<String>,
}

/// A line that is not of the form that githooks(5) promises.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {number} of the hook's input cannot be read")]
pub struct UpdateError {
    /// Counted from 1.
    pub number: usize,
}

/// Reads the hook's whole input. Nothing is skipped: an odd line is an error.
///
/// # Errors
/// When a line has not four fields, a field is no object id, or the text is not UTF-8.
pub fn parse_updates(input: &[u8]) -> Result<Vec<RefUpdate>, UpdateError> {
    let text = std::str::from_utf8(input).map_err(|_| UpdateError { number: 1 })?;
    if !text.is_empty() && !text.ends_with('\n') {
        // Git ends every line; a cut-off input may lack whole lines as well.
        return Err(UpdateError { number: text.lines().count() });
    }
    text.lines().enumerate().map(|(at, line)| parse_update(line).ok_or(UpdateError { number: at + 1 })).collect()
}

/// The local side may be an expression with spaces, so the line is read from its end.
fn parse_update(line: &str) -> Option<RefUpdate> {
    let mut fields = line.rsplitn(4, ' ');
    let remote_oid = object_id(fields.next()?)?;
    let remote_ref = fields.next().filter(|name| name.starts_with("refs/"))?.to_owned();
    let local_oid = object_id(fields.next()?)?;
    let local_ref = fields.next().filter(|name| !name.is_empty())?.to_owned();
    Some(RefUpdate { local_ref, local_oid, remote_ref, remote_oid })
}

/// The outer `None` is "no object id", the inner one the null id.
#[expect(clippy::option_option, reason = "the two levels are two different answers")]
fn object_id(text: &str) -> Option<Option<String>> {
    let valid = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| text.bytes().any(|b| b != b'0').then(|| text.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn lines_are_read() {
        let input = format!(
            "refs/heads/x {A} refs/heads/y {ZERO}\n(delete) {ZERO} refs/heads/z {A}\nHEAD^{{/a b}} {A} refs/tags/t {A}\n"
        );
        let updates = parse_updates(input.as_bytes()).unwrap();
        assert_eq!(updates[0].remote_oid, None);
        assert_eq!(updates[1].local_oid, None);
        assert_eq!(updates[2].local_ref, "HEAD^{/a b}");
        assert_eq!(parse_updates(b""), Ok(vec![]));
    }

    #[test]
    fn odd_input_is_an_error() {
        for input in [
            "garbage\n".to_owned(),
            "\n".to_owned(),
            format!("refs/heads/x {A} refs/heads/y\n"),
            format!("refs/heads/x {A} refs/heads/y {ZERO}"),
            format!("refs/heads/x {A} y {ZERO}\n"),
            format!("refs/heads/x {A} refs/heads/y 0\n"),
            format!("refs/heads/x xyz refs/heads/y {ZERO}\n"),
            format!(" {A} refs/heads/y {ZERO}\n"),
        ] {
            assert!(parse_updates(input.as_bytes()).is_err(), "{input:?}");
        }
        assert!(parse_updates(b"\xff\n").is_err());
    }

    proptest! {
        #[test]
        fn reading_never_panics(input in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_updates(&input);
        }
    }
}
