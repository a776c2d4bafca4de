//! Decides what becomes of each branch. Pure: from what is there to what is to be done.

use crate::{domain::version::ReleaseLine, git::branches::NewBranch, ui::report_words};

/// What is there of one branch of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// The line of a backport branch; `None` for the branch of the fix.
    pub(crate) line: Option<ReleaseLine>,
    /// The branch.
    pub(crate) branch: String,
    /// The branch of security that it is for.
    pub(crate) target: String,
    /// The reference that it starts from.
    pub(crate) start: String,
    /// Whether security has the target.
    pub(crate) has_base: bool,
    /// Whether security has the branch itself, pushed by somebody.
    pub(crate) has_published: bool,
    /// Where canonical's branch of the target's name is kept, if it has one.
    pub(crate) canonical: Option<String>,
    /// Whether the target is to be created in security first, as a copy of canonical's.
    pub(crate) create_base: bool,
    /// The local branch of that name.
    pub(crate) local: Option<LocalBranch>,
}

/// A local branch that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalBranch {
    /// Whether it tracks security, so that it is one of ours.
    pub(crate) tracks_security: bool,
    /// Whether it has commits that are not in what it would start from.
    pub(crate) has_own_work: bool,
}

/// What becomes of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Planned {
    /// It is created.
    Create(State),
    /// It is created from what somebody pushed.
    Continue(State),
    /// It is there without work of its own, and is made to track security.
    Adopt(State),
    /// It is there.
    Keep(State),
}

/// Why a branch cannot be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Security lacks the branch that it is for.
    NoBase { target: String, line: Option<ReleaseLine>, in_canonical: bool },
    /// A branch of that name holds something else.
    OtherWork { branch: String },
}

pub(crate) fn plan(state: &State) -> Result<Planned, Problem> {
    match &state.local {
        Some(LocalBranch { tracks_security: true, .. }) => return Ok(Planned::Keep(state.clone())),
        Some(LocalBranch { has_own_work: true, .. }) => {
            return Err(Problem::OtherWork { branch: state.branch.clone() });
        }
        _ => {}
    }
    if !state.has_base && !state.has_published && !state.create_base {
        return Err(Problem::NoBase {
            target: state.target.clone(),
            line: state.line,
            in_canonical: state.canonical.is_some(),
        });
    }
    Ok(match (&state.local, state.has_published) {
        (Some(_), _) => Planned::Adopt(state.clone()),
        (None, true) => Planned::Continue(state.clone()),
        (None, false) => Planned::Create(state.clone()),
    })
}

impl Planned {
    fn state_of_branch(&self) -> &State {
        match self {
            Self::Create(state) | Self::Continue(state) | Self::Adopt(state) | Self::Keep(state) => state,
        }
    }

    /// The branch's name.
    pub(crate) fn branch(&self) -> &str {
        &self.state_of_branch().branch
    }

    /// The line of a backport branch.
    pub(crate) fn line(&self) -> Option<ReleaseLine> {
        self.state_of_branch().line
    }

    /// The branch of security that it tracks: its own once somebody pushed it.
    pub(crate) fn upstream(&self) -> &str {
        let state = self.state_of_branch();
        if state.has_published { &state.branch } else { &state.target }
    }

    /// What is to be created or made to track security.
    pub(crate) fn to_create(&self, remote: &str) -> Option<NewBranch> {
        let state = match self {
            Self::Keep(_) => return None,
            _ => self.state_of_branch(),
        };
        Some(NewBranch {
            name: state.branch.clone(),
            start: state.start.clone(),
            remote: remote.to_owned(),
            upstream: self.upstream().to_owned(),
        })
    }

    /// What happened, or would happen.
    pub(crate) fn outcome(&self, done: bool) -> BranchOutcome {
        use BranchOutcome as B;
        match (self, done) {
            (Self::Create(State { create_base: true, .. }), true) => B::CreatedWithBase,
            (Self::Create(State { create_base: true, .. }), false) => B::WouldBeCreatedWithBase,
            (Self::Create(_), true) => B::Created,
            (Self::Create(_), false) => B::WouldBeCreated,
            (Self::Continue(_), true) => B::Continued,
            (Self::Continue(_), false) => B::WouldBeContinued,
            (Self::Adopt(_), true) => B::Tracked,
            (Self::Adopt(_), false) => B::WouldBeTracked,
            (Self::Keep(_), _) => B::Exists,
        }
    }
}

report_words! {
    /// What happened to a branch, or would.
    pub(crate) enum BranchOutcome {
        CreatedWithBase = "created, with its stable branch in security",
        WouldBeCreatedWithBase = "would be created, with its stable branch in security",
        Created = "created",
        WouldBeCreated = "would be created",
        Continued = "created from what was pushed",
        WouldBeContinued = "would be created from what was pushed",
        Tracked = "exists, now tracked",
        WouldBeTracked = "exists, would be tracked",
        Exists = "exists",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            line: None,
            branch: "security-x".to_owned(),
            target: "main".to_owned(),
            start: "refs/remotes/security/main".to_owned(),
            has_base: true,
            has_published: false,
            canonical: Some("refs/remotes/origin/main".to_owned()),
            create_base: false,
            local: None,
        }
    }

    fn local(tracks_security: bool, has_own_work: bool) -> State {
        State { local: Some(LocalBranch { tracks_security, has_own_work }), ..state() }
    }

    #[test]
    fn a_new_branch_starts_from_its_target() {
        let new = plan(&state()).unwrap().to_create("security").unwrap();
        assert_eq!((new.start.as_str(), new.upstream.as_str()), ("refs/remotes/security/main", "main"));
    }

    #[test]
    fn a_pushed_branch_is_continued() {
        let start = "refs/remotes/security/security-x".to_owned();
        let pushed = State { has_published: true, start: start.clone(), ..state() };
        let new = plan(&pushed).unwrap().to_create("security").unwrap();
        assert_eq!((new.start, new.upstream), (start, "security-x".to_owned()));
    }

    #[test]
    fn what_exists_is_never_overwritten() {
        for (tracks, work) in [(true, true), (true, false)] {
            assert!(matches!(plan(&local(tracks, work)), Ok(Planned::Keep(_))));
        }
        assert!(matches!(plan(&local(false, false)), Ok(Planned::Adopt(_))));
        assert!(matches!(plan(&local(false, true)), Err(Problem::OtherWork { .. })));
    }

    #[test]
    fn a_missing_target_is_a_problem() {
        assert!(matches!(plan(&State { has_base: false, ..state() }), Err(Problem::NoBase { in_canonical: true, .. })));
    }
}
