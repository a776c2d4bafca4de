//! What the guard costs at every push, beside a hook of the older kind in the same run.
//!
//! Makes a repository of 50,000 commits and 200 remote branches with `git fast-import`, prepares
//! it with `git secfix init`, and runs both hooks as git runs them: the file itself, with the
//! remote's name and URL as arguments and git's line on standard input. The runs alternate, so
//! that a busy machine is busy for both. Prints the minimum and the median of each, and the ratio.
//!
//! `cargo bench --bench hook`, or `cargo bench --bench hook -- RUNS`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark ends where it cannot go on, and prints its result"
)]

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const COMMITS: usize = 50_000;
const BRANCHES: usize = 100;
const CAN: &str = "gitlab-org/modelops/applied-ml/code-suggestions/ai-assist";
const SEC: &str = "gitlab-org/security/modelops/applied-ml/code-suggestions/ai-assist";

/// The kind of hook that this one takes the place of: a substring of the URL decides, and nothing
/// is known of what is pushed.
const OLDER_HOOK: &str = r#"#!/usr/bin/env bash
set -e
url="$2"
harness=`dirname "$0"`/../security_harness
if [ -e "$harness" ]; then
  if [[ "$url" != *"gitlab-org/security/"* ]]; then
    echo "Pushing to remotes other than gitlab.org/security has been disabled!"
    exit 1
  fi
fi
"#;

fn main() {
    let runs = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(200);
    let root = tempfile::tempdir().expect("a temporary folder");
    let repo = root.path().join("repo");
    let started = Instant::now();
    make_repository(&repo);
    println!("repository: {COMMITS} commits, {} remote branches, made in {:.1?}", 2 * BRANCHES, started.elapsed());
    for commit_graph in [false, true] {
        if commit_graph {
            git(&repo, &["commit-graph", "write", "--reachable"]);
        }
        println!("\n{runs} runs each, {} commit-graph", if commit_graph { "with a" } else { "without a" });
        println!(
            "{:<44} {:>9} {:>9}   {:>9} {:>9}   {:>6} {:>6}",
            "push", "older min", "median", "guard min", "median", "min", "median"
        );
        for case in &CASES {
            measure(&repo, case, runs);
        }
    }
}

/// A push, what the guard answers, and what the older hook would answer.
struct Case {
    name: &'static str,
    url: &'static str,
    branch: &'static str,
    allowed: bool,
    older_allows: bool,
}

const CASES: [Case; 4] = [
    Case {
        name: "to canonical: refused",
        url: "canonical",
        branch: "security-fix",
        allowed: false,
        older_allows: false,
    },
    Case {
        name: "fix to security: allowed",
        url: "security",
        branch: "security-fix",
        allowed: true,
        older_allows: true,
    },
    // The older hook refuses every fork, and reads nothing; these look at 50,000 commits.
    Case {
        name: "feature to a fork: allowed after a look",
        url: "fork",
        branch: "feature",
        allowed: true,
        older_allows: false,
    },
    Case {
        name: "fix to a fork: refused after a look",
        url: "fork",
        branch: "security-fix",
        allowed: false,
        older_allows: false,
    },
];

fn measure(repo: &Path, case: &Case, runs: usize) {
    let url = match case.url {
        "canonical" => format!("git@gitlab.com:{CAN}.git"),
        "security" => format!("git@gitlab.com:{SEC}.git"),
        _ => "https://gitlab.com/me/fork.git".to_owned(),
    };
    let commit = git(repo, &["rev-parse", case.branch]);
    let line = format!("refs/heads/{0} {1} refs/heads/{0} {2}\n", case.branch, commit.trim(), "0".repeat(40));
    let (mut older, mut guard) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        older.push(run(repo, "hooks-older/pre-push", &url, &line, case.older_allows));
        guard.push(run(repo, "hooks/pre-push", &url, &line, case.allowed));
    }
    let (older, guard) = (Times::of(older), Times::of(guard));
    println!(
        "{:<44} {:>6.2} ms {:>6.2} ms   {:>6.2} ms {:>6.2} ms   {:>5.2}x {:>5.2}x",
        case.name,
        older.min,
        older.median,
        guard.min,
        guard.median,
        guard.min / older.min,
        guard.median / older.median
    );
}

