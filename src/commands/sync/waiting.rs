//! Between opening and merging: all merge requests are waited for, and none is merged while another cannot be.

use std::time::Duration;

use anyhow::anyhow;

use super::{disclose::Disclosure, survey::Branch};
use crate::{
    domain::duration::Span,
    gitlab::{at_once, merge_request::MergeRequest},
    ops::{
        Context, Failure,
        backoff::{Wait, WaitLimit},
        public_request::{self, Standing},
    },
    ui::Spinner,
};

/// How long somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as they said, for people as well.
    Long,
    /// For what passes by itself, and a moment only.
    Short,
    /// Not at all.
    None,
}

/// How long what passes by itself is waited for where nobody said how long.
const MOMENT: Duration = Duration::from_secs(30);

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
        let mut is_told = false;
        loop {
            let looks = at_once(opened, |(branch, request)| self.look(branch, request.iid));
            let all = looks.into_iter().collect::<Result<Vec<_>, Failure>>()?;
            self.check_rights(&all)?;
            if all.iter().all(|opened| opened.standing.waits_for().is_none()) {
                return Ok(all);
            }
            let is_over = all.iter().any(|opened| matches!(opened.standing, Standing::Over(_)));
            let needs_people = all.iter().any(|opened| matches!(opened.standing, Standing::People(_)));
            let may_wait = !is_over && (patience == Patience::Long || !needs_people);
            if may_wait && needs_people && !is_told {
                spinner.aside(|| context.ui.note(&to_send(&all)));
                is_told = true;
            }
            spinner.tell(&in_short(&all));
            if !may_wait || !wait.as_mut().is_some_and(Wait::pause) {
                if needs_people && !is_told {
                    spinner.aside(|| context.ui.note(&to_send(&all)));
                }
                return Err(self.cannot_be_merged(&all, public, is_over, patience));
            }
        }
    }

    fn begin(&self, patience: Patience) -> Option<Wait> {
        let steady = WaitLimit { limit: self.limit, backoff: self.client.backoff() };
        match patience {
            Patience::Long => Some(steady.begin()),
            Patience::Short => Some(WaitLimit { limit: MOMENT.min(self.limit), ..steady }.begin()),
            Patience::None => None,
        }
    }

    fn look<'a>(&self, branch: &'a Branch, iid: u64) -> Result<Opened<'a>, Failure> {
        let (request, standing) = public_request::look(self.client, self.route.target, iid)?;
        self.check_head(branch, &request)?;
        Ok(Opened { branch, request, standing })
    }

    fn cannot_be_merged(&self, all: &[Opened<'_>], public: usize, is_over: bool, patience: Patience) -> Failure {
        let merged = public + all.iter().filter(|opened| opened.standing == Standing::Merged).count();
        let what = match merged {
            0 => "so none was merged".to_owned(),
            merged => format!("and {merged} of {} branches are public already", public + all.len()),
        };
        let lines = all.iter().filter_map(|opened| {
            let Opened { branch, request, standing } = opened;
            let waits_for = standing.waits_for()?;
            Some(format!("\n  !{} into `{}`: {waits_for}: {}", request.iid, branch.name, request.web_url))
        });
        let error = anyhow!("what is open in public cannot be merged yet, {what}:{}", lines.collect::<String>());
        let again = self.again.clone().without(&["--no-wait"]);
        Failure::not_done(error).hint(match patience {
            _ if is_over => again,
            Patience::Long => again.with_only("--timeout", &Span::from(self.limit * 2).to_string()),
            Patience::Short | Patience::None => again.with("--wait"),
        })
    }

    /// Whether this token may merge all of them: nothing is merged where a later one could not be.
    fn check_rights(&self, all: &[Opened<'_>]) -> Result<(), Failure> {
        let is_forbidden = |opened: &&Opened<'_>| {
            let rights = opened.request.user.as_ref();
            opened.standing != Standing::Merged && rights.is_some_and(|rights| !rights.can_merge)
        };
        let forbidden: Vec<&str> = all.iter().filter(is_forbidden).map(|opened| opened.branch.name.as_str()).collect();
        if forbidden.is_empty() {
            return Ok(());
        }
        let error =
            anyhow!("this token may not merge into `{}` of canonical, so nothing was merged", forbidden.join("`, `"));
        Err(Failure::not_done(error).hint(format!(
            "ask a maintainer of the public project to run: {}",
            self.again.clone().without_value("--yes")
        )))
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
