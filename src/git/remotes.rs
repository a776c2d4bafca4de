//! The remotes of the clone: where they lead, where their branches are kept, and why a fetch failed.

use crate::domain::{
    destination::{Destination, NetworkUrl},
    policy::{Place, Policy},
};

use super::{GitError, LocalClone, local_config, ssh};

/// A configured remote. URLs are as git would use them, with `insteadOf` applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Where it is fetched from; `None` when it has no URL or one that cannot be read.
    pub fetch_url: Option<String>,
    /// Every place that it is pushed to.
    pub push_urls: Vec<String>,
    /// Which of its references are kept here, and where.
    pub kept: Vec<Kept>,
}

/// A fetch refspec: what is fetched, and where it is kept. Both may hold one `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    source: String,
    target: String,
}

impl Kept {
    /// The part of a reference's name that stands for the `*` of the target; an empty one where
    /// there is no `*`. `None` when it is not kept by this.
    fn star_of<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
        match pattern.split_once('*') {
            Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
            None => (name == pattern).then_some(""),
        }
    }

    /// Whether this reference is kept by this.
    pub fn keeps(&self, name: &str) -> bool {
        Self::star_of(&self.target, name).is_some()
    }

    /// The name in the remote of a reference that is kept by this.
    pub fn source_of(&self, name: &str) -> Option<String> {
        Self::star_of(&self.target, name).map(|star| self.source.replacen('*', star, 1))
    }
}

impl Remote {
    /// Where a branch of the remote is kept, such as `refs/remotes/origin/main`.
    pub fn tracking(&self, branch: &str) -> Option<String> {
        let name = format!("refs/heads/{branch}");
        self.kept.iter().find_map(|kept| {
            let star = Kept::star_of(&kept.source, &name)?;
            Some(kept.target.replacen('*', star, 1))
        })
    }
}

/// Every remote, in the order of the configuration.
pub fn list(clone: &LocalClone) -> Vec<Remote> {
    let repo = clone.repo();
    repo.remote_names()
        .iter()
        .map(|name| {
            use gix::remote::Direction::{Fetch, Push};
            let Some(Ok(found)) = repo.try_find_remote(gix::bstr::BStr::new(name)) else {
                return as_configured(clone, name.to_string());
            };
            let kept = found.refspecs(Fetch).iter().filter_map(|spec| {
                let spec = spec.to_ref();
                Some(Kept { source: spec.remote()?.to_string(), target: spec.local()?.to_string() })
            });
            Remote {
                name: name.to_string(),
                fetch_url: found.url(Fetch).map(|url| url.to_bstring().to_string()),
                push_urls: found.urls(Push).map(|url| url.to_bstring().to_string()).collect(),
                kept: kept.collect(),
            }
        })
        .collect()
}

/// A remote whose URLs cannot all be understood, as its configuration spells them: what it keeps must
/// not be overlooked for that.
fn as_configured(clone: &LocalClone, name: String) -> Remote {
    let values = |key: &str| local_config::values(clone, &format!("remote.{name}.{key}"));
    let kept = values("fetch").into_iter().filter_map(|spec| {
        let (source, target) = spec.trim_start_matches('+').split_once(':')?;
        Some(Kept { source: source.to_owned(), target: target.to_owned() })
    });
    let (kept, urls, pushed) = (kept.collect(), values("url"), values("pushurl"));
    Remote { fetch_url: urls.first().cloned(), push_urls: if pushed.is_empty() { urls } else { pushed }, kept, name }
}

/// The remote of that name.
pub fn find(clone: &LocalClone, name: &str) -> Option<Remote> {
    list(clone).into_iter().find(|remote| remote.name == name)
}

/// The remote that is fetched from the public project.
pub fn canonical(clone: &LocalClone, policy: &Policy) -> Option<Remote> {
    let is_canonical = |url: &String| place(clone, policy, url) == Place::Canonical;
    list(clone).into_iter().find(|remote| remote.fetch_url.as_ref().is_some_and(is_canonical))
}

/// Removes a remote with what was fetched from it and what branches track there, as long as it has this URL.
///
/// # Errors
/// When git fails.
pub fn remove(clone: &LocalClone, name: &str, url: &str) -> Result<(), GitError> {
    let now = clone.git().run(&["config", "--get", &format!("remote.{name}.url")])?.stdout;
    // A remote that leads elsewhere by now is somebody else's.
    if now.trim_end_matches('\n') == url {
        clone.git().read(&["remote", "remove", name])?;
    }
    Ok(())
}

/// The branches of a remote that are kept here, as last fetched.
///
/// # Errors
/// When the references cannot be read.
pub fn branches_of(clone: &LocalClone, remote: &Remote) -> Result<Vec<String>, GitError> {
    let wrap = || GitError::wrap_gix("read the references");
    let references = clone.repo().references().map_err(wrap())?;
    let mut branches = Vec::new();
    for reference in references.all().map_err(wrap())? {
        let reference = reference.map_err(wrap())?;
        let name = reference.name().as_bstr().to_string();
        let source = remote.kept.iter().find_map(|kept| kept.source_of(&name));
        // `origin/HEAD` is a name for another branch, not a branch.
        if reference.try_id().is_some() {
            branches.extend(source.and_then(|source| source.strip_prefix("refs/heads/").map(str::to_owned)));
        }
    }
    Ok(branches)
}

/// What a URL is to the embargo. An SSH host that the policy does not know is looked up in the
/// user's SSH configuration.
pub fn place(clone_dir: &LocalClone, policy: &Policy, url: &str) -> Place {
    place_with(policy, url, |url| ssh::resolve(clone_dir, url))
}

/// Like [`place`], for a caller that opens the clone only when an alias must be looked up.
pub fn place_with(
    policy: &Policy,
    url: &str,
    resolve: impl FnOnce(&NetworkUrl) -> Result<ssh::Endpoint, String>,
) -> Place {
    match policy.place(&Destination::parse(url)) {
        // No machine makes another project one of the two.
        Place::UnknownHost(url) if !policy.could_be_either(&url) => Place::Elsewhere,
        Place::UnknownHost(url) => match resolve(&url) {
            Ok(endpoint) => policy.place_of_alias(&url, Some((&endpoint.host, endpoint.port))),
            Err(why) => Place::Unclear(why),
        },
        place => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refspecs_are_read_both_ways() {
        let remote = |specs: &[(&str, &str)]| Remote {
            name: "x".to_owned(),
            fetch_url: None,
            push_urls: vec![],
            kept: specs
                .iter()
                .map(|(from, to)| Kept { source: (*from).to_owned(), target: (*to).to_owned() })
                .collect(),
        };
        let usual = remote(&[("refs/heads/*", "refs/remotes/x/*")]);
        assert_eq!(usual.tracking("a/b").as_deref(), Some("refs/remotes/x/a/b"));
        assert_eq!(usual.kept[0].source_of("refs/remotes/x/a/b").as_deref(), Some("refs/heads/a/b"));
        assert!(!usual.kept[0].keeps("refs/remotes/y/a"));
        let single = remote(&[("refs/heads/main", "refs/remotes/x/main")]);
        assert_eq!(single.tracking("main").as_deref(), Some("refs/remotes/x/main"));
        assert_eq!(single.tracking("other"), None);
        let odd = remote(&[("refs/merge-requests/*/head", "refs/mr/*")]);
        assert!(odd.kept[0].keeps("refs/mr/12"));
    }
}
