//! What it costs to have a fix on three stable branches, beside the same done by `git checkout -B`,
//! `git cherry-pick` and `git checkout`, in one run. No network.
//!
//! Makes a repository of 5,000 files and 50,000 commits with `git fast-import`, with files of 6 kB as in real
//! projects and with small ones, and three of 1,000, 10,000 and 100,000 files, on which the same fix is picked. With
//! the path of a repository and the names of its stable branches, it works on a copy of that one, and also tries the
//! last 50 commits on each of those branches and compares what comes out with `git cherry-pick`: the outcome, the
//! files in conflict, and the tree.
//!
//! All of them are packed anew, as what a server sends is. What `git fast-import` writes has the newest versions at
//! the ends of the longest chains, and reading them, not picking, would be most of what is measured.
//!
//! `cargo bench --bench backport`, or `cargo bench --bench backport -- PATH BRANCH BRANCH BRANCH`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark ends where it cannot go on, and prints its result"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const CAN: &str = "gitlab-org/modelops/applied-ml/code-suggestions/ai-assist";
const LINES: [&str; 3] = ["1-3", "1-2", "1-1"];
/// The last commits of a given repository that are tried.
const TRIED: usize = 50;
/// Lines of a file of 6 kB, and of a small one.
const USUAL: usize = 200;
const SMALL: usize = 40;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let root = tempfile::tempdir().expect("a temporary folder");
    if let Some((path, branches)) = words.split_first() {
        return given(root.path(), Path::new(path), branches);
    }
    println!(
        "{}, {} processors",
        git(root.path(), &["version"]).trim(),
        thread::available_parallelism().map_or(0, usize::from)
    );
    for length in [USUAL, SMALL] {
        let repo = root.path().join("repo");
        make_repository(&repo, 5_000, 50_000, length);
        describe(&repo);
        compare(&repo, "x", 5, 25);
        drop(fs::remove_dir_all(&repo));
    }
    println!("the same fix on three lines in repositories of other sizes");
    for files in [1_000, 10_000, 100_000] {
        let repo = root.path().join(files.to_string());
        make_repository(&repo, files, 400, USUAL);
        let times: Vec<_> = (0..25).map(|_| ours(&repo, "x")).collect();
        let (least, median) = least_and_median(times);
        println!("{files:>8} files: least {least:6.1} ms, median {median:6.1} ms");
        drop(fs::remove_dir_all(&repo));
    }
}

/// What a repository is like, and how busy the machine is.
fn describe(repo: &Path) {
    let sizes: Vec<u64> = git(repo, &["ls-tree", "-r", "-l", "HEAD"])
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3)?.parse().ok())
        .collect();
    let mean = sizes.iter().sum::<u64>() / u64::try_from(sizes.len().max(1)).unwrap_or(1);
    let commits = git(repo, &["rev-list", "--count", "HEAD"]);
    println!("\n{} files of {mean} bytes on average, {} commits", sizes.len(), commits.trim());
    if let Ok(load) = fs::read_to_string("/proc/loadavg") {
        println!("load of the machine: {}", load.trim());
    }
}

/// Both ways in turn, so that a busy machine is busy for both.
fn compare(repo: &Path, fix: &str, slow: usize, quick: usize) {
    let (mut by_hand, mut by_us) = (Vec::new(), Vec::new());
    for _ in 0..slow {
        by_hand.push(theirs(repo, fix));
        let trees = trees(repo, fix);
        for _ in 0..quick / slow {
            by_us.push(ours(repo, fix));
            assert_eq!(trees, self::trees(repo, fix), "a wrong result is not worth timing");
        }
    }
    let (their_least, their_median) = least_and_median(by_hand);
    let (least, median) = least_and_median(by_us);
    println!("three lines                        least        median");
    println!("checkout -B, cherry-pick, checkout {their_least:9.1} ms {their_median:9.1} ms");
    println!("git secfix backport                {least:9.1} ms {median:9.1} ms");
    println!("ratio                              {:9.0} x  {:9.0} x", their_least / least, their_median / median);
}

fn least_and_median(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    (ms(times[0]), ms(times[times.len() / 2]))
}

fn forget(repo: &Path, fix: &str) {
    for line in LINES {
        git(repo, &["update-ref", "-d", &format!("refs/heads/security-{fix}-{line}")]);
    }
}

fn trees(repo: &Path, fix: &str) -> String {
    LINES.map(|line| git(repo, &["rev-parse", &format!("security-{fix}-{line}^{{tree}}")])).concat()
}

fn theirs(repo: &Path, fix: &str) -> Duration {
    forget(repo, fix);
    let branch = format!("security-{fix}");
    let started = Instant::now();
    for line in LINES {
        git(repo, &["checkout", "--quiet", "-B", &format!("{branch}-{line}"), &format!("security/stable-{line}-ee")]);
        git(repo, &["cherry-pick", "-x", &format!("security/main..{branch}")]);
    }
    git(repo, &["checkout", "--quiet", &branch]);
    started.elapsed()
}

