//! Completions in the real shells: for `git secfix <TAB>` and for `git-secfix <TAB>`.

use crate::support::{World, skip};

/// The path of a shell; a missing one is reported, and fails in CI.
fn shell(name: &str) -> Option<std::path::PathBuf> {
    let found = which::which(name).ok();
    if found.is_none() {
        skip(&format!("completions in {name}, which is not on this machine"));
    }
    found
}

fn prepared() -> World {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world.secfix(&["branch", "prompt-injection"]).ok();
    world
}

fn script(shell: &str) -> String {
    let name = match shell {
        "bash" => "git-secfix.bash",
        "zsh" => "_git-secfix",
        _ => "git-secfix.fish",
    };
    format!("{}/completions/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Each line, and what must be among its completions.
const LINES: [(&str, &[&str]); 7] = [
    ("secfix ", &["init", "branch", "push", "guard", "auth", "doctor", "config"]),
    ("secfix in", &["init"]),
    ("secfix guard ", &["check", "mode", "pause"]),
    ("secfix auth ", &["login", "status", "logout"]),
    ("secfix branch x --backport ", &["18-4", "18-3", "18-2", "all"]),
    ("secfix push ", &["prompt-injection"]),
    ("secfix init --proto", &["--protocol"]),
];

#[test]
fn bash() {
    let Some(bash) = shell("bash") else { return };
    let world = prepared();
    let git = ["/usr/share/bash-completion/completions/git", "/usr/share/git/completion/git-completion.bash"];
    let git = git.into_iter().find(|path| std::path::Path::new(path).exists());
    if git.is_none() {
        skip("completions of `git secfix` in bash, without those of git itself");
    }
    for (line, expected) in LINES {
        let words: Vec<&str> = line.split(' ').collect();
        let quoted = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let alone = quoted.replacen("'secfix'", "git-secfix", 1);
        let mut runs = vec![(
            format!("COMP_WORDS=({alone}); COMP_CWORD={}; __git_secfix_alone", words.len() - 1),
            line.replacen("secfix", "git-secfix", 1),
        )];
        if let Some(git) = git {
            let run = format!(
                "source {git}; COMP_WORDS=(git {quoted}); COMP_CWORD={}; __git_func_wrap __git_main",
                words.len()
            );
            runs.push((run, format!("git {line}")));
        }
        for (run, line) in runs {
            let text = format!(
                "source '{}'; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9; {run}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
                script("bash")
            );
            let ran = world.run(world.command(&bash, &["--norc", "-c", &text])).ok();
            let found: Vec<&str> = ran.stdout.lines().map(str::trim_end).collect();
            for value in expected {
                assert!(found.contains(value), "`{line}`: no `{value}` in {ran}");
            }
        }
    }
}

#[test]
fn zsh() {
    let Some(zsh) = shell("zsh") else { return };
    let world = prepared();
    world.write("home/driver.zsh", ZSH_DRIVER);
    for (line, expected) in LINES {
        let before = format!("git {line}");
        let alone = format!("git-{line}");
        for line in [before, alone] {
            let driver = world.path("home/driver.zsh");
            let completions = format!("{}/completions", env!("CARGO_MANIFEST_DIR"));
            let ran = world.run(world.command(&zsh, &["-f", &driver.to_string_lossy(), &completions, &line])).ok();
            for value in expected {
                assert!(ran.stdout.contains(value), "`{line}`: no `{value}` in {ran}");
            }
        }
    }
}

/// Types a line and a tab into an interactive zsh, and prints what it shows once it falls silent.
const ZSH_DRIVER: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; LISTMAX=1000; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $HOME/zcompdump; zstyle ':completion:*:*:git:*' user-commands secfix:'security fixes'; setopt no_beep; zstyle ':completion:*' list-prompt ''; bindkey '^I' list-choices; print READY"
until zpty -r shell line && [[ $line == *READY* && $line != *print* ]]; do :; done
zpty -w -n shell "$2"$'\t'
output=; quiet=0
for turn in {1..80}; do
  sleep 0.25
  got=
  while zpty -r -t shell more; do got+=$more; done
  output+=$got
  if [[ -n $got ]]; then quiet=0; else (( quiet += 1 )); fi
  # Something came after the echo of the line, and nothing more for a second.
  if (( quiet >= 4 && ${#output} > ${#2} + 8 )); then break; fi
done
print -r -- "$output"
zpty -d shell
"#;

#[test]
fn fish() {
    let Some(fish) = shell("fish") else { return };
    let world = prepared();
    for (line, expected) in LINES {
        for line in [format!("git {line}"), format!("git-{line}")] {
            // Git's own completions come first, as in an interactive shell.
            let text = format!(
                "complete --do-complete 'git ' >/dev/null; source '{}'; complete --do-complete '{line}'",
                script("fish")
            );
            let ran = world.run(world.command(&fish, &["--no-config", "--command", &text])).ok();
            let found: Vec<&str> = ran.stdout.lines().map(|line| line.split('\t').next().unwrap()).collect();
            for value in expected {
                assert!(found.contains(value), "`{line}`: no `{value}` in {ran}");
            }
        }
    }
}
