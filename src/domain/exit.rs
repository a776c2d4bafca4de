//! The public table of exit codes. Printed in every man page; nothing else picks a number.

/// How a program of the suite ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The work is done, or there was nothing left to do.
    Done,
    /// Something blocks, or a check found that not everything is as it should be.
    NotDone,
    /// The command line or a configuration file is wrong.
    Usage,
    /// The guard or a gate refused.
    Refused,
    /// There is no token, or it is not good enough.
    Auth,
    /// GitLab or the network did not answer as needed.
    Network,
    /// A conflict is left for the user.
    Conflict,
    /// A defect of git-secfix itself.
    Bug,
}

impl Exit {
    /// Every code with its meaning, in the order in which the man pages list them.
    pub const TABLE: [(u8, &'static str); 8] = [
        (0, "done"),
        (1, "not done: something blocks"),
        (2, "usage: the command line or a configuration file is wrong"),
        (3, "refused by the guard or a gate"),
        (4, "no token, or a bad one"),
        (5, "GitLab or the network failed"),
        (6, "a conflict is left for you"),
        (70, "a defect of git-secfix; please report it"),
    ];

    /// The number given to the operating system.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotDone => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Auth => 4,
            Self::Network => 5,
            Self::Conflict => 6,
            Self::Bug => 70,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_is_in_the_public_table() {
        for exit in [
            Exit::Done,
            Exit::NotDone,
            Exit::Usage,
            Exit::Refused,
            Exit::Auth,
            Exit::Network,
            Exit::Conflict,
            Exit::Bug,
        ] {
            assert!(Exit::TABLE.iter().any(|(code, _)| *code == exit.code()), "{exit:?}");
        }
    }
}