fn ours(repo: &Path, fix: &str) -> Duration {
    forget(repo, fix);
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_git-secfix-backport"));
    command.args(["--no-fetch", fix]).args(LINES.map(|line| format!("--to={line}"))).current_dir(repo);
    let output = command.output().expect("the program runs");
    let took = started.elapsed();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    took
}

/// A main line, three stable branches with commits of their own, and the fix `x` of two commits. Each file has so
/// many lines of 30 bytes.
fn make_repository(repo: &Path, files: usize, commits: usize, length: usize) {
    git(repo.parent().expect("a parent"), &["init", "--quiet", "--initial-branch=main", &repo.to_string_lossy()]);
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--done"])
        .current_dir(repo)
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    let mut stream = BufWriter::new(import.stdin.take().expect("a pipe"));
    let path = |file: usize| format!("part{}/module{}/file{file}.py", file % 10, file % 100);
    // The first line is what history changes; the fix changes one in the middle.
    let content = |file: usize, version: usize, middle: &str| {
        let mut text = format!("version = {version}\n");
        for line in 0..length {
            let _ = writeln!(
                text,
                "{}",
                if line == length / 2 { middle.to_owned() } else { format!("value_{line} = compute({file}, {line})") }
            );
        }
        text
    };
    let mut mark = 0;
    let mut commit = |branch: &str, from: Option<usize>, changed: &[(usize, usize, &str)]| {
        mark += 1;
        let who = format!("A <a@b> {} +0000", 1_600_000_000 + 60 * mark);
        let mut text = format!("commit {branch}\nmark :{mark}\nauthor {who}\ncommitter {who}\ndata 7\nChange\n\n");
        if let Some(from) = from {
            let _ = writeln!(text, "from :{from}");
        }
        for (file, version, middle) in changed {
            let content = content(*file, *version, middle);
            let _ = write!(text, "M 100644 inline {}\ndata {}\n{content}\n", path(*file), content.len());
        }
        stream.write_all(text.as_bytes()).expect("git reads");
        mark
    };
    let all: Vec<_> = (0..files).map(|file| (file, 0, "middle = 1")).collect();
    let main = "refs/remotes/security/main";
    let mut last = commit(main, None, &all);
    let mut lines = vec![];
    let mut versions = vec![0; files];
    for number in 1..commits {
        versions[number * 7919 % files] = number;
        last = commit(main, Some(last), &[(number * 7919 % files, number, "middle = 1")]);
        if [commits / 10 * 4, commits / 10 * 6, commits / 10 * 8].contains(&number) {
            lines.push(last);
        }
    }
    for (line, from) in LINES.iter().rev().zip(lines) {
        let branch = format!("refs/remotes/security/stable-{line}-ee");
        let mut last = from;
        for number in 0..3 {
            last = commit(&branch, Some(last), &[(number, commits + number, "middle = 1")]);
        }
    }
    let fix = |file: usize, middle| (file, versions[file], middle);
    let fixed = commit("refs/heads/security-x", Some(last), &[fix(3, "middle = 2"), fix(11, "middle = 2")]);
    commit("refs/heads/security-x", Some(fixed), &[fix(50, "middle = 3")]);
    stream.write_all(b"done\n").and_then(|()| stream.flush()).expect("git reads");
    drop(stream);
    assert!(import.wait().expect("git ends").success());
    git(repo, &["repack", "-adfq"]);
    prepare(repo);
    git(repo, &["checkout", "--quiet", "security-x"]);
}

