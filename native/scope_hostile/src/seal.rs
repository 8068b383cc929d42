//! The right checksums on wrong bytes: what somebody could send who means harm.

/// Where the length and the checksum of a block stand.
const BLOCK_PREFIX: usize = 16;

/// A block's length and checksum put right. What is shorter than a prefix stays as it is.
pub(crate) fn block(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < BLOCK_PREFIX {
        return bytes;
    }
    let length = bytes.len() as u32;
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[BLOCK_PREFIX..]);
    bytes[12..BLOCK_PREFIX].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// A message of the protocol's version with the right checksum.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let sum = crc32c::crc32c(message).to_le_bytes();
    [&[scope_sync::wire::VERSION], sum.as_slice(), message].concat()
}

/// A handshake with the right checksum.
pub(crate) fn handshake(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= 8 {
        let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..4]), &bytes[8..]);
        bytes[4..8].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}

/// Bytes of a segment's file before its records: magic and id.
const FILE_HEAD: usize = 16;
/// Bytes of a record before its body: kind, length, checksum.
const RECORD_HEAD: usize = 9;

/// The file of segment `id` with the right head, and with the right checksums for as many records as
/// there are by their lengths. A record that claims more than is there is the last one.
pub(crate) fn segment(bytes: &[u8], id: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < FILE_HEAD {
        return bytes;
    }
    bytes[..8].copy_from_slice(b"SCOPSEG1");
    bytes[8..FILE_HEAD].copy_from_slice(&id.to_le_bytes());
    let mut rest = &mut bytes[FILE_HEAD..];
    while let Some(body) = record(rest) {
        rest = &mut rest[RECORD_HEAD + body..];
    }
    bytes
}

/// Puts the record right that stands first; answers the length of its body.
fn record(bytes: &mut [u8]) -> Option<usize> {
    let (head, rest) = bytes.split_first_chunk_mut::<RECORD_HEAD>()?;
    let body = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let content = rest.get_mut(..body)?;
    if head[0] == 1 {
        let sealed = block(content);
        content.copy_from_slice(&sealed);
    }
    let sum = crc32c::crc32c_append(crc32c::crc32c(&head[..5]), content);
    head[5..].copy_from_slice(&sum.to_le_bytes());
    Some(body)
}

/// A recording with the right first bytes, and with the right checksums for as many parts as there are by
/// their lengths.
pub(crate) fn recording(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < FILE_HEAD {
        return bytes;
    }
    bytes[..12].copy_from_slice(b"SCOPEREC\x01\0\0\0");
    let sum = crc32c::crc32c(&bytes[..12]).to_le_bytes();
    bytes[12..FILE_HEAD].copy_from_slice(&sum);
    let mut rest = &mut bytes[FILE_HEAD..];
    while let Some(body) = part(rest) {
        rest = &mut rest[RECORD_HEAD + body..];
    }
    bytes
}

/// Puts the part right that stands first, with the block in it; answers the length of its body.
fn part(bytes: &mut [u8]) -> Option<usize> {
    let (head, rest) = bytes.split_first_chunk_mut::<RECORD_HEAD>()?;
    let body = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let content = rest.get_mut(..body)?;
    if let Some(at) = block_in(content) {
        let sealed = block(&content[at..]);
        content[at..].copy_from_slice(&sealed);
    }
    let sum = crc32c::crc32c_append(crc32c::crc32c(&head[..5]), content);
    head[5..].copy_from_slice(&sum.to_le_bytes());
    Some(body)
}

/// Where a block begins in the body of a part.
pub(crate) fn block_in(body: &[u8]) -> Option<usize> {
    body.windows(4).position(|four| four == b"ESBK")
}

/// The bodies of the records of a segment's file.
pub(crate) fn bodies(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.get(FILE_HEAD..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_first_chunk::<RECORD_HEAD>()?;
        let len = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (body, behind) = behind.split_at_checked(len)?;
        rest = behind;
        Some(body)
    })
}
