//! What a folder holds, read back into a log.
//!
//! Nothing here is fatal: a file is taken as far as it is whole, and what was cut is told. Memory
//! holds one record at a time and the index.

use super::file::SegmentFile;
use super::folder::{Folder, Stage};
use super::record::Sort;
use super::{footer, memo, scan};
use crate::index::Index;
use crate::log::{Facts, Log, Place, State, Verdict};
use crate::open::Closed;
use scope_event::{Block, Origin};
use std::io;
use std::sync::Arc;

/// A file that was whole only up to some point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which segment.
    pub segment: u64,
    /// Up to where the file is whole.
    pub at: u64,
    /// Bytes behind that: cut off where the segment was still being written, skipped where it was
    /// sealed.
    pub bytes: u64,
}

/// What came of reading a folder.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) cuts: Vec<Cut>,
    /// The segment that was being written, and up to where it is whole.
    pub(crate) active: Option<(u64, Arc<SegmentFile>, u64)>,
}

/// Reads all segments of `folder` into `log`, whose own segments come behind them.
///
/// # Errors
///
/// Whatever the file system answers when asked for the list of files. A file that cannot be read is
/// told as cut.
pub(crate) fn recover(folder: &Folder, log: &mut Log) -> io::Result<Recovered> {
    let segments = folder.segments()?;
    log.make_room_below(segments.last().map_or(0, |(id, _)| id + 1));
    let mut recovered = Recovered::default();
    let last = segments.len().saturating_sub(1);
    for (nth, (id, stage)) in segments.into_iter().enumerate() {
        let end = read_segment(folder, log, id, stage)
            .unwrap_or_else(|_| (None, scan::End { at: 0, left: 0 }));
        recovered.note(id, end.1);
        let writable = stage == Stage::Active && nth == last && end.1.at > 0;
        if let Some(file) = end.0.filter(|_| writable) {
            recovered.active = Some((id, file, end.1.at));
        }
    }
    log.expire_below_floors();
    Ok(recovered)
}

impl Recovered {
    fn note(&mut self, segment: u64, end: scan::End) {
        if end.left > 0 {
            self.cuts.push(Cut {
                segment,
                at: end.at,
                bytes: end.left,
            });
        }
    }
}

type Segment = (Option<Arc<SegmentFile>>, scan::End);

fn read_segment(folder: &Folder, log: &mut Log, id: u64, stage: Stage) -> io::Result<Segment> {
    let file = folder.file(id, stage)?;
    let state = if stage == Stage::Sealed {
        State::Sealed
    } else {
        State::Full
    };
    log.adopt(id, state);
    if stage == Stage::Sealed && read_footer(&file, log, id)? {
        return Ok((Some(file), scan::End { at: 0, left: 0 }));
    }
    let end = scan::records(&file, id, |sort, at, body| match sort {
        Sort::Block => read_block(&file, log, id, at, body),
        Sort::Memo => read_memo(log, body),
        Sort::Footer => {}
    })?;
    // Behind the last record of a sealed segment stands its trailer.
    let trailer = stage == Stage::Sealed && end.left == scan::TRAILER;
    Ok((
        Some(file),
        if trailer {
            scan::End { left: 0, ..end }
        } else {
            end
        },
    ))
}

/// Takes the blocks that a sealed segment lists, and its memo; answers whether the list is whole.
fn read_footer(file: &Arc<SegmentFile>, log: &mut Log, id: u64) -> io::Result<bool> {
    let Some(listed) = scan::footer(file, id)?.and_then(|body| footer::read(&body)) else {
        return Ok(false);
    };
    scan::first(file, |body| read_memo(log, body))?;
    for block in listed {
        let place = Place::File {
            file: file.clone(),
            at: block.at,
            len: block.facts.len,
        };
        let closed = Closed {
            facts: block.facts,
            index: block.index,
            place,
        };
        put(log, &block.origin, closed, id);
    }
    Ok(true)
}

fn read_block(file: &Arc<SegmentFile>, log: &mut Log, id: u64, at: u64, body: &[u8]) {
    // The record is whole, so this is what was written: a block, or one of a later version.
    let Ok(block) = Block::parse(body) else {
        return;
    };
    let facts = Facts::of(block.header(), body.len());
    let place = Place::File {
        file: file.clone(),
        at,
        len: facts.len,
    };
    let index = block
        .events()
        .ok()
        .and_then(|events| Index::of(&events).ok());
    let closed = Closed {
        facts,
        index: index.unwrap_or_else(Index::unreadable),
        place,
    };
    put(log, &block.header().origin, closed, id);
}

fn put(log: &mut Log, origin: &Origin, closed: Closed, segment: u64) {
    let shelf = log.shelf_mut(origin).1;
    let over = match shelf.judge(&closed.facts) {
        Verdict::New => shelf.touching(closed.facts.from, closed.facts.to),
        Verdict::Replaces(over) => over,
        _ => return,
    };
    log.put(origin, closed, segment, over);
}

fn read_memo(log: &mut Log, body: &[u8]) {
    for memo in memo::read(body).unwrap_or_default() {
        log.shelf_mut(&memo.origin).1.recall(&memo);
    }
}
