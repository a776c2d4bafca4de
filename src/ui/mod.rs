//! The only place that prints. Standard output is the answer; everything else goes to standard
//! error. Text from outside is made safe before it reaches a terminal.

mod link;
mod report_words;
pub mod safe;
pub mod spinner;
pub mod table;
pub mod terminal;

pub use link::Links;
pub(crate) use report_words::report_words;
pub use safe::{safe, safe_line};
pub use spinner::Spinner;
pub use table::Table;
pub use terminal::{ColorWhen, Ui, lost_answer};
