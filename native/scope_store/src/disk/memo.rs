//! What is known of origins besides their blocks, as a record.
//!
//! Floors and ends must outlive the segments that they speak of: without them, what expired would be
//! asked for again. So every segment begins with a memo, and one is written before a segment goes.
//! Memos only raise what is known: they can be read in any order, and twice.
//!
//! ```text
//! memo    = origin*
//! origin  = name:text incarnation:u64 floor:u64 last:u64 (0: not known) gone_newest:u64 gone:u64
//!           receipts:u16 receipt[receipts]
//! receipt = from:u64 to:u64 stamp:u64        when such numbers came, whose own stamps are wrong
//! ```

use crate::bytes::{Reader, put_text};
use crate::log::{Log, MAX_RECEIPTS, Receipt, Shelf};
use scope_event::{Origin, Seq};

/// What is remembered of one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memo {
    pub(crate) origin: Origin,
    pub(crate) floor: Seq,
    pub(crate) last: Option<Seq>,
    pub(crate) gone_newest: u64,
    pub(crate) gone: u64,
    pub(crate) receipts: Vec<Receipt>,
}

impl Memo {
    fn of(origin: &Origin, shelf: &Shelf) -> Self {
        Self {
            origin: origin.clone(),
            floor: shelf.knowledge.floor,
            last: shelf.knowledge.last,
            gone_newest: shelf.gone.newest,
            gone: shelf.gone.events,
            receipts: shelf.receipts.ranges().to_vec(),
        }
    }

    fn says_nothing(&self) -> bool {
        self.floor == 0 && self.last.is_none() && self.receipts.is_empty()
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_text(&self.origin.node, out);
        let last = self.last.unwrap_or(0);
        let numbers = [
            self.origin.incarnation,
            self.floor,
            last,
            self.gone_newest,
            self.gone,
        ];
        numbers
            .iter()
            .for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
        out.extend_from_slice(&(self.receipts.len() as u16).to_le_bytes());
        let numbers = self
            .receipts
            .iter()
            .flat_map(|(from, to, at)| [from, to, at]);
        numbers.for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let origin = Origin::new(from.text()?, from.u64()?);
        let (floor, last) = (from.u64()?, from.u64()?);
        let last = Some(last).filter(|last| *last > 0);
        let (gone_newest, gone) = (from.u64()?, from.u64()?);
        let count = from
            .u16()
            .filter(|count| usize::from(*count) <= MAX_RECEIPTS)?;
        let receipts = (0..count).map(|_| receipt(from)).collect::<Option<_>>()?;
        Some(Self {
            origin,
            floor,
            last,
            gone_newest,
            gone,
            receipts,
        })
    }
}

/// What nobody can have written is damage.
fn receipt(body: &mut Reader<'_>) -> Option<Receipt> {
    let (from, to, stamp) = (body.u64()?, body.u64()?, body.u64()?);
    (0 < from && from <= to).then_some((from, to, stamp))
}

/// The body of a memo of everything in `log`.
pub(crate) fn write(log: &Log) -> Vec<u8> {
    let mut body = Vec::new();
    let memos = log
        .shelves
        .iter()
        .map(|(origin, shelf)| Memo::of(origin, shelf));
    memos
        .filter(|memo| !memo.says_nothing())
        .for_each(|memo| memo.put(&mut body));
    body
}

/// What a memo's body says; `None` when it is damaged.
pub(crate) fn read(body: &[u8]) -> Option<Vec<Memo>> {
    let mut from = Reader::new(body);
    let mut memos = Vec::new();
    while !from.is_done() {
        memos.push(Memo::read(&mut from)?);
    }
    Some(memos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_known_comes_back_and_nothing_takes_no_room() {
        let mut log = Log::new(1);
        assert!(write(&log).is_empty());
        log.shelf_mut(&Origin::new("silent@host", 1));
        let shelf = log.shelf_mut(&Origin::new("a@host", 3)).1;
        shelf.knowledge.raise_floor(7);
        shelf.knowledge.note_last(9);
        shelf.receipts.note(8, 9, 77);
        let memos = read(&write(&log)).unwrap();
        assert_eq!(memos.len(), 1);
        assert_eq!((memos[0].floor, memos[0].last), (7, Some(9)));
        assert_eq!(memos[0].receipts, [(8, 9, 77)]);
        assert_eq!(memos[0].origin, Origin::new("a@host", 3));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_memo_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes);
        }
    }
}
