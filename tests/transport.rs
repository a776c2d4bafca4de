//! The transport to GitLab against servers that do what servers should not: redirect elsewhere, hang,
//! break off, answer pages without an end, or show a certificate of nobody.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::support::World;

use git_secfix::gitlab::{Client, Error, Options, merge_request, project, user};

const SECRET: &str = "glpat-SECRETSECRETSECRET";

/// A server that answers the Nth request with the Nth of these texts, and the rest with the last one.
/// An empty text closes the connection. Returns its address and what it was sent.
fn serve(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = Arc::new(Mutex::new(vec![]));
    let log = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let request = hear(&stream);
            let mut heard = log.lock().unwrap();
            heard.push(request);
            let answer = answers.get(heard.len() - 1).or(answers.last()).unwrap().clone();
            drop(heard);
            let mut stream = stream;
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, heard)
}

/// One request with its body, as it came.
fn hear(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = reader.read_exact(&mut body);
    head + &String::from_utf8_lossy(&body)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

const PROJECT: &str = r#"{"id":7,"path_with_namespace":"g/p","visibility":"private","web_url":"https://x/g/p"}"#;

fn options(url: &str) -> Options {
    Options { url: url.to_owned(), time_limit: Duration::from_secs(2), pause: Duration::from_millis(20), ca_file: None }
}

/// A client with a token, and everything that it tells.
fn client(options: &Options) -> (Client, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(vec![]));
    let log = Arc::clone(&told);
    let trace = Box::new(move |text: &str| log.lock().unwrap().push(text.to_owned()));
    (Client::new(options, Some(SECRET), trace).unwrap(), told)
}

fn ask(address: &str) -> (Result<project::Project, Error>, String) {
    let (client, told) = client(&options(&format!("http://{address}")));
    let found = project::find(&client, "g/p");
    let told = told.lock().unwrap().join("\n");
    assert!(!told.contains(SECRET) && !format!("{found:?}").contains(SECRET));
    (found, told)
}

#[test]
fn a_token_never_follows_a_redirect_to_another_origin() {
    let (other, heard_there) = serve(vec![answer("200 OK", "", PROJECT)]);
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        // Another port is another origin, as another host or scheme is.
        for target in [
            format!("http://{other}/api/v4/projects/7"),
            "https://evil.example/".to_owned(),
            "//evil.example/".to_owned(),
        ] {
            let (address, heard) = serve(vec![answer(status, &format!("Location: {target}\r\n"), "")]);
            let (found, _) = ask(&address);
            assert!(matches!(&found, Err(Error::Redirected { .. })), "{status} {target}: {found:?}");
            assert_eq!(heard.lock().unwrap().len(), 1, "{status}");
        }
    }
    assert_eq!(heard_there.lock().unwrap().len(), 0, "the other server must hear nothing at all");
}

#[test]
fn a_renamed_project_is_found_on_the_same_server() {
    let (address, heard) = serve(vec![
        answer("301 Moved Permanently", "Location: /api/v4/projects/7\r\n", ""),
        answer("200 OK", "", PROJECT),
    ]);
    let (found, _) = ask(&address);
    assert_eq!(found.unwrap().id, 7);
    let heard = heard.lock().unwrap();
    assert!(heard[0].starts_with("GET /api/v4/projects/g%2Fp HTTP/1.1"), "{}", heard[0]);
    assert!(heard[1].starts_with("GET /api/v4/projects/7 ") && heard[1].contains(SECRET));
}

#[test]
fn a_redirect_that_goes_round_ends() {
    let (address, heard) = serve(vec![answer("302 Found", "Location: /again\r\n", "")]);
    let (found, _) = ask(&address);
    assert!(matches!(&found, Err(Error::Unreadable { why, .. }) if why.contains("again and again")), "{found:?}");
    assert_eq!(heard.lock().unwrap().len(), 4);
}

