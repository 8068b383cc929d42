//! The bytes of a block: prefix, header, directory of columns, columns.

use super::closed::Block;
use super::codec::Codec;
use super::columns::{self, COLUMNS, STATE_BYTES};
use super::dictionary::Dictionary;
use super::digest::digest;
use super::header::{Anchor, Counts, Header};
use super::intake::{NameTable, PayloadTable};
use super::rows::Rows;
use super::{BlockError, MAX_RAW_BYTES, VERSION};
use crate::bytes::{Cursor, put_varint};
use crate::origin::{Origin, Seq};
use std::sync::Arc;

/// First bytes of every block.
pub(super) const MAGIC: [u8; 4] = *b"ESBK";
/// Bytes before the header: magic, version, codec, two of nothing, length, checksum.
pub(super) const PREFIX: usize = 16;
const LENGTH_AT: usize = 8;
const CRC_AT: usize = 12;

/// All that a block is made of.
pub(super) struct Parts<'a> {
    pub(super) origin: &'a Origin,
    pub(super) from: Seq,
    pub(super) complete_to: u64,
    pub(super) consolidated: bool,
    pub(super) anchors: &'a [Anchor],
    pub(super) rows: &'a Rows,
    pub(super) names: &'a NameTable,
    pub(super) payloads: &'a PayloadTable,
}

impl Parts<'_> {
    /// Encodes and closes the block.
    pub(super) fn block(&self, codec: Codec) -> Block {
        let columns = columns::encode(self.rows, self.names, &self.payloads.payloads);
        let mut header = self.header();
        header.raw_bytes = columns.iter().map(|column| column.len() as u64).sum();
        let mut directory = Vec::new();
        let mut body = Vec::new();
        for (id, raw) in columns.iter().enumerate() {
            put_column(id, codec, raw, &mut directory, &mut body);
        }
        let bytes = frame(&header, codec, &directory, &body);
        let body_at = bytes.len() - body.len();
        Block::assembled(
            header,
            codec,
            bytes.into(),
            body_at,
            get_directory_of(&directory),
        )
    }

    fn header(&self) -> Header {
        let stamps = &self.rows.stamps;
        let dictionary = &self.names.dictionary;
        let kinds = self
            .rows
            .keys
            .iter()
            .map(|key| dictionary.keys[*key as usize].kind.code());
        Header {
            origin: self.origin.clone(),
            from: self.from,
            to: self.from + self.rows.len() as u64 - 1,
            min_stamp: stamps.iter().copied().min().unwrap_or_default(),
            max_stamp: stamps.iter().copied().max().unwrap_or_default(),
            complete_to: self.complete_to,
            digest: self.digest(dictionary),
            counts: Counts::gather(kinds),
            anchors: self.anchors.to_vec(),
            raw_bytes: 0,
            consolidated: self.consolidated,
        }
    }

    fn digest(&self, dictionary: &Dictionary) -> u64 {
        digest(
            self.from,
            self.rows,
            dictionary,
            &self.names.hashes,
            &self.payloads.hashes,
        )
    }
}

fn put_column(id: usize, codec: Codec, raw: &[u8], directory: &mut Vec<u8>, body: &mut Vec<u8>) {
    let start = body.len();
    let used = if id == STATE_BYTES {
        columns::put_chunks(codec, raw, body);
        Codec::Plain
    } else {
        columns::codec_of(id, codec).compress(raw, body)
    };
    directory.push(used as u8);
    put_varint(directory, raw.len() as u64);
    put_varint(directory, (body.len() - start) as u64);
}

fn frame(header: &Header, codec: Codec, directory: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX + 256 + directory.len() + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[VERSION, codec as u8, 0, 0]);
    bytes.extend_from_slice(&[0; 8]);
    header.put(&mut bytes);
    bytes.extend_from_slice(directory);
    bytes.extend_from_slice(body);
    let length = bytes.len() as u32;
    bytes[LENGTH_AT..CRC_AT].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes);
    bytes[CRC_AT..PREFIX].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// CRC32C of all bytes but the checksum itself.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..CRC_AT]), &bytes[PREFIX..])
}

/// A column in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) codec: Codec,
    pub(super) raw: usize,
    pub(super) start: usize,
    pub(super) len: usize,
}

/// The columns' places; all empty if the directory is damaged, which ours is not.
fn get_directory_of(directory: &[u8]) -> [Column; COLUMNS] {
    get_directory(&mut Cursor::new(directory)).unwrap_or([Column::EMPTY; COLUMNS])
}

impl Column {
    const EMPTY: Self = Self {
        codec: Codec::Plain,
        raw: 0,
        start: 0,
        len: 0,
    };
}

fn get_directory(at: &mut Cursor<'_>) -> Result<[Column; COLUMNS], BlockError> {
    let mut columns = [Column::EMPTY; COLUMNS];
    let mut start = 0usize;
    for column in &mut columns {
        let codec = Codec::from_code(at.u8()?)?;
        let (raw, len) = (at.varint32()? as usize, at.varint32()? as usize);
        *column = Column {
            codec,
            raw,
            start,
            len,
        };
        start = start.checked_add(len).ok_or(BlockError::Short)?;
    }
    Ok(columns)
}

/// Length of the block that starts with these bytes, when the prefix is all there.
pub(super) fn length(bytes: &[u8]) -> Result<usize, BlockError> {
    let mut at = Cursor::new(bytes);
    if at.array()? != MAGIC {
        return Err(BlockError::Magic);
    }
    let [version, _codec, _, _] = at.array()?;
    let length = at.u32()? as usize;
    if version == 0 || version > VERSION {
        return Err(BlockError::Version(version));
    }
    if length < PREFIX {
        Err(BlockError::Short)
    } else {
        Ok(length)
    }
}

/// Checks a whole block and takes it apart.
pub(super) fn parse(bytes: Arc<[u8]>) -> Result<Block, BlockError> {
    if length(&bytes)? != bytes.len() {
        return Err(BlockError::Short);
    }
    check(&bytes)?;
    parse_checked(bytes)
}

fn check(bytes: &[u8]) -> Result<(), BlockError> {
    let stated = u32::from_le_bytes(Cursor::new(&bytes[CRC_AT..]).array()?);
    let found = checksum(bytes);
    if stated == found {
        Ok(())
    } else {
        Err(BlockError::Checksum { stated, found })
    }
}

/// Takes a block apart whose bytes are what they were when they were checked.
pub(super) fn parse_checked(bytes: Arc<[u8]>) -> Result<Block, BlockError> {
    if length(&bytes)? != bytes.len() {
        return Err(BlockError::Short);
    }
    let codec = Codec::from_code(bytes[5])?;
    let mut at = Cursor::new(&bytes[PREFIX..]);
    let mut header = Header::get(&mut at)?;
    let columns = get_directory(&mut at)?;
    header.raw_bytes = columns.iter().map(|column| column.raw as u64).sum();
    if header.raw_bytes > MAX_RAW_BYTES {
        return Err(BlockError::Content("size"));
    }
    let body_at = PREFIX + at.at();
    if columns.iter().map(|column| column.len).sum::<usize>() != at.left() {
        return Err(BlockError::Short);
    }
    Ok(Block::assembled(header, codec, bytes, body_at, columns))
}
