//! Segments as files: their bytes, their names, and reading them back.

mod active;
mod file;
mod folder;
mod footer;
mod health;
mod memo;
mod output;
mod record;
mod recovery;
mod saver;
mod scan;
mod survey;

pub(crate) use file::SegmentFile;
pub(crate) use folder::{Folder, Stage};
pub use health::Health;
pub(crate) use memo::Memo;
pub(crate) use output::Output;
pub use recovery::Cut;
pub(crate) use saver::Saver;
pub use survey::{Survey, survey};
