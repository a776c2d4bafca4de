//! Where a URL leads: read as git itself reads it (`connect.c`, `transport.c`), then compared as
//! GitLab does. Whatever cannot be read with certainty is `Unclear`, and the guard refuses it.

use std::borrow::Cow;

use super::project::Host;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `ssh://`, `git+ssh://`, `ssh+git://` and `user@host:path`.
    Ssh,
    /// `https://`.
    Https,
    /// `http://`: readable by everybody on the way.
    Http,
    /// `git://`: readable by everybody on the way.
    Git,
}

impl Scheme {
    /// The port of the scheme where the URL names none.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Ssh => 22,
            Self::Https => 443,
            Self::Http => 80,
            Self::Git => 9418,
        }
    }
}

/// A repository on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkUrl {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// The host as written, normalised; for SSH it may be an alias of the user's configuration.
    pub host: Host,
    /// The port, where the URL names one.
    pub port: Option<u16>,
    /// The user and host as git hands them to ssh, to be looked up in the user's configuration.
    pub ssh_target: String,
    /// The path without slashes at its ends, doubled slashes and `.git`; or why it is none.
    pub path: Result<String, String>,
}

/// What a URL is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A repository on a server.
    Network(NetworkUrl),
    /// A folder or a bundle of this machine, also as `file://`.
    Local,
    /// It cannot be told; the text says why.
    Unclear(String),
}

impl Destination {
    /// Reads a URL or path as `git push` would.
    ///
    /// ```
    /// use git_secfix::domain::destination::Destination;
    /// let Destination::Network(url) = Destination::parse("git@GitLab.com:/group//project.git/") else { panic!() };
    /// assert_eq!((url.host.as_str(), url.path.as_deref()), ("gitlab.com", Ok("group/project")));
    /// ```
    pub fn parse(url: &str) -> Self {
        if url.is_empty() {
            return Self::Unclear("it is empty".to_owned());
        }
        if url.chars().any(|c| c.is_control()) {
            return Self::Unclear("it holds control characters".to_owned());
        }
        let scheme_len = scheme_len(url);
        let (scheme, rest) = url.split_at(scheme_len);
        if rest.starts_with("::") {
            return Self::Unclear(format!("the remote helper `{scheme}` may send it anywhere"));
        }
        match (scheme_len, rest.strip_prefix("://")) {
            (1.., Some(rest)) => match scheme {
                "ssh" | "git+ssh" | "ssh+git" => decoded(rest, |rest| ssh_url(Scheme::Ssh, rest)),
                "git" => decoded(rest, |rest| ssh_url(Scheme::Git, rest)),
                "file" => Self::Local,
                "https" => http_url(Scheme::Https, rest),
                "http" => http_url(Scheme::Http, rest),
                other => Self::Unclear(format!("`{other}://` is not a scheme of git or GitLab")),
            },
            _ if is_local_path(url) => Self::Local,
            _ => scp_like(url),
        }
    }
}

/// Git's `is_urlschemechar`: the length of what could be a scheme at the start.
fn scheme_len(url: &str) -> usize {
    url.bytes()
        .enumerate()
        .take_while(|(at, b)| b.is_ascii_alphanumeric() || (*at > 0 && matches!(b, b'+' | b'-' | b'.')))
        .count()
}

/// Git's `url_is_local_not_ssh`: no colon before the first slash.
fn is_local_path(url: &str) -> bool {
    match (url.find(':'), url.find('/')) {
        (None, _) => true,
        (Some(colon), Some(slash)) => slash < colon,
        (Some(_), None) => false,
    }
}

/// Git decodes these URLs as a whole, once, before it looks for the host.
fn decoded(rest: &str, then: impl FnOnce(&str) -> Destination) -> Destination {
    match percent_decode(rest) {
        Some(text) => then(&text),
        None => Destination::Unclear("its percent-encoding does not decode to plain text".to_owned()),
    }
}

/// One round of percent-decoding. `None` when the result is no plain text. A `%` that does not
/// start an encoded byte stays, as in git's `url_decode`.
fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let encoded = (byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(encoded.unwrap_or(byte));
        at += if encoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control)).map(Cow::Owned)
}

fn ssh_url(scheme: Scheme, rest: &str) -> Destination {
    let Some(slash) = after_brackets(rest).find('/').map(|at| at + bracket_len(rest)) else {
        return Destination::Unclear("it names no project".to_owned());
    };
    network(scheme, &rest[..slash], &rest[slash..])
}

