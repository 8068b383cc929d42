//! The bytes around a page's body: prefix, checksum, compression.

use super::{MAX_RAW_BYTES, PageError, VERSION};
use crate::block::Codec;
use crate::bytes::{Cursor, put_varint};
use std::borrow::Cow;

const MAGIC: [u8; 4] = *b"ESPG";
/// Bytes before the length of the body: magic, version, codec, order, nothing, length, checksum.
const PREFIX: usize = 16;
const CODEC_AT: usize = 5;
const LENGTH_AT: usize = 8;
const CRC_AT: usize = 12;

/// The page whose body this is.
pub(super) fn put(body: &[u8], descending: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX + 4 + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[VERSION, 0, u8::from(descending), 0]);
    bytes.extend_from_slice(&[0; 8]);
    put_varint(&mut bytes, body.len() as u64);
    bytes[CODEC_AT] = Codec::Lz4.compress(body, &mut bytes) as u8;
    let length = bytes.len() as u32;
    bytes[LENGTH_AT..CRC_AT].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes);
    bytes[CRC_AT..PREFIX].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The body of a page, and whether its newest event comes first.
pub(super) fn get(bytes: &[u8]) -> Result<(Cow<'_, [u8]>, bool), PageError> {
    let mut at = Cursor::new(bytes);
    if at.array()? != MAGIC {
        return Err(PageError::Magic);
    }
    let [version, codec, order, nothing] = at.array()?;
    if version == 0 || version > VERSION {
        return Err(PageError::Version(version));
    }
    let (length, stated) = (at.u32()?, at.u32()?);
    if length as usize != bytes.len() {
        return Err(PageError::Short);
    }
    let found = checksum(bytes);
    if stated != found {
        return Err(PageError::Checksum { stated, found });
    }
    if order > 1 || nothing != 0 {
        return Err(PageError::Content("order"));
    }
    let size = at.varint32()? as usize;
    if size > MAX_RAW_BYTES {
        return Err(PageError::Content("size"));
    }
    let body = Codec::from_code(codec)?.decompress(at.rest(), size)?;
    Ok((body, order == 1))
}

/// CRC32C of all bytes but the checksum itself.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..CRC_AT]), &bytes[PREFIX..])
}
