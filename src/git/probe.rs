//! Fires the hook of a work tree, as git would, to prove that the guard is the one who answers.

use crate::domain::policy::Policy;

use super::{GitError, hook_file::PRE_PUSH, process::Git, repository::WorkTree};

/// The variable that asks the guard to prove that it is the one who refused.
pub const PROBE_VARIABLE: &str = "GIT_SECFIX_PROBE";

/// What firing the hook of a work tree showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fired {
    /// The guard refused.
    Refused,
    /// Something other than the guard refused; the text is what it said.
    OtherRefused(String),
    /// The push would have gone.
    LetThrough,
}

/// Runs the hook that git would run in this work tree, with a push to the public project that has no
/// references, and tells who answered. Hooks behind the guard are not run. Without a policy, the
/// guard must refuse whatever is pushed where.
///
/// # Errors
/// When git cannot be run.
pub fn fire(tree: &WorkTree, policy: Option<&Policy>) -> Result<Fired, GitError> {
    let proof = format!("{}-{:?}", std::process::id(), std::time::Instant::now()).replace([' ', '{', '}'], "");
    let git = Git::on(&tree.root);
    // Made up from the policy: the URL of a remote may hold a token, which no argument list may show.
    let url = match policy {
        Some(policy) => {
            let host = policy.instance.servers.first().map(|server| server.host.to_string()).unwrap_or_default();
            let root =
                if policy.instance.root.is_empty() { String::new() } else { format!("{}/", policy.instance.root) };
            format!("https://{host}/{root}{}.git", policy.canonical)
        }
        None => "https://gitlab.com/unknown/unknown.git".to_owned(),
    };
    let arguments = ["hook", "run", "--ignore-missing", PRE_PUSH, "--", "canonical", &url];
    let ended = git.run_with(&arguments, (PROBE_VARIABLE, &proof))?;
    let said = format!("{}{}", ended.stdout, ended.stderr);
    Ok(match (ended.success, said.contains(&format!("{PROBE_VARIABLE}={proof}"))) {
        (true, _) => Fired::LetThrough,
        (false, true) => Fired::Refused,
        (false, false) => Fired::OtherRefused(said.trim().to_owned()),
    })
}