fn scp_like(url: &str) -> Destination {
    let Some(colon) = after_brackets(url).find(':').map(|at| at + bracket_len(url)) else {
        return Destination::Unclear("it names no project".to_owned());
    };
    let (authority, path) = (&url[..colon], &url[colon + 1..]);
    // `[user@host:port]:path` is git's way to give a port in this form.
    let inner = authority.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    match inner {
        Some(inner) if inner.matches(':').count() < 2 => network(Scheme::Ssh, inner, path),
        _ => network(Scheme::Ssh, authority, path),
    }
}

/// Git's `host_end`: a bracket at the start, or right after an `@`, holds colons and slashes.
fn bracket_len(text: &str) -> usize {
    let start = text.find("@[").map_or(0, |at| at + 1);
    match text[start..].strip_prefix('[').and_then(|inner| inner.find(']')) {
        Some(end) => start + end + 2,
        None => 0,
    }
}

fn after_brackets(text: &str) -> &str {
    &text[bracket_len(text)..]
}

fn http_url(scheme: Scheme, rest: &str) -> Destination {
    // A backslash, query or fragment would be read differently by curl, proxies and the server.
    if let Some(odd) = rest.chars().find(|c| matches!(c, '\\' | '?' | '#')) {
        return Destination::Unclear(format!("it holds `{odd}`"));
    }
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    match percent_decode(path) {
        Some(path) => network(scheme, authority, &path),
        None => Destination::Unclear("its percent-encoding does not decode to plain text".to_owned()),
    }
}

fn network(scheme: Scheme, authority: &str, path: &str) -> Destination {
    let unclear = |why: &str| Destination::Unclear(why.to_owned());
    let (user, host_and_port) = match authority.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, authority),
    };
    let user_is_plain = |user: &str| !user.contains(['@', '[', ']', '/']);
    if !user.is_none_or(user_is_plain) {
        return unclear("it holds more than one `@`, or a bracket, before the host");
    }
    // Git splits such a name at another place than ssh does.
    if scheme != Scheme::Https && scheme != Scheme::Http && user.is_some_and(|user| user.contains(':')) {
        return unclear("its user holds a `:`");
    }
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            // Git overlooks what else stands behind the bracket.
            Some((host, "")) => (host, ""),
            Some((host, after)) if after.starts_with(':') => (host, &after[1..]),
            _ => return unclear("something stands behind its bracket"),
        },
        None => host_and_port.split_once(':').unwrap_or((host_and_port, "")),
    };
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse() {
            Ok(port) => Some(port),
            Err(_) => return unclear("its port is out of range"),
        },
        _ => return unclear("its port is not a number"),
    };
    let ssh_target = user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}"));
    match host.parse::<Host>() {
        Ok(host) => Destination::Network(NetworkUrl { scheme, host, port, ssh_target, path: project_path(path) }),
        Err(error) => Destination::Unclear(error.to_string()),
    }
}

/// The path as GitLab compares it, or why it cannot be that of a project.
fn project_path(path: &str) -> Result<String, String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let path = parts.join("/");
    let bare = match path.len().checked_sub(4).filter(|at| path.is_char_boundary(*at)) {
        Some(at) if path[at..].eq_ignore_ascii_case(".git") => &path[..at],
        _ => &path,
    };
    if parts.iter().any(|part| matches!(*part, "." | "..")) {
        return Err("its path holds dot segments".to_owned());
    }
    match bare.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.'))) {
        Some(odd) => Err(format!("its path holds `{odd}`")),
        None if bare.is_empty() || bare.ends_with('/') => Err("it names no project".to_owned()),
        None => Ok(bare.to_owned()),
    }
}

