//! What the guard knows of a clone: the two projects, where they live, how branches are called,
//! and how strict it is. Built from the clone's own configuration only.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{
    destination::{Destination, NetworkUrl, Scheme},
    fix::BranchNames,
    pattern::Pattern,
    project::{ProjectPath, RemoteName, Server},
};

/// How strict the guard is about places that are neither canonical nor security.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Canonical is refused; anywhere else is refused if the push carries embargoed work.
    Strict,
    /// Everything but security is refused.
    Paranoid,
}

impl Mode {
    /// Every mode, by its name.
    pub const ALL: [Self; 2] = [Self::Strict, Self::Paranoid];

    /// The name used in configuration and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Paranoid => "paranoid",
        }
    }
}

/// A text that names no mode of the guard.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a mode of the guard: `strict` or `paranoid`")]
pub struct ModeError(pub String);

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| ModeError(text.to_owned()))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A GitLab instance: its servers, and the path under which its pages live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Every host under which the instance answers, also for SSH alone.
    pub servers: Vec<Server>,
    /// The relative URL root, without slashes at its ends; empty for most instances.
    pub root: String,
}

/// What the guard decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where both projects live.
    pub instance: Instance,
    /// The public project.
    pub canonical: ProjectPath,
    /// Its private mirror.
    pub security: ProjectPath,
    /// The remote of the private mirror.
    pub security_remote: RemoteName,
    /// How branches are called.
    pub branches: BranchNames,
    /// How patch tags are called.
    pub patch_tag: Pattern,
    /// How strict the guard is.
    pub mode: Mode,
}

/// What a destination is to the embargo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The public project.
    Canonical,
    /// The private mirror.
    Security,
    /// Some other repository.
    Elsewhere,
    /// An SSH host that the instance does not list: maybe an alias of the user's configuration.
    UnknownHost(NetworkUrl),
    /// It cannot be told; the text says why.
    Unclear(String),
}

impl Instance {
    /// Whether `host` is one of the instance, on any port.
    pub fn has_host(&self, url: &NetworkUrl) -> bool {
        self.servers.iter().any(|server| server.host == url.host)
    }

    /// Whether the port is one on which the instance itself answers.
    fn answers_at(&self, url: &NetworkUrl) -> bool {
        let listed = |port| self.servers.iter().any(|server| server.host == url.host && server.port == Some(port));
        match (url.scheme, url.port) {
            // Without a port, the user's SSH configuration may choose one for the same host.
            (Scheme::Ssh, None) => true,
            // SSH also answers on 443, where firewalls close 22.
            (Scheme::Ssh, Some(port)) => port == 22 || port == 443 || listed(port),
            (scheme, None) => self.usual_ports(url) || listed(scheme.usual_port()),
            (scheme, Some(port)) => (port == scheme.usual_port() && self.usual_ports(url)) || listed(port),
        }
    }

    fn usual_ports(&self, url: &NetworkUrl) -> bool {
        self.servers.iter().any(|server| server.host == url.host && server.port.is_none())
    }

    /// The project path in a URL: over HTTP, the relative root comes before it.
    fn project_in<'a>(&self, scheme: Scheme, path: &'a str) -> &'a str {
        if self.root.is_empty() || scheme == Scheme::Ssh {
            return path;
        }
        match path.get(..self.root.len()).zip(path.get(self.root.len()..)) {
            Some((root, rest)) if root.eq_ignore_ascii_case(&self.root) => rest.strip_prefix('/').unwrap_or(path),
            _ => path,
        }
    }
}

impl Policy {
    /// What `destination` is to the embargo.
    pub fn place(&self, destination: &Destination) -> Place {
        let url = match destination {
            Destination::Local => return Place::Elsewhere,
            Destination::Unclear(why) => return Place::Unclear(why.clone()),
            Destination::Network(url) => url,
        };
        if !self.instance.has_host(url) {
            return match url.scheme {
                Scheme::Ssh => Place::UnknownHost(url.clone()),
                _ => Place::Elsewhere,
            };
        }
        let path = match &url.path {
            Ok(path) => path,
            Err(why) => return Place::Unclear(why.clone()),
        };
        let project = self.instance.project_in(url.scheme, path);
        if self.canonical.is(project) || self.canonical.is(path) {
            return Place::Canonical;
        }
        if !self.security.is(project) {
            return Place::Elsewhere;
        }
        match url.scheme {
            Scheme::Git => Place::Unclear("`git://` sends embargoed work unencrypted".to_owned()),
            Scheme::Http if !url.host.is_loopback() => {
                Place::Unclear("`http://` sends embargoed work unencrypted".to_owned())
            }
            _ if self.instance.answers_at(url) => Place::Security,
            _ => Place::Unclear(format!(
                "port {} of {} is not known to be the GitLab instance",
                url.port.unwrap_or(url.scheme.usual_port()),
                url.host
            )),
        }
    }

