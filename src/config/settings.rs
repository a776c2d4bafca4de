//! The effective values of all layers, and what they mean.

use std::{path::PathBuf, time::Duration};

use crate::domain::{
    approvals::Role,
    deployment::DeployTarget,
    duration::Span,
    fix::BranchNames,
    patch_tag::When,
    pattern::{
        Pattern,
        Placeholder::{Major, Minor, Name, Patch},
    },
    policy::{Instance, Policy},
    project::{ProjectPath, RemoteName},
    runbook::{Choices, Process},
    verification::Image,
};

use super::{
    error::SettingsError,
    file::{self, Owner},
    instance::InstanceUrl,
    keys::{KEYS, Key, Value},
    layer::{Layer, Origin},
    preset::{self, PRESETS},
};

/// The layers that settings are made of, lowest first.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The user's file.
    pub user: Layer,
    /// The clone's own file.
    pub clone: Layer,
    /// The environment.
    pub environment: Layer,
    /// The command line.
    pub command_line: Layer,
}

/// How GitLab is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The most time for one request.
    pub time_limit: Duration,
    /// The first pause before something is asked again.
    pub pause: Duration,
    /// A file with certificates of further authorities.
    pub ca_file: Option<PathBuf>,
}

/// What merge requests are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequestSettings {
    /// The project's template for their text.
    pub template: Option<String>,
    /// The names of their labels.
    pub labels: Vec<String>,
    /// The user names of those who review them.
    pub reviewers: Vec<String>,
    /// The title of their milestone.
    pub milestone: Option<String>,
}

/// How patches are tagged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSettings {
    /// When.
    pub when: When,
    /// A part of the name of the job that does it.
    pub job: Option<String>,
    /// What the tags say; they are lightweight ones without it.
    pub message: Option<String>,
}

/// The effective values.
#[derive(Debug, Clone)]
pub struct Settings(Layer);

impl Sources {
    /// Reads the user's file and the environment of this process.
    ///
    /// # Errors
    /// When one of them is wrong; nothing is half-applied.
    pub fn read_outer() -> Result<Self, SettingsError> {
        let user = match user_file() {
            Some(path) => file::read(&path, Owner::User)?.unwrap_or_default(),
            None => Layer::default(),
        };
        let environment = Layer::from_environment(|name| std::env::var(name).ok())?;
        Ok(Self { user, environment, ..Self::default() })
    }

    /// Merges the layers over the preset that the highest of them names.
    ///
    /// # Errors
    /// When the preset does not exist.
    pub fn merge(self) -> Result<Settings, SettingsError> {
        let layers = [self.user, self.clone, self.environment, self.command_line];
        let name = layers.iter().rev().find_map(|layer| layer.text("preset"));
        let preset = match name {
            Some(name) => preset::find(name)?,
            None => &PRESETS[0],
        };
        let mut merged = file::parse(preset.toml, preset.name.as_ref(), Owner::Preset(preset.name))?;
        merged.insert("preset", Value::Text(preset.name.to_owned()), Origin::Preset(preset.name))?;
        for layer in layers {
            merged.overlay(layer);
        }
        Ok(Settings(merged))
    }
}

/// `$XDG_CONFIG_HOME/git-secfix/config.toml`, or the same under `~/.config`.
pub fn user_file() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home =
        || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".config"));
    folder.or_else(home).map(|folder| folder.join("git-secfix/config.toml"))
}

impl Settings {
    /// Every key with its value and origin, in the order of the table; unset ones are `None`.
    pub fn all(&self) -> impl Iterator<Item = (&'static Key, Option<(&Value, &Origin)>)> {
        KEYS.iter().map(|key| (key, self.0.get(key)))
    }

