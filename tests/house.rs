//! The house itself: which layer may use which, and what the guard's side may not hold.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::skip;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// What each layer may use.
const ARROWS: [(&str, &[&str]); 9] = [
    ("domain", &["domain"]),
    ("git", &["git", "domain"]),
    ("gitlab", &["gitlab", "domain"]),
    ("secrets", &["secrets", "domain"]),
    ("rehearsal", &["rehearsal"]),
    ("config", &["config", "domain"]),
    ("ui", &["ui", "domain"]),
    ("commands", &["commands", "git", "gitlab", "secrets", "config", "ui", "domain"]),
    ("cli", &["cli", "commands", "ui", "domain"]),
];

/// The layers that a file uses, by every path that starts at the crate.
fn used_layers(text: &str) -> Vec<String> {
    let mut used = vec![];
    let mut rest = text;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let group = rest.strip_prefix('{').and_then(|group| group.split_once("};")).map(|(group, _)| group);
        match group {
            None => used.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()),
            Some(group) => {
                let mut depth = 0;
                let mut name = String::new();
                for c in group.chars().chain([',']) {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            let first = name.trim().split("::").next().unwrap_or_default().trim().to_owned();
                            used.extend((!first.is_empty()).then_some(first));
                            name.clear();
                        }
                        c => name.push(c),
                    }
                }
            }
        }
    }
    used
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
    assert_eq!(used_layers(text), ["domain", "ui", "git"]);
    assert_eq!(wrong_arrows("git", &["git", "domain"], text), ["ui"]);
}

#[test]
fn the_domain_touches_nothing() {
    for file in sources(&root().join("src/domain")) {
        let text = fs::read_to_string(&file).unwrap();
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

#[test]
fn guard_side_programs_hold_no_network_code() {
    if !cfg!(target_os = "linux") || which::which("nm").is_err() {
        return skip("the imports of programs, which need nm on Linux");
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_git-secfix")).parent().unwrap();
    for name in ["init", "branch", "backport", "push", "guard", "doctor", "config"] {
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

/// The local GitLab stands for a server, which has a git of its own.
#[test]
fn git_is_started_in_one_place_and_a_shell_nowhere() {
    let started = |program: &str| -> Vec<String> {
        let starts = [format!("Command::new(\"{program}\")"), format!("Command::new({program})")];
        sources(&root().join("src"))
            .into_iter()
            .filter(|file| !file.starts_with(root().join("src/rehearsal")))
            .filter(|file| starts.iter().any(|start| fs::read_to_string(file).unwrap().contains(start)))
            .map(|file| file.strip_prefix(root()).unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(started("git"), ["src/git/process.rs"]);
    for shell in ["sh", "bash", "/bin/sh", "cmd"] {
        assert_eq!(started(shell), Vec::<String>::new(), "{shell}");
    }
}
