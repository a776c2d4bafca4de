//! Projects, with their settings, labels, milestones and approval rules.

use std::collections::BTreeMap;

use super::{
    Issue, Member, MergeRequest, Mirror, Pipeline, Protection, RefPipeline, RegistryRepository, Release, Schedule,
    State,
};

/// Who may see a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Members.
    Private,
    /// Everybody who is signed in.
    Internal,
    /// Everybody.
    Public,
}

impl Visibility {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }
}

/// A project. Its repository is `PATH.git` in the server's folder.
#[derive(Debug, Clone)]
pub struct Project {
    /// The id.
    pub id: u64,
    /// The full path, such as `group/project`.
    pub path: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// The default branch.
    pub default_branch: String,
    /// Whether it is read-only.
    pub archived: bool,
    /// Whether it takes merge requests.
    pub merge_requests_enabled: bool,
    /// `merge`, `rebase_merge` or `ff`.
    pub merge_method: String,
    /// `never`, `always`, `default_on` or `default_off`.
    pub squash_option: String,
    /// The project that this is a fork of.
    pub forked_from: Option<u64>,
    /// Whether a merge needs a pipeline that passed.
    pub only_allow_merge_if_pipeline_succeeds: bool,
    /// Whether a merge needs all threads to be resolved.
    pub only_allow_merge_if_all_discussions_are_resolved: bool,
    /// Whether a skipped pipeline is as good as one that succeeded.
    pub allow_merge_on_skipped_pipeline: bool,
    /// What a push rule says of every merge, where one refuses them.
    pub refuses_merges: Option<String>,
    /// Whether new merge requests remove their source branch by default.
    pub remove_source_branch_after_merge: bool,
    /// Whether a push to a merge request takes its approvals away.
    pub reset_approvals_on_push: bool,
    /// Whether a merge without the `sha` that was looked at is refused.
    pub merge_needs_sha: bool,
    /// Whether authors may approve their own merge requests.
    pub merge_requests_author_approval: bool,
    /// Direct members.
    pub members: Vec<Member>,
    /// Labels.
    pub labels: Vec<Label>,
    /// Milestones.
    pub milestones: Vec<Milestone>,
    /// CI/CD variables.
    pub variables: BTreeMap<String, String>,
    /// Rules for branches. A new project protects its default branch: maintainers push and merge.
    pub protected_branches: Vec<Protection>,
    /// Rules for tags.
    pub protected_tags: Vec<Protection>,
    /// Who has to approve merge requests.
    pub approval_rules: Vec<ApprovalRule>,
    /// Issues, oldest first.
    pub issues: Vec<Issue>,
    /// Merge requests whose target is this project, oldest first.
    pub merge_requests: Vec<MergeRequest>,
    /// Pipelines, oldest first.
    pub pipelines: Vec<Pipeline>,
    /// The status of the pipeline that each new head of a merge request gets; none without it.
    pub new_pipelines: Option<String>,
    /// The pipelines that changes of branches and tags get: the first that fits.
    pub ref_pipelines: Vec<RefPipeline>,
    /// Pipeline schedules.
    pub schedules: Vec<Schedule>,
    /// Push mirrors.
    pub mirrors: Vec<Mirror>,
    /// Repositories of the container registry.
    pub registry: Vec<RegistryRepository>,
    /// Releases.
    pub releases: Vec<Release>,
}

