//! One walk through history that tells where two histories meet outside of a third one: which
//! pushed commits are embargoed, and not published.

use std::collections::{BinaryHeap, HashMap, HashSet, hash_map::Entry};

use gix::ObjectId;

use super::{GitError, LocalClone};

/// How many commits are looked at in the hope that the histories end in published branches as they
/// are now, before everything that is published is taken into account.
const SHORT: usize = 128;

/// How many published commits are still looked at when nothing else is left, so that commits with
/// a wrong date are recognised as published. Without it, too much is reported, never too little.
const SLOP: usize = 32;

const PUBLISHED: u8 = 1;
const PUSHED: u8 = 2;
const EMBARGOED: u8 = 4;

/// The commits that three histories start from.
pub(super) struct Histories<'a> {
    /// What everybody may see, with all ancestors.
    pub(super) published: &'a [ObjectId],
    /// What is pushed, with all ancestors.
    pub(super) pushed: &'a [ObjectId],
    /// What is embargoed, with all ancestors that are not published.
    pub(super) embargoed: &'a [ObjectId],
}

/// An embargoed commit that is pushed. The numbers are positions in [`Histories`].
pub(super) struct Meeting {
    pub(super) pushed: usize,
    pub(super) embargoed: usize,
    pub(super) commit: ObjectId,
}

/// The newest meeting of each pushed history with an embargoed one; none when nothing leaks.
///
/// # Errors
/// When a commit is missing or cannot be read.
pub(super) fn meetings(clone: &LocalClone, histories: &Histories<'_>) -> Result<Vec<Meeting>, GitError> {
    if histories.embargoed.is_empty() || histories.pushed.is_empty() {
        return Ok(vec![]);
    }
    let what = "read the history";
    let cache = clone.repo().commit_graph_if_enabled().map_err(GitError::wrap_gix(what))?;
    let mut walk = Walk {
        graph: clone.repo().revision_graph(cache.as_ref()),
        nodes: HashMap::new(),
        queue: BinaryHeap::new(),
        open: 0,
        floor: 0,
        candidates: vec![],
    };
    if walk.are_shortly_apart(histories).map_err(GitError::wrap_gix(what))? {
        return Ok(vec![]);
    }
    walk.run(histories).map_err(GitError::wrap_gix(what))
}

/// Newest first: by generation where a commit-graph knows it, then by commit time in seconds.
type Order = (u32, i64);

/// Stands for the generation of what no commit-graph knows, which is newer than all that it knows.
const NO_GENERATION: u32 = u32::MAX;

/// What is known of a commit.
struct Node {
    parents: Vec<ObjectId>,
    order: Order,
    marks: u8,
    /// Position of the pushed history that led here first.
    pushed: usize,
    /// Position of the embargoed history that led here first.
    embargoed: usize,
    queued: bool,
}

/// A mark with the position of the history that it comes from.
#[derive(Clone, Copy, Default)]
struct Mark {
    marks: u8,
    pushed: usize,
    embargoed: usize,
}

struct Walk<'repo, 'cache> {
    graph: gix::revwalk::Graph<'repo, 'cache, ()>,
    nodes: HashMap<ObjectId, Node>,
    queue: BinaryHeap<(Order, ObjectId)>,
    /// How many queued commits are not known to be published.
    open: usize,
    /// The lowest generation of an unpublished pushed commit. What has no higher one cannot lead
    /// to any of them, which holds exactly: a commit-graph knows all ancestors of what it knows.
    floor: u32,
    /// Commits that are pushed and embargoed, and may still be found to be published.
    candidates: Vec<ObjectId>,
}

impl Walk<'_, '_> {
    /// Whether both histories soon end in commits that published branches point to, without having
    /// met: the usual push, which is answered by reading a few commits. `false` tells nothing.
    fn are_shortly_apart(&mut self, histories: &Histories<'_>) -> gix::Result<bool> {
        let published: HashSet<ObjectId> = histories.published.iter().copied().collect();
        let Some(pushed) = self.short_history(histories.pushed, &published)? else { return Ok(false) };
        if pushed.is_empty() {
            return Ok(true);
        }
        let Some(embargoed) = self.short_history(histories.embargoed, &published)? else { return Ok(false) };
        Ok(pushed.is_disjoint(&embargoed))
    }

    /// Everything that leads from `tips` to `ends`, without those; `None` when it is no short history.
    fn short_history(&mut self, tips: &[ObjectId], ends: &HashSet<ObjectId>) -> gix::Result<Option<HashSet<ObjectId>>> {
        let mut seen = HashSet::new();
        let mut next = tips.to_vec();
        while let Some(id) = next.pop() {
            if ends.contains(&id) || !seen.insert(id) {
                continue;
            }
            if seen.len() > SHORT {
                return Ok(None);
            }
            next.extend_from_slice(&self.load(id)?.parents);
        }
        Ok(Some(seen))
    }

