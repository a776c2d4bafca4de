//! What is there, and what is wanted: everything that `mr` needs to know before it changes anything.

use anyhow::anyhow;

use super::{
    MrArgs, check_project,
    plan::Wish,
    text::{self, description, link},
};
use crate::{
    commands::{Failure, connection::unanswered, context::Prepared, fix, linked_issue},
    domain::{fix::FixName, issue::IssueRef, policy::Policy},
    git::{
        LocalClone,
        branches::{self, Relation},
    },
    gitlab::{
        Client, Error, at_once, branch,
        issue::{self, Issue},
        merge_request::{self, MergeRequest},
        milestone,
        project::{self, Project},
        template, user,
    },
};

/// What is there, and what is wanted.
pub(super) struct Survey {
    pub(super) project: Project,
    pub(super) branches: Vec<Branch>,
    pub(super) issue: Option<IssueRef>,
    /// Worth saying, though nothing stops for it.
    pub(super) notes: Vec<String>,
    to_default: Wish,
    to_stable: Wish,
    instance: crate::domain::policy::Instance,
}

/// A branch of the fix that is pushed as it is here.
pub(super) struct Branch {
    pub(super) source: String,
    pub(super) target: String,
    is_default: bool,
    /// The merge request that counts.
    pub(super) existing: Option<MergeRequest>,
}

impl Survey {
    /// Whether the text of a merge request is linked to an issue already.
    pub(super) fn is_linked(&self, request: &MergeRequest) -> bool {
        let text = request.description.as_deref().unwrap_or_default();
        IssueRef::linked_in(text, &self.instance).is_some_and(|found| Some(found) == self.issue)
    }

    /// What a branch's merge request should be like.
    pub(super) fn wish(&self, branch: &Branch) -> &Wish {
        if branch.is_default { &self.to_default } else { &self.to_stable }
    }
}

