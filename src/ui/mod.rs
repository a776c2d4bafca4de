//! The only place that prints. Standard output is the answer; everything else goes to standard
//! error. Text from outside is made safe before it reaches a terminal.

pub mod safe;
pub mod table;
pub mod terminal;

pub use table::Table;
pub use terminal::{ColorWhen, Ui};
