//! The house itself: which layer may use which, and what the guard's side may not hold.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{
    skip,
    sources::{expand, paths, product, root, sources},
};

/// What each layer may use.
const ARROWS: [(&str, &[&str]); 10] = [
    ("domain", &["domain"]),
    ("git", &["git", "domain"]),
    ("gitlab", &["gitlab", "domain"]),
    ("secrets", &["secrets", "domain"]),
    ("rehearsal", &["rehearsal"]),
    ("config", &["config", "domain"]),
    ("ui", &["ui", "domain"]),
    ("ops", &["ops", "git", "gitlab", "secrets", "config", "ui", "domain"]),
    ("commands", &["commands", "ops", "git", "gitlab", "secrets", "config", "ui", "domain"]),
    ("cli", &["cli", "commands", "ops", "ui", "domain"]),
];

/// The layers that a text uses, by every path that starts at the crate.
fn used_layers(text: &str) -> Vec<String> {
    let layer = |path: &String| Some(path.strip_prefix("crate::")?.split("::").next()?.to_owned());
    paths(text).iter().filter_map(layer).collect()
}

fn wrong_arrows(layer: &str, allowed: &[&str], text: &str) -> Vec<String> {
    used_layers(text).into_iter().filter(|used| !allowed.contains(&used.as_str()) && layer != used).collect()
}

#[test]
fn arrows_point_one_way() {
    for (layer, allowed) in ARROWS {
        for file in sources(&root().join("src").join(layer)) {
            let wrong = wrong_arrows(layer, allowed, &fs::read_to_string(&file).unwrap());
            assert!(wrong.is_empty(), "{}: {layer} must not use {wrong:?}", file.display());
        }
    }
}

#[test]
fn the_check_of_arrows_can_fail() {
    let text = "use crate::{\n    domain::{exit::Exit, fix},\n    ui::Ui,\n};\nfn x() { crate::git::y() }";
    assert_eq!(paths(text), ["crate::domain::exit::Exit", "crate::domain::fix", "crate::ui::Ui", "crate::git::y"],);
    assert_eq!(used_layers(text), ["domain", "domain", "ui", "git"]);
    assert_eq!(wrong_arrows("git", &["git", "domain"], text), ["ui"]);
}

/// A file's name as a path of modules: `crate::git::push`.
fn module(file: &Path) -> String {
    let below = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let parts: Vec<&str> = below.iter().map(|part| part.to_str().unwrap()).filter(|part| *part != "mod").collect();
    ["crate"].iter().chain(&parts).copied().collect::<Vec<_>>().join("::")
}

/// The path from the crate on, where `here` is the module that says it.
fn absolute(path: &str, here: &str) -> String {
    let mut base: Vec<&str> = here.split("::").collect();
    let mut rest = path;
    if let Some(below) = path.strip_prefix("self::") {
        rest = below;
    } else if path.starts_with("crate::") {
        return path.to_owned();
    }
    while let Some(above) = rest.strip_prefix("super::") {
        base.pop();
        rest = above;
    }
    format!("{}::{rest}", base.join("::"))
}

/// Which files of a layer use which others, by the modules that they are. What a folder's `mod.rs` only passes on is its
/// that has it; a `mod.rs` and the files of its folder are one room.
fn uses(layer: &str) -> Vec<(String, Vec<String>)> {
    let files = sources(&root().join("src").join(layer));
    let modules: Vec<String> = files.iter().map(|file| module(file)).collect();
    let passed_on: Vec<(String, String)> = files
        .iter()
        .zip(&modules)
        .filter(|(file, _)| file.ends_with("mod.rs"))
        .flat_map(|(file, here)| {
            let text = product(file);
            let statements = text.split(';').filter_map(|part| Some(part.split_once(" use ")?.1.to_owned()));
            let given: Vec<(String, String)> = statements
                .flat_map(|tree| {
                    let mut found = vec![];
                    expand(&tree, String::new(), &mut found);
                    found
                })
                .filter_map(|path| Some((format!("{here}::{}", path.rsplit("::").next()?), path)))
                .map(|(name, path)| (name, format!("{here}::{}", path.trim_start_matches("self::"))))
                .collect();
            given
        })
        .collect();
    let home = |path: &str| {
        let path = passed_on.iter().find(|(name, _)| path == name || path.starts_with(&format!("{name}::")));
        path.map(|(_, home)| home.clone())
    };
    let used = |file: &PathBuf, here: &String| {
        let mut used: Vec<String> = paths(&product(file))
            .iter()
            .map(|path| absolute(path, here))
            .map(|path| home(&path).unwrap_or(path))
            .filter_map(|path| {
                let inside = modules.iter().filter(|known| path == **known || path.starts_with(&format!("{known}::")));
                inside.max_by_key(|known| known.len()).cloned()
            })
            .filter(|other| !is_one_room(other, here))
            .collect();
        used.sort();
        used.dedup();
        used
    };
    files.iter().zip(&modules).map(|(file, here)| (here.clone(), used(file, here))).collect()
}

