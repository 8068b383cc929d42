//! A block whose events keep the numbers that they had, though they do not follow each other.
//!
//! A block is a dense range of an origin's numbers: that is what makes copies of it agree. What was
//! *chosen* from an origin is not dense, and must not pretend to be. So it is a block as any other, over
//! as many numbers from the first one on, and before it stand the numbers that its events have. It
//! is found in recordings alone, and nobody takes it for a block: the first bytes differ.

use super::closed::Block;
use super::codec::Codec;
use super::columns::{Part, Wanted};
use super::events::Events;
use super::{BlockError, Columns};
use crate::bytes::{Cursor, put_bytes, put_varint};
use crate::origin::Seq;
use crate::pid::Pid;
use std::sync::Arc;

/// A varint of 64 bits has so many bytes.
const LONGEST: usize = 10;

/// A block, and what its events are numbered by.
///
/// # Examples
///
/// ```
/// use scope_event::block::Numbered;
/// use scope_event::{BlockBuilder, Interner, Kind, Origin, RawEvent, SymbolTable};
/// use std::sync::Arc;
///
/// let names = Arc::new(SymbolTable::new("shop@host"));
/// let mut block = BlockBuilder::new(Origin::new("shop@host", 1), 7, Arc::new(Interner::new(names)));
/// block.push(0, &RawEvent::new(Kind::Mark, 5 << 32, 0))?;
/// let plain = Numbered::plain(block.close(0).ok_or("no event")?);
///
/// let read = Numbered::parse(&plain.bytes())?;
/// assert_eq!(read.span(), (7, 7));
/// assert_eq!(read.events()?.get(0).map(|event| event.seq()), Some(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Numbered {
    block: Block,
    /// Invariant: ascending, as many as the block has events, the first one the block's; `None` where
    /// they follow each other.
    numbers: Option<Arc<[Seq]>>,
    received: Option<(u64, Arc<str>)>,
}

impl Numbered {
    /// A block whose numbers are its own.
    pub fn plain(block: Block) -> Self {
        Self {
            block,
            numbers: None,
            received: None,
        }
    }

    /// `numbers` ascend, are as many as the events, and begin with the block's first one.
    pub(super) fn new(block: Block, numbers: &[Seq], received: Option<(u64, Arc<str>)>) -> Self {
        let is_dense = numbers.windows(2).all(|two| two[0] + 1 == two[1]);
        Self {
            block,
            numbers: (!is_dense).then(|| numbers.into()),
            received,
        }
    }

    /// Reads what [`bytes`](Self::bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when these bytes are not exactly that.
    pub fn parse(bytes: &[u8]) -> Result<Self, BlockError> {
        let mut at = Cursor::new(bytes);
        let codec = Codec::from_code(at.u8()?)?;
        let len = usize::try_from(at.varint()?).map_err(|_| BlockError::Short)?;
        let gaps = at.bytes()?;
        let received = received(&mut at)?;
        let block = Block::parse(at.rest())?;
        let (first, events) = (block.header().from, block.header().events() as usize);
        if len > LONGEST * events {
            return Err(BlockError::Content("numbers"));
        }
        let numbers = match len {
            0 if gaps.is_empty() => None,
            _ => Some(numbers(&codec.decompress(gaps, len)?, first, events)?),
        };
        Ok(Self {
            block,
            numbers,
            received,
        })
    }

    /// As it is stored.
    pub fn bytes(&self) -> Vec<u8> {
        let gaps = self.gaps();
        let mut packed = Vec::new();
        let codec = Codec::at_rest().compress(&gaps, &mut packed);
        let mut out = Vec::with_capacity(self.block.bytes().len() + packed.len() + 64);
        out.push(codec as u8);
        put_varint(&mut out, gaps.len() as u64);
        put_bytes(&mut out, &packed);
        match &self.received {
            None => out.push(0),
            Some((stamp, by)) => {
                out.push(1);
                out.extend_from_slice(&stamp.to_le_bytes());
                put_bytes(&mut out, by.as_bytes());
            }
        }
        out.extend_from_slice(self.block.bytes());
        out
    }

    /// How many numbers are left out before each event but the first.
    fn gaps(&self) -> Vec<u8> {
        let mut gaps = Vec::new();
        for two in self.numbers.iter().flat_map(|numbers| numbers.windows(2)) {
            put_varint(&mut gaps, two[1] - two[0] - 1);
        }
        gaps
    }

    /// The block, whose header says nothing of the numbers.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The first and the last number.
    pub fn span(&self) -> (Seq, Seq) {
        let header = self.block.header();
        let last = self.numbers.as_ref().and_then(|numbers| numbers.last());
        (header.from, last.copied().unwrap_or(header.to))
    }

    /// Decodes the events.
    ///
    /// # Errors
    ///
    /// As [`Block::events`].
    pub fn events(&self) -> Result<Events, BlockError> {
        self.block.events().map(|events| self.put_on(events))
    }

    /// Decodes everything and compares the digest.
    ///
    /// # Errors
    ///
    /// As [`Block::verify`].
    pub fn verify(&self) -> Result<Events, BlockError> {
        self.block.verify().map(|events| self.put_on(events))
    }

    /// Of the columns of this block, the events that are wanted.
    ///
    /// # Errors
    ///
    /// As [`Columns::matching`].
    pub fn matching(&self, columns: Columns<'_>, wanted: &Wanted) -> Result<Part, BlockError> {
        let Part { events, more } = columns.matching(wanted)?;
        let events = self.put_on(events);
        Ok(Part { events, more })
    }

    /// As [`Block::state_at`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn state_at(
        &self,
        pid: &Pid,
        stamp: u64,
        floor: Seq,
    ) -> Result<Option<Events>, BlockError> {
        let state = self.block.state_at(pid, stamp, floor)?;
        Ok(state.map(|events| self.put_on(events)))
    }

    fn put_on(&self, events: Events) -> Events {
        events.numbered(self.numbers.clone(), self.received.clone())
    }
}

fn received(at: &mut Cursor<'_>) -> Result<Option<(u64, Arc<str>)>, BlockError> {
    match at.u8()? {
        0 => Ok(None),
        1 => Ok(Some((at.u64()?, at.text()?.into()))),
        _ => Err(BlockError::Content("received")),
    }
}

fn numbers(gaps: &[u8], first: Seq, events: usize) -> Result<Arc<[Seq]>, BlockError> {
    let (mut at, mut numbers) = (Cursor::new(gaps), Vec::with_capacity(events));
    let mut last = first;
    numbers.push(first);
    while !at.is_done() {
        let next = at
            .varint()?
            .checked_add(1)
            .and_then(|way| last.checked_add(way));
        last = next.ok_or(BlockError::Content("numbers"))?;
        numbers.push(last);
        if numbers.len() > events {
            break;
        }
    }
    if numbers.len() == events {
        Ok(numbers.into())
    } else {
        Err(BlockError::Content("numbers"))
    }
}
