//! Everything that is known of a fix, gathered from the clone and from GitLab, as the runbook wants
//! it. `status` shows it, and the commands that change something decide by it.

mod behind;
mod local;
mod remote;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;

use super::{Failure, connection::unanswered, context::Prepared, fix};
use crate::{
    config::settings::Settings,
    domain::{
        approvals::{Role, RuleFact, judge},
        fix::{FixBranch, FixName},
        issue::IssueRef,
        merge_request::{Approval, MergeRequest, Mergeability, Pipeline, State},
        policy::Policy,
        project::ProjectPath,
        runbook::{Facts, IssueFact, Progress, Pushed, Request, Target},
    },
    git::{LocalClone, branches, branches::Relation, remotes},
    gitlab::{
        Client, Error, at_once,
        issue::Issue,
        merge_request,
        project::{self, Project},
        user,
    },
};
pub(super) use behind::{Behind, KeepAlive, Merged};
use behind::{Brought, Look};
use remote::{Answers, Detail};

/// Of how many fixes everything is asked at the same time.
const FIXES_AT_ONCE: usize = 4;

/// What gathering needs.
pub(super) struct Gatherer<'a> {
    client: &'a Client,
    clone: &'a LocalClone,
    policy: &'a Policy,
    settings: &'a Settings,
    roles: Vec<Role>,
    issues: ProjectPath,
}

/// What is the same for every fix of the project.
pub(super) struct Shared {
    /// The security project.
    pub(super) project: Project,
    /// The people of each role, in the order of the roles, or why they cannot be read.
    people: Vec<Result<Vec<String>, String>>,
}

/// A fix with everything that is known of it.
#[derive(Debug)]
pub(super) struct Gathered {
    /// Its name.
    pub(super) fix: FixName,
    /// What the runbook decides by.
    pub(super) facts: Facts,
    /// Its issue, where it could be read.
    pub(super) issue: Option<(IssueRef, Issue)>,
    /// The merge request of each branch, as GitLab describes it.
    pub(super) requests: BTreeMap<String, merge_request::MergeRequest>,
    /// What lies behind the merge, once everything is merged.
    pub(super) behind: Option<Behind>,
    /// What people should know, though it blocks nothing.
    pub(super) notes: Vec<String>,
}

impl<'a> Gatherer<'a> {
    /// Reads what the settings say of approvals and issues.
    ///
    /// # Errors
    /// When a setting is missing.
    pub(super) fn new(client: &'a Client, prepared: &'a Prepared) -> Result<Self, Failure> {
        let settings: &Settings = &prepared.settings;
        let (clone, policy) = (&prepared.clone, &prepared.policy);
        Ok(Self { client, clone, policy, settings, roles: settings.roles()?, issues: settings.issues()? })
    }