struct Times {
    min: f64,
    median: f64,
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        Self { min: ms(times[0]), median: ms(times[times.len() / 2]) }
    }
}

fn run(repo: &Path, hook: &str, url: &str, line: &str, allowed: bool) -> Duration {
    let started = Instant::now();
    let mut child = Command::new(repo.join(".git").join(hook))
        .args(["remote", url])
        .current_dir(repo)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the hook runs");
    // The older hook does not read its input.
    let _ = child.stdin.take().expect("a pipe").write_all(line.as_bytes());
    let status = child.wait().expect("the hook ends");
    let took = started.elapsed();
    assert_eq!(status.success(), allowed, "{hook} {url}: a wrong answer is not worth timing");
    took
}

fn make_repository(repo: &Path) {
    fs::create_dir(repo).expect("a folder");
    git(repo, &["init", "--quiet", "--initial-branch=main"]);
    let mut stream = String::new();
    // Canonical: one long line, with a stable branch every so often that has commits of its own.
    let every = COMMITS / BRANCHES;
    let mut mark = 0;
    let mut commit = |stream: &mut String, branch: &str, from: Option<usize>, number: usize| {
        mark += 1;
        let time = 1_600_000_000 + 60 * mark;
        let message = format!("Change {number}");
        let _ = write!(
            stream,
            "commit refs/remotes/{branch}\nmark :{mark}\nauthor A <a@b> {time} +0000\ncommitter A <a@b> {time} +0000\ndata {}\n{message}\n",
            message.len()
        );
        if let Some(from) = from {
            let _ = writeln!(stream, "from :{from}");
        }
        let content = format!("{number}\n");
        let _ = write!(stream, "M 100644 inline file{}\ndata {}\n{content}\n", number % 500, content.len());
        mark
    };
    let mut tips = vec![];
    let mut last = None;
    for number in 0..(COMMITS - 3 * BRANCHES) {
        last = Some(commit(&mut stream, "origin/main", last, number));
        if number % every == every - 1 {
            tips.extend(last);
        }
    }
    tips.truncate(BRANCHES - 1);
    for (line, tip) in tips.clone().into_iter().enumerate() {
        let branch = format!("origin/stable-{}-{}-ee", line / 12, line % 12);
        let mut from = tip;
        for number in 0..3 {
            from = commit(&mut stream, &branch, Some(from), number);
        }
        // Security has the same lines; every twentieth is ahead by a fix that is not published.
        let same = format!("security/stable-{}-{}-ee", line / 12, line % 12);
        let _ = write!(stream, "reset refs/remotes/{same}\nfrom :{from}\n\n");
        if line % 20 == 0 {
            commit(&mut stream, &same, Some(from), 1);
        }
    }
    let main = last.expect("there are commits");
    commit(&mut stream, "security/main", Some(main), 7);
    stream.push_str("done\n");
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--done"])
        .current_dir(repo)
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    import.stdin.take().expect("a pipe").write_all(stream.as_bytes()).expect("git reads");
    assert!(import.wait().expect("git ends").success());
    git(repo, &["remote", "add", "origin", &format!("git@gitlab.com:{CAN}.git")]);
    git(repo, &["config", "user.name", "A"]);
    git(repo, &["config", "user.email", "a@b"]);
    git(repo, &["pack-refs", "--all"]);
    git(repo, &["reset", "--quiet", "--hard", "origin/main"]);
    let init = Command::new(env!("CARGO_BIN_EXE_git-secfix-init")).args(["--no-fetch", "-C"]).arg(repo).output();
    let init = init.expect("init runs");
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    for (branch, start) in [("feature", "origin/main"), ("security-fix", "security/main")] {
        git(repo, &["switch", "--quiet", "--create", branch, start]);
        for number in 0..5 {
            fs::write(repo.join("work"), format!("{branch} {number}")).expect("a file");
            git(repo, &["add", "work"]);
            git(repo, &["commit", "--quiet", "--message", "Work"]);
        }
    }
    let older = repo.join(".git/hooks-older");
    fs::create_dir(&older).expect("a folder");
    fs::write(repo.join(".git/security_harness"), "").expect("a file");
    fs::write(older.join("pre-push"), OLDER_HOOK).expect("a file");
    fs::set_permissions(older.join("pre-push"), fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn git(repo: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(repo).output().expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