#[test]
fn a_request_that_changes_something_is_never_redirected() {
    let (address, heard) = serve(vec![answer("307 Temporary", "Location: /api/v4/else\r\n", "")]);
    let (client, _) = client(&options(&format!("http://{address}")));
    let closed = merge_request::close(&client, 7, 3);
    assert!(matches!(closed, Err(Error::Redirected { .. })), "{closed:?}");
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn safe_requests_are_repeated_until_they_are_answered() {
    for broken in [
        "".to_owned(),
        answer("502 Bad Gateway", "", "<title>Whoops</title>"),
        "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{".to_owned(),
    ] {
        let (address, heard) = serve(vec![broken.clone(), answer("200 OK", "", PROJECT)]);
        let (found, told) = ask(&address);
        assert_eq!(found.unwrap().id, 7, "{broken}");
        assert_eq!(heard.lock().unwrap().len(), 2);
        assert!(told.contains("GET projects/g%2Fp: again in "), "{told}");
    }
}

#[test]
fn a_server_in_trouble_is_given_up_with_its_own_words() {
    let page = answer("503 Service Unavailable", "X-Request-Id: abc123\r\n", "<html><title>GitLab is\n down</title>");
    let (address, heard) = serve(vec![page]);
    let (found, _) = ask(&address);
    assert_eq!(
        found.unwrap_err().to_string(),
        "GET projects/g%2Fp: the server is in trouble (503: GitLab is down; request id abc123)"
    );
    assert_eq!(heard.lock().unwrap().len(), 4);
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    let (address, heard) =
        serve(vec![answer("429 Too Many", "Retry-After: 1\r\n", "Retry later"), answer("200 OK", "", PROJECT)]);
    let started = Instant::now();
    assert!(ask(&address).0.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(heard.lock().unwrap().len(), 2);
    // Longer than anybody waits: told instead.
    let (address, heard) = serve(vec![answer("429 Too Many", "Retry-After: 600\r\n", "Retry later")]);
    let error = ask(&address).0.unwrap_err().to_string();
    assert!(error.contains("too many requests (429: Retry later; try again in 600 s)"), "{error}");
    assert_eq!(heard.lock().unwrap().len(), 1);
    // By the moment at which the limit is reset.
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 900;
    let headers = format!("RateLimit-Remaining: 0\r\nRateLimit-Reset: {soon}\r\n");
    let (address, heard) = serve(vec![answer("429 Too Many", &headers, "")]);
    let error = ask(&address).0.unwrap_err().to_string();
    assert!(error.contains("try again in 8") || error.contains("try again in 900"), "{error}");
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn a_server_that_hangs_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let limit = Duration::from_millis(300);
    let (client, _) = client(&Options { time_limit: limit, ..options(&format!("http://{address}")) });
    let started = Instant::now();
    let found = project::find(&client, "g/p");
    assert!(matches!(&found, Err(Error::Lost { why, .. }) if why == "the time limit is over"), "{found:?}");
    assert!(started.elapsed() < Duration::from_secs(10), "no attempt begins after the limit");
    drop(listener);
    let found = project::find(&client, "g/p");
    assert!(
        matches!(&found, Err(Error::Unreachable { server, .. }) if *server == format!("http://{address}")),
        "{found:?}"
    );
}

#[test]
fn a_list_that_does_not_end_is_left() {
    // Each page points to the one after it, for ever.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(Mutex::new(1));
    let pages = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            hear(&stream);
            let mut page = pages.lock().unwrap();
            *page += 1;
            let _ = stream.write_all(answer("200 OK", &format!("X-Next-Page: {page}\r\n"), "[]").as_bytes());
        }
    });
    let (client, _) = client(&options(&format!("http://{address}")));
    let found = user::list_members(&client, "g/h");
    assert!(matches!(found, Err(Error::Endless { pages: 50, .. })), "{found:?}");
    assert_eq!(*count.lock().unwrap(), 51);
    // A server that names the same page again: what is missing cannot be told.
    let (address, heard) = serve(vec![answer("200 OK", "X-Next-Page: 1\r\n", "[]")]);
    let (client, _) = self::client(&options(&format!("http://{address}")));
    let found = user::list_members(&client, "g/h");
    assert!(matches!(&found, Err(Error::Unreadable { why, .. }) if why == "page 1 is followed by `1`"), "{found:?}");
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn a_login_page_is_no_answer() {
    let (address, _) = serve(vec![answer("200 OK", "Content-Type: text/html\r\n", "<title>Sign in</title>")]);
    let error = ask(&address).0.unwrap_err().to_string();
    assert!(error.contains("no JSON but `text/html`, as from a proxy or a login page: Sign in"), "{error}");
    let (address, _) = serve(vec![answer("200 OK", "Content-Type: application/json\r\n", r#"{"id":"seven"}"#)]);
    assert!(matches!(ask(&address).0, Err(Error::Unreadable { .. })));
}

#[test]
fn a_relative_root_is_part_of_every_address() {
    let (address, heard) = serve(vec![answer("200 OK", "", PROJECT)]);
    let (client, _) = client(&options(&format!("http://{address}/gitlab/")));
    project::find(&client, "g/p").unwrap();
    assert!(heard.lock().unwrap()[0].starts_with("GET /gitlab/api/v4/projects/g%2Fp "));
}

/// A server with a certificate for `localhost`, and the certificate's file.
fn serve_tls(body: &'static str) -> (u16, tempfile::TempDir, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let mut heard = [0; 4096];
            if tls.read(&mut heard).is_ok() {
                let _ = tls.write_all(answer("200 OK", "", body).as_bytes());
            }
        }
    });
    (port, folder, file)
}

