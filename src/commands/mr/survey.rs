//! What is there, and what is wanted: everything that `mr` needs to know before it changes anything.

use anyhow::anyhow;

use super::{
    MrArgs,
    plan::Desired,
    text::{self, description, link},
};
use crate::{
    domain::{
        fix::FixName,
        issue::IssueRef,
        policy::{Instance, Policy},
        runbook::{Facts, Gate, Target},
        version::ReleaseLine,
    },
    git::{LocalClone, history},
    gitlab::{Client, Error, at_once, merge_request::MergeRequest, milestone, project::Project, template, user},
    ops::{
        Failure,
        connection::unanswered,
        facts::{Gathered, Gatherer, ProjectFacts},
        gate, issue_link,
        prepared::Prepared,
        typed::Typed,
    },
};

/// What is there, and what is wanted.
pub(super) struct Survey {
    pub(super) project: Project,
    pub(super) branches: Vec<Branch>,
    pub(super) issue: Option<IssueRef>,
    /// Those that do not hold the whole fix, which get none.
    pub(super) left_out: Vec<Target>,
    /// What was known before anything was opened.
    pub(super) facts: Facts,
    /// Worth saying, though nothing stops for it.
    pub(super) notes: Vec<String>,
    to_default: Desired,
    to_stable: Desired,
    instance: Instance,
}

/// A branch of the fix that is pushed as it is here.
pub(super) struct Branch {
    pub(super) source: String,
    pub(super) target: String,
    is_default: bool,
    /// Its newest commit in security.
    pub(super) head: Option<String>,
    /// The merge request that counts.
    pub(super) existing: Option<MergeRequest>,
}

impl Survey {
    /// Whether the text of a merge request is linked to the issue already.
    pub(super) fn is_linked(&self, request: &MergeRequest) -> bool {
        let text = request.description.as_deref().unwrap_or_default();
        IssueRef::linked_in(text, &self.instance).is_some_and(|found| Some(found) == self.issue)
    }

    /// What a branch's merge request should be like.
    pub(super) fn desired(&self, branch: &Branch) -> &Desired {
        if branch.is_default { &self.to_default } else { &self.to_stable }
    }
}

/// Asks GitLab for everything, and goes on only where the runbook lets merge requests be opened.
pub(super) fn survey(
    client: &Client,
    prepared: &Prepared,
    fix: &FixName,
    args: &MrArgs,
    again: &Typed,
) -> Result<Survey, Failure> {
    let Prepared { clone, settings, policy } = prepared;
    let wanted = wanted_issue(prepared, args, again)?;
    let configured = settings.merge_requests();
    let milestone = args.milestone.as_ref().or(configured.milestone.as_ref());
    let mut reviewers = configured.reviewers;
    reviewers.extend(args.reviewers.iter().cloned());
    let parts = Parts {
        template: configured.template.as_deref(),
        reviewers: &reviewers,
        milestone: milestone.map(String::as_str),
    };

    let gatherer = Gatherer::new(client, prepared)?.fetching();
    let (parts, gathered) = std::thread::scope(|scope| {
        let found = scope.spawn(|| parts.ask(client, policy));
        let gathered = gatherer.fix(fix, wanted.clone());
        (found.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), gathered)
    });
    let (ProjectFacts { project, .. }, gathered) = gathered?;
    gate::pass(Gate::Request, &gathered, policy)?;
    let parts = parts.map_err(unanswered)?;
    let reviewers = parts.reviewer_ids()?;
    if let (Some(title), None) = (milestone, parts.milestone) {
        return Err(Failure::usage(anyhow!(
            "there is no active milestone `{title}` in {} or its groups",
            policy.security
        ))
        .hint(again.clone().with_only("--milestone", "TITLE")));
    }
    // It is remembered once it is known to be one that may be fixed here.
    if let (Some(issue), false) = (&wanted, args.dry_run) {
        issue_link::remember(clone, policy, fix, issue)?;
    }

    let issue = gathered.issue.as_ref().map(|(reference, _)| reference.clone());
    let mut labels = configured.labels;
    labels.extend(args.labels.iter().flat_map(|text| text.split(',')).map(|label| label.trim().to_owned()));
    labels.extend(gathered.issue.as_ref().and_then(|(_, issue)| issue.severity()).map(str::to_owned));
    labels.dedup();
    let plain = title(clone, policy, &gathered, args, again)?;
    let is_draft_by_title = args.title.as_deref().is_some_and(|title| text::without_draft(title) != title.trim());
    let draft = match (args.draft || is_draft_by_title, args.ready) {
        (true, false) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let covered: Vec<ReleaseLine> = gathered.facts.targets.iter().filter_map(|target| target.line).collect();
    let desired = |is_default: bool| {
        let link = issue.as_ref().map(|issue| link(issue, args.closes && is_default));
        let text = description(parts.template.as_deref(), link.as_deref());
        let waivers = if is_default { gathered.facts.waivers.clone() } else { vec![] };
        Desired {
            title: text::title(&plain, draft == Some(true)),
            has_new_title: args.title.is_some(),
            description: text::with_waivers(&text, &waivers, &[]).unwrap_or(text),
            waivers,
            covered: if is_default { covered.clone() } else { vec![] },
            link,
            labels: labels.clone(),
            reviewers: reviewers.clone(),
            milestone: parts.milestone,
            draft,
        }
    };
    let mut notes = gathered.notes.clone();
    if let (Some(name), None) = (&configured.template, &parts.template) {
        notes.push(format!(
            "{} has no template `{name}` for merge requests: a checklist stands in for it",
            policy.security
        ));
    }
    let (missing, there): (Vec<&Target>, Vec<&Target>) =
        gathered.facts.targets.iter().partition(|target| target.is_incomplete());
    for Target { source, target, .. } in &missing {
        notes.push(format!("`{target}` is left out: `{source}` does not hold the whole fix"));
    }
    for line in &gathered.facts.uncovered {
        notes.push(format!("{line} is supported and has no backport"));
    }
    let there = there.into_iter();
    Ok(Survey {
        to_default: desired(true),
        to_stable: desired(false),
        project,
        branches: there.map(|target| branch(target, &gathered)).collect(),
        left_out: missing.into_iter().cloned().collect(),
        notes,
        facts: gathered.facts,
        instance: policy.instance.clone(),
        issue,
    })
}

