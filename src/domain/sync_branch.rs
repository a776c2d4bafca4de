//! The names of the branches that a sync makes. They are seen in public, so they tell nothing, and they are those of
//! no fix.

/// How many digits of a commit are in a name.
const DIGITS: usize = 8;

/// The branch of this clone in which conflicts are resolved.
pub fn local(branch: &str) -> String {
    format!("sync-{branch}")
}

/// What the branches begin with that are made in security for one branch.
pub fn start(branch: &str) -> String {
    format!("sync-{branch}-")
}

/// The branch in security from which just this commit is merged, given in hexadecimal.
pub fn frozen(branch: &str, tip: &str) -> String {
    format!("{}{}", start(branch), tip.get(..DIGITS).unwrap_or(tip))
}

/// Whether a name is one of those that are made for a branch.
pub fn is_frozen(branch: &str, name: &str) -> bool {
    name.strip_prefix(&start(branch))
        .is_some_and(|rest| rest.len() == DIGITS && rest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')))
}

/// Whether a branch of such a name is at another commit than its name says: somebody pushed to it.
pub fn is_moved(name: &str, tip: &str) -> bool {
    name.rsplit_once('-').is_none_or(|(_, digits)| digits.len() != DIGITS || !tip.starts_with(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_branch_is_known_again_and_nothing_else() {
        let tip = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(frozen("main", tip), "sync-main-01234567");
        assert!(is_frozen("main", "sync-main-01234567"));
        for other in
            ["sync-main", "sync-main-2-01234567", "sync-main-0123456", "sync-main-0123456g", "sync-stable-01234567"]
        {
            assert!(!is_frozen("main", other), "{other}");
        }
        assert!(!is_moved("sync-main-01234567", tip) && is_moved("sync-main-76543210", tip));
        assert!(is_frozen("main-2", "sync-main-2-01234567"));
    }
}
