//! A closed block: immutable bytes that were checked.

use super::BlockError;
use super::codec::Codec;
use super::columns::{self, COLUMNS, Chunks, Columns, Named, STATE_BYTES};
use super::dictionary::{Dictionary, NameHashes};
use super::digest::{digest, term_hashes};
use super::events::Events;
use super::header::Header;
use super::wire::{self, Column};
use crate::kind::Kind;
use crate::origin::Seq;
use crate::pid::Pid;
use std::borrow::Cow;
use std::sync::Arc;

/// A closed block. Cloning it shares the bytes.
///
/// Length, version and checksum hold; the columns are looked at when they are asked for, so that a
/// relay can pass on what it cannot decode.
#[derive(Clone, Debug)]
pub struct Block {
    header: Arc<Header>,
    codec: Codec,
    bytes: Arc<[u8]>,
    body_at: usize,
    columns: [Column; COLUMNS],
}

impl Block {
    /// Checks length, version and checksum and reads the header.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when `bytes` is not exactly one undamaged block of a known version.
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, BlockError> {
        wire::parse(bytes.into())
    }

    /// The same for bytes that were parsed before and have been in memory since: the checksum, for
    /// which all of them would be read, is not looked at again.
    ///
    /// # Errors
    ///
    /// As [`Block::parse`], but for the checksum.
    pub fn parse_again(bytes: impl Into<Arc<[u8]>>) -> Result<Self, BlockError> {
        wire::parse_checked(bytes.into())
    }

    /// How long the block is that starts with these bytes, of which 16 are enough.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when no block starts so.
    pub fn length_of(bytes: &[u8]) -> Result<usize, BlockError> {
        wire::length(bytes)
    }

    pub(super) fn assembled(
        header: Header,
        codec: Codec,
        bytes: Arc<[u8]>,
        body_at: usize,
        columns: [Column; COLUMNS],
    ) -> Self {
        Self {
            header: Arc::new(header),
            codec,
            bytes,
            body_at,
            columns,
        }
    }

    /// What the block says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The block as it is stored and shipped.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// How it was compressed.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Decodes the events.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the columns do not decode, though the checksum holds.
    pub fn events(&self) -> Result<Events, BlockError> {
        columns::decode(self)
    }

    /// The names in the block, without its events.
    ///
    /// # Errors
    ///
    /// As [`Block::events`].
    pub fn dictionary(&self) -> Result<Dictionary, BlockError> {
        Ok(Named::get(&self.names()?)?.dictionary)
    }

    /// The columns, to be decoded one by one.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the names do not decode.
    pub fn columns(&self) -> Result<Columns<'_>, BlockError> {
        Columns::new(self)
    }

    /// The last state of `pid` with a stamp of at most `stamp` and a number above `floor`, as events
    /// of which it is the only one. Little else is decoded. Of equal stamps, the later event counts.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when what has to be looked at does not decode.
    pub fn state_at(
        &self,
        pid: &Pid,
        stamp: u64,
        floor: Seq,
    ) -> Result<Option<Events>, BlockError> {
        if self.header.counts.of(Kind::State) == 0 {
            return Ok(None);
        }
        columns::state_at(self, pid, stamp, floor)
    }

    /// Decodes everything, every term included, and compares the digest.
    ///
    /// # Errors
    ///
    /// As [`Block::events`], and [`BlockError::Digest`] when the events are not those of the header.
    pub fn verify(&self) -> Result<Events, BlockError> {
        let events = self.events()?;
        let mut names = NameHashes::of(&events.dictionary);
        let terms = term_hashes(&events.payloads, &mut names)?;
        let found = digest(
            events.from,
            &events.rows,
            &events.dictionary,
            &names,
            &terms,
        );
        if found == self.header.digest {
            Ok(events)
        } else {
            Err(BlockError::Digest)
        }
    }

    /// A column, decompressed.
    pub(super) fn column(&self, id: usize) -> Result<Cow<'_, [u8]>, BlockError> {
        let column = &self.columns[id];
        column.codec.decompress(self.stored(id)?, column.raw)
    }

    pub(super) fn names(&self) -> Result<Cow<'_, [u8]>, BlockError> {
        self.column(columns::NAMES)
    }

    /// The payloads of states, which have `len` bytes.
    pub(super) fn chunks(&self, len: usize) -> Result<Chunks<'_>, BlockError> {
        if self.columns[STATE_BYTES].raw != len {
            return Err(BlockError::Content("states"));
        }
        Chunks::new(self.stored(STATE_BYTES)?, len)
    }

    fn stored(&self, id: usize) -> Result<&[u8], BlockError> {
        let column = &self.columns[id];
        let start = self.body_at.saturating_add(column.start);
        let packed = self.bytes.get(start..start.saturating_add(column.len));
        packed.ok_or(BlockError::Short)
    }

    /// Stored bytes of each column, in the order of `FORMAT.md`: what a block spends its bytes on.
    pub fn column_sizes(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|column| column.len)
    }

    /// Compressed bytes of a column that is stored as it is.
    pub(super) fn stored_len(&self, id: usize) -> usize {
        self.columns[id].len
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