/// The URL of another project on the same server, in the spelling of `url`. The user of SSH stays;
/// the user of HTTPS, which may be a token, does not. `None` where `url` leads to no server.
///
/// ```
/// use git_secfix::domain::destination::sibling;
/// assert_eq!(sibling("gl:a/b.git", "", "c/d").as_deref(), Some("gl:c/d.git"));
/// assert_eq!(sibling("https://me:x@host:8443/root/a/b", "root", "c/d").as_deref(), Some("https://host:8443/root/c/d.git"));
/// ```
pub fn sibling(url: &str, root: &str, project: &str) -> Option<String> {
    let Destination::Network(found) = Destination::parse(url) else { return None };
    let Some((scheme, rest)) = url.split_once("://") else {
        let colon = after_brackets(url).find(':').map(|at| at + bracket_len(url))?;
        return Some(format!("{}:{project}.git", &url[..colon]));
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    if found.scheme == Scheme::Ssh {
        return Some(format!("{scheme}://{authority}/{project}.git"));
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let root = if root.is_empty() { String::new() } else { format!("{root}/") };
    Some(format!("{scheme}://{host}/{root}{project}.git"))
}

/// A URL for people to read: the user and password part, which may be a token, is left out.
///
/// ```
/// use git_secfix::domain::destination::redacted;
/// assert_eq!(redacted("https://oauth2:glpat-x@gitlab.com/a/b.git"), "https://…@gitlab.com/a/b.git");
/// assert_eq!(redacted("git@gitlab.com:a/b.git"), "git@gitlab.com:a/b.git");
/// ```
pub fn redacted(url: &str) -> Cow<'_, str> {
    // A query or a fragment is no part of a project's address, and may hold a token.
    let (url, cut) = match url.find(['?', '#']) {
        Some(at) => (&url[..at], true),
        None => (url, false),
    };
    let shown = match url.split_once("://") {
        None => redact_scp_like(url),
        Some((scheme, rest)) => redact_url(url, scheme, rest),
    };
    if cut { Cow::Owned(format!("{shown}?…")) } else { shown }
}

fn redact_url<'a>(url: &'a str, scheme: &str, rest: &str) -> Cow<'a, str> {
    // A password may hold slashes when it was not encoded: the last `@`, also an encoded one, ends
    // the secret.
    let at = rest.rfind('@').map(|at| (at, 1)).max(rest.rfind("%40").map(|at| (at, 3)));
    match at {
        Some((at, _)) if is_plain_user(scheme, &rest[..at]) => Cow::Borrowed(url),
        Some((at, len)) => Cow::Owned(format!("{scheme}://…@{}", &rest[at + len..])),
        None => Cow::Borrowed(url),
    }
}

/// The user of SSH is an account name and no secret; that of HTTPS may be a token.
fn is_plain_user(scheme: &str, user: &str) -> bool {
    scheme.contains("ssh") && !user.contains([':', '/'])
}

