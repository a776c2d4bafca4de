//! What is the same for every fix: the security project, and who belongs to the roles.

use crate::{
    domain::{approvals::Role, policy::Policy, project::ProjectPath},
    gitlab::{
        Client, Error, at_once,
        project::{self, Project},
        user,
    },
    ops::{Failure, connection::unanswered},
};

/// What is the same for every fix of the project.
pub(crate) struct ProjectFacts {
    /// The security project.
    pub(crate) project: Project,
    /// The people of each role, in the order of the roles, or why they cannot be read.
    pub(crate) people: Vec<Result<Vec<String>, String>>,
}

impl ProjectFacts {
    /// What is the same for every fix: the project, and who belongs to the roles.
    pub(crate) fn ask(client: &Client, policy: &Policy, roles: &[Role]) -> Result<Self, Failure> {
        let (project, people) = std::thread::scope(|scope| {
            let people = scope.spawn(|| at_once(roles, |role| people_of(client, role)));
            let project = project::find(client, policy.security.as_str());
            (project, people.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let project = project.map_err(unanswered)?;
        let people = people.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
        Ok(Self { project, people })
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
