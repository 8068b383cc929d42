//! Bytes in chunks, each compressed alone, so that a few of them cost no more than a few.

use crate::block::BlockError;
use crate::block::codec::Codec;
use crate::bytes::{Cursor, put_varint};
use std::borrow::Cow;
use std::ops::Range;

/// Bytes of a chunk before compression.
const CHUNK: usize = 4096;

/// Codec and stored length of each chunk, then the chunks.
pub(in crate::block) fn put(codec: Codec, raw: &[u8], out: &mut Vec<u8>) {
    let (mut directory, mut body) = (Vec::new(), Vec::new());
    for chunk in raw.chunks(CHUNK) {
        let start = body.len();
        directory.push(codec.compress(chunk, &mut body) as u8);
        put_varint(&mut directory, (body.len() - start) as u64);
    }
    out.extend_from_slice(&directory);
    out.extend_from_slice(&body);
}

/// Chunks that are decompressed when they are first needed.
pub(in crate::block) struct Chunks<'a> {
    chunks: Vec<Chunk<'a>>,
    len: usize,
}

struct Chunk<'a> {
    codec: Codec,
    len: usize,
    packed: &'a [u8],
    raw: Option<Cow<'a, [u8]>>,
}

impl<'a> Chunks<'a> {
    /// The chunks of `len` bytes.
    pub(in crate::block) fn new(column: &'a [u8], len: usize) -> Result<Self, BlockError> {
        let mut at = Cursor::new(column);
        let mut stored = Vec::with_capacity(len.div_ceil(CHUNK).min(at.left()));
        for _ in 0..len.div_ceil(CHUNK) {
            stored.push((Codec::from_code(at.u8()?)?, at.varint32()? as usize));
        }
        let mut chunks = Vec::with_capacity(stored.len());
        for (start, (codec, packed)) in (0..len).step_by(CHUNK).zip(stored) {
            chunks.push(Chunk {
                codec,
                len: CHUNK.min(len - start),
                packed: at.take(packed)?,
                raw: None,
            });
        }
        if at.is_done() {
            Ok(Self { chunks, len })
        } else {
            Err(BlockError::Content("chunks"))
        }
    }

    /// All bytes.
    pub(in crate::block) fn all(&mut self) -> Result<Vec<u8>, BlockError> {
        self.get(0..self.len)
    }

    /// A range of the bytes, copied only where it lies in several chunks.
    pub(in crate::block) fn part(
        &mut self,
        range: Range<usize>,
    ) -> Result<Cow<'_, [u8]>, BlockError> {
        let (number, from) = (range.start / CHUNK, range.start % CHUNK);
        if from + range.len() > CHUNK {
            return self.get(range).map(Cow::Owned);
        }
        match self.chunks.get_mut(number) {
            Some(chunk) => {
                let part = chunk.raw()?.get(from..from + range.len());
                part.map(Cow::Borrowed).ok_or(BlockError::Short)
            }
            None => Ok(Cow::Borrowed(&[])),
        }
    }

    fn get(&mut self, range: Range<usize>) -> Result<Vec<u8>, BlockError> {
        let mut bytes = Vec::with_capacity(range.len().min(self.len));
        let first = range.start / CHUNK;
        let here = self.chunks.iter_mut().enumerate().skip(first);
        for (number, chunk) in here.take(range.end.div_ceil(CHUNK).saturating_sub(first)) {
            let start = number * CHUNK;
            let (from, to) = (range.start.max(start) - start, range.end - start);
            let raw = chunk.raw()?;
            bytes.extend_from_slice(raw.get(from..to.min(CHUNK)).ok_or(BlockError::Short)?);
        }
        Ok(bytes)
    }
}

impl Chunk<'_> {
    fn raw(&mut self) -> Result<&[u8], BlockError> {
        let raw = match self.raw.take() {
            Some(raw) => raw,
            None => self.codec.decompress(self.packed, self.len)?,
        };
        Ok(self.raw.insert(raw))
    }
}
