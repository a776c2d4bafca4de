//! What a project runs and publishes beside its repository: schedules, push mirrors, the container
//! registry and releases.

use jiff::Timestamp;

use super::State;

/// A pipeline schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The id.
    pub id: u64,
    /// What it is called.
    pub description: String,
    /// The full reference, such as `refs/heads/main`.
    pub reference: String,
    /// When it runs.
    pub cron: String,
    /// The time zone of that.
    pub cron_timezone: String,
    /// Whether it runs.
    pub active: bool,
    /// Who may change it, and with whose rights it runs.
    pub owner: u64,
    /// What its pipelines are given: key and value.
    pub variables: Vec<(String, String)>,
    /// Ids of its pipelines, oldest first.
    pub pipelines: Vec<u64>,
}

/// A push mirror of the project.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The id.
    pub id: u64,
    /// Whether it runs.
    pub enabled: bool,
    /// Where it pushes to, with credentials.
    pub url: String,
    /// `none`, `scheduled`, `started`, `finished` or `failed`.
    pub update_status: String,
    /// Why the last run failed.
    pub last_error: Option<String>,
    /// When the last run ended.
    pub last_update_at: Option<Timestamp>,
    /// When the last run began.
    pub last_update_started_at: Option<Timestamp>,
    /// When the last run that succeeded ended.
    pub last_successful_update_at: Option<Timestamp>,
    /// Whether only protected branches are pushed.
    pub only_protected_branches: bool,
    /// Whether branches that have diverged are left alone.
    pub keep_divergent_refs: bool,
    /// How a run that was asked for will end: the text of the error, or none. Set by tests; without
    /// it the server pushes to the project of that URL, when it has it.
    pub next_result: Option<Option<String>>,
    /// How many reads still show a run that was asked for as not ended.
    pub pending_reads: u32,
}

/// A repository of the container registry.
#[derive(Debug, Clone)]
pub struct RegistryRepository {
    /// The id.
    pub id: u64,
    /// The name below the project; empty for the project's own.
    pub name: String,
    /// Its images.
    pub tags: Vec<RegistryTag>,
}

/// An image in the container registry.
#[derive(Debug, Clone)]
pub struct RegistryTag {
    /// The name.
    pub name: String,
    /// When it was pushed.
    pub created_at: Timestamp,
}

/// A release.
#[derive(Debug, Clone)]
pub struct Release {
    /// The tag that it is made from.
    pub tag_name: String,
    /// The title.
    pub name: String,
    /// The text.
    pub description: String,
    /// When it was published.
    pub released_at: Timestamp,
    /// Who made it.
    pub author: u64,
}

impl State {
    /// Adds an active schedule on the default branch and returns its id.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_schedule(&mut self, project: u64, description: &str, owner: u64) -> u64 {
        let id = self.next_id();
        let project = self.project_by_id_mut(project);
        let reference = format!("refs/heads/{}", project.default_branch);
        project.schedules.push(Schedule {
            id,
            description: description.to_owned(),
            reference,
            cron: "0 * * * *".into(),
            cron_timezone: "UTC".into(),
            active: true,
            owner,
            variables: vec![],
            pipelines: vec![],
        });
        id
    }

    /// Adds an enabled push mirror and returns its id.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_mirror(&mut self, project: u64, url: &str) -> u64 {
        let id = self.next_id();
        self.project_by_id_mut(project).mirrors.push(Mirror {
            id,
            enabled: true,
            url: url.to_owned(),
            update_status: "none".into(),
            last_error: None,
            last_update_at: None,
            last_update_started_at: None,
            last_successful_update_at: None,
            only_protected_branches: false,
            keep_divergent_refs: false,
            next_result: None,
            pending_reads: 0,
        });
        id
    }

    /// Adds a repository to the registry of a project and returns its id.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_registry_repository(&mut self, project: u64, name: &str) -> u64 {
        let id = self.next_id();
        let repository = RegistryRepository { id, name: name.to_owned(), tags: vec![] };
        self.project_by_id_mut(project).registry.push(repository);
        id
    }

    /// Pushes an image to a repository of the registry, when there is such a repository.
    pub fn add_image(&mut self, repository: u64, tag: &str) {
        let created_at = self.now();
        let repositories = self.projects.iter_mut().flat_map(|project| &mut project.registry);
        for known in repositories.filter(|known| known.id == repository) {
            known.tags.push(RegistryTag { name: tag.to_owned(), created_at });
        }
    }
}
