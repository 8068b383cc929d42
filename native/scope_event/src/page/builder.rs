//! A page while it is filled.

use super::links::{Links, Renamed};
use super::{MAX_EVENTS, MAX_RAW_BYTES, PageError, frame};
use crate::block::header::put_anchors;
use crate::block::intake::NameTable;
use crate::block::{EventView, Key, KeySubject};
use crate::bytes::{put_bytes, put_varint, zigzag};
use crate::term::{Rewriter, TermError};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// What became of an event that was given to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is in the page.
    In,
    /// It finds no room: the page has to be finished, and the event belongs to the next one.
    Full,
}

/// What a page says of each event, a byte string for each column.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) sources: Vec<u8>,
    pub(super) seqs: Vec<u8>,
    pub(super) stamps: Vec<u8>,
    pub(super) keys: Vec<u8>,
    pub(super) pids: Vec<u8>,
    pub(super) correlations: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) metas: Vec<u8>,
    /// Lengths of payloads.
    pub(super) lengths: Vec<u8>,
}

impl Columns {
    fn all(&self) -> [&[u8]; 9] {
        [
            &self.sources,
            &self.seqs,
            &self.stamps,
            &self.keys,
            &self.pids,
            &self.correlations,
            &self.data,
            &self.metas,
            &self.lengths,
        ]
    }
}

/// Takes events in their order, until it is full.
///
/// # Examples
///
/// ```
/// use scope_event::page::{Page, PageBuilder, Pushed};
/// use scope_event::{BlockBuilder, Interner, Kind, Origin, RawEvent, SymbolTable};
/// use std::sync::Arc;
///
/// let names = Arc::new(SymbolTable::new("shop@host"));
/// let mut block = BlockBuilder::new(Origin::new("shop@host", 1), 7, Arc::new(Interner::new(names)));
/// block.push(0, &RawEvent::new(Kind::Mark, 5 << 32, 0))?;
/// let events = block.view();
///
/// let mut page = PageBuilder::new(false, 64 * 1024);
/// for event in events.iter() {
///     assert_eq!(page.push(&event, None)?, Pushed::In);
/// }
/// let read = Page::parse(&page.finish()?)?;
/// assert_eq!(read.get(0).map(|event| (event.seq(), event.kind())), Some((7, Kind::Mark)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PageBuilder {
    descending: bool,
    /// Bytes before compression, at most.
    limit: usize,
    pub(super) names: NameTable,
    pub(super) sources: Vec<Links>,
    /// The number of a source, by the address of its dictionary.
    pub(super) known: HashMap<usize, usize>,
    /// Payloads of copies that may come again, by source and the bytes they had there.
    pub(super) again: HashMap<(usize, Box<[u8]>), u32>,
    pub(super) columns: Columns,
    pub(super) terms: Vec<u8>,
    pub(super) payloads: u32,
    /// One more than the largest payload of an event so far.
    next_payload: u32,
    last_stamp: u64,
    len: usize,
    pub(super) rewriter: Rewriter,
}

impl PageBuilder {
    /// An empty page of at most `limit` bytes before compression; the newest event comes first if it
    /// is `descending`.
    pub fn new(descending: bool, limit: usize) -> Self {
        Self {
            descending,
            limit: limit.min(MAX_RAW_BYTES / 2),
            names: NameTable::default(),
            sources: Vec::new(),
            known: HashMap::new(),
            again: HashMap::new(),
            columns: Columns::default(),
            terms: Vec::new(),
            payloads: 0,
            next_payload: 0,
            last_stamp: 0,
            len: 0,
            rewriter: Rewriter::default(),
        }
    }

    /// How many events are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// About how many bytes it takes before compression.
    pub fn bytes(&self) -> usize {
        let columns = self.columns.all();
        let columns: usize = columns.iter().map(|column| column.len()).sum();
        columns + self.terms.len() + self.names.bytes() + 64 * self.sources.len()
    }

    /// Adds the next event in the page's order. `received` says when it came and by whose clock, if its
    /// own stamp cannot be believed. One that is too large for what is left finds no room, unless the
    /// page is empty.
    ///
    /// # Errors
    ///
    /// [`TermError`] when a term of the event is damaged: it is not in the page then.
    pub fn push(
        &mut self,
        event: &EventView<'_>,
        received: Option<(u64, &Arc<str>)>,
    ) -> Result<Pushed, TermError> {
        let (correlation, data) = (event.correlation()?, event.data()?);
        let len = |term: &Option<Cow<'_, [u8]>>| term.as_ref().map_or(0, |term| term.len());
        if !self.has_room(len(&correlation) + len(&data)) {
            return Ok(Pushed::Full);
        }
        let source = self.source(event, received);
        let (at, rows) = (event.place(), &event.among().rows);
        let key = self.key(source, rows.keys[at], event)?;
        let pid = self.pid(source, rows.pids[at])?;
        let correlation = self.payload(source, rows.correlations[at], correlation)?;
        let data = self.payload(source, rows.data[at], data)?;
        let row = Row {
            stamp: event.stamp(),
            seq: event.seq(),
            session: event.session(),
            flags: event.flags(),
        };
        self.put(source, row, key, pid, [correlation, data]);
        Ok(Pushed::In)
    }

