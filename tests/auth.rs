//! `git secfix auth` against a real Secret Service and the local GitLab, and against all that may be
//! wrong with a keyring.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::net::UnixListener,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use git_secfix::rehearsal::{Options, Server, State, TokenSpec};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::support::{Ran, World, keyring::Session, skip, terminal};

const FULL: &str = "glpat-full-0123456789abcdef";
const READ_ONLY: &str = "glpat-read-0123456789abcdef";
const GIT_ONLY: &str = "glpat-git-00123456789abcdef";
const SOON: &str = "glpat-soon-0123456789abcdef";
const LATER: &str = "glpat-later-123456789abcdef";
const DEAD: &str = "glpat-dead-0123456789abcdef";
const REVOKED: &str = "glpat-gone-0123456789abcdef";
const TOKENS: [&str; 7] = [FULL, READ_ONLY, GIT_ONLY, SOON, LATER, DEAD, REVOKED];

/// Tokens end at midnight UTC.
fn in_days(days: i32) -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_add(days.days())
}

fn gitlab(world: &World) -> Server {
    let mut state = State::default();
    let user = state.add_user("alex", "Alex \u{1b}[2J Example");
    let expiring = |days| TokenSpec { expires_at: Some(in_days(days).to_string()), ..TokenSpec::of(user) };
    state.add_token(FULL, TokenSpec::of(user));
    state.add_token(READ_ONLY, TokenSpec { scopes: vec!["read_api"], ..TokenSpec::of(user) });
    state.add_token(GIT_ONLY, TokenSpec { scopes: vec!["write_repository"], ..TokenSpec::of(user) });
    state.add_token(SOON, expiring(6));
    state.add_token(LATER, expiring(30));
    state.add_token(DEAD, expiring(0));
    state.add_token(REVOKED, TokenSpec { revoked: true, ..TokenSpec::of(user) });
    let server = Server::start(Options::at(world.path("srv")), state).unwrap();
    world.set("SECFIX_GITLAB_URL", &server.url());
    server
}

/// A token on standard input; whatever comes of it, no token is in what is said.
fn login(world: &World, token: &str, options: &[&str]) -> Ran {
    let command = world.command("git", &[&["secfix", "auth", "login", "--stdin", "-v"], options].concat());
    silent(world.run_with_input(command, format!("{token}\n").as_bytes()))
}

fn auth(world: &World, arguments: &[&str]) -> Ran {
    silent(world.secfix(&[&["auth"], arguments].concat()))
}

fn auth_with(world: &World, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = world.command("git", &[&["secfix", "auth", "-v"], arguments].concat());
    command.envs(variables.iter().copied());
    silent(world.run(command))
}

#[track_caller]
fn silent(ran: Ran) -> Ran {
    TOKENS.iter().fold(ran, |ran, token| ran.never_says(token))
}

/// No file below the folder holds any of the tokens.
#[track_caller]
fn assert_no_token_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            assert_no_token_below(&entry.path());
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            for token in TOKENS {
                let is_in = bytes.windows(token.len()).any(|window| window == token.as_bytes());
                assert!(!is_in, "a token is in {}", entry.path().display());
            }
        }
    }
}

#[test]
fn a_token_is_checked_kept_used_and_removed() {
    let world = World::new();
    let server = gitlab(&world);
    let Some(mut session) = Session::start(&world) else { return };
    session.unlock();
    auth(&world, &["status"]).ends(4).warns("there is no token for 127.0.0.1").warns("hint: git secfix auth login\n");
    login(&world, LATER, &[])
        .ok()
        .says("token from  Secret Service")
        .says("user        @alex (Alex ?[2J Example)")
        .says("scopes      api")
        .says(&format!("expires     in 30 days ({})", in_days(30)))
        .never_says("warning:");
    assert!(world.exists("home/.local/share/keyrings/login.keyring"), "nothing was kept");
    assert_no_token_below(world.root());
    server.clear_log();
    auth(&world, &["status"]).ok().says("token from  Secret Service").says("@alex");
    assert_eq!(server.log().len(), 2);
    assert!(server.log().iter().all(|request| request.token.as_deref() == Some("alex")));
    // Another one takes its place.
    login(&world, SOON, &[]).ok().warns(&format!("the token expires in 6 days ({})", in_days(6)));
    auth(&world, &["status", "-v"]).ok().warns("warning: the token expires in 6 days").warns("GET user: ok");
    let answer: serde_json::Value = serde_json::from_str(&auth(&world, &["status", "--json"]).ok().stdout).unwrap();
    assert_eq!(answer["schema"], 1);
    assert_eq!(answer["source"]["name"], "Secret Service");
    assert_eq!(answer["user"]["username"], "alex");
    assert_eq!(answer["token"]["scopes"][0], "api");
    assert_eq!(answer["token"]["days_left"], 6);
    assert_eq!(answer["rights"], "full");
    auth(&world, &["logout"])
        .ok()
        .says("is no longer in the Secret Service")
        .warns("stays valid until it is revoked: http://127.0.0.1")
        .warns("/-/user_settings/personal_access_tokens");
    auth(&world, &["logout"]).ok().says("there was no token for 127.0.0.1").never_says("revoked");
    auth(&world, &["status"]).ends(4);
}