fn branch(target: &Target, gathered: &Gathered) -> Branch {
    Branch {
        source: target.source.clone(),
        target: target.target.clone(),
        is_default: target.line.is_none(),
        head: target.head.clone(),
        existing: gathered.requests.get(&target.source).cloned(),
    }
}

/// The issue that was named.
fn wanted_issue(prepared: &Prepared, args: &MrArgs, again: &Typed) -> Result<Option<IssueRef>, Failure> {
    let Prepared { settings, policy, .. } = prepared;
    let issues = settings.issues()?;
    let read = args.issue.as_deref().map(|text| IssueRef::read(text, &issues, &policy.instance)).transpose();
    read.map_err(|error| Failure::usage(error).hint(again.clone().with_only("--issue", "NUMBER")))
}

/// What merge requests are made of besides the fix itself, by name.
struct Parts<'a> {
    template: Option<&'a str>,
    reviewers: &'a [String],
    milestone: Option<&'a str>,
}

/// The same, as GitLab knows it.
struct KnownParts {
    template: Option<String>,
    reviewers: Vec<(String, Option<u64>)>,
    milestone: Option<u64>,
}

impl Parts<'_> {
    fn ask(&self, client: &Client, policy: &Policy) -> Result<KnownParts, Error> {
        let security = policy.security.as_str();
        std::thread::scope(|scope| {
            let template = scope.spawn(|| self.template.map(|name| template::read(client, security, name)).transpose());
            let milestone =
                scope.spawn(|| self.milestone.map(|title| milestone::id_of(client, security, title)).transpose());
            let reviewers = at_once(self.reviewers, |name| {
                let name = name.trim_start_matches('@');
                Ok((name.to_owned(), user::by_name(client, name)?.map(|user| user.id)))
            });
            let template = template.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let milestone = milestone.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok(KnownParts {
                template: template?.flatten(),
                reviewers: reviewers.into_iter().collect::<Result<_, Error>>()?,
                milestone: milestone?.flatten(),
            })
        })
    }
}

impl KnownParts {
    fn reviewer_ids(&self) -> Result<Vec<u64>, Failure> {
        let mut ids = Vec::new();
        for (name, id) in &self.reviewers {
            // GitLab would drop an unknown one without a word.
            let id = id.ok_or_else(|| {
                Failure::usage(anyhow!("there is no user `{name}` to review it"))
                    .hint("git secfix config, and correct `merge_requests.reviewers`, or --reviewer")
            })?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

/// The title of all: the one that was asked for, else the one that they have, else the subject of the
/// fix's first commit.
fn title(
    clone: &LocalClone,
    policy: &Policy,
    gathered: &Gathered,
    args: &MrArgs,
    again: &Typed,
) -> Result<String, Failure> {
    let hint = || again.clone().with_only("--title", "TEXT");
    if let Some(title) = &args.title {
        let is_empty = text::without_draft(title).trim().is_empty();
        return if is_empty {
            Err(Failure::usage(anyhow!("the title is empty")).hint(hint()))
        } else {
            Ok(title.clone())
        };
    }
    let targets = &gathered.facts.targets;
    if let Some(request) = targets.iter().find_map(|target| gathered.requests.get(&target.source)) {
        return Ok(text::without_draft(&request.title).to_owned());
    }
    let Some(first) = targets.first() else { return Ok(String::new()) };
    // A colleague's branch is here under security's name alone.
    let security = format!("refs/remotes/{}", policy.security_remote);
    let tip = [format!("refs/heads/{}", first.source), format!("{security}/{}", first.source)];
    for tip in tip {
        let range = format!("{security}/{}..{tip}", first.target);
        if let Some(subject) = history::subjects(clone, &range)?.into_iter().next() {
            return Ok(subject);
        }
    }
    Err(Failure::usage(anyhow!("no commit of `{}` has a subject to take for a title", first.source)).hint(hint()))
}
