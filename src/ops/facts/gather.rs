//! Gathering: what the clone knows, what GitLab answers, and both together as the runbook wants them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};

use super::{
    after_merge::{AfterMerge, Merged, MergedRequest, PublicRequest, Reader, Shown},
    clone,
    gitlab::{self, Answers},
    project::ProjectFacts,
    sources,
};
use crate::{
    config::settings::Settings,
    domain::{
        approvals::Role,
        fix::{FixBranch, FixName},
        issue::IssueRef,
        merge_request::State,
        policy::Policy,
        runbook::{self, ByStep, Facts, IssueFact, Progress, Step, Target},
        version::ReleaseLine,
        waiver::Waiver,
    },
    git::{LocalClone, branches},
    gitlab::{Client, Error, at_once, compare, issue::Issue, merge_request},
    ops::{
        Failure, Prepared,
        connection::unanswered,
        fetch,
        fix_branches::{self, names},
        waivers,
    },
};

/// Of how many fixes everything is asked at the same time.
const FIXES_AT_ONCE: usize = 4;

/// Whether security must be fetched where it has commits of the fix that are not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fetches {
    /// What cannot be fetched cannot be told.
    IfPossible,
    /// Nothing goes on without it.
    Always,
}

/// For how long a fix that was merged is looked for when its branches are gone.
const LATELY: SignedDuration = SignedDuration::from_hours(60 * 24);

/// How many of those are looked at: each is asked about in full.
const MOST_MERGED: usize = 10;

/// What gathering needs.
pub(crate) struct Gatherer<'a> {
    pub(super) client: &'a Client,
    pub(super) clone: &'a LocalClone,
    pub(super) policy: &'a Policy,
    pub(super) settings: &'a Settings,
    pub(super) roles: Vec<Role>,
    pub(super) prepared: &'a Prepared,
    fetches: Fetches,
}

/// A fix with everything that is known of it.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// Its name.
    pub(crate) fix: FixName,
    /// What the runbook decides by.
    pub(crate) facts: Facts,
    /// Its issue, where it could be read.
    pub(crate) issue: Option<(IssueRef, Issue)>,
    /// The merge request of each branch, as GitLab describes it.
    pub(crate) requests: BTreeMap<String, merge_request::MergeRequest>,
    /// What lies behind the merge, once everything is merged.
    pub(crate) after_merge: Option<AfterMerge>,
    /// What of it is seen in public, also while a line that is late is not merged.
    pub(crate) public: Public,
    /// What people should know, though it blocks nothing.
    pub(crate) notes: Vec<String>,
}

/// What of a fix is seen in public.
#[derive(Debug, Clone, Default)]
pub(crate) struct Public {
    /// The branches that are in canonical with the fix.
    pub(crate) arrived: Vec<String>,
    /// The merge requests that show it, and are not merged.
    pub(crate) requests: Vec<PublicRequest>,
}

impl Gathered {
    /// Whether everything has arrived, and at most branches are left.
    pub(crate) fn is_verified(&self) -> bool {
        runbook::step(&self.facts) >= Step::CleanUp
    }
}

impl Public {
    /// Whether anything of it is.
    pub(crate) fn has_begun(&self) -> bool {
        !self.arrived.is_empty() || self.requests.iter().any(|request| request.shows_fix)
    }
}

impl<'a> Gatherer<'a> {
    /// Reads what the settings say of approvals and issues.
    ///
    /// # Errors
    /// When a setting is missing.
    pub(crate) fn new(client: &'a Client, prepared: &'a Prepared) -> Result<Self, Failure> {
        let settings: &Settings = &prepared.settings;
        let (clone, policy) = (&prepared.clone, &prepared.policy);
        Ok(Self { client, clone, policy, settings, roles: settings.roles()?, prepared, fetches: Fetches::IfPossible })
    }

    /// What goes through a gate is never judged by an older state: where security cannot be fetched, nothing is.
    #[must_use]
    pub(crate) fn fetching(self) -> Self {
        Self { fetches: Fetches::Always, ..self }
    }

