//! Every configuration key: its name, the form of its value and the check that a value passes.
//! A new key is one more row here, and one line in each preset that sets it.

use crate::domain::{
    approvals::Targets,
    deployment::Hidden,
    duration::Span,
    patch_tag::When,
    pattern::{
        Pattern,
        Placeholder::{self, Major, Minor, Name, Patch},
        is_ref_name,
    },
    policy::Mode,
    project::{ProjectPath, RemoteName, Server},
    verification::Image,
};

use super::instance::InstanceUrl;

/// A configuration value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A list of texts; in the environment separated by commas.
    List(Vec<String>),
    /// A whole number above zero.
    Count(u32),
}

/// The form that a key's value must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// [`Value::Text`]
    Text,
    /// [`Value::List`]
    List,
    /// [`Value::Count`]
    Count,
    /// [`Value::Text`] like `90s`, or [`Value::Count`] of seconds.
    Duration,
}

impl Form {
    /// The form in words, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::List => "a list of texts",
            Self::Count => "a whole number above 0",
            Self::Duration => "a duration above 0, such as `\"90s\"` or a number of seconds",
        }
    }
}

/// Which layers may set a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every layer.
    Anywhere,
    /// Files alone: a variable that somebody exported long ago must not weaken what is enforced.
    Files,
    /// Only the clone's own file: nothing from outside may weaken the guard.
    CloneOnly,
}

/// One row of the table of keys.
#[derive(Debug)]
pub struct Key {
    /// The dotted name, as in `branches.fix`.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// The form of its value.
    pub form: Form,
    /// Who may set it.
    pub reach: Reach,
    /// Whether the guard decides by it, so that each clone's own file spells it out.
    pub is_of_guard: bool,
    check: fn(&str) -> Result<(), String>,
}

impl Key {
    const fn text(name: &'static str, about: &'static str, check: fn(&str) -> Result<(), String>) -> Self {
        Self { name, about, form: Form::Text, reach: Reach::Anywhere, is_of_guard: false, check }
    }

    const fn for_the_guard(self) -> Self {
        Self { is_of_guard: true, ..self }
    }

