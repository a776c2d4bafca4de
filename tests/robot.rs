//! The robot: it knows no command. It types what stands behind `next` or `hint:`, supplies a name, a number, a commit and
//! the edits that it is asked for, while colleagues approve and pipelines run. It must come to the end, or to a message
//! that names a person and an action, and never be told the same twice where nothing has changed.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use git_secfix::rehearsal::{State, Visibility};

use crate::support::{CAN, GitLab, Ran, SEC, World, gitlab::in_worlds, sample::sample, say};

const FIX: &str = "prompt-injection";
/// A whole fix takes about fifteen.
const MOST_STEPS: usize = 60;
/// Walks in every run of the tests; all of them in a full one.
const FEW: usize = 3;

/// What somebody who follows instructions sees behind a command.
fn instructions(ran: &Ran) -> Vec<String> {
    let behind = |text: &str, label: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix(label)).map(|rest| rest.trim().to_owned()).collect()
    };
    let hints = behind(&ran.stderr, "hint: ");
    let next = [behind(&ran.stderr, "next: "), behind(&ran.stdout, "next ")].concat();
    match (ran.code, next.last(), &hints[..]) {
        (0, Some(next), _) => vec![next.clone()],
        // The front door names the first one in its text.
        (0, None, []) => ran.stdout.split('`').filter(|part| part.starts_with("git ")).map(str::to_owned).collect(),
        _ => hints,
    }
}

/// A command out of words for people, with what they ask for first.
#[derive(Debug, PartialEq, Eq)]
struct Task {
    commits: bool,
    as_maintainer: bool,
    command: String,
}

fn task(text: &str, issue: u64) -> Option<Task> {
    let at = text.find("git ")?;
    let lead = &text[..at];
    // Whoever else is asked is not here.
    if lead.starts_with("ask ") && !lead.starts_with("ask a maintainer") {
        return None;
    }
    let mut command = text[at..].to_owned();
    for end in [", once ", ", or ", ", and ", ", then ", ", after", ", with ", ", if "] {
        command.truncate(command.find(end).unwrap_or(command.len()));
    }
    let words = command.split(' ').map(|word| match word {
        "NAME" => FIX.to_owned(),
        "NUMBER" => issue.to_string(),
        word => word.to_owned(),
    });
    Some(Task {
        commits: lead.contains("commit the fix"),
        as_maintainer: lead.contains("ask a maintainer"),
        command: words.collect::<Vec<_>>().join(" "),
    })
}

/// Everything that a command could have changed.
fn fingerprint(world: &World, gitlab: &GitLab) -> String {
    let here = world.git(&["for-each-ref"]).stdout.clone() + &world.git(&["status", "--porcelain", "--branch"]).stdout;
    let requests = gitlab.server.change(|state: &mut State| {
        let of = |name: &str| {
            let requests = &state.project(name).unwrap().merge_requests;
            requests
                .iter()
                .map(|request| format!("{} {} {:?}", request.iid, request.state, request.title))
                .collect::<Vec<_>>()
        };
        [of(CAN), of(SEC)].concat().join("\n")
    });
    let config = world.read("work/.git/config");
    let trees = world.git(&["worktree", "list"]).stdout.clone();
    [here, world.server_refs(CAN), world.server_refs(SEC), requests, config, trees].concat()
}

/// The files that a command adds are edited first.
fn edit_conflicts(world: &World, command: &str) {
    let words = shell_words::split(command).unwrap();
    let Some(at) = words.windows(2).position(|pair| pair == ["add", "--"]) else { return };
    let place = words.iter().position(|word| word == "-C").map_or(world.work(), |at| words[at + 1].clone().into());
    for file in words[at + 2..].iter().take_while(|word| *word != "&&") {
        fs::write(std::path::Path::new(&place).join(file), "resolved\n").unwrap();
    }
}

/// Colleagues and machines, who do their part again and again.
fn colleagues(world: &World, gitlab: &GitLab, is_over: &AtomicBool) {
    let known: BTreeSet<String> = tags(world);
    while !is_over.load(Ordering::Relaxed) {
        gitlab.approve_all();
        gitlab.server.change(|state| {
            let public: Vec<u64> = state.project(CAN).unwrap().merge_requests.iter().map(|found| found.iid).collect();
            for iid in public {
                state.approve(gitlab.canonical, iid, gitlab.engineer);
                state.approve(gitlab.canonical, iid, gitlab.psirt);
            }
        });
        play_manual_jobs(world, gitlab);
        let new: Vec<String> = tags(world).difference(&known).cloned().collect();
        if !new.is_empty() {
            gitlab.publish(world, &new.iter().map(String::as_str).collect::<Vec<_>>());
        }
        thread::sleep(Duration::from_millis(300));
    }
}