/// Whether one of the two is the folder of the other, or the same.
fn is_one_room(one: &str, other: &str) -> bool {
    one == other || one.starts_with(&format!("{other}::")) || other.starts_with(&format!("{one}::"))
}

/// A way from a file back to itself.
fn circle(uses: &[(String, Vec<String>)]) -> Option<Vec<String>> {
    fn walk(uses: &[(String, Vec<String>)], way: &mut Vec<String>, done: &mut Vec<String>) -> bool {
        let here = way.last().unwrap().clone();
        let next = uses.iter().find(|(name, _)| *name == here).map_or(&[][..], |(_, used)| used);
        for other in next {
            if way.contains(other) {
                way.push(other.clone());
                return true;
            }
            if done.contains(other) {
                continue;
            }
            way.push(other.clone());
            if walk(uses, way, done) {
                return true;
            }
            done.extend(way.pop());
        }
        false
    }
    let mut done = vec![];
    uses.iter().find_map(|(start, _)| {
        let mut way = vec![start.clone()];
        let found = !done.contains(start) && walk(uses, &mut way, &mut done);
        done.push(start.clone());
        found.then_some(way)
    })
}

#[test]
fn no_file_leads_back_to_itself() {
    let circles: Vec<String> =
        ARROWS.iter().filter_map(|(layer, _)| circle(&uses(layer))).map(|way| way.join(" -> ")).collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
    let known: usize =
        ARROWS.iter().map(|(layer, _)| uses(layer).iter().map(|(_, used)| used.len()).sum::<usize>()).sum();
    assert!(known > 300, "only {known} arrows inside of layers are seen");
}

#[test]
fn the_check_of_circles_can_fail() {
    let uses = |pairs: &[(&str, &str)]| -> Vec<(String, Vec<String>)> {
        pairs.iter().map(|(from, to)| ((*from).to_owned(), vec![(*to).to_owned()])).collect()
    };
    assert_eq!(circle(&uses(&[("a", "b"), ("b", "c"), ("c", "d")])), None);
    assert_eq!(circle(&uses(&[("a", "b"), ("b", "c"), ("c", "b")])).unwrap(), ["a", "b", "c", "b"]);
    assert_eq!(absolute("super::super::x::y", "crate::a::b::c"), "crate::a::x::y");
}

/// Which other commands a file of the commands uses. What commands share is an operation, or a command and its options
/// as such.
fn other_commands(text: &str, here: &str) -> Vec<String> {
    const SHARED: [&str; 3] = ["program", "wait_options", "Program"];
    let below = |path: &str| {
        let rest = path.strip_prefix("crate::commands")?;
        Some(rest.trim_start_matches("::").split("::").next().unwrap_or_default().to_owned())
    };
    let own = below(here).unwrap();
    // The folder itself, under another name, would lead to every command.
    let is_other = |name: &String| *name != own && !SHARED.contains(&name.as_str());
    paths(text).iter().filter_map(|path| below(&absolute(path, here))).filter(is_other).collect()
}

#[test]
fn no_command_uses_another() {
    let commands = root().join("src/commands");
    for file in sources(&commands).into_iter().filter(|file| *file != commands.join("mod.rs")) {
        let others = other_commands(&product(&file), &module(&file));
        assert!(others.is_empty(), "{} uses {others:?}", file.display());
    }
    let here = "crate::commands::tag::plan";
    for text in
        ["use super::super::mr::x;", "use crate::commands::{mr::x, program::y};", "fn f() { crate::commands::mr::x() }"]
    {
        assert_eq!(other_commands(text, here), ["mr"], "{text}");
    }
    assert_eq!(other_commands("use crate::commands as all;", here), [""]);
    assert_eq!(other_commands("use super::survey::Line; use crate::commands::wait_options::W;", here), [""; 0]);
}

#[test]
fn every_path_in_the_guide_for_contributors_exists() {
    let guide = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let tops = ["src/", "tests/", "benches/", "examples/", "man/", ".ci/", ".cargo/", "docs/"];
    let named: Vec<&str> = guide
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| tops.iter().any(|top| word.starts_with(top)) && !word.contains("NAME"))
        .collect();
    assert!(named.len() > 20, "only {} paths are named", named.len());
    for path in named {
        assert!(root().join(path).exists(), "CONTRIBUTING.md names `{path}`, which is not there");
    }
}