    const fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    const fn with_reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// Checks the value's form and content.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (self.form, value) {
            (Form::Text, Value::Text(text)) => (self.check)(text),
            (Form::List, Value::List(items)) if items.is_empty() => Err("the list is empty".to_owned()),
            (Form::List, Value::List(items)) => items.iter().try_for_each(|item| (self.check)(item)),
            (Form::Count | Form::Duration, Value::Count(1..)) => Ok(()),
            (Form::Duration, Value::Text(text)) => match text.parse::<Span>() {
                Ok(span) if span > Span::seconds(0) => Ok(()),
                Ok(_) => Err(format!("`{}` takes {}", self.name, self.form.name())),
                Err(error) => Err(error.to_string()),
            },
            (form, _) => Err(format!("`{}` takes {}", self.name, form.name())),
        }
    }

    /// The environment variable that sets the key.
    pub fn variable(&self) -> String {
        format!("SECFIX_{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }
}

/// Every key, in the order in which it is shown.
pub static KEYS: [Key; 39] = [
    Key::text("preset", "the built-in values to start from", preset),
    Key::text("gitlab.url", "address of the GitLab instance, where it cannot be told from a remote", url),
    Key::text("gitlab.hosts", "every host of the instance, with unusual ports", parses::<Server>)
        .with_form(Form::List)
        .for_the_guard(),
    Key::text("gitlab.ca_file", "certificates of further authorities to trust, a PEM file", some_text),
    Key::text("gitlab.timeout", "how long one request may take", |_| Ok(())).with_form(Form::Duration),
    Key::text("gitlab.pause", "the first pause before a server is asked again; later ones are longer", |_| Ok(()))
        .with_form(Form::Duration),
    Key::text("canonical.project", "the public project", parses::<ProjectPath>).for_the_guard(),
    Key::text("security.project", "its private mirror", parses::<ProjectPath>).for_the_guard(),
    Key::text("security.remote", "the remote of the private mirror", parses::<RemoteName>).for_the_guard(),
    Key::text("issues.project", "where issues of fixes are, if not in the public project", parses::<ProjectPath>),
    Key::text("branches.default", "the default branch", branch).for_the_guard(),
    Key::text("branches.stable", "the stable branch of a release line", |text| pattern(text, &[Major, Minor]))
        .for_the_guard(),
    Key::text("branches.fix", "the branch of a fix", |text| pattern(text, &[Name])).for_the_guard(),
    Key::text("branches.backport", "the backport branch of a fix", |text| pattern(text, &[Name, Major, Minor]))
        .for_the_guard(),
    Key::text("branches.supported", "how many of the newest lines get fixes", |_| Ok(())).with_form(Form::Count),
    Key::text("backport.worktrees", "the folder in which conflicts of a backport get their work trees", some_text),
    Key::text("merge_requests.template", "the project's template for their text", some_text),
    Key::text("merge_requests.labels", "labels that each of them gets", some_text).with_form(Form::List),
    Key::text("merge_requests.reviewers", "user names of those who review each of them", some_text)
        .with_form(Form::List),
    Key::text("merge_requests.milestone", "the milestone that each of them gets", some_text),
    Key::text("approvals.maintainer.rules", "approval rules that a maintainer fulfils", some_text)
        .with_form(Form::List)
        .with_reach(Reach::Files),
    Key::text("approvals.maintainer.users", "user names, or `@group`, that count where no rule does", some_text)
        .with_form(Form::List)
        .with_reach(Reach::Files),
    Key::text("approvals.maintainer.targets", "which merge requests need it: all or default", parses::<Targets>)
        .with_reach(Reach::Files),
    Key::text("approvals.psirt.rules", "approval rules that PSIRT fulfils", some_text)
        .with_form(Form::List)
        .with_reach(Reach::Files),
    Key::text("approvals.psirt.users", "user names, or `@group`, that count where no rule does", some_text)
        .with_form(Form::List)
        .with_reach(Reach::Files),
    Key::text("approvals.psirt.targets", "which merge requests need it: all or default", parses::<Targets>)
        .with_reach(Reach::Files),
    Key::text("tags.pattern", "the patch tags", |text| pattern(text, &[Major, Minor, Patch])).for_the_guard(),
    Key::text("tags.when", "when the patches are tagged: after-sync or before-sync", parses::<When>)
        .with_reach(Reach::Files),
    Key::text("tags.job", "a part of the name of the job that tags, where a job does it", some_text)
        .with_reach(Reach::Files),
    Key::text("tags.message", "the message of the tags; without it they are lightweight ones", some_text),
    Key::text("deploy.stage", "the stage of the jobs that deploy", some_text).with_reach(Reach::Files),
    Key::text("deploy.jobs", "for each service a part of the names of its jobs", some_text)
        .with_form(Form::List)
        .with_reach(Reach::Files),
    Key::text("deploy.optional", "parts of the names of jobs further down that need not have run", some_text)
        .with_form(Form::List)
        .with_reach(Reach::Files),
    Key::text(
        "deploy.hidden",
        "what counts of pipelines that the token may not see: refuse or status",
        parses::<Hidden>,
    )
    .with_reach(Reach::Files),
    Key::text("sync.title", "the title of merge requests in public, `{branch}` in it", some_text),
    Key::text("schedule.keep_alive", "the pipeline schedule that is active between merge and sync", some_text),
    Key::text("publish.jobs", "parts of the names of jobs that publish what was tagged", some_text)
        .with_form(Form::List)
        .with_reach(Reach::Files),
    Key::text("verify.images", "images that a patch tag makes, such as `repository:{tag}`", parses::<Image>)
        .with_form(Form::List),
    Key::text("guard.mode", "how strict the guard is: strict or paranoid", parses::<Mode>)
        .with_reach(Reach::CloneOnly)
        .for_the_guard(),
];

/// The row of a key.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether keys stand below this name.
pub fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The key whose name is nearest to a mistyped one.
pub fn nearest(name: &str) -> Option<&'static Key> {
    KEYS.iter()
        .map(|key| (strsim::damerau_levenshtein(key.name, name), key))
        .filter(|(distance, key)| *distance <= key.name.len() / 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

fn parses<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop).map_err(|error| error.to_string())
}

fn url(text: &str) -> Result<(), String> {
    parses::<InstanceUrl>(text)
}

fn preset(text: &str) -> Result<(), String> {
    super::preset::find(text).map(drop).map_err(|error| error.to_string())
}

fn pattern(text: &str, required: &[Placeholder]) -> Result<(), String> {
    Pattern::parse(text, required).map(drop).map_err(|error| error.to_string())
}

fn some_text(text: &str) -> Result<(), String> {
    let is_plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if is_plain { Ok(()) } else { Err(format!("`{}` is empty or holds control characters", text.escape_debug())) }
}

fn branch(text: &str) -> Result<(), String> {
    if is_ref_name(text) { Ok(()) } else { Err(format!("`{text}` cannot be the name of a branch")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_has_a_nearest_one() {
        assert_eq!(nearest("branchs.fix").map(|key| key.name), Some("branches.fix"));
        assert_eq!(nearest("guard.mod").map(|key| key.name), Some("guard.mode"));
        assert_eq!(nearest("completely.different.thing").map(|key| key.name), None);
    }

    #[test]
    fn values_are_checked() {
        let check = |name: &str, value| find(name).unwrap().check(&value);
        assert!(check("branches.supported", Value::Count(0)).is_err());
        assert!(check("branches.supported", Value::Text("3".to_owned())).is_err());
        assert!(check("gitlab.hosts", Value::List(vec![])).is_err());
        assert!(check("gitlab.hosts", Value::List(vec!["a b".to_owned()])).is_err());
        assert!(check("branches.stable", Value::Text("stable-{major}".to_owned())).is_err());
        assert!(check("guard.mode", Value::Text("off".to_owned())).is_err());
        assert!(check("preset", Value::Text("nope".to_owned())).is_err());
    }
}
