//! Pushing to security: only where the remote leads there, and with words for what did not go.

use anyhow::anyhow;

use super::{Context, Failure, typed::Typed};
use crate::{
    domain::{
        destination::redacted,
        policy::{Place, Policy},
    },
    git::{
        LocalClone, branches, history,
        push::{self, Outcome, Push, Pushed},
        remotes,
        transport::{self, Newest, Unreachable},
    },
};

/// Every push URL of the remote must be the security project: a hook may have been taken away.
pub(crate) fn check_remote(clone: &LocalClone, policy: &Policy, remote: &str) -> Result<(), Failure> {
    let found = remotes::find(clone, remote)
        .filter(|found| !found.push_urls.is_empty())
        .ok_or_else(|| Failure::not_done(anyhow!("there is no remote `{remote}`")).hint("git secfix init"))?;
    let wrong = found.push_urls.iter().find(|url| remotes::place(clone, policy, url) != Place::Security);
    match wrong {
        None => Ok(()),
        Some(url) => {
            Err(Failure::refused(anyhow!("remote `{remote}` pushes to {}, not to {}", redacted(url), policy.security))
                .hint(format!("git config --unset-all remote.{remote}.pushurl")))
        }
    }
}

/// Pushes to the security remote, showing the progress. What became of each branch is for the caller to look at.
///
/// # Errors
/// When the remote does not lead to security alone, or git cannot be started.
pub(crate) fn send(clone: &LocalClone, policy: &Policy, context: &Context, push: &Push<'_>) -> Result<Pushed, Failure> {
    check_remote(clone, policy, push.remote)?;
    context.ui.detail(&format!("git {}", push::words(push).join(" ")));
    let spinner = context.ui.spinner(&format!("pushing to {}", push.remote));
    Ok(push::push(clone, push, &|state| spinner.tell(state))?)
}

/// Why a push is not done, behind words for what did not happen.
pub(crate) fn failure(pushed: &Pushed, what: &str) -> Failure {
    if let Some(words) = pushed.refusal() {
        return Failure::refused(anyhow!("the guard refused: {words}")).hint("git secfix doctor");
    }
    let rejected = pushed.branches.iter().find_map(|(branch, outcome)| match outcome {
        Outcome::Rejected(why) => Some(format!("`{branch}`: {why}")),
        Outcome::Moved => Some(format!("`{branch}` was moved by somebody else")),
        _ => None,
    });
    let said = match (pushed.said.as_str(), rejected) {
        ("", Some(rejected)) => rejected,
        ("", None) => "git did not say what became of it".to_owned(),
        (said, _) => said.to_owned(),
    };
    let error = anyhow!("{what}: {said}");
    match pushed.why {
        Unreachable::Other => Failure::not_done(error),
        _ => Failure::network(error),
    }
}

/// Why the branches of a fix were not pushed, in the words of what to do about it.
/// `again` is the command that pushes them.
pub(crate) fn fix_failure(clone: &LocalClone, remote: &str, again: &Typed, pushed: &Pushed) -> Failure {
    if let Some((branch, _)) = pushed.branches.iter().find(|(_, outcome)| *outcome == Outcome::Moved) {
        return moved_by_somebody(clone, remote, again, branch);
    }
    if pushed.branches.iter().any(|(_, outcome)| matches!(outcome, Outcome::Rejected(_))) {
        let error = anyhow!("{remote} rejected the push, so nothing was pushed: {}", pushed.said);
        return Failure::not_done(error)
            .hint(format!("git fetch {remote}, and ask a maintainer of the security project"));
    }
    let failure = failure(pushed, "nothing was pushed");
    match pushed.why {
        _ if pushed.refusal().is_some() => failure,
        Unreachable::Other => failure.hint("git secfix doctor"),
        _ => failure.hint(format!("git ls-remote {remote} HEAD")),
    }
}

/// The remote's branch is not where it was: whose commits are there, and how to take them in.
fn moved_by_somebody(clone: &LocalClone, remote: &str, again: &Typed, branch: &str) -> Failure {
    let integrate = format!("git fetch {remote} && git rebase {remote}/{branch} {branch} && {again}");
    // Whatever goes wrong with the look, the refusal stands, and what helps is the same.
    let Ok(Some(news)) = transport::news(clone, remote, branch) else {
        let error = anyhow!("{remote} has commits of `{branch}` that the branch here lacks, so nothing was pushed");
        return Failure::not_done(error).hint(integrate);
    };
    let Newest { id, by, subject, count } = &news;
    let short = history::short(*id);
    if branches::was_at(clone, branch, *id) {
        let error = anyhow!(
            "{remote} has `{branch}` as it was before it was amended or rebased here (`{short} {subject}`), so nothing was pushed"
        );
        return Failure::not_done(error).hint(again.clone().with("--force-with-lease"));
    }
    let commits = if *count == 1 { "a commit".to_owned() } else { format!("{count} commits") };
    let error = anyhow!(
        "{by} moved `{branch}`: {remote} has {commits} of it that the branch here lacks, up to `{short} {subject}`, so nothing \
         was pushed"
    );
    Failure::not_done(error).hint(integrate)
}
