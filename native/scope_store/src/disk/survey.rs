//! What the file of a segment holds, checked to its last byte.

use super::file::SegmentFile;
use super::record::Sort;
use super::{footer, memo, scan};
use scope_event::Block;
use std::fs::File;
use std::io;

/// What [`survey`] found in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The number of the segment, as the file says; 0 when it is no segment.
    pub segment: u64,
    /// Blocks, readable or not.
    pub blocks: u64,
    /// Blocks that decode, and whose events are those that their digest was taken of.
    pub readable: u64,
    /// Events of the readable blocks.
    pub events: u64,
    /// Origins that the file's memos speak of.
    pub remembered: u64,
    /// Blocks that the index at the end lists; `None` where there is no index that is whole.
    pub listed: Option<u64>,
    /// Up to here the file is whole.
    pub whole: u64,
    /// Bytes behind that which make no sense.
    pub left: u64,
}

/// Reads the file of a segment from the first byte to the last, changing nothing. For a look at a
/// folder that another node wrote, or that may be damaged.
///
/// # Errors
///
/// Whatever reading the file answers. A damaged file is no error: it is told.
///
/// # Examples
///
/// ```
/// let found = scope_store::survey(&tempfile::tempfile()?)?;
/// assert_eq!(found, scope_store::Survey::default());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn survey(file: &File) -> io::Result<Survey> {
    let file = SegmentFile::new(file.try_clone()?);
    let mut found = Survey {
        segment: scan::id(&file)?,
        ..Survey::default()
    };
    let id = found.segment;
    let end = scan::records(&file, id, |sort, _, body| found.add(sort, body))?;
    let list = scan::footer(&file, id)?.and_then(|body| footer::read(&body));
    found.listed = list.map(|blocks| blocks.len() as u64);
    let trailer = if found.listed.is_some() && end.left == scan::TRAILER {
        scan::TRAILER
    } else {
        0
    };
    (found.whole, found.left) = (end.at + trailer, end.left - trailer);
    Ok(found)
}

impl Survey {
    fn add(&mut self, sort: Sort, body: &[u8]) {
        match sort {
            Sort::Block => self.add_block(body),
            Sort::Memo => self.remembered += memo::read(body).map_or(0, |memos| memos.len() as u64),
            Sort::Footer => {}
        }
    }

    fn add_block(&mut self, body: &[u8]) {
        self.blocks += 1;
        if let Ok(events) = Block::parse(body).and_then(|block| block.verify()) {
            self.readable += 1;
            self.events += events.len() as u64;
        }
    }
}