    /// Everything of one fix, with this issue in place of the one that is remembered.
    ///
    /// # Errors
    /// When GitLab or the clone does not tell what is needed.
    pub(super) fn fix(&self, fix: &FixName, issue: Option<IssueRef>) -> Result<(Shared, Gathered), Failure> {
        let mut known = local::look(self.clone, self.policy, &self.issues, fix)?;
        known.issue = issue.or(known.issue);
        let (client, policy, roles) = (self.client, self.policy, &self.roles);
        let (shared, answers) = std::thread::scope(|scope| {
            let shared = scope.spawn(|| shared(client, policy, roles));
            let answers = remote::ask(client, policy, &known);
            (shared.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), answers)
        });
        let shared = shared?;
        let answers = answers.map_err(unanswered)?;
        let gathered = self.assemble(fix, &shared, answers)?;
        Ok((shared, gathered))
    }

    /// The failure of a command about a fix that is nowhere, with the nearest one that is somewhere.
    ///
    /// # Errors
    /// When the references cannot be read.
    pub(super) fn no_such_fix(&self, fix: &FixName) -> Result<Failure, Failure> {
        let known = local::fixes(self.clone, self.policy)?;
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

    /// Every fix with an open merge request, or with a branch here or in security.
    ///
    /// # Errors
    /// When GitLab or the clone does not tell what is needed.
    pub(super) fn all(&self) -> Result<(Shared, Vec<Gathered>), Failure> {
        let (client, policy, roles) = (self.client, self.policy, &self.roles);
        let (shared, open) = std::thread::scope(|scope| {
            let shared = scope.spawn(|| shared(client, policy, roles));
            let open = merge_request::open(client, policy.security.as_str());
            (shared.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), open)
        });
        let (shared, open) = (shared?, open.map_err(unanswered)?);
        let mut fixes: BTreeSet<FixName> = local::fixes(self.clone, policy)?.into_iter().collect();
        fixes.extend(open.iter().filter_map(|request| Some(policy.branches.read(&request.source_branch)?.fix)));
        let known = fixes
            .iter()
            .map(|fix| local::look(self.clone, policy, &self.issues, fix))
            .collect::<Result<Vec<_>, _>>()?;
        // Each of these asks many things at once in its turn.
        let few = known.chunks(FIXES_AT_ONCE);
        let answers = few.flat_map(|few| at_once(few, |known| remote::ask(client, policy, known)));
        let gathered = fixes
            .iter()
            .zip(answers)
            .map(|(fix, answers)| self.assemble(fix, &shared, answers.map_err(unanswered)?))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((shared, gathered))
    }

    fn assemble(&self, fix: &FixName, shared: &Shared, answers: Answers) -> Result<Gathered, Failure> {
        let policy = self.policy;
        // A name that was only fetched once, or that was only asked for, is no branch of the fix.
        let with_request = answers.requests.iter().filter(|(_, requests)| !requests.is_empty()).map(|(name, _)| name);
        let mut names: BTreeSet<String> = with_request.chain(answers.heads.keys()).cloned().collect();
        names.extend(branches::names_below(self.clone, "refs/heads/")?);
        let found = fix::of_fix(policy, fix, names.iter().map(String::as_str));
        let mut targets =
            found.iter().map(|branch| self.target(branch, shared, &answers)).collect::<Result<Vec<_>, _>>()?;
        self.compare_backports(&mut targets)?;
        let notes = self.notes(&answers, &targets);
        let requests = answers.requests.iter().filter_map(|(source, requests)| {
            let request = remote::that_counts(policy, source, requests)?;
            Some((source.clone(), answers.details.get(&request.iid)?.request.clone()))
        });
        let requests = requests.collect();
        let behind = self.behind(shared, &answers, &targets)?;
        for target in &mut targets {
            let exposing = answers.exposing.get(&target.target).into_iter().flatten();
            let mut ours = exposing.filter(|open| open.source_project_id == Some(shared.project.id));
            target.exposed_by = ours.next().map(|open| open.web_url.clone());
            target.is_lost = behind.as_ref().is_some_and(|behind| behind.lost.contains(&target.target));
        }
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
        let not_merged = || Progress::Unknown("not everything is merged yet".to_owned());
        let process = self.settings.process()?;
        let behind_the_merge = |of: fn(&Behind) -> Progress| behind.as_ref().map_or_else(not_merged, of);
        let facts = Facts {
            process,
            issue: fact,
            project: project_trouble(&shared.project, &policy.security),
            keep_alive: behind_the_merge(Behind::keep_alive),
            deployment: behind_the_merge(Behind::deployment),
            private_tags: behind_the_merge(Behind::private_tags),
            sync: behind_the_merge(Behind::sync),
            patch_tags: behind_the_merge(Behind::patch_tags),
            publishing: behind.as_ref().map_or_else(not_merged, |behind| behind.publishing(process)),
            verification: behind_the_merge(Behind::verification),
            clean_up,
            targets,
        };
        Ok(Gathered { fix: fix.clone(), facts, issue, requests, behind, notes })
    }

    /// What lies behind the merge, once every branch is merged.
    fn behind(&self, shared: &Shared, answers: &Answers, targets: &[Target]) -> Result<Option<Behind>, Failure> {
        let mut merged = Vec::new();
        for target in targets {
            let requests = answers.requests.get(&target.source).map_or(&[][..], Vec::as_slice);
            let of_target = requests.iter().filter(|request| request.target_branch == target.target);
            let is_merged = target.merge_request().is_some_and(|request| request.state == State::Merged);
            let Some(counts) = remote::that_counts(self.policy, &target.source, requests).filter(|_| is_merged) else {
                return Ok(None);
            };
            // What a list shows may be older than what was read alone.
            let read = answers.details.get(&counts.iid).map_or(counts, |detail| &detail.request);
            let Some(commit) = read.merged_as() else { return Ok(None) };
            merged.push(Merged {
                branch: target.target.clone(),
                line: target.line,
                iid: counts.iid,
                commit: commit.to_owned(),
                merged_at: read.merged_at,
                requests: of_target.filter(|request| request.state == "merged").map(Brought::of).collect(),
            });
        }
        if merged.is_empty() {
            return Ok(None);
        }
        let (client, policy, settings) = (self.client, self.policy, self.settings);
        Look { client, policy, settings, security: &shared.project }.at(merged).map(Some)
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
        Ok(Progress::of(left))
    }

    fn target(&self, branch: &FixBranch, shared: &Shared, answers: &Answers) -> Result<Target, Failure> {
        let policy = self.policy;
        let source = policy.branches.write(branch);
        let target = policy.branches.target(branch.line);
        let requests = answers.requests.get(&source).map_or(&[][..], Vec::as_slice);
        let open: Vec<u64> = requests
            .iter()
            .filter(|request| request.state == "opened" && request.target_branch == target)
            .map(|request| request.iid)
            .collect();
        let request = match remote::that_counts(policy, &source, requests) {
            _ if open.len() > 1 => Request::Several(open),
            None => Request::Missing,
            Some(request) => match answers.details.get(&request.iid) {
                Some(detail) => Request::Found(Box::new(self.request(detail, branch.line.is_none(), shared))),
                None => return Err(Failure::not_done(anyhow!("nothing is known of !{}", request.iid))),
            },
        };
        let base =
            remotes::find(self.clone, policy.security_remote.as_str()).and_then(|remote| remote.tracking(&target));
        let base_commit = base.as_deref().map(|base| branches::commit_of(self.clone, base)).transpose()?.flatten();
        let local = format!("refs/heads/{source}");
        let commit = branches::commit_of(self.clone, &local)?;
        let pushed = self.pushed(&source, commit.as_deref(), answers.heads.get(&source).map(String::as_str))?;
        let has_work = match (&commit, &base) {
            // The work that counts is in security, and was not fetched.
            _ if pushed == Pushed::Behind => None,
            (Some(_), Some(base)) if base_commit.is_some() => Some(!branches::is_contained(self.clone, &local, base)?),
            _ => None,
        };
        let has_target = base_commit.is_some() || !matches!(request, Request::Missing);
        let head = answers.heads.get(&source).cloned();
        let (line, lacks, is_lost, exposed_by) = (branch.line, vec![], false, None);
        Ok(Target { source, target, head, line, has_target, has_work, lacks, pushed, request, is_lost, exposed_by })
    }

    /// Which commits of the fix each backport lacks, where both are here.
    fn compare_backports(&self, targets: &mut [Target]) -> Result<(), Failure> {
        let security = format!("refs/remotes/{}", self.policy.security_remote);
        let tip = |source: &str| {
            let here = format!("refs/heads/{source}");
            let there = format!("{security}/{source}");
            let exists = |name: &str| Ok::<_, Failure>(branches::commit_of(self.clone, name)?.is_some());
            Ok::<_, Failure>(if exists(&here)? {
                Some(here)
            } else {
                Some(there).filter(|there| exists(there).unwrap_or(false))
            })
        };
        let Some((first, backports)) = targets.split_first_mut().filter(|(first, _)| first.line.is_none()) else {
            return Ok(());
        };
        let Some(fix) = tip(&first.source)? else { return Ok(()) };
        let base = format!("{security}/{}", first.target);
        for target in backports {
            if let Some(backport) = tip(&target.source)? {
                let line = format!("{security}/{}", target.target);
                target.lacks = branches::not_picked(self.clone, (&base, &fix), (&line, &backport))?;
            }
        }
        Ok(())
    }

    fn pushed(&self, source: &str, here: Option<&str>, there: Option<&str>) -> Result<Pushed, Failure> {
        Ok(match (here, there) {
            (_, None) => Pushed::No,
            (None, Some(_)) => Pushed::OnlyThere,
            (Some(here), Some(there)) => match branches::relation(self.clone, here, there)? {
                Some(Relation::Same) => Pushed::Same,
                Some(Relation::Ahead) => Pushed::Ahead,
                Some(Relation::Behind) => Pushed::Behind,
                Some(Relation::Diverged) => Pushed::Diverged,
                // Security has a commit that was never fetched: whether anything here is missing there
                // shows in what was fetched before.
                None => {
                    let fetched = format!("refs/remotes/{}/{source}", self.policy.security_remote);
                    let has_own = !branches::is_contained(self.clone, &format!("refs/heads/{source}"), &fetched)?;
                    if has_own { Pushed::Diverged } else { Pushed::Behind }
                }
            },
        })
    }

    fn request(&self, detail: &Detail, is_default: bool, shared: &Shared) -> MergeRequest {
        let Detail { request, approvals, rules, open_threads, pushed_at, .. } = detail;
        // Nobody approves their own work, whatever a rule says.
        let author = request.author.as_ref().map(|author| author.username.as_str());
        let given: Vec<Approval> = approvals
            .approved_by
            .iter()
            .filter(|approved| Some(approved.user.username.as_str()) != author)
            .map(|approved| Approval { by: approved.user.username.clone(), at: approved.approved_at })
            .collect();
        let facts: Vec<RuleFact> = rules
            .iter()
            .flatten()
            .map(|rule| RuleFact {
                name: rule.name.clone(),
                is_fulfilled: rule.approved,
                is_changed: rule.overridden,
                approved_by: rule
                    .approved_by
                    .iter()
                    .map(|user| user.username.clone())
                    .filter(|name| Some(name.as_str()) != author)
                    .collect(),
            })
            .collect();
        let roles = self.roles.iter().zip(&shared.people);
        MergeRequest {
            iid: request.iid,
            web_url: request.web_url.clone(),
            title: request.title.clone(),
            state: State::of(&request.state),
            // A server that does not say is not taken at its word.
            is_draft: request.draft != Some(false),
            head: request.sha.clone(),
            mergeability: Mergeability::of(&request.detailed_merge_status),
            has_conflicts: request.has_conflicts,
            pipeline: match &request.head_pipeline {
                None => Pipeline::Missing,
                Some(_) if !detail.has_own_pipeline => Pipeline::OfAnotherCommit,
                Some(found) => Pipeline::of(&found.status),
            },
            pipeline_url: request.head_pipeline.as_ref().and_then(|found| found.web_url.clone()),
            roles: roles
                .map(|(role, people)| {
                    let people = people.as_deref().map_err(String::as_str);
                    judge(role, is_default, &facts, people, &given)
                })
                .collect(),
            has_rules: rules.is_some(),
            approvals: given,
            pushed_at: *pushed_at,
            open_threads: *open_threads,
        }
    }

    /// What blocks nothing, and still should be known.
    fn notes(&self, answers: &Answers, targets: &[Target]) -> Vec<String> {
        let mut notes = Vec::new();
        let open: Vec<&MergeRequest> =
            targets.iter().filter_map(Target::merge_request).filter(|request| request.state == State::Opened).collect();
        for request in &open {
            let outdated = request.outdated_approvals();
            if !outdated.is_empty() {
                notes.push(format!("!{}: {} approved before the newest push", request.iid, outdated.join(", ")));
            }
        }
        if open.iter().any(|request| !request.has_rules) {
            notes.push("this GitLab has no approval rules: nothing but git-secfix enforces approvals".to_owned());
        }
        for (source, requests) in &answers.requests {
            let target = self.policy.branches.read(source).map(|branch| self.policy.branches.target(branch.line));
            for request in requests.iter().filter(|request| request.state == "opened") {
                if Some(&request.target_branch) != target.as_ref() {
                    notes.push(format!(
                        "!{} goes from `{source}` to `{}`, which is not where this branch belongs",
                        request.iid, request.target_branch
                    ));
                }
            }
        }
        notes
    }
}

