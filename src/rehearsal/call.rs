//! One request to the API as its handler sees it: who asks for what, and the ways to find it.

use std::collections::HashMap;

use super::{
    access,
    caller::Caller,
    parameters::Parameters,
    reply::Reply,
    repository::Repository,
    site::Site,
    state::{MergeRequest, Project, State, User},
};

/// A request.
pub(super) struct Call<'a> {
    pub(super) site: &'a Site,
    pub(super) state: &'a mut State,
    pub(super) caller: Caller,
    pub(super) parameters: Parameters,
    /// What stands in the places of the route, decoded.
    pub(super) captures: HashMap<String, String>,
    pub(super) method: String,
    /// From `/api/v4` on, as sent.
    pub(super) path: String,
    pub(super) query: String,
}

/// Where something is in the state. Positions hold while one request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestAt {
    pub(super) project: usize,
    pub(super) request: usize,
}

impl Call<'_> {
    /// What stands in a place of the route.
    pub(super) fn capture(&self, name: &str) -> &str {
        self.captures.get(name).map_or("", String::as_str)
    }

    /// The number in a place of the route. Anything else is refused, as Grape does it.
    pub(super) fn captured_number(&self, name: &str) -> Result<u64, Reply> {
        self.capture(name).parse().map_err(|_| Reply::error(400, format!("{name} is invalid")))
    }

    /// The id of whoever is signed in.
    pub(super) fn user_id(&self) -> Result<u64, Reply> {
        self.caller.user().ok_or_else(Reply::unauthorized)
    }

    /// Whoever is signed in.
    pub(super) fn user(&self) -> Result<&User, Reply> {
        self.state.user(self.user_id()?).ok_or_else(Reply::unauthorized)
    }

    /// Where the pipeline of the route is: positions of the project and in it.
    pub(super) fn pipeline_at(&self) -> Result<(usize, usize), Reply> {
        let at = self.project_at()?;
        let id = self.captured_number("pipeline_id")?;
        let found = self.state.projects[at].pipelines.iter().position(|pipeline| pipeline.id == id);
        Ok((at, found.ok_or_else(Reply::nowhere)?))
    }

    /// The project of the route, when whoever asks may see it.
    pub(super) fn project_at(&self) -> Result<usize, Reply> {
        let key = self.capture("id");
        let is_number = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
        let found = self.state.projects.iter().position(|project| {
            if is_number { key.parse() == Ok(project.id) } else { project.path.eq_ignore_ascii_case(key) }
        });
        let moved = || {
            let id = self.state.renames.get(key)?;
            self.state.projects.iter().position(|project| project.id == *id)
        };
        let (position, is_moved) = match found {
            Some(position) => (position, false),
            None => (moved().ok_or_else(|| Reply::not_found("Project"))?, true),
        };
        let project = &self.state.projects[position];
        if !access::sees_project(self.state, project, self.caller.user()) {
            return Err(Reply::not_found("Project"));
        }
        if is_moved {
            return Err(self.redirect_to(project.id));
        }
        Ok(position)
    }

    /// Leads from a former path to the number.
    fn redirect_to(&self, id: u64) -> Reply {
        if self.method != "GET" && self.method != "HEAD" {
            return Reply::message(405, "Non GET methods are not allowed for moved projects");
        }
        let rest = self.path.strip_prefix("/projects/").and_then(|path| path.split_once('/'));
        let rest = rest.map(|(_, rest)| format!("/{rest}")).unwrap_or_default();
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let location = self.site.api(&format!("/projects/{id}{rest}{query}"));
        Reply::message(301, "Moved").with("location", location)
    }

    /// The project of the route.
    pub(super) fn project(&self) -> Result<&Project, Reply> {
        Ok(&self.state.projects[self.project_at()?])
    }

    /// The repository of a project.
    pub(super) fn repository_at(&self, project: usize) -> Repository {
        self.site.repository(&self.state.projects[project])
    }

    /// The access level of whoever asks.
    pub(super) fn level(&self, project: usize) -> u32 {
        access::level(self.state, &self.state.projects[project], self.caller.user())
    }

    /// Refuses those who have less than this access level.
    pub(super) fn require_level(&self, project: usize, level: u32) -> Result<(), Reply> {
        self.user_id()?;
        if self.level(project) < level { Err(Reply::forbidden()) } else { Ok(()) }
    }

    /// Where the merge request of the route is.
    pub(super) fn request_at(&self) -> Result<RequestAt, Reply> {
        let project = self.project_at()?;
        let iid = self.captured_number("iid")?;
        let requests = &self.state.projects[project].merge_requests;
        let request = requests.iter().position(|request| request.iid == iid).ok_or_else(Reply::nowhere)?;
        Ok(RequestAt { project, request })
    }

    /// A merge request.
    pub(super) fn request(&self, at: RequestAt) -> &MergeRequest {
        &self.state.projects[at.project].merge_requests[at.request]
    }

    /// A merge request, to be changed.
    pub(super) fn request_mut(&mut self, at: RequestAt) -> &mut MergeRequest {
        &mut self.state.projects[at.project].merge_requests[at.request]
    }

    /// The position of a project by its id.
    pub(super) fn position_of(&self, project: u64) -> Option<usize> {
        self.state.projects.iter().position(|known| known.id == project)
    }
}
