//! Whether everything arrived that a fix publishes: pipelines of tags, images, mirrors. What cannot be
//! seen is not known, and never fine.

use std::{fmt, str::FromStr};

use serde::Serialize;
use thiserror::Error;

use super::{ci_status::CiStatus, patch_tag::PatchTag, project::ProjectPath, runbook::Progress};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Not yet; it may come by itself.
    Pending,
    /// Not as it should be, and somebody has to do something.
    Failed,
    /// It cannot be told.
    Unknown,
}

impl Outcome {
    /// The word that people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: `pipeline of v18.4.2-ee`.
    pub what: String,
    /// How it came out.
    pub outcome: Outcome,
    /// In words.
    pub text: String,
}

impl Check {
    /// A check with its outcome.
    pub fn new(what: impl Into<String>, outcome: Outcome, text: impl Into<String>) -> Self {
        Self { what: what.into(), outcome, text: text.into() }
    }
}

/// What all checks say together.
pub fn progress(checks: &[Check]) -> Progress {
    let open = checks.iter().filter(|check| check.outcome != Outcome::Ok);
    Progress::from_missing(open.map(|check| format!("{}: {}", check.what, check.text)).collect())
}

/// From the status of a pipeline.
pub fn judge_pipeline(status: &CiStatus) -> Outcome {
    match status {
        CiStatus::Success => Outcome::Ok,
        CiStatus::Failed | CiStatus::Canceled | CiStatus::Canceling | CiStatus::Skipped | CiStatus::Manual => {
            Outcome::Failed
        }
        status if status.is_under_way() => Outcome::Pending,
        _ => Outcome::Unknown,
    }
}

/// An image that a patch tag makes: `repository:{tag}`, or `group/project//repository:{tag}` where it is in
/// the registry of another project than the public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The project of the registry; the public project without one.
    pub project: Option<ProjectPath>,
    /// The name of the repository below the project; empty for the project's own.
    pub repository: String,
    tag: String,
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` names no image: write `repository:{{tag}}` or `group/project//repository:{{tag}}`")]
pub struct ImageError(String);

impl FromStr for Image {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ImageError(text.to_owned());
        let (path, tag) = text.rsplit_once(':').ok_or_else(wrong)?;
        let (project, repository) = match path.split_once("//") {
            Some((project, repository)) => (Some(project.parse().map_err(|_| wrong())?), repository),
            None => (None, path),
        };
        let names_patch = ["{tag}", "{patch}"].iter().any(|part| tag.contains(part));
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
        if !names_patch || !is_plain(tag) || !is_plain(repository) {
            return Err(wrong());
        }
        Ok(Self { project, repository: repository.to_owned(), tag: tag.to_owned() })
    }
}

impl Image {
    /// The tag of the image that a patch tag makes.
    pub fn tag_of(&self, tag: &PatchTag) -> String {
        let number = |text: String, name: &str, value: u32| text.replace(name, &value.to_string());
        let text = self.tag.replace("{tag}", &tag.to_string());
        let text = number(text, "{major}", tag.line.major);
        let text = number(text, "{minor}", tag.line.minor);
        number(text, "{patch}", tag.patch)
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.project {
            Some(project) => write!(f, "{project}//{}:{}", self.repository, self.tag),
            None => write!(f, "{}:{}", self.repository, self.tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pattern::{
        Pattern,
        Placeholder::{Major, Minor, Patch},
    };

    #[test]
    fn images_are_read_and_their_tags_written() {
        let pattern = Pattern::parse("v{major}.{minor}.{patch}-ee", &[Major, Minor, Patch]).unwrap();
        let tag = PatchTag::read(&pattern, "v18.4.2-ee").unwrap();
        for (text, project, repository, written) in [
            ("model-gateway:{tag}", None, "model-gateway", "v18.4.2-ee"),
            (":{major}.{minor}.{patch}", None, "", "18.4.2"),
            ("g/p//a/b:x-{patch}", Some("g/p"), "a/b", "x-2"),
        ] {
            let image: Image = text.parse().unwrap();
            assert_eq!(image.project.as_ref().map(ToString::to_string).as_deref(), project);
            assert_eq!((image.repository.as_str(), image.tag_of(&tag).as_str()), (repository, written));
            assert_eq!(image.to_string(), text);
        }
        for text in ["", "a", "a:latest", "a:{major}", "a b:{tag}", "//a:{tag}", "x//a:{tag}"] {
            assert!(text.parse::<Image>().is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_unknown_is_fine() {
        for (status, outcome) in [
            ("success", Outcome::Ok),
            ("running", Outcome::Pending),
            ("manual", Outcome::Failed),
            ("skipped", Outcome::Failed),
            ("glorious", Outcome::Unknown),
        ] {
            assert_eq!(judge_pipeline(&CiStatus::from(status)), outcome);
        }
        let checks = [Check::new("a", Outcome::Ok, "x"), Check::new("b", Outcome::Unknown, "y")];
        assert_eq!(progress(&checks), Progress::Open(vec!["b: y".to_owned()]));
        assert!(progress(&checks[..1]).is_done());
    }
}
