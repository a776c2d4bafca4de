//! Fires the hook of a work tree, as git would, to prove that the guard is the one who answers.

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

/// Runs the hook that git would run in this work tree, with a push to `url` that has no references,
/// and tells who answered. Hooks behind the guard are not run.
///
/// # Errors
/// When git cannot be run.
pub fn fire(tree: &WorkTree, remote: &str, url: &str) -> Result<Fired, GitError> {
    let proof = format!("{}-{:?}", std::process::id(), std::time::Instant::now()).replace([' ', '{', '}'], "");
    let git = Git::on(&tree.root);
    let arguments = ["hook", "run", "--ignore-missing", PRE_PUSH, "--", remote, url];
    let ended = git.run_with(&arguments, (PROBE_VARIABLE, &proof))?;
    let said = format!("{}{}", ended.stdout, ended.stderr);
    Ok(match (ended.success, said.contains(&format!("{PROBE_VARIABLE}={proof}"))) {
        (true, _) => Fired::LetThrough,
        (false, true) => Fired::Refused,
        (false, false) => Fired::OtherRefused(said.trim().to_owned()),
    })
}
