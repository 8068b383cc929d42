//! Reading a segment's file record by record, up to the first one that is not whole.

use super::file::SegmentFile;
use super::record::{END_MAGIC, FILE_HEAD, Head, MAGIC, RECORD_HEAD, Sort};
use std::io;

/// Where a file stops making sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// All before this offset is whole.
    pub(crate) at: u64,
    /// What is behind it.
    pub(crate) left: u64,
}

/// Calls `each` with offset and body of every whole record, one in memory at a time, and answers
/// where it stopped. Room is made for a body only if the file is that long.
///
/// # Errors
///
/// Whatever reading the file answers: that is not the same as a damaged file.
pub(crate) fn records(
    file: &SegmentFile,
    id: u64,
    mut each: impl FnMut(Sort, u64, &[u8]),
) -> io::Result<End> {
    let len = file.len()?;
    if !has_head(file, len, id)? {
        return Ok(End { at: 0, left: len });
    }
    let (mut at, mut body) = (FILE_HEAD, Vec::new());
    while let Some(head) = next_head(file, at, len)? {
        body.resize(head.len as usize, 0);
        let start = at + RECORD_HEAD as u64;
        file.fill(start, &mut body)?;
        if !head.fits(&body) {
            break;
        }
        each(head.sort, start, &body);
        at = start + u64::from(head.len);
    }
    Ok(End { at, left: len - at })
}

/// The id in the head of a file; 0 when it is no segment's.
///
/// # Errors
///
/// Whatever reading the file answers.
pub(crate) fn id(file: &SegmentFile) -> io::Result<u64> {
    if file.len()? < FILE_HEAD {
        return Ok(0);
    }
    let mut head = [0; FILE_HEAD as usize];
    file.fill(0, &mut head)?;
    let id = head
        .last_chunk::<8>()
        .map_or(0, |id| u64::from_le_bytes(*id));
    Ok(if head[..8] == *MAGIC { id } else { 0 })
}

fn has_head(file: &SegmentFile, len: u64, id: u64) -> io::Result<bool> {
    if len < FILE_HEAD {
        return Ok(false);
    }
    let mut head = [0; FILE_HEAD as usize];
    file.fill(0, &mut head)?;
    Ok(head[..8] == *MAGIC && head[8..] == id.to_le_bytes())
}

/// The head of the record at `at`, if the file is long enough for head and body.
fn next_head(file: &SegmentFile, at: u64, len: u64) -> io::Result<Option<Head>> {
    let Some(room) = (len - at).checked_sub(RECORD_HEAD as u64) else {
        return Ok(None);
    };
    let mut head = [0; RECORD_HEAD];
    file.fill(at, &mut head)?;
    Ok(Head::read(&head).filter(|head| u64::from(head.len) <= room))
}

/// Calls `memo` with the body of the first record, if that is a memo.
///
/// # Errors
///
/// Whatever reading the file answers.
pub(crate) fn first(file: &SegmentFile, memo: impl FnOnce(&[u8])) -> io::Result<()> {
    let (at, len) = (FILE_HEAD, file.len()?);
    let Some(head) = next_head(file, at, len)?.filter(|head| head.sort == Sort::Memo) else {
        return Ok(());
    };
    let mut body = vec![0; head.len as usize];
    file.fill(at + RECORD_HEAD as u64, &mut body)?;
    if head.fits(&body) {
        memo(&body);
    }
    Ok(())
}

/// Bytes behind the footer of a sealed segment: a magic and the footer's offset.
pub(crate) const TRAILER: u64 = 16;

/// The trailer for a footer whose record begins at `at`.
pub(crate) fn trailer(at: u64) -> [u8; TRAILER as usize] {
    let mut trailer = [0; TRAILER as usize];
    trailer[..8].copy_from_slice(END_MAGIC);
    trailer[8..].copy_from_slice(&at.to_le_bytes());
    trailer
}

/// The body of the footer of a sealed segment; `None` when it is not whole.
///
/// # Errors
///
/// Whatever reading the file answers.
pub(crate) fn footer(file: &SegmentFile, id: u64) -> io::Result<Option<Vec<u8>>> {
    let len = file.len()?;
    let Some(end) = len.checked_sub(TRAILER).filter(|end| *end >= FILE_HEAD) else {
        return Ok(None);
    };
    let mut last = [0; TRAILER as usize];
    file.fill(end, &mut last)?;
    let at = last
        .last_chunk::<8>()
        .map_or(0, |at| u64::from_le_bytes(*at));
    if last[..8] != *END_MAGIC || at < FILE_HEAD || at > end || !has_head(file, len, id)? {
        return Ok(None);
    }
    let Some(head) = next_head(file, at, end)?.filter(|head| head.sort == Sort::Footer) else {
        return Ok(None);
    };
    let mut body = vec![0; head.len as usize];
    file.fill(at + RECORD_HEAD as u64, &mut body)?;
    Ok(head.fits(&body).then_some(body))
}