#[test]
fn certificates_are_checked_and_further_authorities_can_be_named() {
    let (port, folder, file) = serve_tls(PROJECT);
    let url = format!("https://localhost:{port}");
    let (stranger, _) = client(&options(&url));
    let found = project::find(&stranger, "g/p");
    assert!(matches!(&found, Err(Error::Unreachable { why, .. }) if why.contains("certificate")), "{found:?}");
    let (friend, _) = client(&Options { ca_file: Some(file), ..options(&url) });
    assert_eq!(project::find(&friend, "g/p").unwrap().id, 7);

    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, "hello").unwrap();
    for (path, why) in [(broken, "no certificate in PEM form"), (folder.path().join("none.pem"), "No such file")] {
        let trace = Box::new(|_: &str| {});
        let error =
            Client::new(&Options { ca_file: Some(path), ..options(&url) }, None, trace).err().unwrap().to_string();
        assert!(error.starts_with("`gitlab.ca_file` is `") && error.contains(why), "{error}");
    }
}

const ISSUE: &str =
    r#"{"iid":3,"title":"T","state":"opened","confidential":true,"due_date":null,"labels":[],"web_url":"https://x/3"}"#;

#[test]
fn the_environment_names_authorities_as_everywhere() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world.set("SECFIX_TOKEN", SECRET);
    let (port, _folder, file) = serve_tls(ISSUE);
    world.set("SECFIX_GITLAB_URL", &format!("https://localhost:{port}"));
    world.secfix(&["issue", "3"]).ends(5).warns("certificate").never_says(SECRET);
    world.set("SSL_CERT_FILE", &file.to_string_lossy());
    world.secfix(&["issue", "3"]).ok().says("confidential");
    world.set("SSL_CERT_FILE", "/nowhere/ca.pem");
    world.secfix(&["issue", "3"]).ends(2).warns("`SSL_CERT_FILE` is `/nowhere/ca.pem`: No such file");
    world.unset("SSL_CERT_FILE");
    world.set("SECFIX_GITLAB_CA_FILE", &file.to_string_lossy());
    world.secfix(&["issue", "3"]).ok();
}

#[test]
fn a_proxy_sees_where_we_go_and_nothing_else() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world.set("SECFIX_TOKEN", SECRET);
    let (proxy, heard) = serve(vec![answer("403 Forbidden", "", "")]);
    for variable in ["https_proxy", "HTTP_PROXY", "http_proxy"] {
        world.set(variable, &format!("http://{proxy}"));
    }
    world.set("SECFIX_GITLAB_URL", "https://gitlab.example");
    world.secfix(&["issue", "3"]).ends(5).warns("cannot reach https://gitlab.example").never_says(SECRET);
    {
        let heard = heard.lock().unwrap();
        assert!(heard.iter().all(|request| request.starts_with("CONNECT gitlab.example:443 ")), "{heard:?}");
        assert!(!heard.is_empty() && heard.iter().all(|request| !request.contains("SECRET")), "{heard:?}");
    }
    heard.lock().unwrap().clear();
    // What is meant for this machine is not handed to a proxy, with the token in plain text.
    let (server, _) = serve(vec![answer("200 OK", "", ISSUE)]);
    world.set("SECFIX_GITLAB_URL", &format!("http://{server}"));
    world.secfix(&["issue", "3"]).ok();
    assert!(heard.lock().unwrap().is_empty());
    // Hosts that are left out are left out.
    world.set("no_proxy", "gitlab.example");
    world.set("SECFIX_GITLAB_URL", "https://gitlab.example");
    world.secfix(&["issue", "3"]).ends(5);
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn a_remote_that_was_bent_elsewhere_does_not_get_the_token() {
    let world = World::new();
    world.secfix(&["init"]).ok();
    world.set("SECFIX_TOKEN", SECRET);
    let (proxy, heard) = serve(vec![answer("403 Forbidden", "", "")]);
    world.set("https_proxy", &format!("http://{proxy}"));
    world.git(&["remote", "set-url", "security", "https://evil.example/gitlab-org/security/x.git"]).ok();
    world.secfix(&["issue", "3"]).ends(3).warns("leads to https://evil.example").warns("hint: git secfix doctor");
    // Nor another port of the same host.
    let url = "https://gitlab.com:8443/gitlab-org/security/modelops/applied-ml/code-suggestions/ai-assist.git";
    world.git(&["remote", "set-url", "security", url]).ok();
    world.secfix(&["issue", "3"]).ends(3).warns("leads to https://gitlab.com:8443");
    assert!(heard.lock().unwrap().is_empty());
}
