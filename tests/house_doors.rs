//! One door for each matter: where git and other programs are started, where is waited, where words of the server are
//! compared, and who says what is next.

use std::{collections::BTreeSet, fs};

use crate::support::sources::{paths, product, root, said, sources};

/// Whether a text can start git: by the door itself, or by a name for it.
fn starts_git(text: &str) -> bool {
    let is_door = |path: &String| path.starts_with("crate::git::process") || *path == "crate::git";
    paths(text).iter().any(is_door) || text.contains("Git::") || text.contains(".git()")
}

#[test]
fn git_is_started_in_its_layer_alone() {
    for folder in ["commands", "ops", "cli"] {
        for file in sources(&root().join("src").join(folder)) {
            assert!(!starts_git(&product(&file)), "{} starts git", file.display());
        }
    }
    for text in ["use crate::git::process::{Git as G};", "use crate::{git::process, ui::Ui};", "use crate::git as g;"] {
        assert!(starts_git(text), "{text}");
    }
    assert!(!starts_git("use crate::git::{LocalClone, history};"));
    // Programs of others are started in few places, each with its reason.
    let doors = [
        "src/cli/dispatch.rs",
        "src/cli/program.rs",
        "src/cli/suite.rs",
        "src/commands/guard/pre_push.rs",
        "src/git/parent_process.rs",
        "src/git/process.rs",
        "src/git/ssh.rs",
        "src/ops/browser.rs",
        "src/ops/sibling.rs",
    ];
    for folder in ["src/cli", "src/commands", "src/ops", "src/git", "src/gitlab", "src/secrets", "src/config", "src/ui"]
    {
        assert_eq!(said(folder, &["Command::new("], &doors), [""; 0]);
    }
}

#[test]
fn only_commands_answer_and_the_runbook_says_what_is_next() {
    assert_eq!(said("src/ops", &["ui.answer(", "ui.report", "clap"], &[]), [""; 0]);
    assert_eq!(said("src/commands", &["\"next: "], &[]), [""; 0]);
    assert_eq!(said("src/ops", &["\"next: "], &["src/ops/next.rs"]), [""; 0]);
}

/// The words that GitLab uses for states, as far as an enumeration of ours has them.
fn words_of_the_server() -> BTreeSet<String> {
    let lists = sources(&root().join("src/domain")).into_iter().map(|file| product(&file));
    let lists = lists.filter(|text| text.contains("server_words! {")).collect::<String>();
    let list = lists.split("server_words! {").skip(1).filter_map(|list| list.split_once("\n}")).map(|(list, _)| list);
    list.flat_map(|list| list.split('"').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Where a text compares something with such a word.
fn compares<'a>(text: &str, words: &'a BTreeSet<String>) -> Vec<&'a str> {
    let is_compared = |word: &&String| {
        let quoted = format!("\"{word}\"");
        ["== ", "!= "].iter().any(|before| text.contains(&format!("{before}{quoted}")))
            || [" =>", " |"].iter().any(|behind| text.contains(&format!("{quoted}{behind}")))
    };
    words.iter().filter(is_compared).map(String::as_str).collect()
}

#[test]
fn words_of_the_server_are_compared_at_the_boundary_alone() {
    let words = words_of_the_server();
    assert!(words.len() > 30 && words.contains("merged") && words.contains("success"), "{words:?}");
    assert_eq!(compares("if state == \"merged\" {", &words), ["merged"]);
    assert_eq!(compares("match x { \"success\" | \"other\" => 1 }", &words), ["success"]);
    for folder in ["src/cli", "src/commands", "src/ops", "src/git", "src/config", "src/ui", "src/secrets"] {
        for file in sources(&root().join(folder)) {
            assert_eq!(compares(&product(&file), &words), [""; 0], "{}", file.display());
        }
    }
}

#[test]
fn there_is_one_way_to_wait() {
    // For a server, between two requests, and for a program.
    let doors = ["src/ops/backoff.rs", "src/gitlab/client.rs", "src/git/child.rs"];
    for folder in ["src/cli", "src/commands", "src/ops", "src/git", "src/gitlab", "src/secrets", "src/config", "src/ui"]
    {
        assert_eq!(said(folder, &["sleep(", "recv_timeout(Duration"], &doors), [""; 0]);
    }
}

/// The texts of notes and warnings that name a command: that is what a hint is for.
fn commands_in_passing(text: &str) -> Vec<&str> {
    let begins = [".note(", ".warning("].into_iter();
    let said = begins.flat_map(|begin| text.split(begin).skip(1)).filter_map(|rest| rest.split(");").next());
    said.filter(|said| said.contains("git secfix ")).collect()
}

#[test]
fn notes_and_warnings_name_no_command() {
    assert_eq!(commands_in_passing("context.ui.note(\"then: git secfix push\");").len(), 1);
    for folder in ["src/commands", "src/ops"] {
        for file in sources(&root().join(folder)) {
            assert_eq!(commands_in_passing(&product(&file)), [""; 0], "{}", file.display());
        }
    }
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