/// Whoever may deploy presses what waits for them.
fn play_manual_jobs(world: &World, gitlab: &GitLab) {
    let waiting: Vec<u64> = gitlab.server.change(|state| {
        let security = state.project(SEC).unwrap();
        let bridges = security.pipelines.iter().flat_map(|found| &found.bridges);
        bridges.filter(|bridge| bridge.job.status == "manual").map(|bridge| bridge.job.id).collect()
    });
    for id in waiting {
        let route = format!("{}/api/v4/projects/{}/jobs/{id}/play", gitlab.server.url(), gitlab.security);
        world.run(world.command("curl", &["-sf", "-X", "POST", "-H", "PRIVATE-TOKEN: glpat-maintainer", &route]));
    }
}

fn tags(world: &World) -> BTreeSet<String> {
    let refs = world.server_refs(CAN);
    let names = refs.lines().filter_map(|line| line.strip_prefix("refs/tags/")?.split(' ').next());
    names.map(str::to_owned).collect()
}

/// Where a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Person(String),
}

impl End {
    fn in_short(&self) -> &str {
        match self {
            Self::Done => "done",
            Self::Person(_) => "a person is asked",
        }
    }
}

/// Follows what the tool says, from this command on, while colleagues and machines do their part.
pub(crate) fn walk(world: &World, gitlab: &GitLab, first: &str) -> (End, Vec<String>) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| colleagues(world, gitlab, &is_over));
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| follow(world, gitlab, first)));
        is_over.store(true, Ordering::Relaxed);
        end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn follow(world: &World, gitlab: &GitLab, first: &str) -> (End, Vec<String>) {
    let mut seen = BTreeSet::new();
    let mut typed: Vec<String> = vec![];
    let mut command = first.to_owned();
    let mut keyboard = "the engineer";
    let mut last = String::new();
    for _ in 0..MOST_STEPS {
        let is_new = seen.insert((command.clone(), keyboard, fingerprint(world, gitlab)));
        assert!(is_new, "told the same twice: {command}\n  {}", typed.join("\n  "));
        edit_conflicts(world, &command);
        let ran = world.run(world.command("timeout", &["60", "sh", "-c", &command]));
        typed.push(format!("{command}  [{}]", ran.code));
        let told = instructions(&ran);
        let Some(text) = told.last() else {
            // What was taken back leads nowhere: the reason for it was told before.
            assert_eq!(
                ran.code,
                0,
                "told nothing by {ran}\n  {}\n{}",
                typed.join("\n  "),
                world.secfix(&["status", FIX])
            );
            return (End::Person(last), typed);
        };
        last.clone_from(&ran.stderr);
        typed.push(format!("    {text}"));
        if text == "nothing is left to do" {
            return (End::Done, typed);
        }
        let Some(task) = task(text, gitlab.issue) else { return (End::Person(text.clone()), typed) };
        if task.commits {
            fs::write(world.work().join("fixed"), "the fix\n").unwrap();
            world.git(&["add", "fixed"]).ok();
            world.git(&["commit", "--quiet", "-m", "Handle names with care"]).ok();
        }
        if task.as_maintainer {
            world.unset("SECFIX_TOKEN");
            world.set("SECFIX_TOKEN", "glpat-maintainer");
            keyboard = "a maintainer";
        }
        // Places are shown without the root of this world.
        command = task.command.replace("[world]", &world.root().to_string_lossy());
    }
    panic!("no end after {MOST_STEPS} steps:\n  {}", typed.join("\n  "));
}

/// What a walk begins with.
struct Begin {
    name: &'static str,
    lines: usize,
    change: fn(&World, &GitLab),
}

const fn begin(name: &'static str, lines: usize, change: fn(&World, &GitLab)) -> Begin {
    Begin { name, lines, change }
}

