//! `git secfix doctor`: is everything as it should be, proved by trying. Changes nothing.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::Program;
use crate::{
    config::clone_file,
    domain::{
        destination::redacted,
        exit::Exit,
        policy::{Place, Policy},
    },
    git::{
        LocalClone, branches,
        hooks::{self, Site},
        local_config, pause,
        probe::{self, Fired},
        remotes::{self, Remote},
        repository::WorkTree,
        version,
    },
    ops::{Context, Failure},
    ui::{Table, Ui},
};

/// The oldest git that is tested.
const OLDEST_GIT: (u32, u32) = (2, 39);

/// Check that this clone is ready and guarded, and say how to mend what is not
///
/// Proves the guard by firing the hook that git would run, in every work tree, with a push to the
/// public project that has no content. Ends with 1 when something must be mended.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warning,
    Bad,
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    health: Health,
    text: String,
    fix: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    healthy: bool,
    findings: Vec<Finding>,
}

impl Finding {
    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, health: Health::Ok, text: text.into(), fix: None }
    }

    fn warning(what: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what, health: Health::Warning, text: text.into(), fix: Some(fix.into()) }
    }

    fn bad(what: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what, health: Health::Bad, text: text.into(), fix: Some(fix.into()) }
    }
}

impl Program for DoctorArgs {
    const NAME: &'static str = "doctor";

    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let clone = context.open()?;
        let mut findings = vec![check_git(&context.dir)];
        match clone_file::policy(clone.common_dir()) {
            Ok(Some(policy)) => {
                findings.push(check_settings(&clone));
                findings.extend(check_clone(&clone, &policy, context.ui)?);
            }
            Ok(None) => {
                findings.push(Finding::bad("clone", "it is not prepared, so nothing guards it", "git secfix init"))
            }
            Err(error) => {
                let file = clone_file::path(clone.common_dir());
                let fix = format!("edit `{0}`, or: rm '{0}' && git secfix init", file.display());
                findings.push(Finding::bad("clone", error.to_string(), fix));
                for tree in clone.work_trees()? {
                    findings.push(check_guard(&clone, &tree, None)?);
                }
            }
        }
        let healthy = findings.iter().all(|finding| finding.health != Health::Bad);
        let report = Report { healthy, findings };
        context.ui.report(Self::NAME, &report, || text(&report));
        Ok(if healthy { Exit::Done } else { Exit::NotDone })
    }
}

fn check_git(dir: &Path) -> Finding {
    match version::in_folder(dir) {
        Ok(version) if version >= OLDEST_GIT => Finding::ok("git", format!("{}.{}", version.0, version.1)),
        Ok((major, minor)) => Finding::bad("git", format!("{major}.{minor} is too old"), "install git 2.39 or newer"),
        Err(error) => Finding::bad("git", error.to_string(), "install git 2.39 or newer"),
    }
}

/// The outer layers too: the guard does not need them, but every command does.
fn check_settings(clone: &LocalClone) -> Finding {
    match clone_file::settings(clone.common_dir()) {
        Ok(_) => Finding::ok("settings", "valid"),
        Err(error) => Finding::bad("settings", error.to_string(), "git secfix config --keys"),
    }
}

fn check_clone(clone: &LocalClone, policy: &Policy, ui: Ui) -> Result<Vec<Finding>, Failure> {
    let all = remotes::list(clone);
    let canonical = all.iter().find(|remote| leads_to(clone, policy, remote, &Place::Canonical));
    let mut findings = Vec::new();
    findings.push(check_canonical(clone, policy, canonical)?);
    findings.extend(check_security(clone, policy, &all)?);
    findings.extend(check_defaults(clone, policy, canonical));
    for tree in clone.work_trees()? {
        ui.detail(&format!("{}: hooks are in {}", tree.root.display(), hooks::effective_folder(&tree)?.display()));
        findings.push(check_guard(clone, &tree, Some(policy))?);
    }
    findings.push(check_pause(clone));
    Ok(findings)
}

fn leads_to(clone: &LocalClone, policy: &Policy, remote: &Remote, place: &Place) -> bool {
    remote.fetch_url.as_ref().is_some_and(|url| remotes::place(clone, policy, url) == *place)
}

fn check_canonical(clone: &LocalClone, policy: &Policy, canonical: Option<&Remote>) -> Result<Finding, Failure> {
    let what = "canonical";
    let Some(remote) = canonical else {
        return Ok(Finding::bad(
            what,
            format!("no remote leads to {}, so what is published cannot be told", policy.canonical),
            "git remote add origin URL && git fetch origin",
        ));
    };
    if remote.push_urls.iter().any(|url| remotes::place(clone, policy, url) == Place::Security) {
        return Ok(Finding::bad(
            what,
            format!(
                "`{}` is fetched from canonical but pushed to security, so its branches prove nothing",
                remote.name
            ),
            format!("git config --unset-all remote.{0}.pushurl && git fetch --prune {0}", remote.name),
        ));
    }
    if remotes::branches_of(clone, remote)?.is_empty() {
        let text = format!("{} was never fetched, so what is published cannot be told", remote.name);
        return Ok(Finding::bad(what, text, format!("git fetch {}", remote.name)));
    }
    if clone.is_shallow()? {
        return Ok(Finding::bad(
            what,
            "the clone is shallow, so what is published cannot be told",
            "git fetch --unshallow",
        ));
    }
    Ok(Finding::ok(what, format!("{}: {}", remote.name, policy.canonical)))
}

