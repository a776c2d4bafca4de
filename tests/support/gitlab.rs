//! The local GitLab over the projects of a world, with the people of a fix, and whole fixes in it.

use std::path::PathBuf;

use git_secfix::rehearsal::{IssueSpec, Options, Server, State, TokenSpec, Visibility, sample};

use super::{CAN, Ran, SEC, World, prepared};

pub(crate) const TOKEN: &str = "glpat-engineer-SECRET";
/// The token of somebody who may merge.
const MAINTAINER: &str = "glpat-maintainer";
pub(crate) const DUE: &str = "2030-01-31";

/// The local GitLab of a world.
pub(crate) struct GitLab {
    pub(crate) server: Server,
    pub(crate) engineer: u64,
    pub(crate) maintainer: u64,
    pub(crate) psirt: u64,
    pub(crate) canonical: u64,
    pub(crate) security: u64,
    /// The number of the confidential issue in the public project.
    pub(crate) issue: u64,
}

impl GitLab {
    /// Starts it over the world's projects, and gives the world its address and the engineer's token.
    pub(crate) fn of(world: &World) -> Self {
        Self::under(world, "")
    }

    /// The same, under a relative URL root.
    pub(crate) fn under(world: &World, root: &str) -> Self {
        let mut state = State::default();
        let engineer = state.add_user("engineer", "An Engineer");
        let maintainer = state.add_user("maintainer", "A Maintainer");
        let psirt = state.add_user("psirt-person", "A Person of PSIRT");
        for (user, secret) in [(engineer, TOKEN), (maintainer, "glpat-maintainer"), (psirt, "glpat-psirt")] {
            state.add_token(secret, TokenSpec::of(user));
        }
        let canonical = state.add_project(CAN, Visibility::Public);
        let security = state.add_fork(SEC, Visibility::Private, canonical);
        for (user, level) in [(engineer, 30), (maintainer, 40), (psirt, 30)] {
            state.add_member(canonical, user, level);
            state.add_member(security, user, level);
        }
        let group = state.add_group("gitlab-com/gl-security/product-security/psirt-group");
        state.add_group_member(group, psirt, 30);
        state.add_approval_rule(security, "Maintainers", &[maintainer], &[]);
        state.add_approval_rule(security, "PSIRT", &[psirt], &["main"]);
        state.add_label(security, "security");
        let spec = IssueSpec {
            title: "Prompt injection through file names".to_owned(),
            confidential: true,
            due_date: Some(DUE.to_owned()),
            labels: vec!["security".to_owned(), "severity::2".to_owned()],
            author: Some(engineer),
            assignees: vec![engineer],
            ..IssueSpec::default()
        };
        let issue = state.add_issue(canonical, spec);
        let server = Self::start(world, root, state);
        world.set("SECFIX_TOKEN", TOKEN);
        Self { server, engineer, maintainer, psirt, canonical, security, issue }
    }

    /// The same people and projects in another world, with what was known at another time.
    pub(crate) fn again(&self, world: &World, state: State) -> Self {
        Self { server: Self::start(world, "", state), ..*self }
    }

    fn start(world: &World, root: &str, state: State) -> Server {
        let options = Options { git: world.path("bin/git"), root: root.to_owned(), ..Options::at(world.path("srv")) };
        let server = Server::start(options, state).expect("the local GitLab starts");
        world.set("SECFIX_GITLAB_URL", &server.url());
        // It is on this machine, and nobody else asks it.
        world.set("SECFIX_GITLAB_PAUSE", "10ms");
        // The fix of most tests goes to two lines.
        world.set("SECFIX_BRANCHES_SUPPORTED", "2");
        server
    }

    /// Everything behind the merge: pipelines with a deployment that waits for somebody, a push mirror, and a
    /// registry, which gets its images from [`GitLab::publish`].
    pub(crate) fn with_release(&self) -> u64 {
        self.server.change(|state| {
            let deployments = state.add_project("gitlab-com/deployments/duo-workflow-svc", Visibility::Private);
            for (user, level) in [(self.engineer, 30), (self.maintainer, 40)] {
                state.add_member(deployments, user, level);
            }
            sample::add_pipelines(state, self.canonical, self.security, deployments);
            for project in [self.canonical, self.security] {
                state.protect_branch(project, "stable-*-ee", 40, 40);
            }
            state.protect_tag(self.canonical, "self-hosted-v*", 30);
            state.add_mirror(self.canonical, &format!("https://oauth2:mirror-token@gitlab.com/{SEC}.git"));
            state.add_registry_repository(self.canonical, "model-gateway");
            deployments
        })
    }

    /// What happens by itself behind the tags: images are built, and the mirror brings security up.
    pub(crate) fn publish(&self, world: &World, tags: &[&str]) {
        self.server.change(|state| {
            let registry = state.project(CAN).unwrap().registry[0].id;
            tags.iter().for_each(|tag| state.add_image(registry, tag));
            for mirror in &mut state.project_mut(CAN).unwrap().mirrors {
                mirror.update_status = "finished".to_owned();
            }
        });
        for branch in ["main", "stable-18-4-ee", "stable-18-3-ee", "stable-18-2-ee"] {
            let spec = format!("+refs/heads/{branch}:refs/heads/{branch}");
            let canonical = world.server(CAN).to_string_lossy().into_owned();
            world.git_in(&world.server(SEC), &["fetch", "--quiet", &canonical, &spec]).ok();
        }
    }

    /// With a fix on two lines that is pushed.
    pub(crate) fn pushed(world: &World) -> Self {
        prepared::gitlab(world, "pushed", TOKEN, |world| {
            let gitlab = Self::of(world);
            world.with_pushed_fix(gitlab.issue);
            gitlab
        })
    }