impl Project {
    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// A label.
#[derive(Debug, Clone)]
pub struct Label {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The colour, `#rrggbb`.
    pub color: String,
    /// What it is for.
    pub description: Option<String>,
}

/// A milestone of a project.
#[derive(Debug, Clone)]
pub struct Milestone {
    /// The global id.
    pub id: u64,
    /// The number in its project.
    pub iid: u64,
    /// The title, such as `18.4`.
    pub title: String,
    /// `active` or `closed`.
    pub state: String,
    /// `YYYY-MM-DD`.
    pub due_date: Option<String>,
}

/// A rule for approvals.
#[derive(Debug, Clone)]
pub struct ApprovalRule {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// `regular`, `any_approver`, `code_owner` or `report_approver`.
    pub rule_type: String,
    /// How many have to approve.
    pub approvals_required: usize,
    /// Whose approval counts; everybody's for `any_approver`.
    pub eligible: Vec<u64>,
    /// Target branches that it is for; empty for all.
    pub branches: Vec<String>,
}

impl State {
    /// Adds a project with the default branch `main`, which only maintainers may push and merge to,
    /// and returns its id. The repository is not made.
    pub fn add_project(&mut self, path: &str, visibility: Visibility) -> u64 {
        let id = self.next_id();
        self.projects.push(Project {
            id,
            path: path.to_owned(),
            visibility,
            default_branch: "main".into(),
            archived: false,
            merge_requests_enabled: true,
            merge_method: "merge".into(),
            squash_option: "default_off".into(),
            forked_from: None,
            only_allow_merge_if_pipeline_succeeds: false,
            only_allow_merge_if_all_discussions_are_resolved: false,
            allow_merge_on_skipped_pipeline: false,
            refuses_merges: None,
            remove_source_branch_after_merge: true,
            reset_approvals_on_push: true,
            merge_needs_sha: false,
            merge_requests_author_approval: false,
            members: vec![],
            labels: vec![],
            milestones: vec![],
            variables: BTreeMap::new(),
            protected_branches: vec![Protection::new("main", 40, 40)],
            protected_tags: vec![],
            approval_rules: vec![],
            issues: vec![],
            merge_requests: vec![],
            pipelines: vec![],
            new_pipelines: Some("success".into()),
            ref_pipelines: vec![],
            schedules: vec![],
            mirrors: vec![],
            registry: vec![],
            releases: vec![],
        });
        id
    }

    /// Adds a fork of a project, private or as its parent, and returns its id.
    pub fn add_fork(&mut self, path: &str, visibility: Visibility, parent: u64) -> u64 {
        let id = self.add_project(path, visibility);
        self.project_by_id_mut(id).forked_from = Some(parent);
        id
    }

    /// A project by its full path.
    pub fn project(&self, path: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.path.eq_ignore_ascii_case(path))
    }

    /// A project by its full path, to be changed.
    pub fn project_mut(&mut self, path: &str) -> Option<&mut Project> {
        self.projects.iter_mut().find(|project| project.path.eq_ignore_ascii_case(path))
    }

    /// A project by its id.
    pub fn project_by_id(&self, id: u64) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    /// A project by its id, to be changed.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn project_by_id_mut(&mut self, id: u64) -> &mut Project {
        let index = self.projects.iter().position(|project| project.id == id);
        assert!(index.is_some(), "there is no project with the id {id}");
        &mut self.projects[index.unwrap_or_default()]
    }

    /// Adds a label.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_label(&mut self, project: u64, name: &str) {
        let id = self.next_id();
        let label = Label { id, name: name.to_owned(), color: "#428BCA".into(), description: None };
        self.project_by_id_mut(project).labels.push(label);
    }

    /// Adds a milestone and returns its id.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_milestone(&mut self, project: u64, title: &str) -> u64 {
        let id = self.next_id();
        let milestones = &mut self.project_by_id_mut(project).milestones;
        let iid = milestones.len() as u64 + 1;
        milestones.push(Milestone { id, iid, title: title.to_owned(), state: "active".into(), due_date: None });
        id
    }

    /// Adds a rule that one of these people has to approve merge requests towards these branches
    /// (towards all of them when none is given), and returns its id.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_approval_rule(&mut self, project: u64, name: &str, eligible: &[u64], branches: &[&str]) -> u64 {
        let id = self.next_id();
        self.project_by_id_mut(project).approval_rules.push(ApprovalRule {
            id,
            name: name.to_owned(),
            rule_type: "regular".into(),
            approvals_required: 1,
            eligible: eligible.to_vec(),
            branches: branches.iter().map(|&branch| branch.to_owned()).collect(),
        });
        id
    }

    /// Makes a project answer to a new path, and its former path point to it. Its repository has
    /// to be moved as well.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn rename_project(&mut self, project: u64, path: &str) {
        let former = std::mem::replace(&mut self.project_by_id_mut(project).path, path.to_owned());
        self.renames.insert(former, project);
    }
}
