//! The keyring of this machine: Secret Service, macOS Keychain or Windows Credential Manager.
//!
//! A keyring may be away, locked, or waiting for a person who is not there. So it is always asked on
//! a thread of its own, and within three seconds there is an answer, a reason, or a word about what
//! is being waited for.

use std::{
    env,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::{
    account::Account,
    keyring_error::{KeyringError, Reason, STORE, Surroundings},
    token::{Token, TokenError},
};

/// The service that entries are kept under; the user of an entry is the account.
const SERVICE: &str = "git-secfix";

/// How long a keyring may take: below three seconds, with all that a program does before and after.
const SOON: Duration = Duration::from_millis(2500);

/// How long a person may take to unlock it.
const UNLOCKED_BY_HAND: Duration = Duration::from_secs(60);

/// What becomes of a keyring that does not answer soon.
#[derive(Clone, Copy)]
pub enum KeyringWait<'a> {
    /// It failed.
    Brief,
    /// Where there is a screen, it may be asking somebody for its password: this is told with the
    /// given function, and it gets a minute. Elsewhere it failed.
    ForAPerson(&'a dyn Fn(&str)),
}

/// The keyring of this machine.
pub struct Keyring<'a> {
    patience: KeyringWait<'a>,
    surroundings: Surroundings,
}

impl<'a> Keyring<'a> {
    /// Nothing is opened yet.
    pub fn new(patience: KeyringWait<'a>) -> Self {
        Self { patience, surroundings: Surroundings::read(|name| env::var_os(name)) }
    }

    /// The token of an account, if one is kept.
    ///
    /// # Errors
    /// When the keyring cannot be used, or what it holds is no token.
    pub fn read(&self, account: &Account) -> Result<Option<Token>, KeyringError> {
        let found = self.ask(account, |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Token::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(Error::BadEncoding(bytes)) => {
                drop(Zeroizing::new(bytes));
                Ok(Some(Err(TokenError::Character)))
            }
            Err(error) => Err(error),
        })?;
        found.transpose().map_err(|why| self.surroundings.error(Reason::NoToken(why)))
    }

    /// Keeps the token of an account, in place of the one before.
    ///
    /// # Errors
    /// When the keyring cannot be used. It then holds what it held before, unless it did not answer.
    pub fn store(&self, account: &Account, token: &Token) -> Result<(), KeyringError> {
        let text = Zeroizing::new(token.expose().to_owned());
        self.ask(account, move |entry| match entry.set_password(&text) {
            Err(error @ Error::Ambiguous(_)) => {
                remove_each(error)?;
                entry.set_password(&text)
            }
            result => result,
        })
    }

    /// Removes the token of an account, and tells whether there was one.
    ///
    /// # Errors
    /// When the keyring cannot be used.
    pub fn remove(&self, account: &Account) -> Result<bool, KeyringError> {
        self.ask(account, |entry| match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => remove_each(error).map(|()| true),
        })
    }

    /// Does `work` with the entry of an account, on a thread that is left behind if it hangs.
    fn ask<T: Send + 'static>(
        &self,
        account: &Account,
        work: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (account, surroundings) = (account.clone(), self.surroundings.clone());
        let answer = self.within_limits(move || {
            let told = |error: &Error| Reason::from_keyring(error, &surroundings);
            // A store that could not be opened says why here alone.
            Entry::store_status().as_ref().map_err(told)?;
            let entry = Entry::new(SERVICE, account.as_str()).map_err(|error| told(&error))?;
            work(&entry).map_err(|error| told(&error))
        });
        answer.map_err(|reason| self.surroundings.error(reason))
    }

    fn within_limits<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
    ) -> Result<T, Reason> {
        let (answer, answered) = mpsc::channel();
        let thread = thread::Builder::new().name("keyring".to_owned());
        // The receiver may be gone when an answer comes too late.
        let started = thread.spawn(move || drop(answer.send(work())));
        started.map_err(|error| Reason::Other(format!("it cannot be asked: {error}")))?;
        let mut waited = SOON;
        let mut result = answered.recv_timeout(SOON);
        if let (Err(RecvTimeoutError::Timeout), KeyringWait::ForAPerson(tell)) = (&result, self.patience)
            && self.surroundings.has_screen
        {
            tell(&format!("the {STORE} has not answered yet; if a window asks for its password, that is for this"));
            waited += UNLOCKED_BY_HAND;
            result = answered.recv_timeout(UNLOCKED_BY_HAND);
        }
        match result {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(Reason::NoAnswer(waited)),
            Err(RecvTimeoutError::Disconnected) => Err(Reason::Other("its client broke off".to_owned())),
        }
    }
}

/// Removes every entry, where an account has more than one.
fn remove_each(error: Error) -> Result<(), Error> {
    match error {
        Error::Ambiguous(entries) => entries.iter().try_for_each(|entry| entry.delete_credential()),
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, time::Instant};

    use super::*;

    fn keyring<'a>(patience: KeyringWait<'a>, variables: &'static [&str]) -> Keyring<'a> {
        let surroundings = Surroundings::read(|name| variables.contains(&name).then(|| ":0".into()));
        Keyring { patience, surroundings }
    }

    fn hang() -> Result<(), Reason> {
        thread::sleep(Duration::from_secs(20));
        Ok(())
    }

    #[test]
    fn a_store_that_hangs_is_left_behind() {
        let begin = Instant::now();
        let reason = keyring(KeyringWait::Brief, &["DISPLAY"]).within_limits(hang).unwrap_err();
        assert!(matches!(reason, Reason::NoAnswer(SOON)));
        assert!(begin.elapsed() < Duration::from_secs(3));
        // A person is waited for only where there is a screen.
        let tell = |_: &str| panic!("nobody can be asked");
        let reason = keyring(KeyringWait::ForAPerson(&tell), &[]).within_limits(hang).unwrap_err();
        assert!(matches!(reason, Reason::NoAnswer(SOON)));
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn a_person_is_told_in_time_and_waited_for() {
        let begin = Instant::now();
        let told = RefCell::new(vec![]);
        let tell = |text: &str| told.borrow_mut().push((text.to_owned(), begin.elapsed()));
        let answer = keyring(KeyringWait::ForAPerson(&tell), &["WAYLAND_DISPLAY"]).within_limits(|| {
            thread::sleep(Duration::from_millis(3500));
            Ok(7)
        });
        assert!(matches!(answer, Ok(7)));
        let told = told.into_inner();
        assert_eq!(told.len(), 1);
        assert!(told[0].0.contains(STORE) && told[0].1 < Duration::from_secs(3), "{told:?}");
    }

    #[test]
    fn an_answer_in_time_is_given_at_once() {
        let begin = Instant::now();
        assert!(matches!(keyring(KeyringWait::Brief, &[]).within_limits(|| Ok(1)), Ok(1)));
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
}
