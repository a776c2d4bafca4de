//! The environment variables that may hold a token. They are read in one place, and kept from every
//! program that is started.

/// In the order in which they are looked at.
pub const TOKEN_VARIABLES: [&str; 2] = ["SECFIX_TOKEN", "GITLAB_TOKEN"];
