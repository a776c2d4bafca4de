//! Does what the plan says. When a step fails in a clone that was not prepared before, everything
//! is taken back; killed half-way, running it again finishes.

use anyhow::anyhow;

use super::{plan::Action, projects::host_of, survey::Survey, undo};
use crate::{
    config::clone_file,
    git::{
        LocalClone, hooks,
        init_record::{AddedRemote, Record},
        local_config::{self, Change},
        probe::{self, Fired},
        transport::{self, FetchFailure, Unreachable},
    },
    ops::{Context, Failure},
};

/// Runs every action.
///
/// # Errors
/// When one fails; then a clone that was not prepared before is as it was before.
pub(super) fn apply(
    clone: &mut LocalClone,
    found: &Survey,
    actions: &[Action],
    context: &Context,
) -> Result<(), Failure> {
    let was_prepared = clone_file::path(clone.common_dir()).exists();
    let (fetches, changes): (Vec<_>, Vec<_>) =
        actions.iter().partition(|action| matches!(action, Action::Fetch { .. }));
    let mut run = |actions: &[&Action]| {
        actions.iter().try_for_each(|action| {
            context.ui.detail(&action.to_string());
            act(clone, found, action, context)
        })
    };
    let result = run(&changes).and_then(|()| prove(found)).and_then(|()| run(&fetches));
    if result.is_err() && !was_prepared {
        undo::take_back(clone)?;
    }
    result
}

fn act(clone: &mut LocalClone, found: &Survey, action: &Action, context: &Context) -> Result<(), Failure> {
    match action {
        Action::AddRemote { name, url } => add_remote(clone, name, url),
        Action::Fetch { name, .. } => {
            let spinner = context.ui.spinner(&format!("fetching {name}"));
            transport::fetch(clone, name, &|state| spinner.tell(state))?
                .map_err(|failure| unreachable(found, &failure, context))
        }
        Action::WriteFile => clone_file::write(clone.common_dir(), &found.clone_file).map_err(|error| {
            Failure::not_done(anyhow!("cannot write `{}`: {error}", clone_file::path(clone.common_dir()).display()))
        }),
        Action::InstallGuard(site) => Ok(hooks::install(clone, std::slice::from_ref(site), &found.guard)?),
    }
}

fn add_remote(clone: &mut LocalClone, name: &str, url: &str) -> Result<(), Failure> {
    let mut record = Record::read(clone.common_dir())?;
    record.added_remote = Some(AddedRemote { name: name.to_owned(), url: url.to_owned() });
    record.write(clone.common_dir())?;
    let key = |key: &str| format!("remote.{name}.{key}");
    let changes = [
        Change::set(&key("url"), url),
        Change::set(&key("fetch"), &format!("+refs/heads/*:refs/remotes/{name}/*")),
        // Tags are shared by all remotes: a private one would be one `git push --tags` from leaking.
        Change::set(&key("tagOpt"), "--no-tags"),
        // A bare `git push` pushes the current branch under its own name, whatever `push.default` says.
        Change::set(&key("push"), "HEAD"),
    ];
    local_config::apply(clone, &local_config::local_file(clone), &changes)?;
    Ok(clone.reload()?)
}

/// A fetch that failed, in the words of what the user can do about it.
fn unreachable(found: &Survey, failure: &FetchFailure, context: &Context) -> Failure {
    let (host, project) = (host_of(&found.security_url), &found.policy.security);
    let said = &failure.said;
    let offline = || context.typed().with("--no-fetch");
    let is_ssh = !found.security_url.contains("://") || found.security_url.starts_with("ssh");
    match failure.reason {
        Unreachable::Network => Failure::network(anyhow!("{host} cannot be reached: {said}")).hint(offline()),
        Unreachable::HostKey => {
            Failure::network(anyhow!("ssh does not know the key of {host}, or knows another one: {said}"))
                .hint(format!("ssh -T git@{host}"))
        }
        Unreachable::Access if is_ssh => {
            Failure::network(anyhow!("{host} did not accept your SSH key: {said}")).hint(format!("ssh -T git@{host}"))
        }
        Unreachable::Access => Failure::network(anyhow!("{host} did not accept your user and password: {said}"))
            .hint(context.typed().with_only("--protocol", "ssh")),
        Unreachable::Project => Failure::network(anyhow!(
            "{host} has no project {project}, or none that you may see: {said}"
        ))
        .hint(format!(
            "{}, if it is another one; or ask for access to it",
            context.typed().with_only("--security", "GROUP/PROJECT")
        )),
        Unreachable::Other => Failure::network(anyhow!("cannot fetch {project} from {host}: {said}")).hint(offline()),
    }
}

/// Fires the hook of every work tree: what does not refuse now would not refuse later.
fn prove(found: &Survey) -> Result<(), Failure> {
    if found.sites.is_empty() {
        return Ok(());
    }
    for tree in &found.trees {
        match probe::fire(tree, Some(&found.policy))? {
            Fired::Refused => {}
            Fired::LetThrough | Fired::OtherRefused(_) => {
                let tree = tree.root.display();
                return Err(Failure::not_done(anyhow!("the guard was installed, but does not answer in `{tree}`"))
                    .hint(format!("git -C {tree} config --show-origin --show-scope --get-all core.hooksPath")));
            }
        }
    }
    Ok(())
}
