//! The committed manual pages and completions are those of the definitions.

use std::{collections::BTreeMap, fs, path::Path};

use git_secfix::cli::{completions, manual};

fn committed(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().flatten();
    files.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn pages_are_fresh() {
    let made: BTreeMap<_, _> = manual::pages().unwrap().into_iter().collect();
    let committed = committed("man");
    assert_eq!(made.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (name, text) in made {
        assert!(committed[&name] == text, "man/{name} is old: run `cargo run -- help --write-man man`");
    }
}

#[test]
fn every_page_has_the_table_of_exit_codes() {
    for (name, text) in committed("man") {
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("EXIT STATUS") && text.contains("refused by the guard or a gate"), "{name}");
    }
}

#[test]
fn completions_are_those_that_are_printed() {
    let committed = committed("completions");
    assert_eq!(committed.len(), 3);
    for (shell, file) in [("bash", "git-secfix.bash"), ("zsh", "_git-secfix"), ("fish", "git-secfix.fish")] {
        assert_eq!(completions::script(shell).map(str::as_bytes), Some(&committed[file][..]), "{shell}");
    }
}
