//! Why a keyring cannot be used on this machine at this moment, and the ways out.

use std::{ffi::OsString, fmt, time::Duration};

use thiserror::Error;

use super::token::TokenError;

/// The name of this system's keyring, as its users know it.
pub const STORE: &str = if cfg!(target_os = "macos") {
    "macOS Keychain"
} else if cfg!(windows) {
    "Windows Credential Manager"
} else {
    "Secret Service"
};

/// A keyring that cannot be used: the store, the reason, and what is special about this machine.
#[derive(Debug, Clone, Error)]
pub struct KeyringError {
    reason: Reason,
    surroundings: Surroundings,
}

/// Why a keyring cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// There is no D-Bus session to find it by.
    NoSession(String),
    /// There is a D-Bus session, and nothing in it keeps secrets.
    NoProvider,
    /// It has no place to keep a secret in, as on a machine where it was never used.
    NoDefault,
    /// It is locked, and nobody can be asked here.
    Locked,
    /// It is locked, and whoever was asked said no.
    Dismissed,
    /// It took too long.
    NoAnswer(Duration),
    /// What it holds under our name is no token.
    NoToken(TokenError),
    /// It holds several tokens for one account.
    Several,
    /// In its own words.
    Other(String),
}

/// What is around this process, as far as it says why a keyring fails and what helps.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// Somebody can be asked for a password in a window.
    pub(super) has_screen: bool,
    is_ssh: bool,
    is_wsl: bool,
    is_fish: bool,
    session_address: Option<String>,
}

impl Surroundings {
    pub(super) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let is_ssh = is_set("SSH_CONNECTION");
        let has_screen = match STORE {
            "Secret Service" => is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"),
            _ => !is_ssh,
        };
        let text = |name| variable(name).map(|value: OsString| value.to_string_lossy().into_owned());
        Self {
            has_screen,
            is_ssh,
            is_wsl: is_set("WSL_DISTRO_NAME"),
            is_fish: text("SHELL").is_some_and(|shell| shell.ends_with("/fish")),
            session_address: text("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty()),
        }
    }

    pub(super) fn error(&self, reason: Reason) -> KeyringError {
        KeyringError { reason, surroundings: self.clone() }
    }

    /// Reads a token without showing it, into the environment of the shell that is used.
    fn read_for_this_shell(&self) -> String {
        let command = if cfg!(windows) {
            "$env:SECFIX_TOKEN = Read-Host -MaskInput"
        } else if self.is_fish {
            "read --silent --export SECFIX_TOKEN"
        } else {
            "read -rs SECFIX_TOKEN && export SECFIX_TOKEN"
        };
        format!("without a keyring, for this shell alone: {command}")
    }
}

