//! Decides what of a fix a backport branch still lacks. Pure: from the commits that are there to
//! those that are to be picked.

use std::collections::{HashMap, HashSet};

use crate::git::{
    history::{Commit, Id},
    taken_back::{TakenBack, UndoneMerges, taken_back},
};

/// A commit of the fix, and the parent that its change is seen from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) commit: Commit,
    pub(crate) parent: Option<Id>,
}

/// What is known about commits besides what they say.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Their patch-ids, where they were asked for.
    pub(crate) patches: HashMap<Id, String>,
    /// Those that the default branch or a stable branch holds.
    pub(crate) published: HashSet<Id>,
    /// What was undone with merges that were taken back.
    pub(crate) undone: UndoneMerges,
    /// Names in reverts that mean a commit of the branch that a line is for.
    pub(crate) of_target: HashSet<String>,
    /// Those of the whole fix, where only a part of it is picked.
    pub(crate) family: HashSet<Id>,
}

/// What becomes of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    /// For each commit of the fix, whether the branch has it.
    pub(crate) parts: Vec<There>,
}

/// Whether a branch has a commit of the fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    /// It is to be picked.
    Missing,
    /// As this commit.
    As(Id),
    /// As this commit, or not any more: a later one took back another pick of it, or something that is not in this
    /// history. What picking it would change tells.
    Perhaps(Id),
}

/// Why nothing is picked onto a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It holds commits, and none of them is of this fix.
    OtherWork { commit: Box<Commit>, count: usize },
    /// It holds a commit that was picked from one that the fix has no longer.
    Outdated { commit: Box<Commit>, origin: Id },
    /// It holds a commit that may be one of the fix, resolved, or an older version of it.
    Unclear { commit: Box<Commit>, like: Box<Commit> },
}

pub(crate) fn plan(fix: &[Part], own: &[Commit], known: &Known) -> Result<Planned, Problem> {
    let mut picks: Vec<Vec<Id>> = vec![vec![]; fix.len()];
    let TakenBack { by: taken_back, others: taken_back_elsewhere } = taken_back(own, &known.undone);
    // What the line had before the fix is none of it.
    let names_others = taken_back_elsewhere.iter().any(|name| !known.of_target.contains(name));
    let mut others = Vec::new();
    for commit in own.iter().filter(|commit| !taken_back.contains_key(&commit.id)) {
        let mut of_the_fix = false;
        for (part, picks) in fix.iter().zip(&mut picks) {
            if is_same(&part.commit, commit, known) {
                picks.push(commit.id);
                of_the_fix = true;
            }
        }
        let is_known = |id: &Id| known.family.contains(id) || known.published.contains(id);
        // A revert that came from elsewhere names what its commit was picked from.
        let names = |other: &Commit, id: &str| {
            std::iter::once(&other.id).chain(&other.picked_from).any(|name| name.to_string().starts_with(id))
        };
        let reverts_own = commit.reverts.iter().any(|id| own.iter().any(|other| names(other, id)));
        if of_the_fix || reverts_own || commit.picked_from.iter().any(|id| known.family.contains(id)) {
            continue;
        }
        if let Some(origin) = commit.picked_from.iter().find(|id| !is_known(id)) {
            return Err(Problem::Outdated { commit: Box::new(commit.clone()), origin: *origin });
        }
        others.push(commit);
    }
    // A pick by hand without a word on its origin, and not with the same change any more.
    for commit in others.iter().filter(|commit| commit.picked_from.is_empty()) {
        let like = fix.iter().zip(&picks).find(|(part, picks)| {
            picks.is_empty() && part.commit.author == commit.author && part.commit.subject == commit.subject
        });
        if let Some((part, _)) = like {
            return Err(Problem::Unclear { commit: Box::new((*commit).clone()), like: Box::new(part.commit.clone()) });
        }
    }
    // Beside commits of the fix, others adapt the line to it.
    let has_some = others.len() < own.iter().filter(|commit| !taken_back.contains_key(&commit.id)).count();
    match others.first() {
        Some(commit) if !has_some => {
            Err(Problem::OtherWork { commit: Box::new((*commit).clone()), count: others.len() })
        }
        _ => {
            let undone_by = |part: &Part| {
                let undone = own.iter().filter(|commit| is_same(&part.commit, commit, known));
                undone.filter_map(|commit| taken_back.get(&commit.id)).copied().collect::<Vec<Id>>()
            };
            let there = |(part, picks): (&Part, Vec<Id>)| {
                let Some(newest) = picks.last() else { return There::Missing };
                let undone_by = undone_by(part);
                // One that no such commit is built on came later, or brought the change again.
                let before: HashSet<Id> = undone_by.iter().flat_map(|by| ancestors(own, *by)).collect();
                match picks.iter().rev().find(|pick| !before.contains(*pick)) {
                    Some(pick) if !names_others => There::As(*pick),
                    Some(pick) => There::Perhaps(*pick),
                    None => There::Perhaps(*newest),
                }
            };
            Ok(Planned { parts: fix.iter().zip(picks).map(there).collect() })
        }
    }
}

