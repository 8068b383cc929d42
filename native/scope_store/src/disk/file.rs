//! One segment's file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A file that blocks are read from, by offset.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    file: File,
}

impl SegmentFile {
    pub(crate) fn new(file: File) -> Arc<Self> {
        Arc::new(Self { file })
    }

    /// `len` bytes at `at`.
    ///
    /// # Errors
    ///
    /// Whatever the file answers, and [`io::ErrorKind::UnexpectedEof`] behind its end.
    pub(crate) fn read(&self, at: u64, len: u32) -> io::Result<Arc<[u8]>> {
        let mut bytes = vec![0; len as usize];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    }
}
