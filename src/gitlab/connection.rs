//! How GitLab is reached: time limits, certificates, proxies, and where a token may go at all.

use std::{path::PathBuf, time::Duration};

use reqwest::{Certificate, blocking, header::HeaderValue, redirect};
use url::Url;

use super::Error;
use crate::domain::project::Host;

/// How many requests are under way at the same time at most.
pub(super) const AT_ONCE: usize = 32;

/// The most time that a connection may take to stand.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How GitLab is reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address of the instance: `https://host[:port][/root]`; plain `http` on this machine only.
    pub url: String,
    /// The most time that one request may take, with its answer.
    pub time_limit: Duration,
    /// The first pause before something is asked again; later ones are longer.
    pub pause: Duration,
    /// Certificates of authorities that count besides the system's own, a PEM file.
    pub ca_file: Option<PathBuf>,
}

/// The address below which the endpoints are, with a slash at its end.
pub(super) fn base(url: &str) -> Result<Url, Error> {
    let fail = |why: &str| Error::Setup(format!("`{url}` is no address of a GitLab instance: {why}"));
    let mut base = Url::parse(url).map_err(|error| fail(&error.to_string()))?;
    let is_loopback = base
        .host_str()
        .and_then(|host| host.trim_matches(['[', ']']).parse::<Host>().ok())
        .is_some_and(|host| host.is_loopback());
    match base.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Err(fail("plain http would show the token to everybody on the way")),
        _ => return Err(fail("it must start with `https://`")),
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(Error::Setup("the address of a GitLab instance must hold no user or password".to_owned()));
    }
    base.set_query(None);
    base.set_fragment(None);
    let path = format!("{}/", base.path().trim_end_matches('/'));
    base.set_path(&path);
    Ok(base)
}

/// Scheme, host and port: what a token belongs to.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The token as a header that no library prints.
pub(super) fn header(token: &str) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::from_str(token)
        .map_err(|_| Error::Setup("the token holds characters that no token has".into()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The HTTP client. Redirects are looked at by `client.rs`, never followed here.
pub(super) fn http(options: &Options, base: &Url) -> Result<blocking::Client, Error> {
    let mut builder = blocking::Client::builder()
        .user_agent(concat!("git-secfix/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_LIMIT.min(options.time_limit))
        .timeout(options.time_limit)
        .pool_max_idle_per_host(AT_ONCE);
    let is_plain = base.scheme() == "http";
    if is_plain {
        // What is meant for this machine must not be handed to a proxy in plain text; and whom the system trusts need
        // not be read where nobody proves who they are.
        builder = builder.no_proxy().tls_certs_only([]);
    }
    let from_environment = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    for (name, path) in [("SSL_CERT_FILE", from_environment), ("gitlab.ca_file", options.ca_file.clone())] {
        if let Some(path) = path {
            let certificates = certificates(name, &path)?;
            if !is_plain {
                builder = builder.tls_certs_merge(certificates);
            }
        }
    }
    builder.build().map_err(|error| Error::Setup(format!("no connection can be made: {}", causes(&error))))
}

fn certificates(name: &str, path: &std::path::Path) -> Result<Vec<Certificate>, Error> {
    let fail = |why: String| Error::Setup(format!("`{name}` is `{}`: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&text).map_err(|error| fail(causes(&error)))?;
    if found.is_empty() { Err(fail("it holds no certificate in PEM form".to_owned())) } else { Ok(found) }
}

/// An error with all that caused it, without the URL that libraries like to add.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        // Wrappers often repeat what they wrap.
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_root() {
        for (url, found) in [
            ("https://gitlab.com", "https://gitlab.com/"),
            ("https://git.example:8443/gitlab/", "https://git.example:8443/gitlab/"),
            ("http://127.0.0.1:8080/a/b", "http://127.0.0.1:8080/a/b/"),
            ("http://[::1]:80", "http://[::1]/"),
            ("http://localhost:3000", "http://localhost:3000/"),
        ] {
            assert_eq!(base(url).unwrap().as_str(), found);
        }
    }

    #[test]
    fn a_token_goes_nowhere_in_plain_text() {
        for url in
            ["http://gitlab.com", "http://127.0.0.1.evil.example", "ftp://gitlab.com", "gitlab.com", "http://10.0.0.1"]
        {
            assert!(base(url).is_err(), "{url}");
        }
        let error = base("https://me:SECRET@gitlab.com").unwrap_err().to_string();
        assert!(!error.contains("SECRET"));
    }

    #[test]
    fn a_header_with_a_token_is_not_printed() {
        assert_eq!(format!("{:?}", header("glpat-abc").unwrap()), "Sensitive");
        assert!(header("a\nb").is_err());
    }
}