impl Reason {
    /// What the error of the keyring means here.
    pub(super) fn from_keyring(error: &keyring::Error, surroundings: &Surroundings) -> Self {
        match error {
            keyring::Error::Ambiguous(_) => Self::Several,
            // Their texts hold no secret; that of `BadEncoding` and its like is not shown.
            keyring::Error::NoStorageAccess(cause) | keyring::Error::PlatformFailure(cause) => {
                Self::from_platform(cause.as_ref(), surroundings)
            }
            keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => Self::NoToken(TokenError::Character),
            other => Self::Other(other.to_string()),
        }
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    fn from_platform(cause: &(dyn std::error::Error + Send + Sync + 'static), surroundings: &Surroundings) -> Self {
        use secret_service::Error;
        match cause.downcast_ref::<Error>() {
            Some(Error::Unavailable) => Self::NoSession(surroundings.no_session()),
            Some(Error::Locked) => Self::Locked,
            // A prompt that no program shows ends like one that somebody dismissed.
            Some(Error::Prompt) if surroundings.has_screen => Self::Dismissed,
            Some(Error::Prompt) => Self::Locked,
            Some(Error::NoResult) => Self::NoDefault,
            _ => Self::from_bus(cause, surroundings),
        }
    }

    /// The names of errors are those of the D-Bus and Secret Service specifications.
    #[cfg(all(unix, not(target_os = "macos")))]
    fn from_bus(cause: &(dyn std::error::Error + 'static), surroundings: &Surroundings) -> Self {
        let text = cause.to_string();
        let has = |name: &str| text.contains(name);
        if has("org.freedesktop.Secret.Error.IsLocked") {
            return Self::Locked;
        }
        let absent = ["ServiceUnknown", "NameHasNoOwner", "Spawn."];
        if absent.iter().any(|name| has(&format!("org.freedesktop.DBus.Error.{name}"))) {
            return Self::NoProvider;
        }
        let mut causes = std::iter::successors(Some(cause), |cause| cause.source());
        match causes.find_map(io_error) {
            Some(error) => Self::NoSession(surroundings.unreachable_session(error)),
            None => Self::Other(text),
        }
    }

    #[cfg(not(all(unix, not(target_os = "macos"))))]
    fn from_platform(cause: &(dyn std::error::Error + Send + Sync + 'static), _: &Surroundings) -> Self {
        let text = cause.to_string();
        // `errSecInteractionNotAllowed` and `errSecUserCanceled` of macOS, in its own words.
        if text.contains("interaction is not allowed") {
            Self::Locked
        } else if text.contains("canceled the operation") {
            Self::Dismissed
        } else {
            Self::Other(text)
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn io_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    let shared = cause.downcast_ref::<std::sync::Arc<std::io::Error>>().map(AsRef::as_ref);
    shared.or_else(|| cause.downcast_ref())
}

#[cfg(all(unix, not(target_os = "macos")))]
impl Surroundings {
    fn no_session(&self) -> String {
        match &self.session_address {
            None => "`DBUS_SESSION_BUS_ADDRESS` is not set".to_owned(),
            Some(address) => format!("nothing answers at `{address}`"),
        }
    }

    fn unreachable_session(&self, error: &std::io::Error) -> String {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such socket".to_owned(),
            std::io::ErrorKind::ConnectionRefused => "nobody listens".to_owned(),
            std::io::ErrorKind::PermissionDenied => "it belongs to somebody else".to_owned(),
            _ => error.to_string(),
        };
        match &self.session_address {
            None => self.no_session(),
            Some(address) => format!("`{address}`: {why}"),
        }
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let around = &self.surroundings;
        match &self.reason {
            Reason::NoToken(why) => return write!(f, "what the {STORE} holds for git-secfix {why}"),
            Reason::Several => return write!(f, "the {STORE} holds several tokens for git-secfix"),
            _ => write!(f, "the {STORE}, where tokens are kept, cannot be used: ")?,
        }
        match &self.reason {
            Reason::NoSession(why) => write!(f, "no D-Bus session can be reached ({why})")?,
            Reason::NoProvider => f.write_str("no program of this D-Bus session provides it")?,
            Reason::NoDefault => f.write_str("it has no default keyring to keep a token in")?,
            Reason::Locked => f.write_str("it is locked, and nobody can be asked for its password here")?,
            Reason::Dismissed => f.write_str("it is locked, and the question for its password was dismissed")?,
            Reason::NoAnswer(waited) => write!(
                f,
                "it did not answer within {} seconds; it may {}",
                waited.as_secs_f32(),
                if around.has_screen {
                    "be asking for its password in a window"
                } else {
                    "wait for a password that nobody is asked for"
                }
            )?,
            Reason::Other(text) => f.write_str(text)?,
            Reason::NoToken(_) | Reason::Several => {}
        }
        let is_away = matches!(self.reason, Reason::NoSession(_) | Reason::NoProvider | Reason::NoDefault);
        let is_closed = matches!(self.reason, Reason::Locked | Reason::NoAnswer(_));
        if around.is_wsl && is_away {
            f.write_str("; WSL starts none by itself")
        } else if around.is_ssh && (is_away || is_closed) {
            f.write_str("; that is usual in an ssh session")
        } else {
            Ok(())
        }
    }
}

impl KeyringError {
    /// Whether the keyring works, and only what it holds under our name is wrong.
    pub fn is_about_the_entry(&self) -> bool {
        matches!(self.reason, Reason::NoToken(_) | Reason::Several)
    }

    /// What helps: one way out on each line, with the command to paste.
    pub fn ways_out(&self) -> String {
        let around = &self.surroundings;
        let mut ways: Vec<String> = match &self.reason {
            Reason::NoToken(_) | Reason::Several => return "git secfix auth login".to_owned(),
            Reason::NoSession(_) => vec![START_SESSION],
            Reason::NoProvider => vec![START_PROVIDER],
            Reason::NoDefault => vec![MAKE_DEFAULT],
            Reason::Locked => vec![UNLOCK],
            Reason::Dismissed => vec!["run it again, and answer the question"],
            Reason::NoAnswer(_) if around.has_screen => {
                vec!["answer the window that asks for its password, and run it again"]
            }
            Reason::NoAnswer(_) => vec![ANSWER],
            Reason::Other(_) => vec![],
        }
        .into_iter()
        .map(str::to_owned)
        .collect();
        ways.push(around.read_for_this_shell());
        ways.join("\n  or: ")
    }
}

const START_SESSION: &str = "in a shell with a session of its own: dbus-run-session -- bash";
const START_PROVIDER: &str =
    "start one, such as KeePassXC, KWallet, or: gnome-keyring-daemon --start --components=secrets";
const MAKE_DEFAULT: &str = "make one, in `Passwords and Keys` (seahorse), or: \
     (read -rsp 'new keyring password: ' p && printf %s \"$p\" | gnome-keyring-daemon --replace --unlock >/dev/null)";
// Without `--replace`, a daemon that D-Bus started stays as locked as it was.
const UNLOCK: &str = if cfg!(target_os = "macos") {
    "unlock it: security unlock-keychain"
} else {
    "unlock it: \
     (read -rsp 'keyring password: ' p && printf %s \"$p\" | gnome-keyring-daemon --replace --unlock >/dev/null)"
};
const ANSWER: &str = if cfg!(target_os = "macos") {
    "unlock it: security unlock-keychain"
} else {
    "unlock it in the desktop session, and run it again"
};

#[cfg(test)]
mod tests {
    use super::*;

    fn around(variables: &'static [(&str, &str)]) -> Surroundings {
        Surroundings::read(|name| Some(variables.iter().find(|(known, _)| *known == name)?.1.into()))
    }

    #[test]
    fn every_message_names_the_store_the_reason_and_a_way_out() {
        let plain = around(&[]);
        for (reason, expected) in [
            (
                Reason::NoSession("`x`: nobody listens".to_owned()),
                "no D-Bus session can be reached (`x`: nobody listens)",
            ),
            (Reason::NoProvider, "no program of this D-Bus session provides it"),
            (Reason::NoDefault, "no default keyring"),
            (Reason::Locked, "it is locked, and nobody can be asked"),
            (Reason::Dismissed, "was dismissed"),
            (Reason::NoAnswer(Duration::from_millis(2500)), "did not answer within 2.5 seconds"),
            (Reason::Other("it broke".to_owned()), "it broke"),
        ] {
            let error = plain.error(reason);
            let text = error.to_string();
            assert!(text.starts_with(&format!("the {STORE}, where tokens are kept, cannot be used: ")), "{text}");
            assert!(text.contains(expected), "{text}");
            assert!(error.ways_out().contains("SECFIX_TOKEN"), "{}", error.ways_out());
        }
        let error = plain.error(Reason::NoToken(TokenError::Character));
        assert!(error.to_string().contains(STORE));
        assert_eq!(error.ways_out(), "git secfix auth login");
    }

    #[test]
    fn what_is_special_about_the_machine_is_said() {
        let text = |variables| around(variables).error(Reason::NoProvider).to_string();
        assert!(text(&[("WSL_DISTRO_NAME", "Debian")]).ends_with("; WSL starts none by itself"));
        assert!(text(&[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")]).ends_with("; that is usual in an ssh session"));
        let asked = around(&[("DISPLAY", ":0")]).error(Reason::NoAnswer(Duration::from_secs(3)));
        assert!(STORE != "Secret Service" || asked.to_string().ends_with("asking for its password in a window"));
        let fish = around(&[("SHELL", "/usr/bin/fish")]).error(Reason::Locked).ways_out();
        assert!(cfg!(windows) || fish.contains("read --silent --export SECFIX_TOKEN"), "{fish}");
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn a_prompt_that_ends_means_another_thing_without_a_screen() {
        let error = keyring::Error::NoStorageAccess(Box::new(secret_service::Error::Prompt));
        assert_eq!(Reason::from_keyring(&error, &around(&[("DISPLAY", ":0")])), Reason::Dismissed);
        assert_eq!(Reason::from_keyring(&error, &around(&[("DISPLAY", "")])), Reason::Locked);
        let error = keyring::Error::PlatformFailure(Box::new(secret_service::Error::Unavailable));
        let reason = Reason::from_keyring(&error, &around(&[("DBUS_SESSION_BUS_ADDRESS", "nonsense")]));
        assert_eq!(reason, Reason::NoSession("nothing answers at `nonsense`".to_owned()));
    }

    #[test]
    fn what_the_keyring_holds_is_never_shown() {
        for error in [
            keyring::Error::BadEncoding(b"s3cret\xff".to_vec()),
            keyring::Error::BadDataFormat(b"s3cret".to_vec(), "broken".into()),
        ] {
            let trouble = around(&[]).error(Reason::from_keyring(&error, &around(&[])));
            assert!(!format!("{trouble} {trouble:?} {}", trouble.ways_out()).contains("s3cret"));
        }
    }
}