#[test]
fn what_a_token_may_not_do_is_said_exactly() {
    let world = World::new();
    let _server = gitlab(&world);
    let Some(mut session) = Session::start(&world) else { return };
    session.unlock();
    login(&world, READ_ONLY, &[]).ok().warns("no merge request can be opened, changed or merged");
    auth(&world, &["status"]).ok().says("read_api").warns("`read_api` and not `api`");
    // A bad token does not take the place of the one that is kept.
    for (token, why) in [
        (GIT_ONLY, "it has the scopes `write_repository`, and `api` is needed"),
        (DEAD, "does not accept this token: it has expired"),
        (REVOKED, "does not accept this token: it was revoked"),
        ("glpat-unknown", "does not accept this token: it is mistyped"),
        ("two words", "the token holds white space in its middle"),
        ("", "the token is empty"),
        ("é", "the token holds characters that no token has"),
    ] {
        login(&world, token, &[]).ends(4).warns(why).warns("hint: git secfix auth login --web");
    }
    auth(&world, &["status"]).ok().says("read_api");
}

#[test]
fn the_environment_comes_first_and_says_so() {
    let world = World::new();
    let server = gitlab(&world);
    let Some(mut session) = Session::start(&world) else { return };
    session.unlock();
    login(&world, LATER, &[]).ok();
    auth_with(&world, &[("GITLAB_TOKEN", SOON)], &["status"])
        .ok()
        .says("token from  environment GITLAB_TOKEN, which wins over the Secret Service")
        .says("in 6 days");
    auth_with(&world, &[("GITLAB_TOKEN", SOON), ("SECFIX_TOKEN", READ_ONLY)], &["status"])
        .ok()
        .says("environment SECFIX_TOKEN")
        .says("read_api");
    auth_with(&world, &[("GITLAB_TOKEN", " "), ("SECFIX_TOKEN", "")], &["status"]).ok().says("from  Secret Service");
    auth_with(&world, &[("GITLAB_TOKEN", SOON), ("SECFIX_TOKEN", "two words")], &["status"])
        .ends(4)
        .warns("the environment variable `SECFIX_TOKEN` holds white space")
        .warns("hint: unset SECFIX_TOKEN")
        .never_says("two words");
    auth_with(&world, &[("GITLAB_TOKEN", DEAD)], &["status"]).ends(4).says("environment GITLAB_TOKEN").warns("expired");
    auth_with(&world, &[("GITLAB_TOKEN", SOON)], &["logout"])
        .ok()
        .warns("`GITLAB_TOKEN` is set, and its token is still used");
    let mut command = world.command("git", &["secfix", "auth", "login", "--stdin"]);
    command.env("SECFIX_TOKEN", SOON);
    silent(world.run_with_input(command, FULL.as_bytes())).ok().warns("`SECFIX_TOKEN` is set, and wins over the token");
    // It was made for the instance of the settings, and is shown to no other.
    let other = gitlab(&world);
    server.clear_log();
    world.set("SECFIX_GITLAB_URL", &server.url());
    auth_with(&world, &[("SECFIX_TOKEN", SOON)], &["status", "--host", &other.url()])
        .ends(4)
        .warns("`SECFIX_TOKEN` is for the instance of the settings")
        .warns(&format!("hint: git secfix auth login --host {}", other.url()));
    assert_eq!(other.log().len() + server.log().len(), 0);
    login(&world, LATER, &["--host", &other.url()]).ok();
    auth(&world, &["status", "--host", &other.url()]).ok().says(&other.url()).says("in 30 days");
}