    /// With a fix on two lines whose merge requests are open.
    pub(crate) fn requested(world: &World) -> Self {
        prepared::gitlab(world, "requested", TOKEN, |world| {
            let gitlab = Self::pushed(world);
            world.secfix(&["mr"]).ok();
            world.secfix(&["status"]).ok();
            gitlab
        })
    }

    /// With a fix on two lines whose merge requests are approved, and a maintainer at the keyboard.
    pub(crate) fn approved(world: &World) -> Self {
        prepared::gitlab(world, "approved", MAINTAINER, |world| {
            let gitlab = Self::of(world);
            gitlab.review(world);
            gitlab
        })
    }

    /// With everything behind the merge, and a fix on two lines whose merge requests only have to be merged.
    pub(crate) fn reviewed(world: &World) -> Self {
        prepared::gitlab(world, "reviewed", MAINTAINER, |world| {
            let gitlab = Self::of(world);
            gitlab.with_release();
            gitlab.review(world);
            gitlab
        })
    }

    /// A fix on two lines whose merge requests are approved, and a maintainer at the keyboard.
    pub(crate) fn review(&self, world: &World) {
        world.with_pushed_fix(self.issue);
        world.secfix(&["mr"]).ok();
        self.approve_all();
        world.unset("SECFIX_TOKEN");
        world.set("SECFIX_TOKEN", "glpat-maintainer");
    }

    /// The same, merged, with a deployment that goes by itself.
    pub(crate) fn deployed(world: &World) -> Self {
        prepared::gitlab(world, "deployed", MAINTAINER, |world| {
            let gitlab = Self::reviewed(world);
            gitlab.server.change(|state| {
                let after_merge = &mut state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline;
                after_merge.bridges[0].job.status = "success".to_owned();
            });
            world.secfix(&["merge"]).ok();
            gitlab.server.clear_log();
            gitlab
        })
    }

    /// The same, public.
    pub(crate) fn public(world: &World) -> Self {
        prepared::gitlab(world, "public", MAINTAINER, |world| {
            let gitlab = Self::deployed(world);
            world.secfix(&["sync", "--yes", "prompt-injection"]).ok();
            gitlab
        })
    }

    /// Approves as everybody who is asked to, and starts the check whether it can be merged.
    pub(crate) fn approve_all(&self) {
        for iid in self.requests() {
            self.server.change(|state| {
                state.approve(self.security, iid, self.maintainer);
                if state.merge_request(self.security, iid).is_some_and(|request| request.target_branch == "main") {
                    state.approve(self.security, iid, self.psirt);
                }
            });
        }
    }

    /// Merges everything, as a colleague does on the pages of GitLab.
    pub(crate) fn merge_all(&self, world: &World) {
        self.server.change(|state| {
            for request in &mut state.project_mut(SEC).unwrap().merge_requests {
                let branch = |name: &str| format!("refs/heads/{name}");
                let (from, to) = (branch(&request.source_branch), branch(&request.target_branch));
                world.git_in(&world.server(SEC), &["update-ref", &to, &from]).ok();
                request.state = "merged".to_owned();
            }
        });
    }

    /// The numbers of all merge requests in security.
    pub(crate) fn requests(&self) -> Vec<u64> {
        self.requests_of(SEC)
    }

    pub(crate) fn requests_of(&self, project: &str) -> Vec<u64> {
        self.server
            .change(|state| {
                state.project(project).map(|found| found.merge_requests.iter().map(|request| request.iid).collect())
            })
            .unwrap_or_default()
    }

    /// Branch to branch of every merge request in security, in the order in which they were opened.
    pub(crate) fn pairs(&self) -> Vec<String> {
        self.server.change(|state| {
            let mut pairs: Vec<String> = state
                .project(SEC)
                .unwrap()
                .merge_requests
                .iter()
                .map(|request| format!("{} -> {} {}", request.source_branch, request.target_branch, request.state))
                .collect();
            pairs.sort();
            pairs
        })
    }
}

/// Does things that mostly wait, each few of them in a world of their own, at the same time.
pub(crate) fn in_worlds<T: Sync>(things: &[T], work: impl Fn(&[T]) + Sync) {
    std::thread::scope(|scope| {
        for few in things.chunks(things.len().div_ceil(6)) {
            let work = &work;
            scope.spawn(move || work(few));
        }
    });
}

impl World {
    /// A prepared clone with a fix of one commit on `main` and on two lines, pushed to security.
    pub(crate) fn with_pushed_fix(&self, issue: u64) {
        self.secfix(&["init"]).ok();
        let issue = issue.to_string();
        self.secfix(&["branch", "prompt-injection", "-b", "18-4", "-b", "18-3", "--issue", &issue]).ok();
        self.commit("fixed", "embargoed\n");
        for line in ["18-4", "18-3"] {
            self.git(&["switch", "--quiet", &format!("security-prompt-injection-{line}")]).ok();
            self.git(&["cherry-pick", "-x", "security-prompt-injection"]).ok();
        }
        self.git(&["switch", "--quiet", "security-prompt-injection"]).ok();
        self.secfix(&["push"]).ok();
    }

    /// Another person's clone of the same projects, prepared; for [`World::secfix_in`].
    pub(crate) fn colleague(&self) -> PathBuf {
        let clone = self.path("colleague");
        self.git_in(self.root(), &["clone", "--quiet", &format!("git@gitlab.com:{CAN}.git"), "colleague"]).ok();
        self.secfix_in(&clone, &["init"]).ok();
        clone
    }

    pub(crate) fn secfix_in(&self, dir: &std::path::Path, arguments: &[&str]) -> Ran {
        self.git_in(dir, &[&["secfix"], arguments].concat())
    }
}
