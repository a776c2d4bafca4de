//! One walk through history that tells where two histories meet outside of a third one: which
//! pushed commits are embargoed, and not published.

use std::collections::{BinaryHeap, HashMap};

use gix::ObjectId;

use super::{GitError, LocalClone};

/// How many published commits are still looked at when nothing else is left, so that commits with
/// a wrong date are recognised as published. Without it, too much is reported, never too little.
const SLOP: usize = 256;

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
    let cache = clone.repo().commit_graph_if_enabled().map_err(GitError::of_gix(what))?;
    let mut walk = Walk {
        graph: clone.repo().revision_graph(cache.as_ref()),
        nodes: HashMap::new(),
        queue: BinaryHeap::new(),
        open: 0,
        candidates: vec![],
    };
    walk.run(histories).map_err(GitError::of_gix(what))
}

/// Newest first: by generation where a commit-graph knows it, then by commit time in seconds.
type Order = (u32, i64);

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
    /// Commits that are pushed and embargoed, and may still be found to be published.
    candidates: Vec<ObjectId>,
}

impl Walk<'_, '_> {
    fn run(&mut self, histories: &Histories<'_>) -> gix::Result<Vec<Meeting>> {
        for id in histories.published {
            self.mark(*id, Mark { marks: PUBLISHED, ..Mark::default() })?;
        }
        for (pushed, id) in histories.pushed.iter().enumerate() {
            self.mark(*id, Mark { marks: PUSHED, pushed, ..Mark::default() })?;
        }
        for (embargoed, id) in histories.embargoed.iter().enumerate() {
            self.mark(*id, Mark { marks: EMBARGOED, embargoed, ..Mark::default() })?;
        }
        let mut slop = SLOP;
        while let Some((_, id)) = self.queue.pop() {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            node.queued = false;
            let published = node.marks & PUBLISHED != 0;
            if published && self.open == 0 {
                match slop.checked_sub(1) {
                    Some(left) if !self.candidates.is_empty() => slop = left,
                    _ => break,
                }
            }
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
        }
        Ok(self.found())
    }

    /// Adds marks to a commit, and queues it when that is news.
    fn mark(&mut self, id: ObjectId, mark: Mark) -> gix::Result<()> {
        if !self.nodes.contains_key(&id) {
            let commit = self.graph.lookup(&id)?.to_owned(|| ())?;
            // What no commit-graph knows is newer than everything that it knows.
            let order = (commit.generation.unwrap_or(u32::MAX), commit.commit_time);
            let node =
                Node { parents: commit.parents.to_vec(), order, marks: 0, pushed: 0, embargoed: 0, queued: false };
            self.nodes.insert(id, node);
        }
        let Some(node) = self.nodes.get_mut(&id) else { return Ok(()) };
        let new = mark.marks & !node.marks;
        if new == 0 {
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
        if is_open && node.marks == PUSHED | EMBARGOED {
            self.candidates.push(id);
        }
        if !node.queued {
            node.queued = true;
            self.queue.push((node.order, id));
        }
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
