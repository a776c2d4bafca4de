//! What a `git push` command line says beyond its references: options that are harmless in any
//! other project, but disclose a fix when the private mirror is a fork of the public project.

use super::project::ProjectPath;

/// The options of a push that change where its work becomes visible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushOptions {
    /// Every reference is copied and every other one deleted.
    pub mirror: bool,
    /// What is sent to the server with the push.
    pub server_options: Vec<String>,
    /// A program or a protocol of the user's that takes the place of git's own at the other end.
    pub other_end: Option<String>,
}

/// What the configuration says of the same things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfiguredOptions {
    /// `remote.<name>.mirror`
    pub mirror: bool,
    /// Every value of `push.pushOption`; an empty one clears those before it.
    pub push_option: Vec<String>,
    /// `remote.<name>.receivepack` or `remote.<name>.vcs`
    pub other_end: Option<String>,
}

impl PushOptions {
    /// Reads the arguments of a `git push` process, those behind the word `push`, over what is
    /// configured.
    ///
    /// Follows git's option parser: long options may be abbreviated, short ones bundled, and a
    /// value may be attached or follow. An abbreviation that git would find ambiguous counts for
    /// all that it could mean. What is not of interest here is passed over.
    pub fn read<S: AsRef<str>>(arguments: &[S], configured: ConfiguredOptions) -> Self {
        let mut found = Self { mirror: configured.mirror, server_options: vec![], other_end: configured.other_end };
        let mut arguments = arguments.iter().map(AsRef::as_ref);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                break;
            } else if let Some(long) = argument.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
                let may_be = |option: &str| option.starts_with(name);
                if name.strip_prefix("no-").is_some_and(|name| "push-option".starts_with(name)) {
                    found.server_options.clear();
                    continue;
                }
                found.mirror |= may_be("mirror");
                if may_be("push-option") {
                    found.server_options.extend(value.or_else(|| arguments.next()).map(str::to_owned));
                } else if may_be("receive-pack") || may_be("exec") {
                    found.other_end = Some(format!("--{name}"));
                }
            } else if let Some((_, attached)) = argument.strip_prefix('-').and_then(|short| short.split_once('o')) {
                let value = if attached.is_empty() { arguments.next() } else { Some(attached) };
                found.server_options.extend(value.map(str::to_owned));
            }
        }
        // As in git's `builtin/push.c`: options of the command line replace those of the configuration.
        if found.server_options.is_empty() {
            let configured = configured.push_option;
            let cleared = configured.iter().rposition(String::is_empty).map_or(0, |at| at + 1);
            found.server_options = configured.into_iter().skip(cleared).collect();
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
        PushOptions::read(&line.split(' ').collect::<Vec<_>>(), ConfiguredOptions::default())
    }

    fn with_config(line: &str, values: &[&str]) -> Vec<String> {
        let push_option = values.iter().map(ToString::to_string).collect();
        let configured = ConfiguredOptions { push_option, ..ConfiguredOptions::default() };
        PushOptions::read(&line.split(' ').collect::<Vec<_>>(), configured).server_options
    }

    #[test]
    fn the_command_line_replaces_the_configuration() {
        assert_eq!(with_config("security", &["a", "b"]), ["a", "b"]);
        assert_eq!(with_config("-o c security", &["a", "b"]), ["c"]);
        assert_eq!(with_config("security", &["a", "", "b"]), ["b"]);
        assert_eq!(with_config("security", &["a", ""]), [""; 0]);
        assert_eq!(with_config("-o c --no-push-option security", &["a"]), ["a"]);
        assert_eq!(with_config("-o c --no-pu -o d security", &["a"]), ["d"]);
    }

    #[test]
    fn another_program_at_the_other_end_is_seen() {
        for line in [
            "--receive-pack=x security",
            "--receive-pack x security",
            "--rece x security",
            "--exec=x security",
            "--e x",
        ] {
            assert!(options(line).other_end.is_some(), "{line}");
        }
        assert_eq!(options("--follow-tags security HEAD").other_end, None);
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
            "push --pu mr.create security",
            "push --pu=mr.create security",
            "push security HEAD -o mr.create",
        ] {
            assert_eq!(options(line).server_options, ["mr.create"], "{line}");
        }
        assert_eq!(options("push security mr.create -- -o mr.create").server_options, [""; 0]);
        assert_eq!(options("push -o -- -o mr.create security").server_options, ["--", "mr.create"]);
    }

    #[test]
    fn mirror_is_seen_when_abbreviated() {
        for line in ["push --mirror security", "push --mir security", "push --m security"] {
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
