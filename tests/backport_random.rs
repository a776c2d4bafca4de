//! Random picks of `git secfix backport` beside the same ones of `git cherry-pick`: outcome, files in
//! conflict, and tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::support::{
    World, each_git,
    sample::{Random, is_full},
    say,
};

/// Fixes for each git, and lines for each fix.
/// Fixes for each git where not all are tried.
const FEW: u64 = 3;
const FIXES: u64 = 16;
const LINES: u64 = 20;

/// The files of a commit: mode and content.
type Files = BTreeMap<String, (&'static str, Vec<u8>)>;

fn beginning(random: &mut Random) -> Files {
    let mut files = Files::new();
    for folder in ["", "src/", "src/deep/", "docs/"] {
        for number in 0..5 {
            let lines: String =
                (0..30).map(|line| format!("{folder}{number} line {line} {}\n", random.below(3))).collect();
            files.insert(format!("{folder}file{number}"), ("100644", lines.into_bytes()));
        }
    }
    files.insert("picture".to_owned(), ("100644", (0..200).map(|_| random.next() as u8).collect()));
    files.insert("link".to_owned(), ("120000", b"docs/file0".to_vec()));
    files
}

/// One thing that people do to files.
fn mutate(files: &mut Files, random: &mut Random) {
    let names: Vec<String> = files.keys().cloned().collect();
    // Every other time one of a few files, so that what one side renames is changed by the other.
    let among = if random.below(2) == 0 { names.len() } else { names.len().min(4) };
    let name = names[random.below(among)].clone();
    let is_text = |content: &[u8]| std::str::from_utf8(content).is_ok();
    match random.below(14) {
        0..=4 => {
            let (mode, content) = files.get_mut(&name).unwrap();
            // What a link leads to is changed by making another one.
            if *mode == "120000" {
                return;
            }
            if !is_text(content) {
                let at = random.below(content.len());
                content[at] ^= 0xff;
                return;
            }
            let mut lines: Vec<String> = String::from_utf8_lossy(content).lines().map(str::to_owned).collect();
            // Near the same places, so that both sides meet.
            let at = [0, 5, 6, 12, 25][random.below(5)].min(lines.len());
            match random.below(4) {
                0 => lines.insert(at, format!("new {}", random.below(3))),
                1 if at < lines.len() => drop(lines.remove(at)),
                2 => lines.push(format!("end {}", random.below(4))),
                _ if at < lines.len() => lines[at] = format!("changed {}", random.below(3)),
                _ => {}
            }
            *content = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        }
        5 | 6 => {
            let (mode, mut content) = files.remove(&name).unwrap();
            // Some are found by their likeness alone.
            if mode != "120000" && is_text(&content) && random.below(3) > 0 {
                content.extend_from_slice(b"renamed\n");
            }
            let folder = ["", "src/", "moved/"][random.below(3)];
            files.insert(format!("{folder}renamed{}", random.below(4)), (mode, content));
        }
        7 => drop(files.remove(&name).filter(|_| names.len() > 8)),
        8 => drop(
            files.insert(format!("src/added{}", random.below(3)), ("100644", vec![b'a' + random.below(2) as u8; 40])),
        ),
        9 => {
            let mode = &mut files.get_mut(&name).unwrap().0;
            *mode = if *mode == "100644" { "100755" } else { "100644" };
        }
        10 => {
            let content = (0..100).map(|_| random.next() as u8).collect();
            files.insert("picture".to_owned(), ("100644", content));
        }
        11 => {
            // A whole folder moves.
            let (from, to) = [("src/deep/", "lib/"), ("docs/", "manual/"), ("src/", "source/")][random.below(3)];
            for name in names.iter().filter(|name| name.starts_with(from)) {
                let file = files.remove(name).unwrap();
                files.insert(name.replacen(from, to, 1), file);
            }
        }
        12 => drop(files.insert("link".to_owned(), ("120000", format!("docs/file{}", random.below(3)).into_bytes()))),
        _ => drop(
            files.insert(format!("docs/new{}/file", random.below(2)), ("100644", b"x\n".repeat(1 + random.below(3)))),
        ),
    }
}

fn commit(stream: &mut Vec<u8>, mark: u64, reference: &str, from: Option<u64>, files: &Files) {
    let mut head =
        format!("commit {reference}\nmark :{mark}\nauthor A <a@b> {mark} +0000\ncommitter A <a@b> {mark} +0000\n");
    let message = format!("Change {mark}");
    let _ = writeln!(head, "data {}\n{message}", message.len());
    if let Some(from) = from {
        let _ = writeln!(head, "from :{from}");
    }
    stream.extend_from_slice(head.as_bytes());
    stream.extend_from_slice(b"deleteall\n");
    for (name, (mode, content)) in files {
        stream.extend_from_slice(format!("M {mode} inline {name}\ndata {}\n", content.len()).as_bytes());
        stream.extend_from_slice(content);
        stream.push(b'\n');
    }
    stream.push(b'\n');
}

/// Makes `security/main`, a fix `rN` of one commit for each number, and stable branches of its own for each.
fn make(world: &World, random: &mut Random) {
    let mut stream = Vec::new();
    let base = beginning(random);
    let mut mark = 1;
    commit(&mut stream, mark, "refs/remotes/security/main", None, &base);
    let mut next = || {
        mark += 1;
        mark
    };
    for fix in 0..if is_full() { FIXES } else { FEW } {
        let mut fixed = base.clone();
        for _ in 0..=random.below(4) {
            mutate(&mut fixed, random);
        }
        commit(&mut stream, next(), &format!("refs/heads/security-r{fix}"), Some(1), &fixed);
        for line in 0..LINES {
            let mut files = if random.below(10) == 0 { fixed.clone() } else { base.clone() };
            for _ in 0..random.below(7) {
                mutate(&mut files, random);
            }
            commit(&mut stream, next(), &format!("refs/remotes/security/stable-{fix}-{line}-ee"), Some(1), &files);
        }
    }
    stream.extend_from_slice(b"done\n");
    world.run_with_input(world.command("git", &["fast-import", "--quiet", "--done", "--force"]), &stream).ok();
}

/// What `git cherry-pick` makes of it: an outcome, the files in conflict, the tree.
fn by_git(world: &World, fix: u64, line: u64) -> (&'static str, Vec<String>, String) {
    let tree = world.path("beside");
    let base = format!("security/stable-{fix}-{line}-ee");
    world.git_in(&tree, &["reset", "--quiet", "--hard", &base]).ok();
    world.git_in(&tree, &["clean", "-fdxq"]).ok();
    let ran = world.git_in(&tree, &["cherry-pick", "-x", &format!("security-r{fix}")]);
    if ran.code == 0 {
        return ("picked", vec![], world.git_in(&tree, &["rev-parse", "HEAD^{tree}"]).ok().line());
    }
    let unmerged = world.git_in(&tree, &["ls-files", "-u", "-z"]).ok().stdout;
    let mut paths: Vec<String> =
        unmerged.split('\0').filter_map(|entry| entry.split_once('\t')).map(|(_, path)| path.to_owned()).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() { ("empty", paths, String::new()) } else { ("conflict", paths, String::new()) }
}

/// A file called after the picked commit has as many digits of its name as git finds enough.
fn side_alone(path: &str) -> String {
    match path.split_once('~') {
        Some((path, side)) if side != "HEAD" && side.contains(" (Change ") => format!("{path}~theirs"),
        _ => path.to_owned(),
    }
}

#[test]
fn picks_are_those_of_git() {
    let seed = match std::env::var("SECFIX_TEST_SEED") {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => u64::from(std::process::id()) ^ std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
    };
    each_git(|world| {
        world.secfix(&["init"]).ok();
        let mut random = Random(seed);
        make(world, &mut random);
        world.git(&["worktree", "add", "--quiet", "--detach", "../beside", "security/main"]).ok();
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for fix in 0..if is_full() { FIXES } else { FEW } {
            let name = format!("r{fix}");
            let lines: Vec<String> = (0..LINES).map(|line| format!("--to={fix}.{line}")).collect();
            let mut words = vec!["backport", &name, "--no-fetch", "--json"];
            words.extend(lines.iter().map(String::as_str));
            let predicted = world.secfix(&[&words[..], &["--predict"]].concat());
            let predicted: serde_json::Value = serde_json::from_str(&predicted.stdout)
                .unwrap_or_else(|error| panic!("{error} {predicted} seed {seed}"));
            let mut clean = vec!["backport", &name, "--no-fetch"];
            let mut expected = vec![];
            // The newest line comes first.
            for (row, line) in predicted["lines"].as_array().unwrap().iter().zip((0..LINES).rev()) {
                assert_eq!(row["line"], format!("{fix}.{line}"));
                let state = row["state"].as_str().unwrap();
                let (outcome, paths, tree) = by_git(world, fix, line);
                let at = format!("fix {fix}, line {line}, seed {seed}: {row}, git: {outcome} {paths:?}");
                match state {
                    // That it is there in another commit is more than git tells.
                    "contained" => assert_ne!(outcome, "picked", "{at}"),
                    _ => assert_eq!(state, outcome, "{at}"),
                }
                if state == "conflict" {
                    let ours = row["commits"][0]["paths"].as_array().unwrap().iter();
                    let ours: BTreeSet<_> = ours.map(|path| side_alone(path.as_str().unwrap())).collect();
                    assert_eq!(ours, paths.iter().map(|path| side_alone(path)).collect(), "{at}");
                }
                if state == "picked" {
                    clean.push(&lines[usize::try_from(line).unwrap()]);
                    expected.push((format!("security-r{fix}-{fix}-{line}^{{tree}}"), tree, at));
                }
                *counts.entry(outcome).or_default() += 1;
            }
            if expected.is_empty() {
                continue;
            }
            world.secfix(&clean).ok();
            let names: Vec<&str> = expected.iter().map(|(name, _, _)| name.as_str()).collect();
            let trees = world.git(&[&["rev-parse"], &names[..]].concat()).ok().stdout;
            for (got, (_, tree, at)) in trees.lines().zip(&expected) {
                assert_eq!(got, tree, "{at}");
            }
        }
        let all: u32 = counts.values().sum();
        say(&format!("counted: {all} random picks as by git cherry-pick, seed {seed}: {counts:?}"));
        let enough = if is_full() { 300 } else { 50 };
        assert!(all >= enough && counts.len() >= 2, "{counts:?}");
    });
}
