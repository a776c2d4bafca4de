//! The only push: named references to one remote, with what became of each.
//!
//! What counts is what `git push --porcelain` says of each reference (git-push(1), "OUTPUT"). A reference that it says
//! nothing of is not known to be there, whatever the exit code is.

use super::{
    GitError, LocalClone,
    history::Id,
    process::Progress,
    transport::{Unreachable, condensed},
};

/// What to push.
#[derive(Debug, Clone, Default)]
pub struct Push<'a> {
    /// The remote.
    pub remote: &'a str,
    /// The references, each on its own.
    pub updates: Vec<Update>,
    /// Whether the branches here track those there afterwards.
    pub set_upstream: bool,
    /// Whether what is there may be replaced, if it was in the branch here at some time.
    pub replaces_own: bool,
}

/// One branch of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Its name, without `refs/heads/`.
    pub branch: String,
    /// What it becomes.
    pub to: Source,
}

/// What a branch of the remote becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// What this reference is here.
    Reference(String),
    /// This commit.
    Commit(Id),
    /// Nothing: it is removed, as long as it is at this commit.
    RemovedFrom(Id),
}

impl Update {
    /// A branch of this clone, under its own name.
    pub fn branch(branch: &str) -> Self {
        Self { branch: branch.to_owned(), to: Source::Reference(format!("refs/heads/{branch}")) }
    }

    fn refspec(&self) -> String {
        let Self { branch, to } = self;
        match to {
            Source::Reference(name) => format!("{name}:refs/heads/{branch}"),
            Source::Commit(id) => format!("{id}:refs/heads/{branch}"),
            Source::RemovedFrom(_) => format!(":refs/heads/{branch}"),
        }
    }
}

/// What became of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is there now.
    Done,
    /// It was there already.
    Unchanged,
    /// It is not where this clone takes it to be: somebody else pushed.
    Moved,
    /// It would have gone, and did not because another one of the push did not.
    HeldBack,
    /// The server, or a hook there, does not take it: its words.
    Rejected(String),
    /// The guard refused: its words.
    Refused(String),
    /// Nothing was said of it.
    Unknown,
}

impl Outcome {
    /// Whether the branch is there as it is here.
    pub fn is_there(&self) -> bool {
        matches!(self, Self::Done | Self::Unchanged)
    }
}

/// How a push ended.
#[derive(Debug)]
pub struct Pushed {
    /// What became of each branch, in the order in which they were named.
    pub branches: Vec<(String, Outcome)>,
    /// Why git ended, where it said so beside the branches.
    pub why: Unreachable,
    /// All that was said on the way, on one line.
    pub said: String,
    /// Whether git itself ended well.
    pub is_success: bool,
}

impl Pushed {
    /// Whether every branch is there.
    pub fn is_done(&self) -> bool {
        self.is_success && !self.branches.is_empty() && self.branches.iter().all(|(_, outcome)| outcome.is_there())
    }

    /// What the guard said, if it refused.
    pub fn refusal(&self) -> Option<&str> {
        self.branches.iter().find_map(|(_, outcome)| match outcome {
            Outcome::Refused(words) => Some(words.as_str()),
            _ => None,
        })
    }
}

/// Pushes all of them at once, or none, through the hooks as any push. `tell` gets the states of its progress.
///
/// # Errors
/// When git cannot be started.
pub fn push(clone: &LocalClone, push: &Push<'_>, tell: &dyn Fn(&str)) -> Result<Pushed, GitError> {
    // Without a reference, git would push what it is configured to.
    if push.updates.is_empty() {
        return Ok(read(push, false, "", ""));
    }
    let ended = clone.git().talk(&words(push), &Progress::Told(tell))?;
    Ok(read(push, ended.success, &ended.stdout, &ended.stderr))
}

/// The words behind `git`.
pub fn words(push: &Push<'_>) -> Vec<String> {
    let mut words: Vec<String> = ["push", "--atomic", "--porcelain", "--progress"].map(str::to_owned).into();
    if push.set_upstream {
        words.push("--set-upstream".to_owned());
    }
    if push.replaces_own {
        // A lease alone is as good as the last fetch, and `backport` fetches as well: what was fetched must also have
        // been in the branch at some time.
        words.extend(["--force-with-lease", "--force-if-includes"].map(str::to_owned));
    }
    for Update { branch, to } in &push.updates {
        if let Source::RemovedFrom(tip) = to {
            words.push(format!("--force-with-lease=refs/heads/{branch}:{tip}"));
        }
    }
    words.extend(["--".to_owned(), push.remote.to_owned()]);
    words.extend(push.updates.iter().map(Update::refspec));
    words
}

/// What the guard says begins like this, on a line of its own.
const REFUSED: &str = "refused: ";

