//! The guard's decision, from the policy, the place a push goes to and what it carries.
//! A refusal is a value with its own words; every place that shows one shows the same text.

use super::{
    policy::{Mode, Place, Policy},
    project::ProjectPath,
    push::RefUpdate,
    push_options::PushOptions,
};

/// A push as the guard sees it.
#[derive(Debug, Clone)]
pub struct Push {
    /// How the destination is called to people: the remote's name, or the redacted URL.
    pub destination: String,
    /// What the destination is.
    pub place: Place,
    /// What would change there.
    pub updates: Vec<RefUpdate>,
    /// What else the command line asks of the server.
    pub options: PushOptions,
}

/// The decision by destination, before anything of the content is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The push may go.
    Allowed,
    /// The push may go unless it carries embargoed work: look at its content.
    DependsOnContent,
    /// The push must not go.
    Refused(Refusal),
}

/// Embargoed work found in a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embargoed {
    /// The reference or expression that is pushed.
    pub pushed: String,
    /// The embargoed commit that it contains, in hexadecimal.
    pub commit: String,
    /// A reference by which the commit is known to be embargoed.
    pub known_as: String,
}

/// Why content could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannotTell {
    /// The reason.
    pub why: String,
    /// A command that helps.
    pub hint: String,
}

/// Harm that a push would do in the right place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Harm {
    /// The default or a stable branch would go away.
    DeletesProtected(String),
    /// The default or a stable branch would change without a merge request.
    PushesProtected(String),
    /// Everything would be overwritten with what this clone has.
    Mirror,
    /// Something other than branches and tags would be written.
    ForeignRef(String),
    /// A tag that releases images would be set or deleted.
    PatchTag(String),
    /// A merge request would be opened in the public project.
    PublicMergeRequest(String),
    /// Another program would answer in the place of the security project.
    OtherEnd(String),
}

/// A refused push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It goes to the public project.
    Canonical {
        /// The destination as people know it.
        to: String,
        /// The public project.
        project: ProjectPath,
    },
    /// It cannot be told where it goes.
    Unclear {
        /// The destination as people know it.
        to: String,
        /// The reason.
        why: String,
    },
    /// It goes to some other place, and the mode allows none.
    Paranoid {
        /// The destination as people know it.
        to: String,
    },
    /// It carries embargoed work to a place other than security.
    Embargoed {
        /// The destination as people know it.
        to: String,
        /// What it carries; not empty.
        found: Vec<Embargoed>,
        /// The remote that tells what is published.
        canonical_remote: String,
    },
    /// It cannot be told whether it carries embargoed work.
    CannotTell {
        /// The destination as people know it.
        to: String,
        /// Why, and what to do.
        reason: CannotTell,
    },
    /// It goes to security and does harm there.
    Harmful {
        /// The destination as people know it.
        to: String,
        /// Everything that is wrong with it; not empty.
        harms: Vec<Harm>,
    },
    /// The guard itself is not in order.
    NoPolicy {
        /// The reason.
        why: String,
        /// A command that helps.
        hint: String,
    },
}

/// Judges a push by its destination, and by what it would do in the private mirror.
///
/// `canonical_tip` tells the commit of a branch in canonical, as last fetched; it is only asked
/// when a protected branch would be created in security.
pub fn judge(policy: &Policy, push: &Push, canonical_tip: impl Fn(&str) -> Option<String>) -> Verdict {
    let to = push.destination.clone();
    match &push.place {
        Place::Canonical => Verdict::Refused(Refusal::Canonical { to, project: policy.canonical.clone() }),
        Place::Unclear(why) => Verdict::Refused(Refusal::Unclear { to, why: why.clone() }),
        Place::UnknownHost(url) => {
            let why = format!("the SSH host `{}` could not be resolved", url.host);
            Verdict::Refused(Refusal::Unclear { to, why })
        }
        Place::Security => {
            let harms = harms(policy, push, canonical_tip);
            if harms.is_empty() { Verdict::Allowed } else { Verdict::Refused(Refusal::Harmful { to, harms }) }
        }
        Place::Elsewhere => match policy.mode {
            Mode::Paranoid => Verdict::Refused(Refusal::Paranoid { to }),
            Mode::Strict if push.updates.iter().all(|update| update.local_oid.is_none()) => Verdict::Allowed,
            Mode::Strict => Verdict::DependsOnContent,
        },
    }
}

/// Everything that a push to security would do wrong there.
fn harms(policy: &Policy, push: &Push, canonical_tip: impl Fn(&str) -> Option<String>) -> Vec<Harm> {
    let mut harms = Vec::new();
    if push.options.mirror {
        harms.push(Harm::Mirror);
    }
    if let Some(option) = push.options.misdirected_merge_request(&policy.security) {
        harms.push(Harm::PublicMergeRequest(option.to_owned()));
    }
    harms.extend(push.options.other_end.clone().map(Harm::OtherEnd));
    for update in &push.updates {
        harms.extend(harm_of(policy, update, &canonical_tip));
    }
    harms
}

