//! Settings: built-in presets, files, environment and command line, each value with its origin.
//! Nothing is ever read from the work tree, where a branch could weaken the guard.

pub mod clone_file;
pub mod error;
pub mod file;
pub mod instance;
pub mod keys;
pub mod layer;
pub mod preset;
pub mod settings;