fn redact_scp_like(url: &str) -> Cow<'_, str> {
    match url.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => Cow::Owned(format!("…@{host}")),
        _ => Cow::Borrowed(url),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network_of(url: &str) -> NetworkUrl {
        match Destination::parse(url) {
            Destination::Network(url) => url,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn every_spelling_is_the_same_project() {
        for url in [
            "git@gitlab.com:a/b.git",
            "git@gitlab.com:a/b",
            "git@gitlab.com:a/b/",
            "git@gitlab.com:a/b.git/",
            "git@gitlab.com:/a/b.git",
            "git@gitlab.com:a//b.git",
            "gitlab.com:a/b.git",
            "git@GITLAB.com.:a/b.git",
            "[git@gitlab.com:22]:a/b.git",
            "[gitlab.com]:a/b.git",
            "ssh://git@gitlab.com/a/b.git",
            "ssh://git@gitlab.com:22/a/b.git",
            "ssh://gitlab.com:/a/b",
            "git+ssh://git@gitlab.com/a/b.git",
            "ssh+git://git@gitlab.com/a/b.git",
            "ssh://git@gitlab.com/%61/b.git",
            "ssh://git@gitlab%2ecom/a/b.git",
            "ssh://git%40gitlab.com/a/b.git",
            "https://gitlab.com/a/b.git",
            "https://gitlab.com:443/a/b",
            "https://user@gitlab.com/a/b.git",
            "https://user:pass@gitlab.com/a/b.git",
            "https://gitlab.com//a/b.git//",
            "https://gitlab.com/a%2Fb.git",
            "http://gitlab.com/a/b.git",
            "git://gitlab.com/a/b.git",
        ] {
            let found = network_of(url);
            assert_eq!((found.host.as_str(), found.path.as_deref()), ("gitlab.com", Ok("a/b")), "{url}");
        }
    }

    #[test]
    fn ports_are_kept() {
        for (url, port) in [
            ("ssh://git@gitlab.com:2222/a/b", Some(2222)),
            ("[git@gitlab.com:2222]:a/b", Some(2222)),
            ("https://gitlab.com:8443/a/b", Some(8443)),
            ("https://gitlab.com/a/b", None),
            ("ssh://git@[::1]:2222/a/b", Some(2222)),
        ] {
            assert_eq!(network_of(url).port, port, "{url}");
        }
    }

    #[test]
    fn paths_that_are_no_projects_say_why() {
        for (url, why) in [
            ("git@gitlab.com:a/../b", "dot segments"),
            ("https://gitlab.com/a/%2e%2e/b", "dot segments"),
            ("git@gitlab.com:a/./b", "dot segments"),
            ("ssh://git@gitlab.com/~a/b", "`~`"),
            ("git@gitlab.com:a/b;x", "`;`"),
            ("https://gitlab.com/a/%252e%252e/b", "`%`"),
            ("git@gitlab.com:a/%2e%2e/b", "`%`"),
            ("git@gitlab.com:", "no project"),
            ("https://gitlab.com", "no project"),
            ("https://gitlab.com/a/.git", "no project"),
            ("git@gitlab.com:a/bä", "`ä`"),
        ] {
            let error = network_of(url).path.unwrap_err();
            assert!(error.contains(why), "{url}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_unclear() {
        for url in [
            "",
            "ext::sh -c x",
            "fd::17",
            "foo::https://gitlab.com/a/b",
            "HTTPS://gitlab.com/a/b",
            "ftp://gitlab.com/a/b",
            "secfix-blocked://gitlab.com/a/b",
            "https://gitlab.com\\@evil.example/a/b",
            "https://a@b@gitlab.com/a/b",
            "https://gitlab.com/a/b?x=gitlab-org/security/",
            "https://gitlab.com/a/b#x",
            "https://gıtlab.com/a/b",
            "https://%67itlab.com/a/b",
            "ssh://-oProxyCommand=x/a/b",
            "-oProxyCommand=x:a/b",
            "https://gitlab.com:99999/a/b",
            "https://gitlab.com:x/a/b",
            "ssh://gitlab.com",
            "ssh://gitlab.com/a%0ab",
            "ssh://gitlab.com/a%ffb",
            "git@gitlab.com:a\nb",
            // Git connects to evil.example in these.
            "[evil.example]@gitlab.com:a/b",
            "ssh://[evil.example]@gitlab.com/a/b",
            "[evil.example:22]@gitlab.com:a/b",
            "ssh://[evil.example]x@gitlab.com/a/b",
            "ssh://[::1]gitlab.com/a/b",
            "ssh://a:b@gitlab.com:443/a/b",
        ] {
            assert!(matches!(Destination::parse(url), Destination::Unclear(_)), "{url}: {:?}", Destination::parse(url));
        }
    }

    #[test]
    fn folders_are_local() {
        for url in ["/srv/x.git", "../x", "./a:b", "x", "file:///srv/x.git", "file://host/x"] {
            assert_eq!(Destination::parse(url), Destination::Local, "{url}");
        }
    }

    #[test]
    fn decoding_moves_the_end_of_the_host_as_in_git() {
        assert_eq!(network_of("ssh://gitlab.com%2fa/b").host.as_str(), "gitlab.com");
        assert_eq!(network_of("ssh://evil.example%2f@gitlab.com/a/b").host.as_str(), "evil.example");
    }

    #[test]
    fn secrets_are_redacted() {
        for url in [
            "https://oauth2:SECRET@gitlab.com/a/b",
            "https://SECRET@gitlab.com/a/b",
            "https://u:SEC/RET@gitlab.com/a/b",
            "ssh://git:SECRET@gitlab.com/a/b",
            "http://u:SECRET@@gitlab.com/a",
            "u:SECRET@gitlab.com:a/b",
            "https://u:SECRET%40gitlab.com/a/b",
            "ssh://git:SECRET%40gitlab.com/a/b",
            "https://gitlab.com/a/b?private_token=SECRET",
            "https://gitlab.com/a/b#SECRET",
        ] {
            let shown = redacted(url);
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "{shown}");
            assert!(shown.contains("gitlab.com"), "{shown}");
        }
        for url in ["ssh://git@gitlab.com/a/b", "git@gitlab.com:a/b", "/srv/x", "https://gitlab.com/a/b"] {
            assert_eq!(redacted(url), url);
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(url in "\\PC{0,60}") {
            let _ = Destination::parse(&url);
            let _ = redacted(&url);
        }

        #[test]
        fn parsing_url_like_text_never_panics(url in "(ssh|https|git|x)?(://|::|:)?[a-z@:/\\[\\]%0-9.]{0,30}") {
            let _ = Destination::parse(&url);
            let _ = redacted(&url);
        }
    }
}
