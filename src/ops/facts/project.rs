//! What is the same for every fix: the security project, and who belongs to the roles.

use crate::{
    domain::{
        approvals::Role,
        patch_tag::PatchTag,
        policy::Policy,
        project::ProjectPath,
        version::{self, ReleaseLine},
    },
    gitlab::{
        Client, Error, at_once, branch,
        project::{self, Project},
        tag, user,
    },
    ops::{Failure, connection::unanswered},
};

/// What is the same for every fix of the project.
pub(crate) struct ProjectFacts {
    /// The security project.
    pub(crate) project: Project,
    /// The people of each role, in the order of the roles, or why they cannot be read.
    pub(crate) people: Vec<Result<Vec<String>, String>>,
    /// The lines that get fixes, as both projects have them now, newest first.
    pub(crate) supported: Vec<ReleaseLine>,
}

impl ProjectFacts {
    /// What is the same for every fix: the project, and who belongs to the roles.
    /// `lines` is how many of the newest released lines get fixes.
    pub(crate) fn ask(client: &Client, policy: &Policy, roles: &[Role], lines: usize) -> Result<Self, Failure> {
        let (project, people, supported) = std::thread::scope(|scope| {
            let people = scope.spawn(|| at_once(roles, |role| people_of(client, role)));
            let supported = scope.spawn(|| supported(client, policy, lines));
            let project = project::find(client, policy.security.as_str());
            (project, joined(people), joined(supported))
        });
        let (project, supported) = (project.map_err(unanswered)?, supported.map_err(unanswered)?);
        let people = people.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
        Ok(Self { project, people, supported })
    }

    /// What is wrong with the security project itself: nothing of a fix may go on in one that others than
    /// its members can read.
    pub(crate) fn problem(&self, wanted: &ProjectPath) -> Option<String> {
        let Project { path_with_namespace, visibility, archived, .. } = &self.project;
        if !wanted.is(path_with_namespace) {
            return Some(format!("GitLab answers {wanted} with the project {path_with_namespace}"));
        }
        if !self.project.is_private() {
            return Some(format!("{wanted} is {visibility}: whatever goes on in it is a disclosure"));
        }
        archived.then(|| format!("{wanted} is archived, so nothing can be changed in it"))
    }
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The lines that have a stable branch in one of the projects, as far as they are supported.
fn supported(client: &Client, policy: &Policy, count: usize) -> Result<Vec<ReleaseLine>, Error> {
    let search = policy.branches.stable_search();
    let (security, canonical, tags) = std::thread::scope(|scope| {
        let security = scope.spawn(|| branch::containing(client, policy.security.as_str(), &search));
        let tags = scope.spawn(|| tag::starting_with(client, policy.canonical.as_str(), policy.patch_tag.prefix()));
        let canonical = branch::containing(client, policy.canonical.as_str(), &search);
        (joined(security), canonical, joined(tags))
    });
    let branches = security?.into_iter().chain(canonical?);
    let lines: Vec<ReleaseLine> =
        branches.filter_map(|found| policy.branches.stable.read(&found.name)?.line()).collect();
    let tagged: Vec<ReleaseLine> =
        tags?.iter().filter_map(|tag| PatchTag::read(&policy.patch_tag, &tag.name)).map(|tag| tag.line).collect();
    Ok(version::supported(&lines, &tagged, count))
}

/// The user names of a role, or why they cannot be told: one of its groups may be hidden.
fn people_of(client: &Client, role: &Role) -> Result<Result<Vec<String>, String>, Error> {
    let groups: Vec<&str> = role.groups().collect();
    let mut people: Vec<String> = role.users.iter().filter(|user| !user.contains('/')).cloned().collect();
    for (group, members) in groups.iter().zip(at_once(&groups, |group| user::list_members(client, group))) {
        match members {
            Ok(members) => people.extend(members.into_iter().map(|member| member.username)),
            Err(error) if matches!(error, Error::Endless { .. }) || matches!(error.status(), Some(403 | 404)) => {
                return Ok(Err(format!("it cannot be read who belongs to @{group}: {error}")));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(people))
}