    /// The page.
    ///
    /// # Errors
    ///
    /// [`PageError::Content`] when it has more bytes than a page may, which takes an event that is as
    /// large as a page by itself.
    pub fn finish(self) -> Result<Vec<u8>, PageError> {
        let body = self.body();
        if body.len() > MAX_RAW_BYTES {
            return Err(PageError::Content("size"));
        }
        Ok(frame::put(&body, self.descending))
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes() + 64);
        put_varint(&mut body, self.len as u64);
        put_varint(&mut body, self.sources.len() as u64);
        self.sources
            .iter()
            .for_each(|source| put_source(source, &mut body));
        self.names.put(|payload| payload, &mut body);
        put_varint(&mut body, u64::from(self.payloads));
        self.columns
            .all()
            .iter()
            .for_each(|column| put_bytes(&mut body, column));
        body.extend_from_slice(&self.terms);
        body
    }

    /// An event is taken while there is room for it as it is; names come on top, of which one event
    /// has few.
    pub(super) fn has_room(&self, terms: usize) -> bool {
        self.is_empty() || (self.len < MAX_EVENTS && self.bytes() + terms < self.limit)
    }

    fn source(&mut self, event: &EventView<'_>, received: Option<(u64, &Arc<str>)>) -> usize {
        let events = event.among();
        let address = Arc::as_ptr(events.names()) as usize;
        let next = self.sources.len();
        let number = *self.known.entry(address).or_insert(next);
        if number == next {
            self.sources.push(Links::new(
                events.names().clone(),
                events.origin().clone(),
                events.anchors.clone(),
                events.payloads.len(),
                received.map(|(stamp, by)| (stamp, by.clone())),
            ));
        }
        number
    }

    fn key(&mut self, source: usize, at: u32, event: &EventView<'_>) -> Result<u32, TermError> {
        let known = self.sources[source].keys[at as usize];
        if known > 0 {
            return Ok(known - 1);
        }
        let key = event.key();
        let term = match key.subject {
            KeySubject::Term(payload) => {
                let term = event.among().payloads.term(payload)?;
                self.payload(source, payload + 1, Some(term))?
            }
            _ => 0,
        };
        let key = self.renamed(source, key, term.saturating_sub(1))?;
        let index = self.names.key(key);
        self.sources[source].keys[at as usize] = index + 1;
        Ok(index)
    }

    pub(super) fn renamed(&mut self, source: usize, key: Key, term: u32) -> Result<Key, TermError> {
        let links = &mut self.sources[source];
        links.key(key, term, &mut self.names).ok_or(TermError::Name)
    }

    /// One more than the page's number of the process.
    fn pid(&mut self, source: usize, one_more: u32) -> Result<u32, TermError> {
        let Some(pid) = one_more.checked_sub(1) else {
            return Ok(0);
        };
        let pid = self.sources[source].pid(pid, &mut self.names);
        pid.map(|pid| pid + 1).ok_or(TermError::Name)
    }

    /// One more than the page's number of the payload.
    fn payload(
        &mut self,
        source: usize,
        one_more: u32,
        term: Option<Cow<'_, [u8]>>,
    ) -> Result<u32, TermError> {
        let (Some(number), Some(term)) = (one_more.checked_sub(1), term) else {
            return Ok(0);
        };
        let Self {
            sources,
            names,
            rewriter,
            ..
        } = self;
        let links = &mut sources[source];
        let known = links.payloads[number as usize];
        if known > 0 {
            return Ok(known);
        }
        let (term, _) = rewriter.rewrite(&term, &mut Renamed { links, names })?;
        put_varint(&mut self.columns.lengths, term.len() as u64);
        self.terms.extend_from_slice(term);
        self.payloads += 1;
        sources[source].payloads[number as usize] = self.payloads;
        Ok(self.payloads)
    }

    pub(super) fn put(&mut self, source: usize, row: Row, key: u32, pid: u32, terms: [u32; 2]) {
        let Row {
            stamp,
            seq,
            session,
            flags,
        } = row;
        let links = &mut self.sources[source];
        let columns = &mut self.columns;
        put_varint(&mut columns.sources, source as u64);
        put_varint(&mut columns.seqs, step(seq, links.next_seq));
        put_varint(&mut columns.stamps, step(stamp, self.last_stamp));
        put_varint(&mut columns.keys, u64::from(key));
        put_varint(&mut columns.pids, u64::from(pid));
        let meta = u64::from(session) << 8 | u64::from(flags);
        put_varint(&mut columns.metas, meta);
        let [correlation, data] = terms;
        put_varint(
            &mut columns.correlations,
            symbol(correlation, &mut self.next_payload),
        );
        put_varint(&mut columns.data, symbol(data, &mut self.next_payload));
        links.next_seq = seq.wrapping_add(1);
        links.stamps = (links.stamps.0.min(stamp), links.stamps.1.max(stamp));
        self.last_stamp = stamp;
        self.len += 1;
    }
}

/// What an event says of itself in numbers.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) stamp: u64,
    pub(super) seq: u64,
    pub(super) session: u16,
    pub(super) flags: u8,
}

/// The way from `before` to `value`.
fn step(value: u64, before: u64) -> u64 {
    zigzag(value.wrapping_sub(before) as i64)
}

/// 0 for none, else one more than the way from what is expected.
fn symbol(one_more: u32, next: &mut u32) -> u64 {
    let Some(payload) = one_more.checked_sub(1) else {
        return 0;
    };
    let way = i64::from(payload) - i64::from(*next);
    *next = one_more.max(*next);
    zigzag(way) + 1
}

fn put_source(source: &Links, out: &mut Vec<u8>) {
    put_bytes(out, source.origin.node.as_bytes());
    out.extend_from_slice(&source.origin.incarnation.to_le_bytes());
    match &source.received {
        None => out.push(0),
        Some((stamp, by)) => {
            out.push(1);
            out.extend_from_slice(&stamp.to_le_bytes());
            put_bytes(out, by.as_bytes());
        }
    }
    put_anchors(source.used_anchors(), out);
}
