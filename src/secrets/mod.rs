//! Tokens: where they are kept, and how they are kept from being seen. Nothing here prints, and
//! nothing here writes a file: a token lives in the keyring or in the environment, or it is lost.

pub mod account;
pub mod keyring;
pub mod keyring_error;
pub mod source;
pub mod token;

pub use account::Account;
pub use keyring::{Keyring, KeyringWait};
pub use keyring_error::KeyringError;
pub use source::{Source, VariableError};
pub use token::{Token, TokenError};