    fn run(&mut self, histories: &Histories<'_>) -> gix::Result<Vec<Meeting>> {
        for id in histories.published {
            self.mark(*id, Mark { marks: PUBLISHED, ..Mark::default() })?;
        }
        for (pushed, id) in histories.pushed.iter().enumerate() {
            self.mark(*id, Mark { marks: PUSHED, pushed, ..Mark::default() })?;
        }
        while self.open > 0 && self.step()? {}
        let unpublished = self.nodes.values().filter(|node| node.marks & (PUSHED | PUBLISHED) == PUSHED);
        let Some(floor) = unpublished.map(|node| node.order.0).min() else { return Ok(vec![]) };
        self.floor = floor;
        for (embargoed, id) in histories.embargoed.iter().enumerate() {
            self.mark(*id, Mark { marks: EMBARGOED, embargoed, ..Mark::default() })?;
        }
        while self.open > 0 && self.step()? {}
        for _ in 0..SLOP {
            if self.candidates.is_empty() || !self.step()? {
                break;
            }
        }
        Ok(self.found())
    }

    /// Hands the marks of the newest queued commit on to its parents; `false` when none is queued.
    fn step(&mut self) -> gix::Result<bool> {
        let Some((_, id)) = self.queue.pop() else { return Ok(false) };
        let Some(node) = self.nodes.get_mut(&id) else { return Ok(true) };
        node.queued = false;
        let published = node.marks & PUBLISHED != 0;
        // What is published is published with all its ancestors; nothing else matters there.
        let mark = Mark {
            marks: if published { PUBLISHED } else { node.marks },
            pushed: node.pushed,
            embargoed: node.embargoed,
        };
        let parents = node.parents.clone();
        if !published {
            self.open -= 1;
        }
        for parent in parents {
            self.mark(parent, mark)?;
        }
        Ok(true)
    }

    /// The commit, read when it is first asked for.
    fn load(&mut self, id: ObjectId) -> gix::Result<&mut Node> {
        Ok(match self.nodes.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let commit = self.graph.lookup(&id)?.to_owned(|| ())?;
                // Old versions of git wrote 0 for "not computed".
                let generation = commit.generation.filter(|generation| *generation > 0).unwrap_or(NO_GENERATION);
                new.insert(Node {
                    parents: commit.parents.to_vec(),
                    order: (generation, commit.commit_time),
                    marks: 0,
                    pushed: 0,
                    embargoed: 0,
                    queued: false,
                })
            }
        })
    }

    /// Adds marks to a commit, and queues it when that is news.
    fn mark(&mut self, id: ObjectId, mark: Mark) -> gix::Result<()> {
        let floor = self.floor;
        let node = self.load(id)?;
        let new = mark.marks & !node.marks;
        let leads_to_none = new == EMBARGOED && node.marks & PUSHED == 0 && node.order.0 <= floor;
        if new == 0 || (leads_to_none && node.order.0 != NO_GENERATION) {
            return Ok(());
        }
        let was_open = node.queued && node.marks & PUBLISHED == 0;
        node.marks |= new;
        if new & PUSHED != 0 {
            node.pushed = mark.pushed;
        }
        if new & EMBARGOED != 0 {
            node.embargoed = mark.embargoed;
        }
        let is_open = node.marks & PUBLISHED == 0;
        let is_candidate = is_open && node.marks == PUSHED | EMBARGOED;
        let to_queue = (!node.queued).then_some((node.order, id));
        node.queued = true;
        if is_candidate {
            self.candidates.push(id);
        }
        self.queue.extend(to_queue);
        self.open = self.open + usize::from(is_open) - usize::from(was_open);
        Ok(())
    }

    /// The newest candidate of each pushed history that stayed unpublished.
    fn found(&self) -> Vec<Meeting> {
        let mut found: Vec<(Order, Meeting)> = Vec::new();
        for id in &self.candidates {
            let Some(node) = self.nodes.get(id).filter(|node| node.marks & PUBLISHED == 0) else { continue };
            let meeting = Meeting { pushed: node.pushed, embargoed: node.embargoed, commit: *id };
            match found.iter_mut().find(|(_, other)| other.pushed == node.pushed) {
                Some((order, other)) if *order < node.order => (*order, *other) = (node.order, meeting),
                Some(_) => {}
                None => found.push((node.order, meeting)),
            }
        }
        found.into_iter().map(|(_, meeting)| meeting).collect()
    }
}
