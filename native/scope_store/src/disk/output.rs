//! Writing a sealed segment.

use super::record::{FILE_HEAD, RECORD_HEAD, Sort};
use super::{Folder, SegmentFile, Stage, footer, memo, record, scan};
use crate::log::{Entry, Log, Place};
use std::io;
use std::sync::Arc;

/// Bytes between two syncs, so that the last one does not take long.
const SYNC_EVERY: u64 = 4 << 20;

/// The file that takes the place of an active one: block by block, then the list of them.
#[derive(Debug)]
pub(crate) struct Output {
    id: u64,
    file: SegmentFile,
    /// The same file, for those who read.
    reader: Arc<SegmentFile>,
    len: u64,
    synced: u64,
    listed: Vec<(Arc<Entry>, u64)>,
}

impl Output {
    /// Begins the sealed file of segment `id` with a memo.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn create(folder: &Folder, id: u64, log: &Log) -> io::Result<Self> {
        let file = folder.create(id, Stage::Sealing)?;
        let mut output = Self {
            id,
            file,
            reader: folder.file(id, Stage::Sealing)?,
            len: FILE_HEAD,
            synced: 0,
            listed: Vec::new(),
        };
        output.put(Sort::Memo, &memo::write(log))?;
        Ok(output)
    }

    /// Writes a block; answers where it can be read.
    ///
    /// # Errors
    ///
    /// Whatever the file answers.
    pub(crate) fn block(&mut self, bytes: &[u8]) -> io::Result<Place> {
        let at = self.put(Sort::Block, bytes)?;
        if self.len - self.synced >= SYNC_EVERY {
            self.file.sync()?;
            self.synced = self.len;
        }
        Ok(Place::File {
            file: self.reader.clone(),
            at,
            len: bytes.len() as u32,
        })
    }

    /// A block that was written is this entry's.
    pub(crate) fn list(&mut self, entry: Arc<Entry>, place: &Place) {
        if let Place::File { at, .. } = place {
            self.listed.push((entry, *at));
        }
    }

    /// Writes the list, makes all of it durable and gives the file its name.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn finish(mut self, folder: &Folder) -> io::Result<()> {
        let at = self.len;
        self.put(Sort::Footer, &footer::write(&self.listed))?;
        self.file.write(&scan::trailer(at), self.len)?;
        self.file.sync()?;
        folder.publish(self.id)?;
        folder.remove(self.id, Stage::Active)
    }

    /// Gives it up. Blocks that were moved here stay readable as long as they are held.
    pub(crate) fn abandon(self, folder: &Folder) {
        // What cannot be removed now is removed when the folder is opened next.
        let _ = folder.remove(self.id, Stage::Sealing);
    }

    fn put(&mut self, sort: Sort, body: &[u8]) -> io::Result<u64> {
        let mut bytes = Vec::with_capacity(RECORD_HEAD + body.len());
        record::put(sort, body, &mut bytes);
        self.file.write(&bytes, self.len)?;
        let at = self.len + RECORD_HEAD as u64;
        self.len += bytes.len() as u64;
        Ok(at)
    }
}