#[test]
fn a_network_that_fails_does_not_hide_where_the_token_comes_from() {
    let world = World::new();
    world.set("SECFIX_GITLAB_URL", "http://127.0.0.1:1");
    auth_with(&world, &[("GITLAB_TOKEN", FULL)], &["status"])
        .ends(5)
        .says("environment GITLAB_TOKEN")
        .warns("cannot reach http://127.0.0.1:1");
    let Some(mut session) = Session::start(&world) else { return };
    session.unlock();
    login(&world, FULL, &[]).ends(5).warns("cannot reach");
    auth(&world, &["status"]).ends(4);
}

/// Runs everything that uses the keyring, and expects the same message each time, in time.
fn no_keyring(world: &World, reasons: &[&str]) {
    thread::scope(|scope| {
        for arguments in [&["login", "--stdin"][..], &["status"], &["logout"]] {
            scope.spawn(move || {
                let command = world.command("git", &[&["secfix", "auth"], arguments].concat());
                let begin = Instant::now();
                let ran = silent(world.run_with_input(command, FULL.as_bytes()));
                let took = begin.elapsed();
                println!("{arguments:?}: {took:?}");
                assert!(took < Duration::from_secs(3), "{took:?}: {ran}");
                let ran = ran.ends(4).warns("the Secret Service, where tokens are kept, cannot be used: ");
                let ran = reasons.iter().fold(ran, |ran, reason| ran.warns(reason));
                ran.warns("hint: ").warns("without a keyring, for this shell alone: read -rs SECFIX_TOKEN");
            });
        }
    });
    assert_no_token_below(world.root());
    // The way out that each of them names.
    auth_with(world, &[("SECFIX_TOKEN", FULL)], &["status"]).ok().says("environment SECFIX_TOKEN");
}

#[test]
fn without_a_session_the_reason_comes_at_once() {
    if cfg!(target_os = "macos") {
        return skip("what a missing Secret Service looks like, on Linux alone");
    }
    let world = World::new();
    let _server = gitlab(&world);
    world.set("XDG_RUNTIME_DIR", &world.path("none").to_string_lossy());
    no_keyring(
        &world,
        &["no D-Bus session can be reached (`DBUS_SESSION_BUS_ADDRESS` is not set)", "dbus-run-session"],
    );
    world.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    world.set("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    no_keyring(&world, &["`unix:path=/nowhere/bus`: there is no such socket", "usual in an ssh session"]);
    world.set("WSL_DISTRO_NAME", "Debian");
    no_keyring(&world, &["WSL starts none by itself"]);
}

#[test]
fn a_store_that_never_answers_is_given_up_in_time() {
    if cfg!(target_os = "macos") {
        return skip("what a silent Secret Service looks like, on Linux alone");
    }
    let world = World::new();
    let _server = gitlab(&world);
    let socket = world.path("bus");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        let mut kept = vec![];
        while let Ok((stream, _)) = listener.accept() {
            kept.push(stream);
        }
    });
    world.set("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", socket.display()));
    no_keyring(&world, &["it did not answer within 2.5 seconds", "unlock it in the desktop session"]);
}

#[test]
fn a_session_without_a_store_and_a_locked_store_are_told_apart() {
    let world = World::new();
    let _server = gitlab(&world);
    let Some(mut session) = Session::start(&world) else { return };
    no_keyring(&world, &["no program of this D-Bus session provides it", "gnome-keyring-daemon --start"]);
    session.lock();
    // It was never used: there is nothing to read, and no place to keep anything in.
    auth(&world, &["status"]).ends(4).warns("there is no token");
    login(&world, FULL, &[]).ends(4).warns("it has no default keyring").warns("the token is good, and was not kept");
    session.unlock();
    login(&world, FULL, &[]).ok();
    session.lock();
    no_keyring(
        &world,
        &["it is locked, and nobody can be asked for its password here", "gnome-keyring-daemon --replace --unlock"],
    );
    world.set("DISPLAY", ":99");
    no_keyring(&world, &["the question for its password was dismissed", "run it again, and answer the question"]);
    session.unlock();
    auth(&world, &["status"]).ok().says("Secret Service");
}