fn prepare(repo: &Path) {
    for (name, value) in [("user.name", "A"), ("user.email", "a@b"), ("gc.auto", "0")] {
        git(repo, &["config", name, value]);
    }
    git(repo, &["remote", "add", "canonical", &format!("git@gitlab.com:{CAN}.git")]);
    git(repo, &["pack-refs", "--all"]);
    let mut init = Command::new(env!("CARGO_BIN_EXE_git-secfix-init"));
    let output = init.args(["--no-fetch", "-C"]).arg(repo).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The same on a copy of a repository, and its last commits one by one.
fn given(root: &Path, path: &Path, branches: &[String]) {
    assert!(branches.len() == LINES.len(), "name three stable branches");
    let repo = root.join("copy");
    git(root, &["clone", "--quiet", "--shared", &path.to_string_lossy(), &repo.to_string_lossy()]);
    let find =
        |branch: &str| git(&repo, &["rev-parse", "--verify", &format!("origin/{branch}^{{commit}}")]).trim().to_owned();
    for (line, branch) in LINES.iter().zip(branches) {
        git(&repo, &["update-ref", &format!("refs/remotes/security/stable-{line}-ee"), &find(branch)]);
    }
    let list = git(&repo, &["rev-list", "--no-merges", &format!("--max-count={TRIED}"), "HEAD"]);
    let commits: Vec<&str> = list.lines().collect();
    git(&repo, &["update-ref", "refs/remotes/security/main", "HEAD"]);
    prepare(&repo);
    describe(&repo);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut picked_on_all = None;
    let mut predictions = vec![];
    for commit in &commits {
        git(&repo, &["checkout", "--quiet", "--force", "--detach"]);
        forget(&repo, "x");
        git(&repo, &["update-ref", "refs/heads/security-x", commit]);
        let range = format!("--from={commit}~1..{commit}");
        let started = Instant::now();
        let predicted = answer(&repo, &["--predict", &range]);
        predictions.push(started.elapsed());
        let done = answer(&repo, &["--no-fetch", &range]);
        let mut picked = 0;
        for (line, (predicted, done)) in LINES.iter().zip(predicted.iter().zip(&done)) {
            let state = done["state"].as_str().expect("a state");
            picked += usize::from(state == "picked");
            let (expected, what) = by_git(&repo, &format!("security/stable-{line}-ee"), commit);
            let got = match state {
                "picked" => git(&repo, &["rev-parse", &format!("security-x-{line}^{{tree}}")]),
                "conflict" => {
                    let paths = done["commits"][0]["paths"].as_array().expect("paths");
                    sorted(paths.iter().filter_map(|path| path.as_str()))
                }
                _ => String::new(),
            };
            let is_there = state == "contained" && expected != "picked";
            let agrees = is_there || (expected == state && what == got);
            let mut how = match (is_there, agrees) {
                (true, _) => format!("{state} (git: {expected})"),
                (_, true) => state.to_owned(),
                _ => format!("{state}, but git: {expected}, for {commit} on {line}"),
            };
            if predicted["state"] != state {
                let _ = write!(how, ", but predicted: {}, for {commit} on {line}", predicted["state"]);
            }
            *counts.entry(how).or_default() += 1;
        }
        if done.iter().any(|row| row["state"] == "conflict") {
            secfix(&repo, &["--abort"]);
        }
        if picked == LINES.len() {
            picked_on_all = Some(*commit);
        }
    }
    println!(
        "the last {} commits on three lines, as git cherry-pick has them in outcome, tree and files in conflict: {counts:?}",
        commits.len()
    );
    let (least, median) = least_and_median(predictions);
    println!("each prediction for three lines: least {least:.1} ms, median {median:.1} ms");
    if let Some(commit) = picked_on_all {
        git(&repo, &["update-ref", "refs/remotes/security/main", &format!("{commit}~1")]);
        git(&repo, &["checkout", "--quiet", "--force", "-B", "security-x", commit]);
        compare(&repo, "x", 5, 25);
    }
}

fn secfix(repo: &Path, words: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_git-secfix-backport"));
    command.arg("x").args(words).current_dir(repo).output().expect("the program runs").stdout
}

/// What became of each line.
fn answer(repo: &Path, words: &[&str]) -> Vec<serde_json::Value> {
    let lines = LINES.map(|line| format!("--to={line}"));
    let words: Vec<&str> = ["--json"].iter().chain(words).copied().chain(lines.iter().map(String::as_str)).collect();
    let answer: serde_json::Value = serde_json::from_slice(&secfix(repo, &words)).expect("a document");
    answer["lines"].as_array().expect("lines").clone()
}

/// The outcome of `git cherry-pick`, with the tree or the files in conflict.
fn by_git(repo: &Path, onto: &str, commit: &str) -> (&'static str, String) {
    git(repo, &["checkout", "--quiet", "--force", "--detach", onto]);
    git(repo, &["clean", "-fdxq"]);
    let mut pick = Command::new("git");
    let status =
        pick.args(["cherry-pick", "-x", commit]).current_dir(repo).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.expect("git runs").success() {
        return ("picked", git(repo, &["rev-parse", "HEAD^{tree}"]));
    }
    let unmerged = git(repo, &["ls-files", "-u", "-z"]);
    let paths = sorted(unmerged.split('\0').filter_map(|entry| Some(entry.split_once('\t')?.1)));
    drop(Command::new("git").args(["cherry-pick", "--abort"]).current_dir(repo).stderr(Stdio::null()).status());
    (if paths.is_empty() { "empty" } else { "conflict" }, paths)
}

/// Paths, each once. Those that are called after a side are so in more or fewer digits.
fn sorted<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let paths: BTreeSet<&str> = paths.map(|path| path.split('~').next().unwrap_or(path)).collect();
    paths.into_iter().collect::<Vec<_>>().join("\n")
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(dir).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