fn harm_of(policy: &Policy, update: &RefUpdate, canonical_tip: impl Fn(&str) -> Option<String>) -> Option<Harm> {
    if let Some(tag) = update.remote_ref.strip_prefix("refs/tags/") {
        return policy.patch_tag.read(tag).map(|_| Harm::PatchTag(tag.to_owned()));
    }
    let Some(branch) = update.remote_ref.strip_prefix("refs/heads/") else {
        return Some(Harm::ForeignRef(update.remote_ref.clone()));
    };
    if !policy.branches.is_protected(branch) {
        return None;
    }
    let Some(local_oid) = &update.local_oid else {
        return Some(Harm::DeletesProtected(branch.to_owned()));
    };
    // A line that only canonical has is created in security as an exact copy (process, step 3).
    let is_copy_of_canonical = update.remote_oid.is_none() && canonical_tip(branch).as_ref() == Some(local_oid);
    (!is_copy_of_canonical).then(|| Harm::PushesProtected(branch.to_owned()))
}

/// What a refusal says: what happened, why, and the command to use instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line: what was refused.
    pub headline: String,
    /// Lines of reasons.
    pub details: Vec<String>,
    /// The next command.
    pub hint: String,
}

impl Refusal {
    /// The text for people.
    pub fn message(&self) -> Message {
        let push = "git secfix push".to_owned();
        match self {
            Self::Canonical { to, project } => Message {
                headline: format!("{to} is the public project {project}"),
                details: vec![
                    "security fixes go to the security remote until they are disclosed".to_owned(),
                    "other work goes by a fork or another clone: nothing is pushed from here to the public".to_owned(),
                ],
                hint: push,
            },
            Self::Unclear { to, why } => Message {
                headline: format!("it cannot be told where {to} leads"),
                details: vec![why.clone(), "when the guard cannot tell, it refuses".to_owned()],
                hint: push,
            },
            Self::Paranoid { to } => Message {
                headline: format!("{to} is not the security project"),
                details: vec!["the guard's mode is `paranoid`: nothing may go anywhere else".to_owned()],
                hint: push,
            },
            Self::Embargoed { to, found, canonical_remote } => Message {
                headline: format!("this push would carry embargoed work to {to}"),
                details: found
                    .iter()
                    .map(|e| format!("{} contains {}, embargoed as {}", e.pushed, short(&e.commit), e.known_as))
                    .chain([
                        "embargoed work goes to the security remote until it is disclosed".to_owned(),
                        format!("if it is published by now: git fetch {canonical_remote}"),
                    ])
                    .collect(),
                hint: push,
            },
            Self::CannotTell { to, reason } => Message {
                headline: format!("it cannot be told whether this push carries embargoed work to {to}"),
                details: vec![reason.why.clone()],
                hint: reason.hint.clone(),
            },
            Self::Harmful { to, harms } => Message {
                headline: format!("this push would do harm in the security project at {to}"),
                details: harms.iter().map(Harm::sentence).collect(),
                hint: push,
            },
            Self::NoPolicy { why, hint } => Message {
                headline: "the guard of this clone is not in order, so nothing may be pushed".to_owned(),
                details: vec![why.clone()],
                hint: hint.clone(),
            },
        }
    }
}

impl Harm {
    fn sentence(&self) -> String {
        match self {
            Self::DeletesProtected(branch) => format!("it deletes `{branch}`, which other fixes are merged into"),
            Self::PushesProtected(branch) => format!("it changes `{branch}`, which merge requests do and nobody else"),
            Self::Mirror => "it is a mirror push: branches that this clone does not have would be deleted".to_owned(),
            Self::ForeignRef(name) => format!("it writes `{name}`, which is neither a branch nor a tag"),
            Self::PatchTag(tag) => format!("it sets the patch tag `{tag}`, which would release the fix"),
            Self::PublicMergeRequest(option) => {
                format!("the push option `{option}` would open a merge request in the public project")
            }
            Self::OtherEnd(setting) => format!("`{setting}` lets another program decide where the work goes"),
        }
    }
}

