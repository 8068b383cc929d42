//! What says that bytes are whole: a mark of the format and a checksum.

use crate::DecodeError;

/// A graph, first format.
pub(super) const GRAPH: [u8; 4] = *b"SGG\x01";
/// A difference, first format.
pub(super) const DIFF: [u8; 4] = *b"SGD\x01";

pub(super) fn seal(mark: [u8; 4], body: &[u8]) -> Vec<u8> {
    [&mark, &crc32c::crc32c(body).to_le_bytes(), body].concat()
}

/// The body behind the mark, if the checksum fits it.
pub(super) fn open(mark: [u8; 4], bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let (found, rest) = bytes.split_first_chunk().ok_or(DecodeError::CutShort)?;
    if *found != mark {
        return Err(DecodeError::Format);
    }
    let (crc, body) = rest.split_first_chunk().ok_or(DecodeError::CutShort)?;
    let sound = crc32c::crc32c(body) == u32::from_le_bytes(*crc);
    sound.then_some(body).ok_or(DecodeError::Checksum)
}
