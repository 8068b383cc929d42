//! The open block of an origin.

use super::closed::Block;
use super::codec::Codec;
use super::dictionary::{Dictionary, Key, KeySubject};
use super::events::Events;
use super::header::Anchor;
use super::intake::{FromWords, NameTable, PayloadTable, WordKey, WordSubject, WordTable};
use super::rows::{Meta, Row, Rows};
use super::wire::Parts;
use super::{FULL_BYTES, MAX_EVENTS};
use crate::kind::Kind;
use crate::origin::{Origin, Seq};
use crate::raw::{RawEvent, Subject};
use crate::symbols::Interner;
use std::sync::Arc;

/// The block is full: close it and push again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the open block is full")]
pub struct Full;

/// Bytes that an event without a new payload is taken for while the block is open.
const EVENT_BYTES: usize = 4;

/// Takes the events of one origin in the order of its sequence, one block after another.
///
/// Within a lane, events come in the order of their stamps. See the crate's example.
pub struct BlockBuilder {
    origin: Origin,
    from: Seq,
    anchors: Vec<Anchor>,
    rows: Rows,
    names: NameTable,
    words: WordTable,
    payloads: PayloadTable,
}

impl BlockBuilder {
    /// An empty block of `origin`, whose first event will have the number `first`.
    pub fn new(origin: Origin, first: Seq, interner: Arc<Interner>) -> Self {
        Self {
            origin,
            from: first.max(1),
            anchors: Vec::new(),
            rows: Rows::default(),
            names: NameTable::default(),
            words: WordTable::new(interner),
            payloads: PayloadTable::default(),
        }
    }

    /// Whose events these are.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The number that the next event will have.
    pub fn next_seq(&self) -> Seq {
        self.from + self.rows.len() as u64
    }

    /// Events in the open block.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the open block has no events.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the columns would take uncompressed.
    pub fn bytes(&self) -> usize {
        self.payloads.payloads.bytes().len() + self.names.bytes() + self.len() * EVENT_BYTES
    }

    /// Stamp of the event that was pushed first: the age of a block counts from there.
    pub fn opened_at(&self) -> Option<u64> {
        self.rows.stamps.first().copied()
    }

    /// Whether the block should be closed before more is pushed.
    pub fn is_full(&self) -> bool {
        self.len() >= MAX_EVENTS || self.bytes() >= FULL_BYTES
    }

    /// From its stamp on, stamps translate to monotonic time by this anchor.
    pub fn anchor(&mut self, anchor: Anchor) {
        self.anchors.retain(|before| before.stamp < anchor.stamp);
        self.anchors.push(anchor);
    }

    /// Adds the next event of `lane` and returns its number.
    ///
    /// A term that is not well formed is replaced by a mark.
    ///
    /// # Errors
    ///
    /// [`Full`] when the event belongs into the next block; nothing was added.
    pub fn push(&mut self, lane: u16, event: &RawEvent<'_>) -> Result<Seq, Full> {
        if self.len() >= MAX_EVENTS || self.bytes() + event.data.len() > FULL_BYTES {
            self.has_room()?;
        }
        let seq = self.next_seq();
        let row = self.row(event);
        self.rows.push(lane, row);
        Ok(seq)
    }

    /// The one event of an empty block is taken whatever its size.
    fn has_room(&self) -> Result<(), Full> {
        if self.is_empty() { Ok(()) } else { Err(Full) }
    }

    /// The names so far.
    pub fn names(&self) -> &Dictionary {
        &self.names.dictionary
    }

    /// A snapshot of the open block that can be read like a closed one.
    pub fn view(&self) -> Events {
        Events::new(
            self.origin.clone(),
            self.from,
            self.anchors.clone(),
            Arc::new(self.names.dictionary.clone()),
            self.payloads.payloads.clone(),
            self.rows.clone(),
        )
    }

    /// Closes the block and opens the next one. `complete_to` is a stamp below which no later block
    /// of this origin will hold one. `None` when there was no event.
    pub fn close(&mut self, complete_to: u64) -> Option<Block> {
        if self.is_empty() {
            return None;
        }
        let block = self.parts(complete_to, false).block(Codec::Lz4);
        self.restart();
        Some(block)
    }

    /// The same, with its events, which cost nothing here.
    pub fn close_and_view(&mut self, complete_to: u64) -> Option<(Block, Events)> {
        if self.is_empty() {
            return None;
        }
        let block = self.parts(complete_to, false).block(Codec::Lz4);
        let (rows, payloads) = (self.rows.taken(), self.payloads.payloads.taken());
        let names = std::mem::take(&mut self.names.dictionary);
        let (origin, anchors) = (self.origin.clone(), self.anchors.clone());
        let events = Events::new(origin, self.from, anchors, Arc::new(names), payloads, rows);
        self.restart();
        self.from = block.header().to + 1;
        Some((block, events))
    }

    fn parts(&self, complete_to: u64, consolidated: bool) -> Parts<'_> {
        Parts {
            origin: &self.origin,
            from: self.from,
            complete_to,
            consolidated,
            anchors: &self.anchors,
            rows: &self.rows,
            names: &self.names,
            payloads: &self.payloads,
        }
    }

    fn restart(&mut self) {
        self.from = self.next_seq();
        let first = self.anchors.len().saturating_sub(1);
        self.anchors.drain(..first);
        self.rows.clear();
        self.names.clear();
        self.words.clear();
        self.payloads.clear();
    }

    #[inline]
    fn row(&mut self, event: &RawEvent<'_>) -> Row {
        let pid = match event.pid {
            0 => 0,
            word => self.words.pid(word, &mut self.names) + 1,
        };
        Row {
            stamp: event.stamp,
            key: self.key(event.kind, &event.subject),
            pid,
            data: self.data(event, pid),
            correlation: self.payload(event.correlation.unwrap_or_default(), None),
            meta: Meta {
                session: event.session,
                flags: event.flags,
            },
        }
    }

    #[inline]
    fn key(&mut self, kind: Kind, subject: &Subject<'_>) -> u32 {
        let subject = match *subject {
            Subject::None => WordSubject::None,
            Subject::Mfa {
                module,
                function,
                arity,
            } => WordSubject::Mfa(module, function, arity),
            Subject::Pid(word) => WordSubject::Pid(word),
            Subject::Name(word) => WordSubject::Name(word),
            Subject::Term(term) => return self.term_key(kind, term),
        };
        self.words.key(WordKey { kind, subject }, &mut self.names)
    }

    fn term_key(&mut self, kind: Kind, term: &[u8]) -> u32 {
        let subject = match self.payload(term, None).checked_sub(1) {
            Some(payload) => KeySubject::Term(payload),
            None => KeySubject::None,
        };
        self.names.key(Key { kind, subject })
    }

    #[inline]
    fn data(&mut self, event: &RawEvent<'_>, pid: u32) -> u32 {
        let state = (event.kind == Kind::State).then_some(pid);
        self.payload(event.data, state)
    }

    #[inline(always)]
    fn payload(&mut self, term: &[u8], state: Option<u32>) -> u32 {
        if term.is_empty() {
            0
        } else {
            self.some_payload(term, state)
        }
    }

    fn some_payload(&mut self, term: &[u8], state: Option<u32>) -> u32 {
        let Self {
            words,
            names,
            payloads,
            ..
        } = self;
        payloads.add(term, state, &mut FromWords { words, names }) + 1
    }
}