    /// Whether a URL speaks of the private mirror in any way, on whatever host and however badly
    /// written: enough to take what comes from there for embargoed, and never enough to push there.
    pub fn speaks_of_security(&self, url: &str) -> bool {
        let mut text = url.to_ascii_lowercase();
        while text.contains("//") {
            text = text.replace("//", "/");
        }
        text.contains(&self.security.as_str().to_ascii_lowercase())
    }

    /// Whether the path of a URL is that of one of the two projects, or one that cannot be read:
    /// only then does it matter which machine an unknown host is.
    pub fn could_be_either(&self, url: &NetworkUrl) -> bool {
        url.path.as_deref().map_or(true, |path| self.canonical.is(path) || self.security.is(path))
    }

    /// What a URL with an unknown SSH host is, once the user's SSH configuration has resolved it.
    ///
    /// `resolved` is the real host and port behind the alias, or `None` when there is none.
    pub fn place_of_alias(&self, url: &NetworkUrl, resolved: Option<(&str, Option<u16>)>) -> Place {
        let Some((host, port)) = resolved else { return Place::Elsewhere };
        let Ok(host) = host.parse() else {
            return Place::Unclear(format!("the SSH configuration resolves {} to no valid host", url.host));
        };
        let real = NetworkUrl { host, port, ..url.clone() };
        match self.place(&Destination::Network(real)) {
            Place::UnknownHost(_) => Place::Elsewhere,
            place => place,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::pattern::Placeholder::{Major, Minor, Name, Patch};

    pub(crate) const CAN: &str = "gitlab-org/modelops/applied-ml/code-suggestions/ai-assist";
    pub(crate) const SEC: &str = "gitlab-org/security/modelops/applied-ml/code-suggestions/ai-assist";

    pub(crate) fn policy() -> Policy {
        Policy {
            instance: Instance {
                servers: vec!["gitlab.com".parse().unwrap(), "altssh.gitlab.com".parse().unwrap()],
                root: String::new(),
            },
            canonical: CAN.parse().unwrap(),
            security: SEC.parse().unwrap(),
            security_remote: "security".parse().unwrap(),
            branches: BranchNames {
                default: "main".to_owned(),
                stable: Pattern::parse("stable-{major}-{minor}-ee", &[Major, Minor]).unwrap(),
                fix: Pattern::parse("security-{name}", &[Name]).unwrap(),
                backport: Pattern::parse("security-{name}-{major}-{minor}", &[Name, Major, Minor]).unwrap(),
            },
            patch_tag: Pattern::parse("self-hosted-v{major}.{minor}.{patch}-ee", &[Major, Minor, Patch]).unwrap(),
            mode: Mode::Strict,
        }
    }

    fn place(url: &str) -> Place {
        let url = url.replace("CAN", CAN).replace("SEC", SEC);
        policy().place(&Destination::parse(&url))
    }

    #[test]
    fn canonical_in_any_spelling() {
        for url in [
            "git@gitlab.com:CAN.git",
            "git@gitlab.com:CAN",
            "git@gitlab.com:CAN/",
            "git@gitlab.com:/CAN.git",
            "git@GITLAB.com:GitLab-Org/ModelOps/Applied-ML/code-suggestions/AI-assist.git",
            "git@gitlab.com:gitlab-org//modelops/applied-ml/code-suggestions/ai-assist",
            "ssh://git@gitlab.com:22/CAN.git",
            "ssh://git@altssh.gitlab.com:443/CAN.git",
            "ssh://git@gitlab.com:4022/CAN.git",
            "https://gitlab.com:443/CAN.git",
            "https://oauth2:TOKEN@gitlab.com/CAN.git",
            "http://gitlab.com/CAN",
            "git://gitlab.com/CAN",
            "https://gitlab.com:8443/CAN",
            "git@gitlab.com:CAN.GIT",
        ] {
            assert_eq!(place(url), Place::Canonical, "{url}");
        }
    }

    #[test]
    fn security_in_any_spelling() {
        for url in [
            "git@gitlab.com:SEC.git",
            "git@GitLab.com:GitLab-Org/Security/ModelOps/applied-ml/code-suggestions/ai-assist",
            "ssh://git@altssh.gitlab.com:443/SEC.git",
            "ssh://git@gitlab.com:22/SEC",
            "https://gitlab.com/SEC.git",
            "https://gitlab.com:443/SEC.git",
            "https://oauth2:TOKEN@gitlab.com/SEC.git",
        ] {
            assert_eq!(place(url), Place::Security, "{url}");
        }
    }

    #[test]
    fn lookalikes_are_not_security() {
        for url in [
            "https://evil.example/SEC.git",
            "git@gitlab.com:me/gitlab-org/security/fork.git",
            "git@gitlab.com:gitlab-org/security/other.git",
            "git@gitlab.com:SEC/x",
            "git@gitlab.com:SEC.git.git",
            "git@gitlab.com:SEC.wiki.git",
            "https://gitlab.com.evil.example/SEC.git",
            "https://gitlab.com@evil.example/SEC.git",
            "/srv/SEC.git",
            "file:///gitlab.com/SEC.git",
        ] {
            assert_eq!(place(url), Place::Elsewhere, "{url}");
        }
        assert!(matches!(place("git@evil.example:SEC.git"), Place::UnknownHost(_)));
        for url in [
            "git@gitlab.com:gitlab-org/security/../modelops/applied-ml/code-suggestions/ai-assist.git",
            "http://gitlab.com/SEC.git",
            "git://gitlab.com/SEC.git",
            "https://gitlab.com:8443/SEC.git",
            "ssh://git@gitlab.com:4022/SEC.git",
            "https://gitlab.com/SEC.git?x",
            "ext::ssh git@gitlab.com SEC",
        ] {
            assert!(matches!(place(url), Place::Unclear(_)), "{url}: {:?}", place(url));
        }
    }

    #[test]
    fn aliases_are_what_they_resolve_to() {
        let alias = |url: &str, resolved: Option<(&str, Option<u16>)>| match policy()
            .place(&Destination::parse(&url.replace("CAN", CAN).replace("SEC", SEC)))
        {
            Place::UnknownHost(url) => policy().place_of_alias(&url, resolved),
            other => panic!("{other:?}"),
        };
        assert_eq!(alias("gl:CAN.git", Some(("gitlab.com", Some(22)))), Place::Canonical);
        assert_eq!(alias("gl:SEC.git", Some(("GitLab.com", Some(22)))), Place::Security);
        assert_eq!(alias("gl:SEC.git", Some(("altssh.gitlab.com", Some(443)))), Place::Security);
        assert!(matches!(alias("gl:SEC.git", Some(("gitlab.com", Some(4022)))), Place::Unclear(_)));
        assert_eq!(alias("gl:SEC.git", Some(("evil.example", Some(22)))), Place::Elsewhere);
        assert_eq!(alias("gl:SEC.git", None), Place::Elsewhere);
    }

    #[test]
    fn whatever_speaks_of_security_is_known() {
        for url in [
            "http://gitlab.com/SEC.git",
            "ssh://git@gitlab.com:2222/SEC.git",
            "https://gitlab.com/SEC.git?x",
            "ssh://a:b@gitlab.com/SEC",
            "https://gitlab.com/%2e/SEC",
            "lab:SEC.git",
            "gitlab.com:gitlab-org//Security/modelops/applied-ml/code-suggestions/ai-assist",
        ] {
            assert!(policy().speaks_of_security(&url.replace("SEC", SEC)), "{url}");
        }
        assert!(!policy().speaks_of_security(&format!("git@gitlab.com:{CAN}.git")));
        assert!(!policy().speaks_of_security("security"));
    }

    #[test]
    fn a_relative_root_belongs_to_http_only() {
        let mut policy = policy();
        policy.instance.root = "gitlab".to_owned();
        let place = |url: &str| policy.place(&Destination::parse(&url.replace("CAN", CAN).replace("SEC", SEC)));
        assert_eq!(place("https://gitlab.com/GitLab/SEC.git"), Place::Security);
        assert_eq!(place("https://gitlab.com/gitlab/CAN.git"), Place::Canonical);
        assert_eq!(place("git@gitlab.com:SEC.git"), Place::Security);
        assert_eq!(place("git@gitlab.com:gitlab/SEC.git"), Place::Elsewhere);
        assert_eq!(place("https://gitlab.com/CAN.git"), Place::Canonical, "also refused without the root");
    }

    #[test]
    fn a_listed_port_is_the_instance() {
        let mut policy = policy();
        policy.instance.servers = vec!["127.0.0.1:8080".parse().unwrap()];
        let place = |url: &str| policy.place(&Destination::parse(&url.replace("SEC", SEC)));
        assert_eq!(place("http://127.0.0.1:8080/SEC.git"), Place::Security);
        assert!(matches!(place("http://127.0.0.1:8081/SEC.git"), Place::Unclear(_)));
        assert!(matches!(place("http://127.0.0.1/SEC.git"), Place::Unclear(_)));
    }
}