/// The commits of the list that this one is built on.
fn ancestors(own: &[Commit], id: Id) -> HashSet<Id> {
    let by_name: HashMap<Id, &Commit> = own.iter().map(|commit| (commit.id, commit)).collect();
    let (mut open, mut found) = (vec![id], HashSet::new());
    while let Some(commit) = open.pop().and_then(|id| by_name.get(&id)) {
        open.extend(commit.parents.iter().filter(|parent| found.insert(**parent)));
    }
    found
}

/// Whether a commit of a branch is this one of the fix: by name, by what it says of its origin, or by
/// what it changes.
fn is_same(part: &Commit, commit: &Commit, known: &Known) -> bool {
    if commit.id == part.id || commit.picked_from.contains(&part.id) {
        return true;
    }
    let Some(patch) = known.patches.get(&part.id) else { return false };
    // The origin may have got another message or base since, and is still the same change.
    let others = std::iter::once(&commit.id).chain(&commit.picked_from);
    others.filter_map(|id| known.patches.get(id)).any(|other| other == patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Id {
        Id::from_hex(format!("{number:02x}").repeat(20).as_bytes()).unwrap()
    }

    fn commit(number: u8) -> Commit {
        Commit {
            id: id(number),
            parents: vec![],
            tree: id(0),
            subject: format!("Change {number}"),
            body: String::new(),
            author: format!("A <a@b> {number} +0000"),
            picked_from: vec![],
            reverts: vec![],
        }
    }

    fn picked(number: u8, from: u8) -> Commit {
        Commit { picked_from: vec![id(from)], ..commit(number) }
    }

    fn fix() -> Vec<Part> {
        [1, 2].map(|number| Part { commit: commit(number), parent: None }).into()
    }

    fn known() -> Known {
        Known { family: HashSet::from([id(1), id(2)]), ..Known::default() }
    }

    fn there_as(own: &[Commit], known: &Known) -> Vec<Option<Id>> {
        let told = |there: There| match there {
            There::Missing => None,
            There::As(id) => Some(id),
            There::Perhaps { .. } => panic!("{there:?}"),
        };
        plan(&fix(), own, known).unwrap().parts.into_iter().map(told).collect()
    }

    #[test]
    fn an_empty_branch_gets_everything() {
        assert_eq!(there_as(&[], &known()), [None, None]);
    }

    #[test]
    fn what_is_there_is_not_picked_again() {
        assert_eq!(there_as(&[picked(10, 1)], &known()), [Some(id(10)), None]);
        assert_eq!(there_as(&[commit(1)], &known()), [Some(id(1)), None]);
        let patches = HashMap::from([(id(2), "p".to_owned()), (id(10), "p".to_owned())]);
        assert_eq!(there_as(&[commit(10)], &Known { patches, ..known() }), [None, Some(id(10))]);
    }

    #[test]
    fn a_fix_with_another_message_is_the_same_change() {
        let patches = HashMap::from([(id(1), "p".to_owned()), (id(9), "p".to_owned())]);
        assert_eq!(there_as(&[picked(10, 9)], &Known { patches, ..known() }), [Some(id(10)), None]);
    }

    #[test]
    fn a_changed_fix_is_not_picked_on_top_of_its_older_self() {
        let problem = plan(&fix(), &[picked(10, 1), picked(11, 9)], &known()).unwrap_err();
        assert_eq!(problem, Problem::Outdated { commit: Box::new(picked(11, 9)), origin: id(9) });
        let published = HashSet::from([id(9)]);
        assert_eq!(there_as(&[picked(11, 9), picked(10, 1)], &Known { published, ..known() }), [Some(id(10)), None]);
    }

    #[test]
    fn a_pick_that_does_not_say_so_is_asked_about() {
        let like = Commit { id: id(10), ..commit(1) };
        assert!(matches!(plan(&fix(), &[like], &known()), Err(Problem::Unclear { .. })));
    }

    #[test]
    fn other_work_is_left_alone_and_adaptations_are_kept() {
        assert!(matches!(plan(&fix(), &[commit(10)], &known()), Err(Problem::OtherWork { count: 1, .. })));
        assert_eq!(there_as(&[commit(10), picked(11, 1)], &known()), [Some(id(11)), None]);
    }

    #[test]
    fn what_was_taken_back_is_not_there() {
        let revert = Commit { reverts: vec![id(10).to_string()], ..commit(11) };
        assert_eq!(there_as(&[picked(10, 1), picked(12, 2), revert.clone()], &known()), [None, Some(id(12))]);
        let again = Commit { reverts: vec![id(11).to_hex_with_len(8).to_string()], ..commit(13) };
        assert_eq!(there_as(&[picked(10, 1), revert, again], &known()), [Some(id(10)), None]);
        // A merge is taken back with all that it brought.
        let merge = Commit { parents: vec![id(3), id(10)], ..commit(12) };
        let revert = Commit { reverts: vec![id(12).to_string()], ..commit(13) };
        let undone = HashMap::from([(id(13), HashSet::from([id(10), id(12)]))]);
        let own = [picked(10, 1), picked(14, 2), merge, revert];
        assert_eq!(there_as(&own, &Known { undone, ..known() }), [None, Some(id(14))]);
    }
    #[test]
    fn who_takes_back_one_of_two_picks_may_take_back_both() {
        let of =
            |commit: Commit, parents: &[u8]| Commit { parents: parents.iter().copied().map(id).collect(), ..commit };
        let revert = |number: u8, of: u8| Commit { reverts: vec![id(of).to_string()], ..commit(number) };
        // Merged before the revert, which has both in its history.
        let side = [of(picked(10, 1), &[3]), of(picked(20, 1), &[3]), of(commit(12), &[10, 20])];
        let own = [&side[..], &[of(revert(13, 10), &[12])]].concat();
        let planned = plan(&fix(), &own, &known()).unwrap();
        assert_eq!(planned.parts, [There::Perhaps(id(20)), There::Missing]);
        // Merged behind it: the change came again.
        let own =
            [of(picked(10, 1), &[3]), of(revert(13, 10), &[10]), of(picked(20, 1), &[3]), of(commit(14), &[13, 20])];
        assert_eq!(there_as(&own, &known()), [Some(id(20)), None]);
        // What a revert names was rebased away.
        let planned = plan(&fix(), &[picked(10, 1), revert(11, 99)], &known()).unwrap();
        assert_eq!(planned.parts, [There::Perhaps(id(10)), There::Missing]);
        // What the line had before is no commit of the fix.
        let of_target = HashSet::from([id(99).to_string()]);
        assert_eq!(there_as(&[picked(10, 1), revert(11, 99)], &Known { of_target, ..known() }), [Some(id(10)), None]);
    }
}