/// A commit id as git shortens it by default.
fn short(oid: &str) -> &str {
    oid.get(..10).unwrap_or(oid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::tests::policy;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    fn update(remote_ref: &str, local: Option<&str>, remote: Option<&str>) -> RefUpdate {
        RefUpdate {
            local_ref: "refs/heads/x".to_owned(),
            local_oid: local.map(str::to_owned),
            remote_ref: remote_ref.to_owned(),
            remote_oid: remote.map(str::to_owned),
        }
    }

    fn to(place: Place, updates: Vec<RefUpdate>) -> Push {
        Push { destination: "x".to_owned(), place, updates, options: PushOptions::default() }
    }

    fn harms_of(push: &Push) -> Vec<Harm> {
        match judge(&policy(), push, |_| Some(A.to_owned())) {
            Verdict::Refused(Refusal::Harmful { harms, .. }) => harms,
            Verdict::Allowed => vec![],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn canonical_and_unclear_places_are_refused_whatever_is_pushed() {
        for mode in Mode::ALL {
            let policy = Policy { mode, ..policy() };
            for updates in
                [vec![], vec![update("refs/heads/x", None, Some(A))], vec![update("refs/heads/x", Some(A), None)]]
            {
                for place in [Place::Canonical, Place::Unclear("?".to_owned())] {
                    let verdict = judge(&policy, &to(place, updates.clone()), |_| None);
                    assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
                }
            }
        }
    }

    #[test]
    fn elsewhere_is_judged_by_mode_and_content() {
        let push = to(Place::Elsewhere, vec![update("refs/heads/x", Some(A), None)]);
        assert_eq!(judge(&policy(), &push, |_| None), Verdict::DependsOnContent);
        let paranoid = Policy { mode: Mode::Paranoid, ..policy() };
        assert!(matches!(judge(&paranoid, &push, |_| None), Verdict::Refused(Refusal::Paranoid { .. })));
        assert!(matches!(judge(&paranoid, &to(Place::Elsewhere, vec![]), |_| None), Verdict::Refused(_)));
        assert_eq!(judge(&policy(), &to(Place::Elsewhere, vec![]), |_| None), Verdict::Allowed);
        let deletion = to(Place::Elsewhere, vec![update("refs/heads/x", None, Some(A))]);
        assert_eq!(judge(&policy(), &deletion, |_| None), Verdict::Allowed);
    }

    #[test]
    fn fix_branches_and_plain_tags_may_go_to_security() {
        for name in ["refs/heads/security-x", "refs/heads/feature", "refs/tags/note"] {
            for (local, remote) in [(Some(A), None), (Some(A), Some(B)), (None, Some(B))] {
                assert_eq!(harms_of(&to(Place::Security, vec![update(name, local, remote)])), [], "{name}");
            }
        }
        assert_eq!(harms_of(&to(Place::Security, vec![])), []);
    }

    #[test]
    fn protected_branches_of_security_are_left_alone() {
        for branch in ["main", "stable-18-4-ee"] {
            let name = format!("refs/heads/{branch}");
            let harm = |local, remote| harms_of(&to(Place::Security, vec![update(&name, local, remote)]));
            assert_eq!(harm(None, Some(A)), [Harm::DeletesProtected(branch.to_owned())]);
            assert_eq!(harm(Some(B), Some(A)), [Harm::PushesProtected(branch.to_owned())]);
            assert_eq!(
                harm(Some(A), Some(B)),
                [Harm::PushesProtected(branch.to_owned())],
                "no update, even to canonical's"
            );
            assert_eq!(harm(Some(B), None), [Harm::PushesProtected(branch.to_owned())], "not canonical's tip");
            assert_eq!(harm(Some(A), None), [], "created as a copy of canonical's");
        }
    }

    #[test]
    fn other_harm_is_collected() {
        let mut push = to(
            Place::Security,
            vec![
                update("refs/remotes/origin/x", Some(A), None),
                update("refs/tags/self-hosted-v18.4.2-ee", Some(A), None),
                update("refs/heads/main", Some(B), Some(A)),
            ],
        );
        push.options = PushOptions {
            mirror: true,
            server_options: vec!["mr.create".to_owned()],
            other_end: Some("--exec".to_owned()),
        };
        assert_eq!(harms_of(&push).len(), 6);
    }

    #[test]
    fn every_refusal_leads_on() {
        let to = "origin".to_owned();
        let why = "because".to_owned();
        for refusal in [
            Refusal::Canonical { to: to.clone(), project: policy().canonical },
            Refusal::Unclear { to: to.clone(), why: why.clone() },
            Refusal::Paranoid { to: to.clone() },
            Refusal::Embargoed {
                canonical_remote: "origin".to_owned(),
                to: to.clone(),
                found: vec![Embargoed { pushed: "x".to_owned(), commit: A.to_owned(), known_as: "y".to_owned() }],
            },
            Refusal::CannotTell {
                to: to.clone(),
                reason: CannotTell { why: why.clone(), hint: "git fetch".to_owned() },
            },
            Refusal::Harmful { to, harms: vec![Harm::Mirror] },
            Refusal::NoPolicy { why, hint: "git secfix init".to_owned() },
        ] {
            let message = refusal.message();
            assert!(message.hint.starts_with("git "), "{refusal:?}");
            assert!(!message.details.is_empty(), "{refusal:?}");
        }
    }
}
