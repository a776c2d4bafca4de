//! What commit messages say of other commits: that this one was picked from them, or takes them back. The one place
//! that reads these words.

use std::collections::HashMap;

/// What a pick says of its origin, before the name of that.
pub const PICKED: &str = "(cherry picked from commit ";
const REVERTS: &str = "This reverts commit";
const REVERSED_TO: &str = "changes made to";
const MERGES_REQUEST: &str = "See merge request ";
const REVERTS_REQUEST: &str = "This reverts merge request !";

/// Fewer digits name no commit: the shortest that `core.abbrev` takes (git-config(1)).
const FEWEST_DIGITS: usize = 4;

/// What a message says of other commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailers {
    /// The commits that it was picked from, in hexadecimal, whole or shortened.
    pub picked_from: Vec<String>,
    /// The commits that it takes back, in hexadecimal, whole or shortened.
    pub reverts: Vec<String>,
    /// The merge requests that it takes back, by their numbers.
    pub reverts_requests: Vec<u64>,
    /// The merge request that it merges, by its number, as GitLab writes it: `See merge request group/project!12`.
    pub request: Option<u64>,
}

impl Trailers {
    /// Reads a message.
    ///
    /// ```
    /// use git_secfix::domain::trailers::Trailers;
    /// let read = Trailers::read("Revert \"x\"\n\nThis reverts commit 0123456789.\n");
    /// assert_eq!(read.reverts, ["0123456789"]);
    /// ```
    pub fn read(message: &str) -> Self {
        let mut found = Self::default();
        for line in message.lines().map(str::trim_start) {
            let id_behind = |start: &str| line.strip_prefix(start).and_then(leading_id);
            found.picked_from.extend(id_behind(PICKED));
            let number = line.strip_prefix(REVERTS_REQUEST).map(|rest| rest.trim_end().trim_end_matches('.'));
            found.reverts_requests.extend(number.and_then(|number| number.parse::<u64>().ok()));
            let request = line.strip_prefix(MERGES_REQUEST).and_then(|rest| rest.trim_end().rsplit_once('!'));
            found.request = request.and_then(|(_, number)| number.parse().ok()).or(found.request);
        }
        // Anywhere: GitLab writes it behind the name of a merge, and a squashed revert has it in the middle of a line.
        for id in message.split(REVERTS).skip(1).flat_map(named_ids) {
            if !found.reverts.contains(&id) {
                found.reverts.push(id);
            }
        }
        found
    }
}

fn leading_id(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
    let is_word = text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
    (end >= FEWEST_DIGITS && !is_word).then(|| text[..end].to_ascii_lowercase())
}

/// The names behind `This reverts commit`: one, or several behind a plural, also on the next line.
fn named_ids(text: &str) -> Vec<String> {
    let (text, is_list) = text.strip_prefix('s').map_or((text, false), |text| (text, true));
    if !text.starts_with(char::is_whitespace) {
        return vec![];
    }
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty() && *word != "and");
    words.map_while(leading_id).take(if is_list { usize::MAX } else { 1 }).collect()
}

/// The parent that a revert of a merge left, in hexadecimal, as git writes it: `This reverts commit A, reversing changes made
/// to B.`
///
/// ```
/// use git_secfix::domain::trailers::reversed_to;
/// let text = "This reverts commit 0123456, reversing\nchanges made to 7654321.";
/// assert_eq!(reversed_to(text).as_deref(), Some("7654321"));
/// assert_eq!(reversed_to("This reverts commit 0123456."), None);
/// ```
pub fn reversed_to(message: &str) -> Option<String> {
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, behind) = words.split_once(REVERTS)?;
    leading_id(behind.split_once(REVERSED_TO)?.1.trim_start())
}

/// A commit, and what its message says of others, all in hexadecimal. What messages name may be shortened.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// Its name.
    pub id: &'a str,
    /// The commits that it was picked from.
    pub picked_from: &'a [String],
    /// The commits that it takes back.
    pub reverts: &'a [String],
}

/// What the commits of a history take back of each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenBack<'a> {
    /// What is taken back, by the commit that does.
    pub by: HashMap<&'a str, &'a str>,
    /// What is taken back and is not in the history, by the names in the messages.
    pub others: Vec<&'a str>,
}

