//! One segment's file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A file that is written at its end by one thread and read anywhere by all.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    file: File,
}

impl SegmentFile {
    pub(crate) fn new(file: File) -> Self {
        Self { file }
    }

    /// `len` bytes at `at`.
    ///
    /// # Errors
    ///
    /// Whatever the file answers, and [`io::ErrorKind::UnexpectedEof`] behind its end.
    pub(crate) fn read(&self, at: u64, len: u32) -> io::Result<Arc<[u8]>> {
        let mut bytes = vec![0; len as usize];
        self.fill(at, &mut bytes)?;
        Ok(bytes.into())
    }

    /// Fills `bytes` from `at`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn fill(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }

    /// Writes `bytes` at `at`.
    ///
    /// # Errors
    ///
    /// Whatever the file answers; a part may have been written.
    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    ///
    /// Whatever the file answers. After an error, nothing that was written since the last success
    /// may be relied on, also when a later call succeeds.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Cuts the file.
    ///
    /// # Errors
    ///
    /// Whatever the file answers.
    pub(crate) fn cut(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    /// Its length.
    ///
    /// # Errors
    ///
    /// Whatever the file answers.
    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}
