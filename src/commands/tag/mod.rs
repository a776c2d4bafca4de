//! `git secfix tag`: the next patch tag of every line, by the API or by the project's own job.

mod job;
mod plan;
mod survey;

use anyhow::anyhow;
use serde::Serialize;

use self::{
    plan::{Action, plan},
    survey::{Place, Survey},
};
use super::{
    Program,
    program::{DURATION, completed_by},
    wait_options::duration,
};
use crate::domain::duration::Span;
use crate::{
    domain::{
        exit::Exit,
        fix::FixName,
        runbook::{Facts, Gate, Step},
        version::ReleaseLine,
    },
    gitlab::{Client, project::DEVELOPER, tag},
    ops::{
        Context, Failure, connection::unanswered, facts::Gatherer, fix_branches, gate, known_names, next,
        prepared::Prepared,
    },
    ui::{Table, report_words},
};

/// Tag the patch of every line of a fix
///
/// The number is the one behind the highest of exactly that line, in the public project and in security as
/// the server lists them. A line with a tag that holds the fix is done. With `tags.when = "before-sync"`
/// the first tags are made in security, and published under the same names after the sync.
#[derive(Debug, clap::Args)]
pub struct TagArgs {
    /// The name of the fix [default: the one of the current branch]
    #[arg(add = completed_by(known_names::fixes))]
    name: Option<String>,
    /// The message of the tags [default: `tags.message`, else they are lightweight ones]
    #[arg(long, short)]
    message: Option<String>,
    /// How long to wait for the job that tags, where a job does it
    #[arg(long, value_name = DURATION, default_value = "10m", value_parser = duration)]
    timeout: Span,
    /// Print what would be tagged, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    fix: String,
    project: String,
    tags: Vec<Row>,
    done: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    line: ReleaseLine,
    branch: String,
    tag: Option<String>,
    commit: String,
    state: TagState,
}

report_words! {
    /// What became of a tag, or would.
    enum TagState {
        WouldBeTagged = "would be tagged",
        NotTagged = "not tagged",
        Tagged = "tagged",
        TaggedByJob = "tagged by its job",
        TaggedAlready = "tagged already",
    }
}

impl Program for TagArgs {
    const NAME: &'static str = "tag";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let prepared = context.prepared()?;
        let Prepared { settings, policy, .. } = &prepared;
        let fix = fix_branches::find(context, &prepared, self.name.as_deref())?;
        let client = context.gitlab(&prepared)?;
        let gatherer = Gatherer::new(&client, &prepared)?.fetching();
        let spinner = context.ui.spinner("asking GitLab");
        let (project_facts, gathered) = gatherer.fix(&fix, None)?;
        let (gate, place) = due(&gathered.facts);
        gate::pass(gate, &gathered, policy)?;
        let after_merge =
            gathered.after_merge.as_ref().ok_or_else(|| Failure::not_done(anyhow!("`{fix}` is not merged")))?;
        let survey = survey::survey(&client, policy, after_merge, &project_facts.project, place)?;
        drop(spinner);
        let tags = settings.tags()?;
        let mut report = Report {
            fix: fix.to_string(),
            project: survey.project.path_with_namespace.clone(),
            tags: vec![],
            done: !self.dry_run,
        };
        let actions = plan(&survey, &policy.patch_tag).map_err(|line| {
            Failure::not_done(anyhow!("no number is left behind the tags of {line}")).hint("git secfix config --keys")
        })?;
        if tags.job.is_none() {
            check_rights(&survey, &actions)?;
        }
        let mut failed = None;
        for action in actions {
            if failed.is_some() || self.dry_run {
                report
                    .tags
                    .push(row(&action, if self.dry_run { TagState::WouldBeTagged } else { TagState::NotTagged }));
                continue;
            }
            let _spinner = context.ui.spinner(&format!("tagging {}", action.line()));
            let done = match (&action, &tags.job) {
                (Action::Nothing { .. }, _) => Ok(row(&action, TagState::TaggedAlready)),
                // A tag of security becomes public as it is: the job would make another one.
                (Action::Create { line, branch, commit, is_private: false, .. }, Some(part)) => {
                    let limit = self.timeout.get();
                    let job =
                        job::Job { client: &client, policy, project: survey.project.id, part, line: *line, limit };
                    job.run(branch, commit, context)
                        .map(|tag| Row { tag: Some(tag), ..row(&action, TagState::TaggedByJob) })
                }
                (Action::Create { .. }, _) => {
                    let message = self.message.as_deref().or(tags.message.as_deref());
                    create(&client, &survey, &action, message, &fix).map(|()| row(&action, TagState::Tagged))
                }
            };
            match done {
                Ok(row) => report.tags.push(row),
                // The others wait until somebody has looked at this one.
                Err(failure) => {
                    report.tags.push(row(&action, TagState::NotTagged));
                    failed = Some(failure);
                }
            }
        }
        report.done &= failed.is_none();
        show(context, &report);
        if let Some(failure) = failed {
            return Err(failure);
        }
        if !self.dry_run {
            let mut facts = gathered.facts;
            facts.tagged(gate.step());
            next::tell(context, &facts, &fix, policy);
        }
        Ok(Exit::Done)
    }
}

