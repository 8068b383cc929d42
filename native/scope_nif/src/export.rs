//! `export_*`: events in the formats that other tools read. A table is written from what a reading found,
//! a part at a time.

mod table;
mod value;