#[test]
fn a_token_is_taken_from_nowhere_else() {
    let world = World::new();
    let server = gitlab(&world);
    auth(&world, &["login"])
        .ends(2)
        .warns("no terminal to ask for the token on")
        .warns("hint: git secfix auth login --stdin");
    for arguments in [
        vec!["login".to_owned(), FULL.to_owned()],
        vec!["login".to_owned(), "--stdin".to_owned(), "another-kind-of-token".to_owned()],
        vec!["login".to_owned(), format!("--token={FULL}")],
        vec!["login".to_owned(), "--token".to_owned(), FULL.to_owned()],
        vec!["login".to_owned(), format!("--stdin={FULL}")],
        vec![FULL.to_owned()],
        vec!["logout".to_owned(), "--host".to_owned(), FULL.to_owned()],
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = world.secfix(&[&["auth"], &arguments[..]].concat()).ends(2);
        // The command itself is shown with the run.
        let ran = Ran { command: String::new(), ..ran };
        silent(ran).never_says("another-kind").warns("not given on the command line").warns("revoke it");
    }
    for (host, why) in [
        ("http://git.example", "plain http"),
        ("ftp://git.example", "write `https://host`"),
        (&format!("https://me:{FULL}@git.example"), "no user or password"),
        ("a b", "no address"),
    ] {
        let ran = world.secfix(&["auth", "status", "--host", host]).ends(2).warns("`--host`").warns(why);
        silent(Ran { command: String::new(), ..ran });
    }
    assert_eq!(server.log().len(), 0);
}

#[test]
fn no_other_program_sees_a_token() {
    if !cfg!(target_os = "linux") {
        return skip("what other programs see, on Linux alone");
    }
    let world = World::new();
    let _server = gitlab(&world);
    let Some(mut session) = Session::start(&world) else { return };
    session.unlock();
    // The browser: it is started with the page, and without the variables.
    world.write_program("bin/xdg-open", "#!/bin/sh\n{ echo \"$*\"; env; } >\"$HOME/browser\"\n");
    let mut command = world.command("git", &["secfix", "auth", "login", "--stdin", "--web"]);
    command.env("SECFIX_TOKEN", SOON).env("GITLAB_TOKEN", LATER);
    let page = "/-/user_settings/personal_access_tokens?name=git-secfix&scopes=api";
    silent(world.run_with_input(command, FULL.as_bytes())).ok().warns(page);
    assert!(world.read("home/browser").lines().next().unwrap().ends_with(page));
    assert!(world.read("home/browser").contains("HOME="));
    assert_no_token_below(world.root());
    // A browser that cannot be opened leaves the address.
    world.write_program("bin/xdg-open", "#!/bin/sh\nexit 3\n");
    login(&world, FULL, &["--web"]).ok().warns(page);
    // While it runs: neither its own command line nor the environment of anything shows the token.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    world.set("SECFIX_GITLAB_URL", &format!("http://{}", listener.local_addr().unwrap()));
    let mut child = world
        .command("git-secfix-auth", &["login", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(FULL.as_bytes()).unwrap();
    // It has the token once it asks the server.
    let _asked = listener.accept().unwrap();
    for file in ["cmdline", "environ"] {
        let seen = fs::read(format!("/proc/{}/{file}", child.id())).unwrap();
        assert!(!String::from_utf8_lossy(&seen).contains(FULL), "{file}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Runs a line in a shell on a terminal, and types once it is asked for the token.
fn on_a_terminal(world: &World, line: &str, typed: &str) -> String {
    terminal::on_a_terminal(world, line, "", "(it is not shown): ", typed).1
}

#[test]
fn a_terminal_never_shows_the_token() {
    if !terminal::has_terminal() {
        return skip("typing on a terminal, which needs script on Linux");
    }
    let world = World::new();
    let _server = gitlab(&world);
    let Some(mut session) = Session::start(&world) else { return };
    session.unlock();
    let seen = on_a_terminal(&world, "git secfix auth login", &format!("{FULL}\r"));
    assert!(seen.contains("@alex") && !seen.contains(FULL) && !seen.contains("glpat"), "{seen}");
    // Ctrl-C: ends it as a signal does, keeps nothing, and the terminal shows again what is typed.
    let line = "trap : INT; git secfix auth login; echo code $?; stty -a";
    let seen = on_a_terminal(&world, line, "glpat-half\u{3}");
    assert!(seen.contains("code 130") && !seen.contains("glpat"), "{seen}");
    let modes: Vec<&str> = seen.split_whitespace().collect();
    for mode in ["echo", "icanon", "isig"] {
        assert!(modes.contains(&mode), "{mode}: {seen}");
    }
}