fn check_security(clone: &LocalClone, policy: &Policy, all: &[Remote]) -> Result<Vec<Finding>, Failure> {
    let what = "security";
    let name = policy.security_remote.as_str();
    let Some(remote) = all.iter().find(|remote| remote.name == name) else {
        return Ok(vec![Finding::bad(what, format!("there is no remote `{name}`"), "git secfix init")]);
    };
    let mut findings = Vec::new();
    for url in remote.fetch_url.iter().chain(&remote.push_urls) {
        let shown = redacted(url);
        // An explicit push URL is one command away from gone; a rewritten URL has to be looked for.
        let fix = if local_config::value(clone, &format!("remote.{name}.pushurl")).is_some() {
            format!("git config --unset-all remote.{name}.pushurl")
        } else {
            format!("git config --show-origin --get-regexp '^remote\\.{name}\\.|^url\\.'")
        };
        match remotes::place(clone, policy, url) {
            Place::Security => {}
            Place::Canonical => {
                findings.push(Finding::bad(what, format!("`{name}` leads to the public project: {shown}"), fix))
            }
            _ => findings.push(Finding::bad(what, format!("`{name}` leads somewhere else: {shown}"), fix)),
        }
    }
    findings.dedup_by(|a, b| a.text == b.text);
    if branches::commit_of(clone, &format!("refs/remotes/{name}/{}", policy.branches.default))?.is_none() {
        let text = format!("`{name}/{}` was never fetched", policy.branches.default);
        findings.push(Finding::warning(what, text, format!("git fetch {name}")));
    }
    if local_config::is_true(clone, &format!("remote.{name}.mirror")) {
        let text = format!("`{name}` is configured as a mirror; the guard refuses to push it");
        findings.push(Finding::warning(what, text, format!("git config --unset remote.{name}.mirror")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(what, format!("{name}: {}", policy.security)));
    }
    Ok(findings)
}

/// Settings of git that make a careless push go to the public project. The guard refuses those.
fn check_defaults(clone: &LocalClone, policy: &Policy, canonical: Option<&Remote>) -> Vec<Finding> {
    let Some(canonical) = canonical else { return vec![] };
    let default = local_config::value(clone, "remote.pushDefault");
    let mut findings = Vec::new();
    if default.as_deref() == Some(canonical.name.as_str()) {
        findings.push(Finding::warning(
            "git push",
            format!("`remote.pushDefault` sends every bare push to {}; the guard refuses those", canonical.name),
            "git config --unset remote.pushDefault",
        ));
    }
    for branch in branches::names_below(clone, "refs/heads/").unwrap_or_default() {
        let is_fix = policy.branches.looks_like_fix(&branch);
        if is_fix && branches::tracked_remote(clone, &branch).as_deref() == Some(canonical.name.as_str()) {
            findings.push(Finding::warning(
                "git push",
                format!("`{branch}` tracks {}; the guard refuses to push it there", canonical.name),
                format!("git branch --set-upstream-to={}/{} {branch}", policy.security_remote, policy.branches.default),
            ));
        }
    }
    findings
}

fn check_guard(clone: &LocalClone, tree: &WorkTree, policy: Option<&Policy>) -> Result<Finding, Failure> {
    let what = "guard";
    let shown = tree.root.display();
    let folder = hooks::effective_folder(tree)?;
    Ok(match probe::fire(tree, policy)? {
        Fired::Refused => {
            let site = hooks::site(clone, tree)?;
            let kept = match (&site, site.kept_hook(tree)) {
                (Site::Own(_), Some(hook)) => format!("; then {} runs", hook.display()),
                _ => String::new(),
            };
            Finding::ok(what, format!("refuses in {shown}{kept}"))
        }
        Fired::LetThrough => {
            let cause = crate::git::hook_file::manager(&folder.join(crate::git::hook_file::PRE_PUSH)).map_or_else(
                || format!("hooks come from {}", folder.display()),
                |name| format!("the hook of {name} took its place"),
            );
            Finding::bad(what, format!("does not refuse in {shown}: {cause}"), "git secfix init")
        }
        Fired::OtherRefused(said) => Finding::bad(
            what,
            format!("something else refused in {shown}: {}", said.lines().next().unwrap_or("without a word")),
            "git secfix init",
        ),
    })
}

fn check_pause(clone: &LocalClone) -> Finding {
    match pause::current(clone.common_dir(), Timestamp::now()) {
        None => Finding::ok("pause", "none"),
        Some(pause) => Finding::warning(
            "pause",
            format!("nothing is checked until {}: {}", pause.until, pause.reason),
            "git secfix guard resume",
        ),
    }
}

fn text(report: &Report) -> String {
    let mut table = Table::default();
    for finding in &report.findings {
        let health = match finding.health {
            Health::Ok => "ok",
            Health::Warning => "warning",
            Health::Bad => "BAD",
        };
        table.row([finding.what.to_owned(), health.to_owned(), finding.text.clone()]);
        if let Some(fix) = &finding.fix {
            table.row([String::new(), String::new(), format!("fix: {fix}")]);
        }
    }
    table.to_string()
}