/// Which tags are due: those in security come before the sync, where a project makes them.
fn due(facts: &Facts) -> (Gate, Place) {
    let is_private = facts.process.has(Step::PrivateTags) && !facts.progress.is_done(Step::Sync);
    if is_private { (Gate::PrivateTag, Place::Security) } else { (Gate::Tag, Place::Canonical) }
}

/// Nothing is tagged where a later tag could not be.
fn check_rights(survey: &Survey, actions: &[Action]) -> Result<(), Failure> {
    let path = &survey.project.path_with_namespace;
    let level = survey.project.access_level();
    for action in actions {
        let Action::Create { tag, .. } = action else { continue };
        let name = tag.to_string();
        let hint = format!("ask a maintainer of {path} to run the same command");
        // Members through an invited group have no level here: GitLab itself decides then.
        if level > 0 && level < DEVELOPER {
            return Err(Failure::not_done(anyhow!("this token may not create tags in {path}, so nothing was tagged"))
                .hint(hint));
        }
        let rules: Vec<_> = survey.rules.iter().flatten().filter(|rule| rule.is_for(&name)).collect();
        // Of several rules the most permissive one wins.
        if level > 0 && !rules.is_empty() && !rules.iter().any(|rule| rule.lets_create(level)) {
            let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
            let error = anyhow!(
                "`{name}` is protected by `{}`, and this token may not create it, so nothing was tagged",
                names.join("`, `")
            );
            return Err(Failure::not_done(error).hint(hint));
        }
    }
    Ok(())
}

fn create(
    client: &Client,
    survey: &Survey,
    action: &Action,
    message: Option<&str>,
    fix: &FixName,
) -> Result<(), Failure> {
    let Action::Create { tag, commit, .. } = action else { return Ok(()) };
    let name = tag.to_string();
    let path = &survey.project.path_with_namespace;
    match tag::create(client, survey.project.id, &name, commit, message) {
        Ok(created) if created.commit.id == *commit => Ok(()),
        // Somebody else took the number for another commit.
        Ok(created) => Err(Failure::not_done(anyhow!(
            "somebody else made `{name}` on {} meanwhile",
            created.commit.id.get(..12).unwrap_or(&created.commit.id)
        ))
        .hint(format!("git secfix tag {fix}"))),
        Err(error) if matches!(error.status(), Some(400 | 403)) && !error.is_scope() => {
            Err(Failure::not_done(anyhow!("`{name}` was not created in {path}: {error}"))
                .hint(format!("ask a maintainer of {path} to run: git secfix tag {fix}")))
        }
        Err(error) => Err(unanswered(error)),
    }
}

fn row(action: &Action, state: TagState) -> Row {
    match action {
        Action::Nothing { line, branch, tag } => Row {
            line: *line,
            branch: branch.clone(),
            tag: Some(tag.to_string()),
            commit: String::new(),
            state: TagState::TaggedAlready,
        },
        Action::Create { line, branch, tag, commit, .. } => {
            Row { line: *line, branch: branch.clone(), tag: Some(tag.to_string()), commit: commit.clone(), state }
        }
    }
}

fn show(context: &Context, report: &Report) {
    context.ui.report(TagArgs::NAME, report, || {
        if report.tags.is_empty() {
            return "the fix has no release line, so there is nothing to tag\n".to_owned();
        }
        let mut table = Table::default();
        for Row { branch, tag, commit, state, .. } in &report.tags {
            let commit: String = commit.chars().take(12).collect();
            table.row([branch.clone(), tag.clone().unwrap_or_default(), state.to_string(), commit]);
        }
        table.to_string()
    });
}
