//! What commit messages say of other commits: that this one was picked from them, or takes them back. The one place
//! that reads these words.

use std::collections::HashSet;

/// What a pick says of its origin, before the name of that.
pub const PICKED: &str = "(cherry picked from commit ";
const REVERTS: &str = "This reverts commit ";
const REVERTS_REQUEST: &str = "This reverts merge request !";

/// Fewer digits name no commit.
const FEWEST_DIGITS: usize = 7;

/// What a message says of other commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailers {
    /// The commits that it was picked from, in hexadecimal, whole or shortened.
    pub picked_from: Vec<String>,
    /// The commits that it takes back, in hexadecimal, whole or shortened.
    pub reverts: Vec<String>,
    /// The merge requests that it takes back, by their numbers.
    pub reverts_requests: Vec<u64>,
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
            found.reverts.extend(id_behind(REVERTS));
            let number = line.strip_prefix(REVERTS_REQUEST).map(|rest| rest.trim_end().trim_end_matches('.'));
            found.reverts_requests.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        // GitLab writes it behind the name of a merge: `This reverts commit X, reversing changes …` stands on a line of
        // its own, while a squashed revert has it in the middle of one.
        let inner = message.split(REVERTS).skip(1).filter_map(leading_id);
        for id in inner {
            if !found.reverts.contains(&id) {
                found.reverts.push(id);
            }
        }
        found
    }
}

fn leading_id(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
    (end >= FEWEST_DIGITS).then(|| text[..end].to_ascii_lowercase())
}

/// The commits that a later one takes back and that no still later one brings again. `commits` are names in
/// hexadecimal with the commits that each takes back, oldest first. The names may be shortened as in messages.
pub fn taken_back<'a>(commits: impl DoubleEndedIterator<Item = (&'a str, &'a [String])>) -> HashSet<&'a str> {
    let mut taken: HashSet<&str> = HashSet::new();
    for (id, reverts) in commits.rev() {
        // A revert that was itself reverted takes nothing back.
        if !taken.iter().any(|name| id.starts_with(name)) {
            taken.extend(reverts.iter().map(String::as_str));
        }
    }
    taken
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
        let inside = Trailers::read("Merge: This reverts commit 0123456, reversing\nchanges made to 7654321.");
        assert_eq!(inside.reverts, ["0123456"]);
        assert_eq!(Trailers::read("This reverts commit abc"), Trailers::default());
    }

    #[test]
    fn a_reverted_revert_takes_nothing_back() {
        let reverts = |id: &str| vec![id.to_owned()];
        let (one, two) = (reverts("aaaaaaaa"), reverts("bbbbbbbb"));
        let first = [("aaaaaaaa11", &[][..]), ("bbbbbbbb22", &one[..])];
        assert_eq!(taken_back(first.into_iter()), HashSet::from(["aaaaaaaa"]));
        let again = [("aaaaaaaa11", &[][..]), ("bbbbbbbb22", &one[..]), ("cccccccc33", &two[..])];
        assert_eq!(taken_back(again.into_iter()), HashSet::from(["bbbbbbbb"]));
    }
}
