//! Between opening and merging: all merge requests are waited for, and none is merged while another cannot be.

use anyhow::anyhow;

use super::{disclose::Disclosure, patience::Patience, survey::Branch};
use crate::{
    gitlab::{at_once, merge_request::MergeRequest},
    ops::{
        Context, Failure,
        backoff::{Wait, WaitLimit},
        failure::FailureKind,
        public_request::{self, Standing},
    },
    ui::Spinner,
};

/// A merge request with what it waits for.
pub(super) struct Opened<'a> {
    pub(super) branch: &'a Branch,
    pub(super) request: MergeRequest,
    pub(super) standing: Standing,
}

impl Disclosure<'_> {
    /// Waits until every one can be merged: each is read after the last one was opened. `public` is how many branches are
    /// public already.
    ///
    /// # Errors
    /// When one cannot be, with what each waits for.
    pub(super) fn wait_for_all<'a>(
        &self,
        opened: &[(&'a Branch, MergeRequest)],
        public: usize,
        patience: Patience,
        context: &Context,
        spinner: &Spinner,
    ) -> Result<Vec<Opened<'a>>, Failure> {
        let mut wait = self.begin(patience);
        let (mut is_told, mut is_announced) = (false, false);
        loop {
            let looks = at_once(opened, |(branch, request)| self.look(branch, request.iid));
            let all = match looks.into_iter().collect::<Result<Vec<_>, Failure>>() {
                Ok(all) => all,
                // It answered when they were opened, and is waited for where it does not for a while.
                Err(failure) if failure.kind() == FailureKind::Network => {
                    spinner.tell(&failure.to_string());
                    if wait.pause() {
                        continue;
                    }
                    return Err(failure);
                }
                Err(failure) => return Err(failure),
            };
            self.check_rights(&all, public)?;
            if all.iter().all(|opened| opened.standing.waits_for().is_none()) {
                return Ok(all);
            }
            let is_over = all.iter().any(|opened| matches!(opened.standing, Standing::Over(_)));
            let needs_people = all.iter().any(|opened| matches!(opened.standing, Standing::People(_)));
            let only_checks = all
                .iter()
                .all(|opened| opened.standing.waits_for().is_none_or(|_| opened.standing == Standing::Checking));
            let may_wait = !is_over
                && match patience {
                    Patience::Long => true,
                    Patience::Short => !needs_people,
                    Patience::None => only_checks,
                };
            if may_wait && needs_people && !is_told {
                spinner.aside(|| context.ui.note(&to_send(&all)));
                is_told = true;
            }
            if patience == Patience::Long && !is_announced {
                let text =
                    "what is open in public is seen by everybody; interrupted, the same command goes on from here";
                spinner.aside(|| context.ui.note(text));
                is_announced = true;
            }
            spinner.tell(&in_short(&all));
            if !may_wait || !wait.pause() {
                if needs_people && !is_told {
                    spinner.aside(|| context.ui.note(&to_send(&all)));
                }
                return Err(self.cannot_be_merged(&all, public, is_over, patience));
            }
        }
    }

    fn begin(&self, patience: Patience) -> Wait {
        WaitLimit { limit: patience.within(self.limit), backoff: self.client.backoff() }.begin()
    }

    fn look<'a>(&self, branch: &'a Branch, iid: u64) -> Result<Opened<'a>, Failure> {
        let (request, standing) = public_request::look(self.client, self.route.target, iid)?;
        self.check_head(branch, &request)?;
        Ok(Opened { branch, request, standing })
    }

    fn cannot_be_merged(&self, all: &[Opened<'_>], public: usize, is_over: bool, patience: Patience) -> Failure {
        let lines = all.iter().filter_map(|opened| {
            let Opened { branch, request, standing } = opened;
            let waits_for = standing.waits_for()?;
            Some(format!("\n  !{} into `{}`: {waits_for}: {}", request.iid, branch.name, request.web_url))
        });
        let error = anyhow!(
            "what is open in public cannot be merged yet, {}:{}",
            how_far(all, public),
            lines.collect::<String>()
        );
        Failure::not_done(error).hint(match is_over {
            // Whoever goes on is to see anew what becomes public, and why it did not.
            true => self.again.clone().without(&["--no-wait"]).without_value("--yes"),
            false => self.longer(patience),
        })
    }

    /// Whether this token may merge all of them: nothing is merged where a later one could not be.
    fn check_rights(&self, all: &[Opened<'_>], public: usize) -> Result<(), Failure> {
        let is_forbidden = |opened: &&Opened<'_>| {
            let rights = opened.request.user.as_ref();
            opened.standing != Standing::Merged && rights.is_some_and(|rights| !rights.can_merge)
        };
        let forbidden: Vec<&str> = all.iter().filter(is_forbidden).map(|opened| opened.branch.name.as_str()).collect();
        if forbidden.is_empty() {
            return Ok(());
        }
        let error = anyhow!(
            "this token may not merge into `{}` of canonical, {}",
            forbidden.join("`, `"),
            how_far(all, public)
        );
        Err(Failure::not_done(error).hint(format!(
            "ask a maintainer of the public project to run: {}",
            self.again.clone().without_value("--yes")
        )))
    }
}

/// How much of the disclosure is done.
fn how_far(all: &[Opened<'_>], public: usize) -> String {
    match public + all.iter().filter(|opened| opened.standing == Standing::Merged).count() {
        0 => "so none was merged".to_owned(),
        merged => format!("and {merged} of {} branches are public already", public + all.len()),
    }
}

/// What is being waited for, in a line.
fn in_short(all: &[Opened<'_>]) -> String {
    let waits =
        all.iter().filter_map(|opened| Some(format!("!{}: {}", opened.request.iid, opened.standing.waits_for()?)));
    waits.collect::<Vec<_>>().join("; ")
}

/// A text for those who must act. It tells nothing but what the pages show.
fn to_send(all: &[Opened<'_>]) -> String {
    let lines = all.iter().filter_map(|opened| {
        let Standing::People(text) = &opened.standing else { return None };
        Some(format!("\n  {} needs {text}", opened.request.web_url))
    });
    format!(
        "to send to those who must act:\n  Please look at these soon; all are merged together:{}",
        lines.collect::<String>()
    )
}