    fn text(&self, name: &str) -> Result<&str, SettingsError> {
        self.0.text(name).ok_or_else(|| SettingsError::Unset(name.to_owned()))
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, SettingsError> {
        self.text(name)?.parse().map_err(|error: T::Err| wrong(name, error))
    }

    /// The address of the instance, where it is configured.
    ///
    /// # Errors
    /// Never for values that came through the layers, which are checked.
    pub fn instance_url(&self) -> Result<Option<InstanceUrl>, SettingsError> {
        self.0.text("gitlab.url").map(|_| self.parsed("gitlab.url")).transpose()
    }

    /// How many of the newest lines get fixes.
    ///
    /// # Errors
    /// When no layer sets it.
    pub fn supported_lines(&self) -> Result<usize, SettingsError> {
        match super::keys::find("branches.supported").and_then(|key| self.0.get(key)) {
            Some((Value::Count(count), _)) => Ok(*count as usize),
            _ => Err(SettingsError::Unset("branches.supported".to_owned())),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        match super::keys::find(name).and_then(|key| self.0.get(key)) {
            Some((Value::List(items), _)) => items.clone(),
            _ => vec![],
        }
    }

    /// How GitLab is reached.
    ///
    /// # Errors
    /// When no layer sets the time.
    pub fn connection(&self) -> Result<Connection, SettingsError> {
        Ok(Connection {
            time_limit: self.duration("gitlab.timeout")?,
            pause: self.duration("gitlab.pause")?,
            ca_file: self.0.text("gitlab.ca_file").map(PathBuf::from),
        })
    }

    fn duration(&self, name: &str) -> Result<Duration, SettingsError> {
        match super::keys::find(name).and_then(|key| self.0.get(key)) {
            Some((Value::Count(seconds), _)) => Ok(Duration::from_secs((*seconds).into())),
            Some((Value::Text(_), _)) => Ok(self.parsed::<Span>(name)?.get()),
            _ => Err(SettingsError::Unset(name.to_owned())),
        }
    }

    /// The project that issues of fixes are in.
    ///
    /// # Errors
    /// When no layer sets the public project.
    pub fn issues(&self) -> Result<ProjectPath, SettingsError> {
        match self.0.text("issues.project") {
            Some(_) => self.parsed("issues.project"),
            None => self.canonical(),
        }
    }

    /// The folder in which conflicts of a backport get their work trees, where it is configured.
    pub fn backport_work_trees(&self) -> Option<PathBuf> {
        self.0.text("backport.worktrees").map(PathBuf::from)
    }

    /// What merge requests are like.
    pub fn merge_requests(&self) -> MergeRequestSettings {
        let text = |name| self.0.text(name).map(str::to_owned);
        MergeRequestSettings {
            template: text("merge_requests.template"),
            labels: self.list("merge_requests.labels"),
            reviewers: self.list("merge_requests.reviewers"),
            milestone: text("merge_requests.milestone"),
        }
    }

    /// Who has to approve.
    ///
    /// # Errors
    /// When no layer says what a role looks at.
    pub fn roles(&self) -> Result<Vec<Role>, SettingsError> {
        [("maintainer", "maintainer"), ("psirt", "PSIRT")]
            .into_iter()
            .map(|(section, name)| {
                let key = |name: &str| format!("approvals.{section}.{name}");
                Ok(Role {
                    name,
                    rules: self.list(&key("rules")),
                    users: self.list(&key("users")),
                    targets: self.parsed(&key("targets"))?,
                })
            })
            .collect()
    }

    /// The steps that the project takes.
    ///
    /// # Errors
    /// When no layer says when patches are tagged.
    pub fn process(&self) -> Result<Process, SettingsError> {
        Ok(Process::with(Choices {
            keep_alive: self.keep_alive().is_some(),
            private_tags: self.tags()?.when == When::BeforeSync,
            publishing: !self.publishing_jobs().is_empty(),
        }))
    }

    /// What counts as the deployment; `None` where it is not configured.
    ///
    /// # Errors
    /// When no layer says what counts of hidden pipelines.
    pub fn deployment(&self) -> Result<Option<DeployTarget>, SettingsError> {
        let services = self.list("deploy.jobs");
        let Some(stage) = self.0.text("deploy.stage").filter(|_| !services.is_empty()) else { return Ok(None) };
        let (optional, hidden) = (self.list("deploy.optional"), self.parsed("deploy.hidden")?);
        Ok(Some(DeployTarget { stage: stage.to_owned(), services, optional, hidden }))
    }

    /// How patches are tagged.
    ///
    /// # Errors
    /// When no layer says when.
    pub fn tags(&self) -> Result<TagSettings, SettingsError> {
        let text = |name| self.0.text(name).map(str::to_owned);
        Ok(TagSettings { when: self.parsed("tags.when")?, job: text("tags.job"), message: text("tags.message") })
    }

    /// The title of merge requests in the public project, where it is configured.
    pub fn sync_title(&self) -> Option<&str> {
        self.0.text("sync.title")
    }

    /// The name of the schedule that keeps security going.
    pub fn keep_alive(&self) -> Option<&str> {
        self.0.text("schedule.keep_alive")
    }

    /// Parts of the names of the jobs that publish what was tagged.
    pub fn publishing_jobs(&self) -> Vec<String> {
        self.list("publish.jobs")
    }

    /// The images that a patch tag makes.
    ///
    /// # Errors
    /// Never for values that came through the layers, which are checked.
    pub fn images(&self) -> Result<Vec<Image>, SettingsError> {
        let images = self.list("verify.images");
        images.iter().map(|text| text.parse().map_err(|error| wrong("verify.images", error))).collect()
    }

    /// The public project.
    ///
    /// # Errors
    /// When no layer sets it.
    pub fn canonical(&self) -> Result<ProjectPath, SettingsError> {
        self.parsed("canonical.project")
    }

    /// The remote of the private mirror.
    ///
    /// # Errors
    /// When no layer sets it.
    pub fn security_remote(&self) -> Result<RemoteName, SettingsError> {
        self.parsed("security.remote")
    }

    /// What the guard decides by.
    ///
    /// # Errors
    /// When no layer sets a key that it needs.
    pub fn policy(&self) -> Result<Policy, SettingsError> {
        let pattern = |name, required| Pattern::parse(self.text(name)?, required).map_err(|error| wrong(name, error));
        let url = self.instance_url()?;
        let mut servers = match super::keys::find("gitlab.hosts").and_then(|key| self.0.get(key)) {
            Some((Value::List(hosts), _)) => hosts
                .iter()
                .map(|host| host.parse().map_err(|error| wrong("gitlab.hosts", error)))
                .collect::<Result<Vec<_>, _>>()?,
            _ => return Err(SettingsError::Unset("gitlab.hosts".to_owned())),
        };
        let root = url.as_ref().map_or_else(String::new, |url| url.root.clone());
        servers.extend(url.map(|url| url.server));
        Ok(Policy {
            instance: Instance { servers, root },
            canonical: self.canonical()?,
            security: self.parsed("security.project")?,
            security_remote: self.security_remote()?,
            branches: BranchNames {
                default: self.text("branches.default")?.to_owned(),
                stable: pattern("branches.stable", &[Major, Minor])?,
                fix: pattern("branches.fix", &[Name])?,
                backport: pattern("branches.backport", &[Name, Major, Minor])?,
            },
            patch_tag: pattern("tags.pattern", &[Major, Minor, Patch])?,
            mode: self.parsed("guard.mode")?,
        })
    }
}

fn wrong(name: &str, why: impl std::fmt::Display) -> SettingsError {
    SettingsError::Wrong { origin: format!("`{name}`"), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn layer(text: &str, owner: Owner) -> Layer {
        file::parse(text, Path::new("f.toml"), owner).unwrap()
    }

    #[test]
    fn the_highest_layer_wins_key_by_key() {
        let settings = Sources {
            user: layer("[branches]\ndefault = \"a\"\nsupported = 5\n", Owner::User),
            clone: layer("[branches]\ndefault = \"b\"\n", Owner::Clone),
            environment: Layer::from_environment(|name| (name == "SECFIX_BRANCHES_SUPPORTED").then(|| "7".to_owned()))
                .unwrap(),
            command_line: Layer::default(),
        }
        .merge()
        .unwrap();
        assert_eq!(settings.policy().unwrap().branches.default, "b");
        assert_eq!(settings.supported_lines().unwrap(), 7);
    }

    #[test]
    fn the_environment_cannot_touch_the_guard() {
        let layer = Layer::from_environment(|name| (name == "SECFIX_GUARD_MODE").then(|| "strict".to_owned())).unwrap();
        assert_eq!(layer.text("guard.mode"), None);
    }

    #[test]
    fn a_bad_variable_is_named() {
        let error = Layer::from_environment(|name| (name == "SECFIX_BRANCHES_SUPPORTED").then(|| "many".to_owned()))
            .unwrap_err();
        assert_eq!(error.to_string(), "environment SECFIX_BRANCHES_SUPPORTED: `many` is not a whole number above 0");
    }

    #[test]
    fn every_preset_makes_a_policy() {
        for preset in &PRESETS {
            let text = format!("preset = \"{}\"\n", preset.name);
            let settings = Sources { user: layer(&text, Owner::User), ..Sources::default() }.merge().unwrap();
            assert!(settings.policy().is_ok(), "{}", preset.name);
        }
    }
}
