//! The parts of a file: what each is, how long, and its checksum.
//!
//! ```text
//! file    = "SCOPEREC" version:u32 crc:u32 part*        crc = CRC32C of the twelve bytes before it
//! part    = sort:u8 length:u32 crc:u32 body[length]     crc = CRC32C of sort, length and body
//! ```

use super::VERSION;
use super::error::RecordingError;
use crate::disk::SegmentFile;

/// First bytes of every recording.
const MAGIC: &[u8; 8] = b"SCOPEREC";
/// Length of what comes before the first part.
pub(super) const FILE_HEAD: u64 = 16;
/// Length of a part before its body.
pub(super) const HEAD: u64 = 9;
/// Bytes of a body at most: what a reader will make room for, if the file is that long.
pub(super) const MOST: usize = 16 << 20;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sort {
    /// What the recording is of; the first part.
    About = 1,
    /// A block of events that were chosen.
    Block = 2,
    /// A block of events that explain them.
    Beside = 3,
    /// Which messages belong together.
    Pairs = 4,
    /// What is known to be missing, and how much there is; the last part.
    End = 5,
}

impl Sort {
    fn read(code: u8) -> Option<Self> {
        [
            Self::About,
            Self::Block,
            Self::Beside,
            Self::Pairs,
            Self::End,
        ]
        .into_iter()
        .find(|sort| *sort as u8 == code)
    }
}

/// The bytes before the first part.
pub(super) fn file_head() -> [u8; FILE_HEAD as usize] {
    let mut head = [0; FILE_HEAD as usize];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let crc = crc32c::crc32c(&head[..12]);
    head[12..].copy_from_slice(&crc.to_le_bytes());
    head
}

/// Appends a part.
pub(super) fn put(sort: Sort, body: &[u8], out: &mut Vec<u8>) {
    out.push(sort as u8);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&checksum(sort as u8, body).to_le_bytes());
    out.extend_from_slice(body);
}

fn checksum(sort: u8, body: &[u8]) -> u32 {
    let head = crc32c::crc32c(&[sort]);
    let head = crc32c::crc32c_append(head, &(body.len() as u32).to_le_bytes());
    crc32c::crc32c_append(head, body)
}

/// Whether a file begins as a recording of a version that is known here.
pub(super) fn check_head(file: &SegmentFile, len: u64) -> Result<(), RecordingError> {
    let mut head = [0; FILE_HEAD as usize];
    let there = len.min(FILE_HEAD) as usize;
    file.fill(0, &mut head[..there])?;
    if there < MAGIC.len() || head[..8] != *MAGIC {
        return Err(RecordingError::NotOne);
    }
    if there < FILE_HEAD as usize {
        return Err(RecordingError::Cut { at: 0, left: len });
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if word(12) != crc32c::crc32c(&head[..12]) {
        return Err(damaged(0, "its first bytes"));
    }
    match word(8) {
        1..=VERSION => Ok(()),
        later => Err(RecordingError::Version(later)),
    }
}

/// Reads the part at `at` into `body`; `None` behind the last one.
pub(super) fn read(
    file: &SegmentFile,
    at: u64,
    len: u64,
    body: &mut Vec<u8>,
) -> Result<Option<Sort>, RecordingError> {
    let left = len.saturating_sub(at);
    if left == 0 {
        return Ok(None);
    }
    let cut = RecordingError::Cut { at, left };
    if left < HEAD {
        return Err(cut);
    }
    let mut head = [0; HEAD as usize];
    file.fill(at, &mut head)?;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let sort = Sort::read(head[0]).ok_or(damaged(at, "a part of no known sort"))?;
    let room = word(1) as usize;
    if room > MOST {
        return Err(damaged(at, "the length of a part"));
    }
    if room as u64 > left - HEAD {
        return Err(cut);
    }
    body.resize(room, 0);
    file.fill(at + HEAD, body)?;
    if checksum(head[0], body) != word(5) {
        return Err(damaged(at, "a checksum"));
    }
    Ok(Some(sort))
}

pub(super) fn damaged(at: u64, what: &'static str) -> RecordingError {
    RecordingError::Damaged { at, what }
}
