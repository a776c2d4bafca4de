//! What a `git push` command line says beyond its references: options that are harmless in any
//! other project, but disclose a fix when the private mirror is a fork of the public project.

use super::project::ProjectPath;

/// The options of a push that change where its work becomes visible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushOptions {
    /// Every reference is copied and every other one deleted.
    pub mirror: bool,
    /// What `-o` and `push.pushOption` send to the server.
    pub server_options: Vec<String>,
}

impl PushOptions {
    /// Reads the arguments of a `git push` process, without the program's own name.
    ///
    /// Follows git's option parser: long options may be abbreviated, short ones bundled, and a
    /// value may be attached or follow. What is not of interest here is passed over.
    pub fn from_arguments<S: AsRef<str>>(arguments: &[S]) -> Self {
        let mut found = Self::default();
        let mut arguments = arguments.iter().map(AsRef::as_ref).take_while(|argument| *argument != "--");
        while let Some(argument) = arguments.next() {
            if let Some(long) = argument.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
                if name.len() >= 2 && "mirror".starts_with(name) {
                    found.mirror = true;
                }
                if name.len() >= 3 && "push-option".starts_with(name) {
                    found.server_options.extend(value.or_else(|| arguments.next()).map(str::to_owned));
                }
            } else if let Some((_, attached)) = argument.strip_prefix('-').and_then(|short| short.split_once('o')) {
                let value = if attached.is_empty() { arguments.next() } else { Some(attached) };
                found.server_options.extend(value.map(str::to_owned));
            }
        }
        found
    }

    /// The server option that would open a merge request outside of `security`, if there is one.
    ///
    /// GitLab opens the merge request of a fork in the fork's parent unless
    /// `merge_request.target_project` says otherwise (`mr.` is short for `merge_request.`).
    pub fn misdirected_merge_request(&self, security: &ProjectPath) -> Option<&str> {
        let of_merge_request = |option: &'_ String| {
            option.strip_prefix("merge_request.").or_else(|| option.strip_prefix("mr.")).map(str::to_owned)
        };
        let target = |option: &String| {
            of_merge_request(option)
                .and_then(|option| option.strip_prefix("target_project=").map(|target| security.is(target)))
        };
        if let Some(wrong) = self.server_options.iter().find(|option| target(option) == Some(false)) {
            return Some(wrong);
        }
        let stays = self.server_options.iter().any(|option| target(option) == Some(true));
        let first = self.server_options.iter().find(|option| of_merge_request(option).is_some());
        first.filter(|_| !stays).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> PushOptions {
        PushOptions::from_arguments(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn server_options_are_seen_in_every_spelling() {
        for line in [
            "push -o mr.create security",
            "push -omr.create security",
            "push -uo mr.create security",
            "push -fomr.create security",
            "push --push-option mr.create security",
            "push --push-option=mr.create security",
            "push --push-o=mr.create security",
            "push security HEAD -o mr.create",
        ] {
            assert_eq!(options(line).server_options, ["mr.create"], "{line}");
        }
        assert_eq!(options("push security mr.create -- -o mr.create").server_options, [""; 0]);
    }

    #[test]
    fn mirror_is_seen_when_abbreviated() {
        for line in ["push --mirror security", "push --mir security"] {
            assert!(options(line).mirror, "{line}");
        }
        assert!(!options("push --no-mirror security --multi").mirror);
    }

    #[test]
    fn merge_requests_stay_in_security_only_when_told_so() {
        let security: ProjectPath = "g/security/p".parse().unwrap();
        let found = |line: &str| options(line).misdirected_merge_request(&security).map(str::to_owned);
        assert_eq!(found("push -o mr.create"), Some("mr.create".to_owned()));
        assert_eq!(
            found("push -o merge_request.create -o merge_request.target=x").as_deref(),
            Some("merge_request.create")
        );
        assert_eq!(found("push -o mr.target_project=g/p").as_deref(), Some("mr.target_project=g/p"));
        assert_eq!(found("push -o mr.create -o mr.target_project=g/security/p"), None);
        assert_eq!(
            found("push -o mr.target_project=g/security/p -o mr.target_project=g/p").as_deref(),
            Some("mr.target_project=g/p")
        );
        assert_eq!(found("push -o ci.skip"), None);
    }
}
