//! A pair of projects to try things on: the public AI Gateway and its private mirror, with the
//! people that a security fix needs.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
    process::Stdio,
};

use jiff::ToSpan;

use super::{
    BridgeSpec, Downstream, IssueSpec, JobSpec, PipelineSpec, RefPipeline, State, TokenSpec, Visibility,
    repository::{Repository, git_command},
};

/// The public project.
pub const CANONICAL: &str = "gitlab-org/modelops/applied-ml/code-suggestions/ai-assist";
/// Its private mirror.
pub const SECURITY: &str = "gitlab-org/security/modelops/applied-ml/code-suggestions/ai-assist";
/// Where the mirror's trigger jobs deploy.
pub const DEPLOYMENTS: &str = "gitlab-com/gl-infra/platform/runway/deployments/duo-workflow-svc";

/// The pair, ready for a server over the same folder.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What the server knows.
    pub state: State,
    /// The id of the public project.
    pub canonical: u64,
    /// The id of the private mirror.
    pub security: u64,
    /// Somebody with a fix to make: a developer of both projects.
    pub engineer: u64,
    /// A maintainer of both projects.
    pub maintainer: u64,
    /// Somebody of the security response team: a developer of both projects.
    pub psirt: u64,
    /// The token of the engineer.
    pub engineer_token: String,
    /// The token of the maintainer.
    pub maintainer_token: String,
    /// The token of the security response team.
    pub psirt_token: String,
    /// The confidential issue in the public project.
    pub issue: u64,
}

/// Makes both repositories in a folder, and all that belongs to them.
///
/// Both have the branches `main`, `stable-18-2-ee`, `stable-18-3-ee` and `stable-18-4-ee`, and the
/// public one patch tags of each line. A merge request in the mirror has to be approved by a
/// maintainer and, towards `main`, by the security response team. After a merge to its `main` there
/// is a pipeline whose trigger job waits for somebody to deploy.
///
/// # Errors
/// When git fails or the folder cannot be written to.
pub fn pair(folder: &Path, git: &Path) -> io::Result<Sample> {
    let folder = &std::path::absolute(folder)?;
    fs::create_dir_all(folder)?;
    let repository = |path: &str| Repository::new(folder.join(format!("{path}.git")), git.to_owned(), folder.clone());
    let (canonical, security) = (repository(CANONICAL), repository(SECURITY));
    for made in [&canonical, &security] {
        let mut init = git_command(git, folder);
        init.args(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]).arg(&made.folder);
        super::repository::printed(&mut init)?;
    }
    // The same commits in both: all that makes an id is given.
    import(&canonical, &(history() + &tags()))?;
    import(&security, &history())?;
    Ok(people())
}