/// What is wrong with the security project itself: nothing of a fix may go on in one that others than
/// its members can read.
fn project_trouble(project: &Project, wanted: &ProjectPath) -> Option<String> {
    let Project { path_with_namespace, visibility, archived, .. } = project;
    if !wanted.is(path_with_namespace) {
        return Some(format!("GitLab answers {wanted} with the project {path_with_namespace}"));
    }
    if !project.is_private() {
        return Some(format!("{wanted} is {visibility}: whatever goes on in it is a disclosure"));
    }
    archived.then(|| format!("{wanted} is archived, so nothing can be changed in it"))
}

/// What is the same for every fix: the project, and who belongs to the roles.
fn shared(client: &Client, policy: &Policy, roles: &[Role]) -> Result<Shared, Failure> {
    let (project, people) = std::thread::scope(|scope| {
        let people = scope.spawn(|| at_once(roles, |role| people_of(client, role)));
        let project = project::find(client, policy.security.as_str());
        (project, people.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let project = project.map_err(unanswered)?;
    let people = people.into_iter().collect::<Result<Vec<_>, _>>().map_err(unanswered)?;
    Ok(Shared { project, people })
}

/// The user names of a role, or why they cannot be told: one of its groups may be hidden.
fn people_of(client: &Client, role: &Role) -> Result<Result<Vec<String>, String>, Error> {
    let groups: Vec<&str> = role.groups().collect();
    let mut people: Vec<String> = role.users.iter().filter(|user| !user.contains('/')).cloned().collect();
    for (group, members) in groups.iter().zip(at_once(&groups, |group| user::of_group(client, group))) {
        match members {
            Ok(members) => people.extend(members.into_iter().map(|member| member.username)),
            Err(error) if matches!(error, Error::Endless { .. }) || matches!(error.status(), Some(403 | 404)) => {
                return Ok(Err(format!("it cannot be read who belongs to @{group}: {error}")));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(people))
}
