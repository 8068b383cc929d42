//! From words to a dictionary while a block is open.

mod names;
mod table;
mod words;

pub(crate) use names::NameTable;
pub(super) use table::PayloadTable;
pub(super) use words::{FromWords, WordKey, WordSubject, WordTable};
