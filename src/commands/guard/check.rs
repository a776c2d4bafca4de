//! `git secfix guard check`: the guard's answer to a push that nobody makes.

use std::path::Path;

use anyhow::anyhow;
use jiff::Timestamp;
use serde::Serialize;

use super::question::{self, LazyClone, Question};
use crate::{
    domain::{destination::redacted, exit::Exit, push::RefUpdate, verdict::Refusal},
    git::{LocalClone, branches, pause, remotes, repository::find_common_dir, revision},
    ops::{Context, Failure, known_names},
};

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Where the push would go: a URL, or the name of a remote with all its push URLs
    #[arg(value_name = "URL|REMOTE", add = crate::commands::program::completed_by(known_names::remotes))]
    destination: String,
    /// What would be pushed, as for `git push`: SRC, SRC:DST, or :DST for a deletion [default: HEAD]
    #[arg(value_name = "REF")]
    refs: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    allowed: bool,
    destinations: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    url: String,
    allowed: bool,
    reason: Option<String>,
    details: Vec<String>,
}

pub(super) fn run(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let lazy = LazyClone::at(&context.dir);
    let clone = lazy.open()?;
    let common_dir = find_common_dir(&context.dir).unwrap_or_else(|| clone.common_dir().to_owned());
    let policy = question::policy(&common_dir)?;
    let remote = remotes::find(clone, &args.destination);
    let urls = match &remote {
        Some(remote) if !remote.push_urls.is_empty() => remote.push_urls.clone(),
        Some(remote) => return Err(Failure::usage(anyhow!("remote `{}` has no URL", remote.name))),
        None => vec![url_or_path(clone, &args.destination)?],
    };
    if let Some(pause) = pause::current(&common_dir, Timestamp::now()) {
        context.ui.warning(&format!("the guard is paused until {}: a push would not be checked", pause.until));
    }
    let refs = if args.refs.is_empty() { vec!["HEAD".to_owned()] } else { args.refs.clone() };
    let security = format!("refs/remotes/{}/", policy.security_remote);
    let updates = refs.iter().map(|text| update(clone, text, &security)).collect::<Result<Vec<_>, _>>()?;
    let mut answers = Vec::new();
    for url in urls {
        let question = Question {
            remote: if remote.is_some() { &args.destination } else { &url },
            url: &url,
            updates: updates.clone(),
            arguments: || Ok(None),
        };
        let refusal = question::ask(question, &policy, &lazy);
        answers.push((url, refusal));
    }
    finish(answers, context)
}

/// The text as a URL or an existing path. A bare word is neither, but a mistyped remote.
fn url_or_path(clone: &LocalClone, text: &str) -> Result<String, Failure> {
    if text.contains(['/', ':']) || Path::new(text).exists() {
        return Ok(text.to_owned());
    }
    let names = remotes::list(clone).into_iter().map(|remote| remote.name);
    let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, text));
    let failure = Failure::usage(anyhow!("`{text}` is no remote of this clone, no URL and no folder"));
    Err(match nearest {
        Some(name) => failure.hint(format!("git secfix guard check {name}")),
        None => failure.hint("git remote -v"),
    })
}

fn finish(answers: Vec<(String, Option<Refusal>)>, context: &Context) -> Result<Exit, Failure> {
    let report = Report {
        allowed: answers.iter().all(|(_, refusal)| refusal.is_none()),
        destinations: answers
            .iter()
            .map(|(url, refusal)| {
                let message = refusal.as_ref().map(Refusal::message);
                Answer {
                    url: redacted(url).into_owned(),
                    allowed: refusal.is_none(),
                    details: message.as_ref().map_or_else(Vec::new, |message| message.details.clone()),
                    reason: message.map(|message| message.headline),
                }
            })
            .collect(),
    };
    if context.ui.json {
        context.ui.report("guard check", &report, String::new);
        return Ok(if report.allowed { Exit::Done } else { Exit::Refused });
    }
    for (url, _) in answers.iter().filter(|(_, refusal)| refusal.is_none()) {
        context.ui.answer(&format!("allowed: {}\n", crate::ui::safe::safe(&redacted(url))));
    }
    match answers.into_iter().find_map(|(_, refusal)| refusal) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(Exit::Done),
    }
}

/// The change that `git push` would make for a refspec. What the server has now is as last fetched.
fn update(clone: &LocalClone, text: &str, security: &str) -> Result<RefUpdate, Failure> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (source, target) = text.split_once(':').unwrap_or((text, ""));
    let local_oid = match source {
        "" => None,
        source => Some(revision::object(clone, source)?.ok_or_else(|| {
            Failure::usage(anyhow!("`{source}` is no revision of this clone")).hint("git branch --all")
        })?),
    };
    let full = revision::full_name(clone, source)?;
    let remote_ref = match (target, &full) {
        (target, _) if target.starts_with("refs/") => target.to_owned(),
        ("", Some(full)) => full.clone(),
        ("", None) => {
            return Err(Failure::usage(anyhow!("`{source}` is no branch or tag, so it needs a target"))
                .hint(format!("git secfix guard check … {source}:refs/heads/NAME")));
        }
        (target, Some(full)) if full.starts_with("refs/tags/") => format!("refs/tags/{target}"),
        (target, _) => format!("refs/heads/{target}"),
    };
    let known = remote_ref.strip_prefix("refs/heads/").map(|branch| format!("{security}{branch}"));
    let remote_oid = match known {
        Some(known) => branches::commit_of(clone, &known)?,
        None => None,
    };
    Ok(RefUpdate {
        local_ref: if source.is_empty() { "(delete)".to_owned() } else { source.to_owned() },
        local_oid,
        remote_ref,
        remote_oid,
    })
}
