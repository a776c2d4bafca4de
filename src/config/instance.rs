//! The address of a GitLab instance, as given in `gitlab.url`: `https://host[:port][/root]`.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::domain::{
    destination::{Destination, Scheme},
    project::Server,
};

/// The web address of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceUrl {
    /// `https`, or `http` on this machine.
    pub scheme: Scheme,
    /// Host and port.
    pub server: Server,
    /// The relative URL root without slashes at its ends; empty for most.
    pub root: String,
}

/// Why a text is no address of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{url}` is no address of a GitLab instance: {why}")]
pub struct InstanceUrlError {
    /// What was given; never with a password.
    url: String,
    /// The reason.
    why: &'static str,
}

impl FromStr for InstanceUrl {
    type Err = InstanceUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why| InstanceUrlError { url: crate::domain::destination::redacted(text).into_owned(), why };
        if text.contains('@') {
            return Err(fail("it must hold no user or password"));
        }
        // A path part that is always there makes the root an ordinary path.
        let probe = format!("{}/x", text.trim_end_matches('/'));
        let Destination::Network(url) = Destination::parse(&probe) else {
            return Err(fail("write `https://host`, with a path only where GitLab lives under one"));
        };
        if !matches!(url.scheme, Scheme::Https | Scheme::Http) {
            return Err(fail("it must start with `https://`"));
        }
        if url.scheme == Scheme::Http && !url.host.is_loopback() {
            return Err(fail("plain http would send tokens and embargoed work unencrypted"));
        }
        let path = url.path.map_err(|_| fail("its path is not plain"))?;
        let root = path.strip_suffix('x').unwrap_or_default().trim_end_matches('/').to_owned();
        // Two spellings of one address are one instance, with one token.
        let port = url.port.filter(|port| *port != url.scheme.usual_port());
        Ok(Self { scheme: url.scheme, server: Server { host: url.host, port }, root })
    }
}

impl fmt::Display for InstanceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.scheme == Scheme::Http { "http" } else { "https" };
        match &self.server {
            // An address of IPv6 stands in brackets, with a port or without one.
            Server { host, port: None } if host.as_str().contains(':') => write!(f, "{scheme}://[{host}]")?,
            server => write!(f, "{scheme}://{server}")?,
        }
        if self.root.is_empty() { Ok(()) } else { write!(f, "/{}", self.root) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, root) in [
            ("https://gitlab.com", ""),
            ("https://git.example:8443", ""),
            ("https://git.example/gitlab", "gitlab"),
            ("http://127.0.0.1:8080/a/b", "a/b"),
            ("http://[::1]", ""),
            ("https://[2001:db8::1]:8443/gitlab", "gitlab"),
        ] {
            let url: InstanceUrl = text.parse().unwrap();
            assert_eq!(url.root, root);
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn the_usual_port_is_no_part_of_an_address() {
        for (text, written) in [
            ("https://GitLab.com:443/", "https://gitlab.com"),
            ("https://git.example:443/gitlab", "https://git.example/gitlab"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:443", "http://localhost:443"),
        ] {
            assert_eq!(text.parse::<InstanceUrl>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "gitlab.com",
            "http://gitlab.com",
            "ssh://gitlab.com",
            "https://u:p@gitlab.com",
            "https://",
            "https://x/../y",
        ] {
            let error = text.parse::<InstanceUrl>().unwrap_err().to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
    }
}