const BEGINS: [Begin; 18] = [
    begin("nothing special", 2, |_, _| {}),
    begin("three lines", 3, |world, _| {
        world.git_in(&world.server(CAN), &["tag", "self-hosted-v18.2.0-ee", "stable-18-2-ee"]).ok();
    }),
    begin("a conflict on a line", 2, |world, _| {
        world.commit_there(CAN, "stable-18-4-ee", "fixed", "of the line\n");
        let canonical = world.server(CAN).to_string_lossy().into_owned();
        world.git_in(&world.server(SEC), &["fetch", "--quiet", &canonical, "+stable-18-4-ee:stable-18-4-ee"]).ok();
    }),
    begin("canonical moves and conflicts", 2, |world, _| {
        world.commit_there(CAN, "main", "fixed", "public, and different\n");
    }),
    begin("canonical wants approvals", 2, |_, gitlab| {
        gitlab.server.change(|state| {
            state.protect_branch(gitlab.canonical, "main", 40, 40);
            state.add_approval_rule(gitlab.canonical, "Release", &[gitlab.engineer, gitlab.psirt], &["main"]);
        });
    }),
    begin("merged only forward", 2, |_, gitlab| {
        gitlab.server.change(|state| {
            for project in [CAN, SEC] {
                state.project_mut(project).unwrap().merge_method = "ff".to_owned();
            }
        });
    }),
    begin("squashed by default", 2, |_, gitlab| {
        gitlab.server.change(|state| state.project_mut(SEC).unwrap().squash_option = "always".to_owned());
    }),
    begin("canonical squashes everything", 2, |_, gitlab| {
        gitlab.server.change(|state| state.project_mut(CAN).unwrap().squash_option = "always".to_owned());
    }),
    begin("a public issue", 2, |_, gitlab| {
        gitlab.server.change(|state| state.issue_mut(gitlab.canonical, gitlab.issue).unwrap().confidential = false);
    }),
    begin("the deployment fails", 2, |_, gitlab| {
        gitlab.server.change(|state| {
            let bridge = &mut state.project_mut(SEC).unwrap().ref_pipelines[0].pipeline.bridges[0];
            let started = &mut bridge.starts.as_mut().unwrap().pipeline;
            started.status = "failed".to_owned();
            started.jobs[0].status = "failed".to_owned();
        });
    }),
    begin("the deployment is hidden", 2, |_, gitlab| {
        gitlab
            .server
            .change(|state| state.project_mut("gitlab-com/deployments/duo-workflow-svc").unwrap().members.clear());
    }),
    begin("the mirror cannot log in", 2, |_, gitlab| {
        gitlab.server.change(|state| {
            let mirror = &mut state.project_mut(CAN).unwrap().mirrors[0];
            mirror.last_error = Some("fatal: Authentication failed for 'https://gitlab.com/x.git/'".to_owned());
        });
    }),
    begin("tags before the disclosure", 2, |world, _| world.set("SECFIX_TAGS_WHEN", "before-sync")),
    begin("a schedule", 2, |world, gitlab| {
        world.set("SECFIX_SCHEDULE_KEEP_ALIVE", "Copy canonical forward");
        gitlab.server.change(|state| {
            let schedule = state.add_schedule(gitlab.security, "Copy canonical forward", gitlab.maintainer);
            let schedules = &mut state.project_mut(SEC).unwrap().schedules;
            schedules.iter_mut().filter(|known| known.id == schedule).for_each(|known| known.active = false);
        });
    }),
    begin("strangers see security", 2, |_, gitlab| {
        gitlab.server.change(|state| state.project_mut(SEC).unwrap().visibility = Visibility::Internal);
    }),
    begin("a stable branch is in canonical alone", 2, |world, _| {
        world.git_in(&world.server(SEC), &["update-ref", "-d", "refs/heads/stable-18-3-ee"]).ok();
    }),
    begin("canonical is archived", 2, |_, gitlab| {
        gitlab.server.change(|state| state.project_mut(CAN).unwrap().archived = true);
    }),
    begin("canonical is ahead", 2, |world, _| {
        world.commit_there(CAN, "main", "news", "public\n");
        world.commit_there(CAN, "stable-18-4-ee", "news", "public\n");
    }),
];

/// Whether a message leads to a person and an action.
pub(crate) fn names_somebody(text: &str) -> bool {
    ["ask ", "set `", "owner", "fix it in", "tell PSIRT"].iter().any(|word| text.contains(word))
}

/// Whether strangers have what is to be there: every supported line with the fix, and a tag.
pub(crate) fn is_released(world: &World, lines: usize) -> bool {
    ["18-4", "18-3", "18-2"].iter().take(lines).all(|line| {
        let branch = format!("stable-{line}-ee");
        let has_fix = world.git_in(&world.server(CAN), &["show", &format!("{branch}:fixed")]).code == 0;
        let dotted = line.replace('-', ".");
        let is_tagged = world.git_in(&world.server(CAN), &["tag", "--contains", &branch]).stdout.contains(&dotted);
        has_fix && is_tagged
    })
}

#[test]
fn whoever_follows_the_words_comes_to_the_end() {
    let failed = Mutex::new(vec![]);
    let ends = Mutex::new(vec![]);
    let begins = sample(BEGINS.iter().collect(), FEW, "walks of the robot");
    in_worlds(&begins, |few| {
        for Begin { name, lines, change } in few {
            let world = World::new();
            let gitlab = GitLab::of(&world);
            gitlab.with_release();
            world.unset("SECFIX_BRANCHES_SUPPORTED");
            world.set("SECFIX_BRANCHES_SUPPORTED", &lines.to_string());
            change(&world, &gitlab);
            let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk(&world, &gitlab, "git secfix")));
            match walked {
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    failed.lock().unwrap().push(format!("{name}: {text}"));
                }
                Ok((End::Done, typed)) if !is_released(&world, *lines) => {
                    failed.lock().unwrap().push(format!("{name}: done, and not released\n  {}", typed.join("\n  ")));
                }
                Ok((End::Person(text), typed)) if !names_somebody(&text) => {
                    failed.lock().unwrap().push(format!("{name}: nobody is named by {text}\n  {}", typed.join("\n  ")));
                }
                Ok((end, typed)) => {
                    ends.lock().unwrap().push(format!("{name}: {} after {} steps", end.in_short(), typed.len() / 2))
                }
            }
        }
    });
    let (failed, ends) = (failed.into_inner().unwrap(), ends.into_inner().unwrap());
    say(&format!("the robot: {}", ends.join("; ")));
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
