//! The file of the segment that takes blocks.

use super::record::{FILE_HEAD, RECORD_HEAD, Sort};
use super::{Folder, SegmentFile, Stage, record};
use crate::log::{Entry, Place};
use std::io;
use std::sync::Arc;

/// The file that takes blocks. Invariant: the first `len` bytes are durable.
#[derive(Debug)]
pub(super) struct Active {
    id: u64,
    /// The file, for those who read.
    reader: Arc<SegmentFile>,
    /// Open while the folder works.
    writer: Option<SegmentFile>,
    len: u64,
}

impl Active {
    /// Makes the file of segment `id`.
    pub(super) fn create(folder: &Folder, id: u64) -> io::Result<Self> {
        let writer = folder.create(id, Stage::Active)?;
        folder.sync()?;
        let reader = folder.file(id, Stage::Active)?;
        Ok(Self {
            id,
            reader,
            writer: Some(writer),
            len: FILE_HEAD,
        })
    }

    /// Goes on behind the first `len` bytes of a file that was there before.
    pub(super) fn resume(id: u64, reader: Arc<SegmentFile>, len: u64) -> Self {
        Self {
            id,
            reader,
            writer: None,
            len,
        }
    }

    /// The segment whose file it is.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Nothing is held open for writing any more.
    pub(super) fn let_go(&mut self) {
        self.writer = None;
    }

    /// Opens the file for writing, without what is not durable.
    pub(super) fn open(&mut self, folder: &Folder) -> io::Result<()> {
        if self.writer.is_none() {
            let writer = folder.writer(self.id, Stage::Active)?;
            writer.cut(self.len)?;
            self.writer = Some(writer);
        }
        Ok(())
    }

    /// Appends the records of `batch` to `piece`; answers where each will be. What died meanwhile is
    /// not written.
    pub(super) fn put(
        &self,
        batch: &[Arc<Entry>],
        piece: &mut Vec<u8>,
    ) -> io::Result<Vec<Option<Place>>> {
        let mut places = Vec::with_capacity(batch.len());
        for entry in batch {
            if entry.is_dead() {
                places.push(None);
                continue;
            }
            let at = self.len + (piece.len() + RECORD_HEAD) as u64;
            let bytes = entry.bytes()?;
            record::put(Sort::Block, &bytes, piece);
            let len = bytes.len() as u32;
            places.push(Some(Place::File {
                file: self.reader.clone(),
                at,
                len,
            }));
        }
        Ok(places)
    }

    /// Writes a piece behind what is durable, and makes it durable.
    pub(super) fn save(&mut self, piece: &[u8]) -> io::Result<()> {
        let writer = self.writer.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let saved = writer.write(piece, self.len).and_then(|()| writer.sync());
        if saved.is_err() {
            // If this fails too, the file is cut when it is opened next.
            let _ = writer.cut(self.len);
        }
        saved?;
        self.len += piece.len() as u64;
        Ok(())
    }
}