#[test]
fn every_test_file_is_in_the_suite() {
    let suite = fs::read_to_string(root().join("tests/suite.rs")).unwrap();
    let support = fs::read_to_string(root().join("tests/support/mod.rs")).unwrap();
    for (folder, list) in [("tests", suite), ("tests/support", support)] {
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(module) = name.strip_suffix(".rs").filter(|name| !["suite", "mod"].contains(name)) else {
                continue;
            };
            let declared = [format!("mod {module};"), format!("pub(crate) mod {module};")];
            assert!(list.lines().any(|line| declared.iter().any(|one| line == one)), "{folder}/{name} is in no suite");
        }
    }
}

/// Files of a subject each.
const LONGEST: usize = 500;

#[test]
fn no_file_is_too_long() {
    for file in ["src", "tests", "benches"].iter().flat_map(|folder| sources(&root().join(folder))) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines: has it one subject?", file.display());
    }
}

#[test]
fn the_domain_touches_nothing() {
    for file in sources(&root().join("src/domain")) {
        let text = fs::read_to_string(&file).unwrap();
        // `core::time` has durations, and no clock.
        for door in ["std::fs", "std::env", "std::process", "std::io", "std::time", "Timestamp::now", "println!", "gix"]
        {
            assert!(!text.contains(door), "{} uses {door}", file.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in ["src", "tests", "benches"].iter().flat_map(|folder| sources(&root().join(folder))) {
        assert!(fs::read_to_string(&file).unwrap().starts_with("//! "), "{}", file.display());
    }
}

#[test]
fn programs_are_thin() {
    for file in sources(&root().join("src/bin")) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 6, "{} has {lines} lines", file.display());
    }
}

/// Functions of the C library that every network connection by name or address begins with.
const NETWORK: [&str; 2] = ["getaddrinfo", "connect"];

/// What a program takes from the C library, as the dynamic linker will look it up.
fn imports(program: &Path) -> Option<Vec<String>> {
    let output = Command::new("nm").args(["-D", "--undefined-only"]).arg(program).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(
        text.lines()
            .filter_map(|line| line.split_whitespace().last())
            .map(|name| name.split('@').next().unwrap_or(name).to_owned())
            .collect(),
    )
}

/// The programs that are built without the network: all that do not ask for the feature.
fn offline_programs() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let online: Vec<&str> = manifest
        .split("[[bin]]")
        .skip(1)
        .map(|entry| entry.split("\n[").next().unwrap_or_default())
        .filter(|entry| entry.contains("required-features = [\"network\"]"))
        .filter_map(|entry| entry.split('"').nth(1))
        .collect();
    let all = sources(&root().join("src/bin"));
    let names = all.iter().filter_map(|file| file.file_stem()?.to_str().map(str::to_owned));
    names
        .filter(|name| !online.contains(&name.as_str()))
        .filter_map(|name| name.strip_prefix("git-secfix-").map(str::to_owned))
        .collect()
}

#[test]
fn guard_side_programs_hold_no_network_code() {
    if !cfg!(target_os = "linux") || which::which("nm").is_err() {
        return skip("the imports of programs, which need nm on Linux");
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_git-secfix")).parent().unwrap();
    let offline = offline_programs();
    assert!(offline.contains(&"guard".to_owned()) && !offline.contains(&"mr".to_owned()), "{offline:?}");
    for name in offline {
        let imports = imports(&programs.join(format!("git-secfix-{name}"))).unwrap();
        assert!(imports.iter().any(|import| import == "write"), "{name}: the imports cannot be read");
        for function in NETWORK {
            assert!(!imports.contains(&function.to_owned()), "git-secfix-{name} can {function}");
        }
    }
    // The check can fail: this program, which serves and is a client of HTTP, holds what it looks for.
    let own = imports(&std::env::current_exe().unwrap()).unwrap();
    assert!(std::net::TcpStream::connect("127.0.0.1:9").is_err() || own.contains(&"connect".to_owned()));
    assert!(own.contains(&"connect".to_owned()), "the check would find nothing");
}

/// Crates that speak HTTP, TLS, D-Bus or a keyring.
const NETWORK_CRATES: [&str; 10] =
    ["reqwest", "hyper", "rustls", "native-tls", "openssl", "curl", "tokio", "keyring", "zbus", "ureq"];

fn network_crates(tree: &str) -> Vec<&str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| NETWORK_CRATES.contains(name))
        .collect()
}

#[test]
fn without_the_network_feature_no_dependency_speaks_to_a_network() {
    let tree = |features: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--edges", "normal", "--prefix", "none", "--locked", "--offline"])
            .args(features)
            .current_dir(root())
            .output()
            .unwrap();
        let tree = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(tree.contains("gix "), "cargo tree said nothing: {}", String::from_utf8_lossy(&output.stderr));
        tree
    };
    assert_eq!(network_crates(&tree(&["--no-default-features"])), [""; 0]);
    assert!(network_crates(&tree(&[])).contains(&"reqwest"), "the check can fail");
}