    /// Everything of one fix, with this issue in place of the one that is remembered.
    ///
    /// # Errors
    /// When GitLab or the clone does not tell what is needed, or there is no such fix.
    pub(crate) fn fix(&self, fix: &FixName, issue: Option<IssueRef>) -> Result<(ProjectFacts, Gathered), Failure> {
        let mut known = sources::read(self.prepared, fix)?;
        known.issue = issue.or(known.issue);
        let (client, policy, roles, lines) = (self.client, self.policy, &self.roles, self.settings.supported_lines()?);
        let (project_facts, answers) = std::thread::scope(|scope| {
            let project_facts = scope.spawn(|| ProjectFacts::ask(client, policy, roles, lines));
            let answers = gitlab::ask(client, policy, &known);
            (project_facts.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), answers)
        });
        let project_facts = project_facts?;
        let answers = answers.map_err(unanswered)?;
        self.catch_up(std::slice::from_ref(&answers))?;
        let gathered = self.assemble(fix, &project_facts, answers)?;
        if gathered.facts.targets.is_empty() {
            return Err(self.no_such_fix(fix)?);
        }
        Ok((project_facts, gathered))
    }

    /// The failure of a command about a fix that is nowhere, with the nearest one that is somewhere.
    ///
    /// # Errors
    /// When the references cannot be read.
    fn no_such_fix(&self, fix: &FixName) -> Result<Failure, Failure> {
        let known = names::fixes(self.clone, self.policy)?;
        let near = known
            .iter()
            .map(|known| (strsim::damerau_levenshtein(known.as_str(), fix.as_str()), known))
            .filter(|(distance, known)| *distance <= known.as_str().len() / 3)
            .min_by_key(|(distance, _)| *distance);
        let failure = Failure::not_done(anyhow!("the fix `{fix}` has neither a branch nor a merge request"));
        Ok(match near {
            Some((_, known)) => failure.hint(format!("git secfix status {known}")),
            None => failure.hint("git secfix status --all"),
        })
    }

    /// Every fix with an open merge request, or with a branch here or in security, and those that were merged lately and are
    /// not verified yet: their branches may be gone.
    ///
    /// # Errors
    /// When GitLab or the clone does not tell what is needed.
    pub(crate) fn all(&self) -> Result<(ProjectFacts, Vec<Gathered>), Failure> {
        let (client, policy, roles, lines) = (self.client, self.policy, &self.roles, self.settings.supported_lines()?);
        let (security, since) = (policy.security.as_str(), Timestamp::now() - LATELY);
        let (project_facts, open, merged) = std::thread::scope(|scope| {
            let project_facts = scope.spawn(|| ProjectFacts::ask(client, policy, roles, lines));
            let merged = scope.spawn(|| merge_request::merged_into(client, security, &policy.branches.default, since));
            let open = merge_request::open(client, security);
            let joined = project_facts.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (joined, open, merged.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (project_facts, open, mut merged) =
            (project_facts?, open.map_err(unanswered)?, merged.map_err(unanswered)?);
        let mut fixes: BTreeSet<FixName> = names::fixes(self.clone, policy)?.into_iter().collect();
        fixes.extend(open.iter().filter_map(|request| Some(policy.branches.read(&request.source_branch)?.fix)));
        merged.sort_by_key(|request| std::cmp::Reverse(request.merged_at));
        let merged = merged.iter().filter_map(|request| Some(policy.branches.read(&request.source_branch)?.fix));
        let lately: BTreeSet<FixName> = merged.filter(|fix| !fixes.contains(fix)).take(MOST_MERGED).collect();
        fixes.extend(lately.iter().cloned());
        let known = fixes.iter().map(|fix| sources::read(self.prepared, fix)).collect::<Result<Vec<_>, _>>()?;
        // Each of these asks many things at once in its turn.
        let few = known.chunks(FIXES_AT_ONCE);
        let answers = few.flat_map(|few| at_once(few, |known| gitlab::ask(client, policy, known)));
        let answers = answers.collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
        self.catch_up(&answers)?;
        let answers = fixes.iter().zip(answers);
        let mut gathered =
            answers.map(|(fix, answers)| self.assemble(fix, &project_facts, answers)).collect::<Result<Vec<_>, _>>()?;
        gathered.retain(|found| !lately.contains(&found.fix) || !found.is_verified());
        Ok((project_facts, gathered))
    }

    /// Fetches security where it has commits that are not here.
    fn catch_up(&self, answers: &[Answers]) -> Result<(), Failure> {
        for answers in answers {
            if self.is_older(answers)? {
                let fetched = fetch::quietly(self.clone, self.policy.security_remote.as_str());
                // Who only looks is told what cannot be seen.
                return if self.fetches == Fetches::Always { fetched } else { Ok(()) };
            }
        }
        Ok(())
    }

    fn assemble(&self, fix: &FixName, project_facts: &ProjectFacts, answers: Answers) -> Result<Gathered, Failure> {
        let policy = self.policy;
        // A name that was only fetched once, or that was only asked for, is no branch of the fix.
        let with_request = answers.requests.iter().filter(|(_, requests)| !requests.is_empty()).map(|(name, _)| name);
        let mut names: BTreeSet<String> = with_request.chain(answers.heads.keys()).cloned().collect();
        names.extend(branches::names_below(self.clone, "refs/heads/")?);
        let found = fix_branches::belonging_to(policy, fix, names.iter().map(String::as_str));
        let mut targets =
            found.iter().map(|branch| self.target(branch, project_facts, &answers)).collect::<Result<Vec<_>, _>>()?;
        let notes = self.notes(&answers, &targets);
        let requests = answers.requests.iter().filter_map(|(source, requests)| {
            let request = gitlab::that_counts(policy, source, requests)?;
            Some((source.clone(), answers.details.get(&request.iid)?.request.clone()))
        });
        let requests = requests.collect();
        let (after_merge, public) = self.after_merge(project_facts, &answers, &targets)?;
        self.compare_backports(fix, &mut targets, &answers, after_merge.as_ref())?;
        for target in &mut targets {
            let exposing = answers.exposing.get(&target.target).into_iter().flatten();
            let mut ours = exposing.filter(|open| open.source_project_id == Some(project_facts.project.id));
            target.exposed_by = ours.next().map(|open| open.web_url.clone());
            let by = after_merge.as_ref().and_then(|after_merge| after_merge.taken_back.get(&target.target));
            target.taken_back_by = by.cloned();
            target.is_lost = after_merge.as_ref().is_some_and(|after_merge| after_merge.lost.contains(&target.target));
        }
        let mut waivers = self.waivers(fix, project_facts, &answers);
        let uncovered = clone::uncovered(&project_facts.supported, &targets, &mut waivers);
        let uncovered = self.without_the_fix(uncovered, project_facts, after_merge.as_ref())?;
        let clean_up = self.clean_up(&targets, &answers)?;
        let (fact, issue) = match answers.issue {
            None => (IssueFact::Unlinked, None),
            Some((reference, Err(error))) => {
                (IssueFact::Unseen { reference: reference.to_string(), why: error.to_string() }, None)
            }
            Some((reference, Ok(issue))) => {
                let fact = IssueFact::Seen { reference: reference.to_string(), is_confidential: issue.confidential };
                (fact, Some((reference, issue)))
            }
        };
        let process = self.settings.process()?;
        let mut progress = match &after_merge {
            Some(after_merge) => ByStep::tell(|step| after_merge.progress(step, process)),
            None => ByStep::unknown("not everything is merged yet"),
        };
        progress.set(Step::CleanUp, clean_up);
        let facts = Facts {
            process,
            issue: fact,
            project_problem: project_facts.problem(&policy.security),
            progress,
            targets,
            uncovered,
            waivers,
            is_disclosing: public.has_begun(),
        };
        Ok(Gathered { fix: fix.clone(), facts, issue, requests, after_merge, public, notes })
    }

    /// The lines that go without the fix: as this clone remembers them, and as the merge request to the default branch
    /// says, where a colleague's clone finds them.
    fn waivers(&self, fix: &FixName, project_facts: &ProjectFacts, answers: &Answers) -> Vec<Waiver> {
        let policy = self.policy;
        let mut waivers = waivers::remembered(self.clone, policy, fix, &project_facts.supported);
        let source = policy.branches.write(&FixBranch { fix: fix.clone(), line: None });
        let requests = answers.requests.get(&source).map_or(&[][..], Vec::as_slice);
        let request = gitlab::that_counts(policy, &source, requests);
        let text = request.and_then(|request| request.description.as_deref()).unwrap_or_default();
        for told in Waiver::told_by(text) {
            if waivers.iter().all(|known| known.line != told.line) {
                waivers.push(told);
            }
        }
        waivers
    }

    /// Those of these lines that do not hold the fix by themselves: a stable branch that was made after the merge does.
    fn without_the_fix(
        &self,
        lines: Vec<ReleaseLine>,
        project_facts: &ProjectFacts,
        after_merge: Option<&AfterMerge>,
    ) -> Result<Vec<ReleaseLine>, Failure> {
        let Some(after_merge) = after_merge else { return Ok(lines) };
        let Some(merged) = after_merge.merged.iter().find(|merged| merged.line.is_none()) else { return Ok(lines) };
        let holds = at_once(&lines, |line| {
            let branch = self.policy.branches.target(Some(*line));
            let in_project = |project: u64| compare::has_arrived(self.client, project, &merged.commit, &branch);
            Ok::<_, Error>(in_project(project_facts.project.id)? || in_project(after_merge.canonical.id)?)
        });
        let holds = holds.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
        Ok(lines.into_iter().zip(holds).filter(|(_, holds)| !holds).map(|(line, _)| line).collect())
    }

    /// What lies behind the merge, once every branch is merged, and what is seen in public of those that are.
    fn after_merge(
        &self,
        project_facts: &ProjectFacts,
        answers: &Answers,
        targets: &[Target],
    ) -> Result<(Option<AfterMerge>, Public), Failure> {
        let mut merged = Vec::new();
        for target in targets {
            let requests = answers.requests.get(&target.source).map_or(&[][..], Vec::as_slice);
            let of_target = requests.iter().filter(|request| request.target_branch == target.target);
            let is_merged = target.merge_request().is_some_and(|request| request.state == State::Merged);
            let Some(counts) = gitlab::that_counts(self.policy, &target.source, requests).filter(|_| is_merged) else {
                continue;
            };
            // What a list shows may be older than what was read alone.
            let read = answers.details.get(&counts.iid).map_or(counts, |detail| &detail.request);
            let Some(commit) = read.merged_as() else { continue };
            merged.push(Merged {
                branch: target.target.clone(),
                line: target.line,
                iid: counts.iid,
                commit: commit.to_owned(),
                merged_at: read.merged_at,
                requests: of_target
                    .filter(|request| request.state == State::Merged)
                    .map(MergedRequest::from_server)
                    .collect(),
            });
        }
        if merged.is_empty() {
            return Ok((None, Public::default()));
        }
        let (client, policy, settings) = (self.client, self.policy, self.settings);
        let reader = Reader { client, policy, settings, security: &project_facts.project };
        if merged.len() < targets.len() {
            let Shown { arrived, requests, .. } = reader.shown(&merged)?;
            return Ok((None, Public { arrived, requests }));
        }
        let after_merge = reader.read(merged)?;
        let (arrived, requests) = (after_merge.arrived.clone(), after_merge.public_requests.clone());
        Ok((Some(after_merge), Public { arrived, requests }))
    }

    /// Which branches of the fix are left behind.
    fn clean_up(&self, targets: &[Target], answers: &Answers) -> Result<Progress, Failure> {
        let here = branches::names_below(self.clone, "refs/heads/")?;
        let mut left = Vec::new();
        for Target { source, .. } in targets {
            match (here.contains(source), answers.heads.contains_key(source)) {
                (true, true) => left.push(format!("`{source}` is still here and in security")),
                (true, false) => left.push(format!("`{source}` is still here")),
                (false, true) => left.push(format!("`{source}` is still in security")),
                (false, false) => {}
            }
        }
        Ok(Progress::from_missing(left))
    }
}