/// Feeds a stream to `git fast-import`.
fn import(repository: &Repository, stream: &str) -> io::Result<()> {
    let mut command = repository.command(&["fast-import", "--quiet"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(stream.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

const TEMPLATE: &str = "\
## What does this merge request do?

%{first_multiline_commit}

<!-- Quick actions in comments stay:
/draft
-->

## Checklist

- [ ] The issue is linked
- [ ] The fix has a test

/label ~security ~\"type::bug\"
/assign me
";

/// The branches: each older line lacks the commits after it.
fn history() -> String {
    let app =
        |lines: usize| (1..=lines).fold(String::new(), |text, line| text + &format!("line {line} of the gateway\n"));
    let commits = [
        ("Add the gateway", "stable-18-2-ee", vec![("app.py", app(10)), ("README.md", "# The gateway\n".to_owned())]),
        ("Add the prompts", "stable-18-3-ee", vec![("prompts.py", "prompts = []\n".to_owned())]),
        ("Add the workflow service", "stable-18-4-ee", vec![("workflow.py", "def run(): pass\n".to_owned())]),
        ("Add the template", "main", vec![(".gitlab/merge_request_templates/Security Fix.md", TEMPLATE.to_owned())]),
    ];
    let mut stream = String::new();
    for (number, (message, branch, files)) in commits.iter().enumerate() {
        let time = 1_767_225_600 + 86_400 * number;
        let _ = writeln!(stream, "commit refs/heads/main\nmark :{}", number + 1);
        let _ = writeln!(stream, "committer A Maintainer <maintainer@example.com> {time} +0000");
        let _ = writeln!(stream, "data {}\n{message}", message.len());
        for (path, text) in files {
            let _ = writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        }
        if *branch != "main" {
            let _ = writeln!(stream, "\nreset refs/heads/{branch}\nfrom :{}\n", number + 1);
        }
    }
    stream
}

fn tags() -> String {
    let tags = [
        ("self-hosted-v18.2.0-ee", "stable-18-2-ee"),
        ("self-hosted-v18.2.1-ee", "stable-18-2-ee"),
        ("self-hosted-v18.3.0-ee", "stable-18-3-ee"),
        ("self-hosted-v18.4.0-rc1-ee", "stable-18-4-ee"),
        ("self-hosted-v18.4.0-ee", "stable-18-4-ee"),
    ];
    let mut stream = String::new();
    for (tag, branch) in tags {
        let _ = writeln!(stream, "reset refs/tags/{tag}\nfrom refs/heads/{branch}\n");
    }
    stream
}

fn people() -> Sample {
    let mut state = State::default();
    let engineer = state.add_user("engineer", "An Engineer");
    let maintainer = state.add_user("maintainer", "A Maintainer");
    let psirt = state.add_user("psirt", "A Security Responder");
    let token = |state: &mut State, user: u64, name: &str| {
        let secret = format!("glpat-sample-of-{name}");
        state.add_token(&secret, TokenSpec::of(user));
        secret
    };
    let engineer_token = token(&mut state, engineer, "engineer");
    let maintainer_token = token(&mut state, maintainer, "maintainer");
    let psirt_token = token(&mut state, psirt, "psirt");

    let canonical = state.add_project(CANONICAL, Visibility::Public);
    let security = state.add_fork(SECURITY, Visibility::Private, canonical);
    let deployments = state.add_project(DEPLOYMENTS, Visibility::Private);
    for project in [canonical, security, deployments] {
        state.add_member(project, engineer, 30);
        state.add_member(project, maintainer, 40);
        state.add_member(project, psirt, 30);
        state.protect_branch(project, "stable-*-ee", 40, 40);
        for label in ["security", "type::bug", "bug::vulnerability", "severity::1", "severity::2"] {
            state.add_label(project, label);
        }
        let project = state.project_by_id_mut(project);
        project.only_allow_merge_if_pipeline_succeeds = true;
        project.only_allow_merge_if_all_discussions_are_resolved = true;
    }
    state.protect_tag(canonical, "self-hosted-v*", 30);
    state.add_milestone(security, "18.5");
    state.add_approval_rule(security, "Maintainers", &[maintainer], &[]);
    state.add_approval_rule(security, "PSIRT", &[psirt], &["main"]);
    add_pipelines(&mut state, canonical, security, deployments);

    let schedule = state.add_schedule(security, "Copy canonical forward", maintainer);
    let schedules = &mut state.project_by_id_mut(security).schedules;
    schedules.iter_mut().filter(|known| known.id == schedule).for_each(|known| known.active = false);
    state.add_mirror(canonical, &format!("https://oauth2:mirror-token@gitlab.com/{SECURITY}.git"));
    state.project_by_id_mut(canonical).mirrors.iter_mut().for_each(|mirror| mirror.keep_divergent_refs = true);
    state.add_registry_repository(canonical, "model-gateway");

    let due = state.now().checked_add((7 * 24).hours()).unwrap_or_else(|_| state.now());
    let issue = state.add_issue(
        canonical,
        IssueSpec {
            title: "Prompt injection through file names".into(),
            description: "A file name can hold instructions that the model follows.".into(),
            confidential: true,
            due_date: Some(due.strftime("%Y-%m-%d").to_string()),
            labels: vec!["bug::vulnerability".into(), "security".into(), "severity::2".into()],
            author: Some(psirt),
            assignees: vec![engineer],
        },
    );
    Sample {
        state,
        canonical,
        security,
        engineer,
        maintainer,
        psirt,
        engineer_token,
        maintainer_token,
        psirt_token,
        issue,
    }
}

/// What runs after merges and tags: a trigger job after a merge to security's `main` that waits for somebody to
/// deploy, and images after a tag in canonical.
pub fn add_pipelines(state: &mut State, canonical: u64, security: u64, deployments: u64) {
    let deployment = PipelineSpec {
        jobs: vec![JobSpec::new("deploy", "deploy", "success")],
        ..PipelineSpec::new("main", &"d".repeat(40), "success")
    };
    let deploy = BridgeSpec {
        job: JobSpec::new("🛫 [duo-workflow-svc] Trigger runway deployment production", "runway_production", "manual"),
        downstream: None,
        starts: Some(Box::new(Downstream { project: deployments, pipeline: deployment })),
    };
    let after_merge = PipelineSpec {
        status: "manual".into(),
        jobs: vec![JobSpec::new("test", "test", "success"), JobSpec::new("build", "build", "success")],
        bridges: vec![deploy],
        ..PipelineSpec::default()
    };
    let tested = PipelineSpec {
        status: "success".into(),
        jobs: vec![JobSpec::new("test", "test", "success")],
        ..PipelineSpec::default()
    };
    let images = PipelineSpec {
        status: "success".into(),
        jobs: vec![JobSpec::new("self-hosted image", "release", "success")],
        ..PipelineSpec::default()
    };
    let on =
        |pattern: &str, pipeline: &PipelineSpec| RefPipeline { pattern: pattern.into(), pipeline: pipeline.clone() };
    state.project_by_id_mut(security).ref_pipelines = vec![on("main", &after_merge), on("stable-*-ee", &tested)];
    state.project_by_id_mut(canonical).ref_pipelines =
        vec![on("main", &tested), on("stable-*-ee", &tested), on("self-hosted-v*", &images)];
}
