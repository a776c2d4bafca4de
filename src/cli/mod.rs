//! From a command line to a command, and from its end to an exit code.

pub mod completions;
pub mod dispatch;
pub mod manual;
pub mod options;
pub mod program;
pub mod suite;

pub use program::run;
