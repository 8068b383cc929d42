//! The origin's open block: the end of its stream.

use crate::index::Index;
use crate::log::{Facts, Place};
use scope_event::{
    Anchor, Block, BlockBuilder, Events, Full, Interner, Kind, Origin, Pid, RawEvent, Seq,
    TermError,
};
use std::sync::Arc;

/// Takes the events of the own origin. A block is closed when it is full or old enough.
pub(crate) struct OpenBlock {
    builder: BlockBuilder,
    /// When the first event of the block was pushed, by the caller's clock.
    opened_ms: Option<u64>,
    /// No event below this stamp will be pushed any more.
    complete_to: u64,
    /// What was read last, while nothing was pushed since.
    snapshot: Option<Arc<Events>>,
}

impl OpenBlock {
    pub(crate) fn new(origin: Origin, first: Seq, interner: Arc<Interner>) -> Self {
        let builder = BlockBuilder::new(origin, first, interner);
        Self {
            builder,
            opened_ms: None,
            complete_to: 0,
            snapshot: None,
        }
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// [`Full`] when the block has to be closed first.
    pub(crate) fn push(
        &mut self,
        lane: u16,
        event: &RawEvent<'_>,
        now_ms: u64,
    ) -> Result<Seq, Full> {
        let seq = self.builder.push(lane, event)?;
        self.opened_ms.get_or_insert(now_ms);
        self.snapshot = None;
        Ok(seq)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.builder.is_full()
    }

    pub(crate) fn len(&self) -> usize {
        self.builder.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.builder.bytes()
    }

    /// The number that the next event will have.
    pub(crate) fn next_seq(&self) -> Seq {
        self.builder.next_seq()
    }

    /// The first and the last number in it; `None` while it is empty.
    pub(crate) fn span(&self) -> Option<(Seq, Seq)> {
        let next = self.next_seq();
        (!self.builder.is_empty()).then(|| (next - self.len() as u64, next - 1))
    }

    pub(crate) fn complete_to(&mut self, stamp: u64) {
        self.complete_to = self.complete_to.max(stamp);
    }

    /// No event below this stamp will be pushed any more.
    pub(crate) fn promised(&self) -> u64 {
        self.complete_to
    }

    pub(crate) fn anchor(&mut self, anchor: Anchor) {
        self.builder.anchor(anchor);
    }

    /// When the block has to be closed at the latest; `None` while it is empty.
    pub(crate) fn deadline(&self, flush_ms: u64) -> Option<u64> {
        self.opened_ms.map(|opened| opened.saturating_add(flush_ms))
    }

    /// False only when the block holds no state of this process.
    pub(crate) fn may_hold_state(&self, pid: &Pid) -> bool {
        let names = self.builder.names();
        names.pids().contains(pid) && names.keys().iter().any(|key| key.kind == Kind::State)
    }

    /// The events so far, to be read like those of a closed block; `None` while there are none.
    pub(crate) fn events(&mut self) -> Option<Arc<Events>> {
        if self.builder.is_empty() {
            return None;
        }
        let builder = &self.builder;
        Some(
            self.snapshot
                .get_or_insert_with(|| Arc::new(builder.view()))
                .clone(),
        )
    }

    /// Closes the block and opens the next one; `None` when there was no event.
    pub(crate) fn close(&mut self) -> Option<Closed> {
        let (block, events) = self.builder.close_and_view(self.complete_to)?;
        self.opened_ms = None;
        self.snapshot = None;
        Some(Closed::new(&block, Index::of(&events)))
    }
}

/// A block that is ready for the log.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) facts: Facts,
    pub(crate) index: Index,
    pub(crate) place: Place,
}

impl Closed {
    /// `index` is what its events say; where they do not decode, the block is kept all the same.
    pub(crate) fn new(block: &Block, index: Result<Index, TermError>) -> Self {
        Self {
            facts: Facts::of(block.header(), block.bytes().len()),
            index: index.unwrap_or_else(|_| Index::unreadable()),
            place: Place::Memory(block.bytes().clone()),
        }
    }

    /// A block from elsewhere: it is decoded for its index.
    pub(crate) fn received(block: &Block) -> Self {
        match block.events() {
            Ok(events) => Self::new(block, Index::of(&events)),
            Err(_) => Self::new(block, Ok(Index::unreadable())),
        }
    }
}