/// The commits of a history that a later one takes back, by their own name or by that of the commit that they were
/// picked from, and that no still later one brings again. Oldest first, as they are given.
pub fn taken_back<'a>(commits: impl DoubleEndedIterator<Item = Said<'a>>) -> TakenBack<'a> {
    // A name, the commit that takes it back, and whether it was found.
    let mut named: Vec<(&str, &str, bool)> = Vec::new();
    let mut found = TakenBack::default();
    for Said { id, picked_from, reverts } in commits.rev() {
        let is_of = |name: &str| id.starts_with(name) || picked_from.iter().any(|id| id.starts_with(name));
        let mut by = None;
        for (_, reverter, is_found) in named.iter_mut().filter(|(name, ..)| is_of(name)) {
            *is_found = true;
            by = by.or(Some(*reverter));
        }
        // A revert that was itself reverted takes nothing back.
        match by {
            Some(reverter) => drop(found.by.insert(id, reverter)),
            None => named.extend(reverts.iter().map(|name| (name.as_str(), id, false))),
        }
    }
    found.others = named.into_iter().filter(|(_, _, is_found)| !is_found).map(|(name, ..)| name).collect();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_git_and_gitlab_are_read() {
        let read = Trailers::read(
            "Revert \"Fix\"\n\nThis reverts commit 0123456789abcdef0123456789abcdef01234567.\n\n\
             (cherry picked from commit FEDCBA9876543210)\n(cherry picked from commit abc)\n\
             This reverts merge request !12.\n",
        );
        assert_eq!(read.reverts, ["0123456789abcdef0123456789abcdef01234567"]);
        assert_eq!(read.picked_from, ["fedcba9876543210"]);
        assert_eq!(read.reverts_requests, [12]);
        let merge = Trailers::read("Merge branch 'a' into 'main'\n\nFix it\n\nSee merge request g/sub/p!34");
        assert_eq!((merge.request, read.request), (Some(34), None));
        let inside = Trailers::read("Merge: This reverts commit 0123456, reversing\nchanges made to 7654321.");
        assert_eq!(inside.reverts, ["0123456"]);
        for text in ["This reverts commit abc", "This reverts commit added-later", "This reverts commitment 012345"] {
            assert_eq!(Trailers::read(text), Trailers::default(), "{text}");
        }
        for (text, ids) in [
            ("This reverts commit d799 (x, 2026-11-30).", &["d799"][..]),
            ("This reverts commit\n0123456789.", &["0123456789"]),
            ("This reverts commits 0123456, 7654321 and abcdef0.", &["0123456", "7654321", "abcdef0"]),
        ] {
            assert_eq!(Trailers::read(text).reverts, ids, "{text}");
        }
    }

    /// A commit by its name, with the one that it was picked from and the one that it takes back, or `-`.
    fn read(rows: &[(&'static str, &str, &str)]) -> Vec<&'static str> {
        let list = |id: &str| if id == "-" { vec![] } else { vec![id.to_owned()] };
        let lists: Vec<_> = rows.iter().map(|(_, picked, reverts)| (list(picked), list(reverts))).collect();
        let said = rows.iter().zip(&lists).map(|((id, ..), (picked_from, reverts))| Said { id, picked_from, reverts });
        let mut taken: Vec<&str> = taken_back(said)
            .by
            .keys()
            .map(|id| *rows.iter().find(|row| row.0 == *id).map(|row| &row.0).unwrap())
            .collect();
        taken.sort_unstable();
        taken
    }

    #[test]
    fn a_reverted_revert_takes_nothing_back() {
        let first = [("aaaaaaaa11", "-", "-"), ("bbbbbbbb22", "-", "aaaaaaaa")];
        assert_eq!(read(&first), ["aaaaaaaa11"]);
        assert_eq!(read(&[first[0], first[1], ("cccccccc33", "-", "bbbbbbbb")]), ["bbbbbbbb22"]);
    }

    #[test]
    fn a_pick_is_taken_back_by_the_name_of_its_origin_and_brought_again_by_another() {
        let picked = ("aaaaaaaa11", "0123456789", "-");
        let reverted = ("bbbbbbbb22", "-", "0123456789");
        assert_eq!(read(&[picked, reverted]), ["aaaaaaaa11"]);
        assert_eq!(read(&[picked, reverted, ("cccccccc33", "0123456789", "-")]), ["aaaaaaaa11"]);
        assert_eq!(read(&[reverted, picked]), [""; 0]);
    }
}
