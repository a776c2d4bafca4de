//! How the issue of a fix stands, for programs that talk to no server: asked of the one that does, and told before
//! anything goes on.

use std::time::Duration;

use anyhow::anyhow;
use jiff::Zoned;

use super::{Context, Failure, Prepared, fix_branches, sibling};
use crate::{
    domain::{exit::Exit, fix::FixName, issue::IssueRef, issue_standing::IssueStanding},
    git::branches,
};

/// Whoever is at work does not wait for longer.
const LIMIT: Duration = Duration::from_secs(2);

/// Tells what is amiss with the issue. Nothing is told where GitLab cannot be asked.
///
/// # Errors
/// When the issue is public: a fix of what everybody knows is no matter of the security project.
pub(crate) fn check(context: &Context, prepared: &Prepared, fix: &FixName, issue: &IssueRef) -> Result<(), Failure> {
    let asked = issue.to_string();
    let answer = {
        let _spinner = context.ui.spinner("asking about the issue");
        sibling::ask::<IssueStanding>(context, "issue", &[&asked, "--brief"], LIMIT)
    };
    let Some(answer) = answer else { return Ok(()) };
    let Some(standing) = answer.document else {
        if answer.code == i32::from(Exit::NotDone.code()) {
            context.ui.warning(&format!(
                "there is no issue {issue}, or this token may not see it: whether it is confidential is not known"
            ));
        }
        return Ok(());
    };
    if !standing.confidential {
        return Err(public(context, prepared, fix, &standing)?);
    }
    let psirt = prepared.settings.roles()?.into_iter().find(|role| role.name == "PSIRT");
    let psirt = psirt.map_or_else(Vec::new, |role| role.users);
    for text in standing.warnings(Zoned::now().date(), &psirt) {
        context.ui.warning(&text);
    }
    Ok(())
}

/// What is public is fixed in public; what was pushed before is not.
fn public(context: &Context, prepared: &Prepared, fix: &FixName, standing: &IssueStanding) -> Result<Failure, Failure> {
    let Prepared { clone, policy, .. } = prepared;
    let remote = &policy.security_remote;
    let pushed = branches::names_below(clone, &format!("refs/remotes/{remote}/"))?;
    let pushed = fix_branches::belonging_to(policy, fix, pushed.iter().map(String::as_str));
    if !pushed.is_empty() {
        let names: Vec<String> = pushed.iter().map(|branch| policy.branches.write(branch)).collect();
        context.ui.warning(&format!(
            "`{}` is in {}, which is private: nothing of it is public, and it can be removed there",
            names.join("`, `"),
            policy.security
        ));
        // What is nowhere else, also what a colleague pushed since, is not hinted away.
        let mut words = vec!["git".to_owned(), "push".to_owned()];
        let mut removed = vec![remote.to_string()];
        for name in &names {
            let kept = format!("refs/remotes/{remote}/{name}");
            if branches::is_contained(clone, &kept, &format!("refs/heads/{name}"))?
                && let Some(tip) = branches::commit_of(clone, &kept)?
            {
                words.push(format!("--force-with-lease={name}:{tip}"));
                removed.push(format!(":{name}"));
            }
        }
        if removed.len() > 1 {
            words.extend(removed);
            context.ui.hint(&shell_words::join(&words));
        }
    }
    let IssueStanding { issue, web_url, .. } = standing;
    Ok(Failure::refused(anyhow!(
        "{issue} is public, so what it is about is known: it is fixed in {}, like any other bug and without backports, in \
         another clone, in a fork, or in this one once it is no longer prepared; if it should not be public, make it \
         confidential at once and tell PSIRT: {web_url}",
        policy.canonical
    ))
    .hint("git secfix init --undo"))
}
