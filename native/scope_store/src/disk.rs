//! Segments as files.

mod file;

pub(crate) use file::SegmentFile;
