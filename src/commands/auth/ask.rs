//! A token is asked for: hidden on a terminal, or from standard input. Never from the command line,
//! which every user of the machine can read.

use std::io::{self, IsTerminal, Read};
#[cfg(unix)]
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::anyhow;
use zeroize::Zeroizing;

use crate::{
    ops::Failure,
    secrets::{Account, Token},
    ui::Ui,
};

/// More than the longest token, with white space around it.
const MOST_BYTES: u64 = 4096;

/// Where the token is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// The terminal, without showing it.
    Terminal,
    /// Standard input, to its end.
    Standard,
}

impl Input {
    /// Fails early where nobody can type.
    pub(super) fn check(self) -> Result<(), Failure> {
        if self == Self::Standard || io::stdin().is_terminal() {
            return Ok(());
        }
        let error = anyhow!("there is no terminal to ask for the token on; `--stdin` reads it from standard input");
        Err(Failure::usage(error).hint("git secfix auth login --stdin <FILE"))
    }

    pub(super) fn read(self, account: &Account, ui: Ui) -> Result<Token, Failure> {
        let text = match self {
            // Where nothing was typed, the cursor is still behind the question.
            Self::Terminal => from_terminal(account).inspect_err(|_| ui.signal("")),
            Self::Standard => from_standard_input(),
        }
        .map_err(|error| Failure::not_done(anyhow!("the token cannot be read: {error}")))?;
        Token::new(text).map_err(|why| Failure::token(anyhow!("the token {why}")).hint("git secfix auth login --web"))
    }
}

/// While it is read, the terminal neither shows nor interprets what is typed. `rpassword` undoes
/// that, unless the signal that it sends for Ctrl-C ends the program first: so it ends it after.
fn from_terminal(account: &Account) -> io::Result<String> {
    #[cfg(unix)]
    let may_end = {
        use signal_hook::{consts::SIGINT, flag::register_conditional_default};
        let may_end = Arc::new(AtomicBool::new(false));
        register_conditional_default(SIGINT, Arc::clone(&may_end))?;
        may_end
    };
    let read = rpassword::prompt_password(format!("token for {account} (it is not shown): "));
    #[cfg(unix)]
    {
        may_end.store(true, Ordering::SeqCst);
        if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGINT)?;
        }
    }
    read
}

fn from_standard_input() -> io::Result<String> {
    // Whole from the start, so that no copy is left behind when it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES as usize + 1));
    io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(io::Error::other("it is no text")),
    }
}