/// What is asked of GitLab, all of it at once.
enum Ask<'a> {
    Project,
    Heads,
    Requests(&'a str),
    Issue(&'a IssueRef),
    Template(&'a str),
    User(&'a str),
    Milestone(&'a str),
}

enum Got {
    Project(Project),
    Heads(Vec<branch::Branch>),
    Requests(String, Vec<MergeRequest>),
    Issue(Box<Issue>),
    Template(Option<String>),
    User(String, Option<u64>),
    Milestone(Option<u64>),
}

#[derive(Default)]
struct Answers {
    project: Option<Project>,
    heads: Vec<branch::Branch>,
    requests: Vec<(String, Vec<MergeRequest>)>,
    issue: Option<Issue>,
    template: Option<String>,
    users: Vec<(String, Option<u64>)>,
    milestone: Option<u64>,
}

/// Asks GitLab for everything, and checks that every branch is pushed.
pub(super) fn survey(client: &Client, prepared: &Prepared, fix: &FixName, args: &MrArgs) -> Result<Survey, Failure> {
    let Prepared { clone, settings, policy } = prepared;
    let sources = fix::local_branches(clone, policy, fix)?;
    let issue = wanted_issue(prepared, fix, args)?;
    let configured = settings.merge_requests();
    let milestone = args.milestone.clone().or(configured.milestone);
    let mut reviewers = configured.reviewers;
    reviewers.extend(args.reviewers.iter().cloned());
    for name in &mut reviewers {
        *name = name.trim_start_matches('@').to_owned();
    }
    reviewers.dedup();

    let mut asks = vec![Ask::Project, Ask::Heads];
    asks.extend(sources.iter().map(|source| Ask::Requests(source)));
    asks.extend(issue.as_ref().map(Ask::Issue));
    asks.extend(configured.template.as_deref().map(Ask::Template));
    asks.extend(reviewers.iter().map(|name| Ask::User(name)));
    asks.extend(milestone.as_deref().map(Ask::Milestone));
    let mut answers = Answers::default();
    for got in at_once(&asks, |ask| answer(client, policy, fix, ask)) {
        sort_in(got.map_err(|error| explain(error, issue.as_ref()))?, &mut answers);
    }
    let project = answers.project.take().ok_or_else(|| Failure::not_done(anyhow!("the project was not read")))?;
    check_project(&project, &policy.security)?;
    if let (Some(reference), Some(found)) = (&issue, &answers.issue)
        && !found.confidential
    {
        return Err(Failure::refused(anyhow!("issue {reference} is public, so it is fixed in {}", policy.canonical))
            .hint(format!("git secfix issue '{reference}'")));
    }
    let reviewers = reviewer_ids(&answers.users)?;
    if let (Some(title), None) = (&milestone, answers.milestone) {
        return Err(Failure::usage(anyhow!(
            "there is no active milestone `{title}` in {} or its groups",
            policy.security
        ))
        .hint(format!("git secfix mr {fix} --milestone TITLE")));
    }

    let mut branches = Vec::new();
    for source in &sources {
        let Some(read) = policy.branches.read(source) else { continue };
        check_pushed(clone, policy, fix, source, &answers.heads)?;
        let target = policy.branches.target(read.line);
        let existing = answers.requests.iter().find(|(name, _)| name == source);
        let existing = existing.and_then(|(_, found)| counting(found, &target)).cloned();
        branches.push(Branch { source: source.clone(), target, is_default: read.line.is_none(), existing });
    }
    if let Some(branch) = first_empty(clone, policy, &branches)? {
        return Err(Failure::not_done(anyhow!(
            "`{}` holds no commit that `{}` does not have, so there is nothing to review",
            branch.source,
            branch.target
        ))
        .hint(if branch.is_default {
            "git commit, on that branch".to_owned()
        } else {
            format!("git secfix backport {fix}")
        }));
    }

    let mut labels = configured.labels;
    labels.extend(args.labels.iter().cloned());
    labels.extend(answers.issue.as_ref().and_then(Issue::severity).map(str::to_owned));
    labels.dedup();
    let plain = match &args.title {
        Some(title) if title.trim().is_empty() => {
            return Err(Failure::usage(anyhow!("the title is empty")).hint(format!("git secfix mr {fix} --title TEXT")));
        }
        Some(title) => title.clone(),
        None => match branches.iter().find_map(|branch| branch.existing.as_ref()) {
            Some(request) => text::without_draft(&request.title).to_owned(),
            None => first_subject(clone, policy, &branches)?,
        },
    };
    let draft = if args.draft {
        Some(true)
    } else if args.ready {
        Some(false)
    } else {
        None
    };
    let wish = |is_default: bool| {
        let link = issue.as_ref().map(|issue| link(issue, args.closes && is_default));
        Wish {
            title: text::title(&plain, args.draft),
            has_new_title: args.title.is_some(),
            description: description(answers.template.as_deref(), link.as_deref()),
            link,
            labels: labels.clone(),
            reviewers: reviewers.clone(),
            milestone: answers.milestone,
            draft,
        }
    };
    let mut notes = Vec::new();
    if let (Some(name), None) = (&configured.template, &answers.template) {
        notes.push(format!(
            "{} has no template `{name}` for merge requests: a checklist stands in for it",
            policy.security
        ));
    }
    if issue.is_none() {
        notes.push(format!("no issue is linked; to link it: git secfix mr {fix} --issue NUMBER"));
    }
    Ok(Survey {
        to_default: wish(true),
        to_stable: wish(false),
        project,
        branches,
        notes,
        instance: policy.instance.clone(),
        issue,
    })
}

/// The issue that was named, which is remembered from now on, or the one that is remembered.
fn wanted_issue(prepared: &Prepared, fix: &FixName, args: &MrArgs) -> Result<Option<IssueRef>, Failure> {
    let Prepared { clone, settings, policy } = prepared;
    let issues = settings.issues()?;
    let Some(text) = &args.issue else { return Ok(linked_issue::remembered(clone, policy, &issues, fix)) };
    let issue = IssueRef::read(text, &issues, &policy.instance)
        .map_err(|error| Failure::usage(error).hint(format!("git secfix mr {fix} --issue 34")))?;
    if !args.dry_run {
        linked_issue::remember(clone, policy, fix, &issue)?;
    }
    Ok(Some(issue))
}

fn answer(client: &Client, policy: &Policy, fix: &FixName, ask: &Ask<'_>) -> Result<Got, Error> {
    let security = policy.security.as_str();
    Ok(match ask {
        Ask::Project => Got::Project(project::find(client, security)?),
        Ask::Heads => Got::Heads(branch::containing(client, security, fix.as_str())?),
        Ask::Requests(source) => {
            Got::Requests((*source).to_owned(), merge_request::from_branch(client, security, source)?)
        }
        Ask::Issue(found) => Got::Issue(Box::new(issue::read(client, found.project.as_str(), found.iid)?)),
        Ask::Template(name) => Got::Template(template::of_merge_requests(client, security, name)?),
        Ask::User(name) => Got::User((*name).to_owned(), user::by_name(client, name)?.map(|user| user.id)),
        Ask::Milestone(title) => Got::Milestone(milestone::id_of(client, security, title)?),
    })
}

fn sort_in(got: Got, answers: &mut Answers) {
    match got {
        Got::Project(project) => answers.project = Some(project),
        Got::Heads(heads) => answers.heads = heads,
        Got::Requests(source, found) => answers.requests.push((source, found)),
        Got::Issue(found) => answers.issue = Some(*found),
        Got::Template(found) => answers.template = found,
        Got::User(name, id) => answers.users.push((name, id)),
        Got::Milestone(id) => answers.milestone = id,
    }
}

fn explain(error: Error, issue: Option<&IssueRef>) -> Failure {
    let is_issue =
        matches!(&error, Error::Refused(refused) if refused.status == 404 && refused.request.contains("/issues/"));
    match issue {
        Some(reference) if is_issue => Failure::not_done(anyhow!(
            "there is no issue {reference}, or this token may not see it, so it is not known whether it is confidential \
             ({error})"
        ))
        .hint("git secfix auth status"),
        _ => unanswered(error),
    }
}

fn reviewer_ids(users: &[(String, Option<u64>)]) -> Result<Vec<u64>, Failure> {
    users
        .iter()
        .map(|(name, id)| {
            // GitLab would drop an unknown one without a word.
            id.ok_or_else(|| {
                Failure::usage(anyhow!("there is no user `{name}` to review it"))
                    .hint("git secfix config, and correct `merge_requests.reviewers`, or --reviewer")
            })
        })
        .collect()
}

/// The merge request of a branch towards its own target that counts: open before merged before closed.
fn counting<'a>(found: &'a [MergeRequest], target: &str) -> Option<&'a MergeRequest> {
    let in_state = |state: &str| found.iter().find(|request| request.target_branch == target && request.state == state);
    in_state("opened").or_else(|| in_state("locked")).or_else(|| in_state("merged")).or_else(|| in_state("closed"))
}

/// What is reviewed must be what is here.
fn check_pushed(
    clone: &LocalClone,
    policy: &Policy,
    fix: &FixName,
    source: &str,
    heads: &[branch::Branch],
) -> Result<(), Failure> {
    let here = branches::commit_of(clone, &format!("refs/heads/{source}"))?.unwrap_or_default();
    let remote = &policy.security_remote;
    let Some(there) = heads.iter().find(|head| head.name == source) else {
        return Err(
            Failure::not_done(anyhow!("`{source}` is not pushed to {remote}")).hint(format!("git secfix push {fix}"))
        );
    };
    if here == there.commit.id {
        return Ok(());
    }
    match branches::relation(clone, &here, &there.commit.id)? {
        Some(Relation::Ahead) => {
            Err(Failure::not_done(anyhow!("`{source}` has commits that are not pushed to {remote}"))
                .hint(format!("git secfix push {fix}")))
        }
        _ => Err(Failure::not_done(anyhow!("{remote} has commits of `{source}` that this clone does not have"))
            .hint(format!("git fetch {remote} && git log {source}..{remote}/{source}"))),
    }
}

/// A branch without work of its own, where the clone can tell.
fn first_empty<'a>(clone: &LocalClone, policy: &Policy, branches: &'a [Branch]) -> Result<Option<&'a Branch>, Failure> {
    for branch in branches.iter().filter(|branch| branch.existing.is_none()) {
        let base = format!("refs/remotes/{}/{}", policy.security_remote, branch.target);
        if branches::is_contained(clone, &format!("refs/heads/{}", branch.source), &base)? {
            return Ok(Some(branch));
        }
    }
    Ok(None)
}

/// The subject of the fix's first commit.
fn first_subject(clone: &LocalClone, policy: &Policy, branches: &[Branch]) -> Result<String, Failure> {
    let Some(first) = branches.first() else { return Ok(String::new()) };
    let range = format!("refs/remotes/{}/{}..refs/heads/{}", policy.security_remote, first.target, first.source);
    let subjects = clone.git().read(&["log", "--reverse", "--no-merges", "--format=%s", &range])?;
    match subjects.lines().find(|subject| !subject.trim().is_empty()) {
        Some(subject) => Ok(subject.to_owned()),
        None => Err(Failure::usage(anyhow!("no commit of `{}` has a subject to take for a title", first.source))
            .hint("git secfix mr --title TEXT")),
    }
}