fn read(push: &Push<'_>, is_success: bool, stdout: &str, stderr: &str) -> Pushed {
    let refused = refusal_in(stderr).filter(|_| !is_success);
    let outcome = |update: &Update| match (read_outcome(&update.branch, stdout), &refused) {
        // Git tells of success before it is over.
        (Some(Outcome::Done), _) if !is_success => Outcome::Unknown,
        (Some(outcome), _) => outcome,
        (None, Some(words)) => Outcome::Refused(words.clone()),
        (None, None) => Outcome::Unknown,
    };
    let branches = push.updates.iter().map(|update| (update.branch.clone(), outcome(update))).collect();
    Pushed { branches, why: Unreachable::from_stderr(stderr), said: condensed(stderr), is_success }
}

fn refusal_in(stderr: &str) -> Option<String> {
    let start = if stderr.starts_with(REFUSED) { 0 } else { stderr.find(&format!("\n{REFUSED}"))? + 1 };
    let said = stderr[start + REFUSED.len()..].split("\nerror: ").next().unwrap_or_default();
    Some(said.trim().to_owned())
}

/// A line of the output: a flag, the references, a summary, with tabs between them.
fn read_outcome(branch: &str, porcelain: &str) -> Option<Outcome> {
    porcelain.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let (flag, references, summary) = (fields.next()?, fields.next()?, fields.next()?);
        let (_, to) = references.rsplit_once(':')?;
        (to == format!("refs/heads/{branch}")).then(|| match flag {
            "=" => Outcome::Unchanged,
            "!" => rejection(summary),
            _ => Outcome::Done,
        })
    })
}

fn rejection(summary: &str) -> Outcome {
    let reason = summary.split_once('(').map_or(summary, |(_, reason)| reason.trim_end_matches(')'));
    match reason {
        "fetch first" | "non-fast-forward" | "stale info" | "remote ref updated since checkout" => Outcome::Moved,
        "atomic push failed" | "atomic transaction failed" => Outcome::HeldBack,
        reason => Outcome::Rejected(reason.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(is_success: bool, stdout: &str, stderr: &str) -> Vec<Outcome> {
        let updates = ["a", "b", "c", "d", "e"].map(Update::branch).to_vec();
        let push = Push { remote: "security", updates, ..Push::default() };
        read(&push, is_success, stdout, stderr).branches.into_iter().map(|(_, outcome)| outcome).collect()
    }

    #[test]
    fn the_lines_of_git_are_read() {
        let said = "To gitlab.com:x\n*\trefs/heads/a:refs/heads/a\t[new branch]\n=\trefs/heads/b:refs/heads/b\t[up to date]\n\
                    !\trefs/heads/c:refs/heads/c\t[rejected] (fetch first)\n\
                    !\trefs/heads/d:refs/heads/d\t[remote rejected] (pre-receive hook declined)\nDone\n";
        let rejected = Outcome::Rejected("pre-receive hook declined".to_owned());
        let all = [Outcome::Done, Outcome::Unchanged, Outcome::Moved, rejected.clone(), Outcome::Unknown];
        assert_eq!(pushed(true, said, ""), all);
        // What git says of an end that it did not reach is not believed.
        assert_eq!(pushed(false, said, "")[0], Outcome::Unknown);
    }

    #[test]
    fn nothing_said_is_no_success() {
        let push = Push { remote: "security", updates: vec![Update::branch("a")], ..Push::default() };
        for (is_success, stdout) in [(true, ""), (true, "Everything up-to-date\n"), (true, "Done\n"), (false, "")] {
            assert!(!read(&push, is_success, stdout, "").is_done(), "{stdout}");
        }
        assert!(!read(&push, false, "=\trefs/heads/a:refs/heads/a\t[up to date]\nDone\n", "").is_done());
        assert!(!read(&Push::default(), true, "Done\n", "").is_done(), "nothing was asked for");
        assert!(read(&push, true, "=\trefs/heads/a:refs/heads/a\t[up to date]\nDone\n", "").is_done());
    }

    #[test]
    fn the_words_of_the_guard_are_told_from_those_of_others() {
        let stderr = "refused: origin is the public project\n  use: git secfix push\nerror: failed to push some refs";
        assert_eq!(
            pushed(false, "", stderr)[0],
            Outcome::Refused("origin is the public project\n  use: git secfix push".to_owned())
        );
        let stderr = "remote: connection refused: try later\n";
        assert_eq!(pushed(false, "", stderr)[0], Outcome::Unknown);
    }

    #[test]
    fn a_removal_is_tied_to_what_was_looked_at() {
        let tip = Id::from_hex(&[b'1'; 40]).unwrap();
        let updates = vec![Update { branch: "x".to_owned(), to: Source::RemovedFrom(tip) }];
        let words = words(&Push { remote: "security", updates, ..Push::default() });
        let lease = format!("--force-with-lease=refs/heads/x:{tip}");
        assert_eq!(words[4..], [lease.as_str(), "--", "security", ":refs/heads/x"]);
    }
}
