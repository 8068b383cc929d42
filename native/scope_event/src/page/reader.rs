//! The way back from a page's bytes.

use super::{MAX_EVENTS, PageError, frame, turned};
use crate::block::header::{anchors, mono_ns};
use crate::block::payloads::Payloads;
use crate::block::rows::Meta;
use crate::block::{Anchor, Dictionary, Key, KeySubject};
use crate::bytes::{Cursor, unzigzag};
use crate::kind::Kind;
use crate::origin::{Origin, Seq};
use crate::pid::Pid;
use std::sync::Arc;

/// What events of a page have in common that came out of one block.
#[derive(Clone, Debug, PartialEq)]
pub struct PageSource {
    origin: Origin,
    received: Option<(u64, Arc<str>)>,
    anchors: Vec<Anchor>,
}

impl PageSource {
    /// Whose events they are.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// When they came (NTP64 bits) and by which node's clock, if their own stamps could not be believed
    /// there.
    pub fn received(&self) -> Option<(u64, &Arc<str>)> {
        self.received.as_ref().map(|(stamp, by)| (*stamp, by))
    }

    /// From their stamps to monotonic time, by stamp.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }
}

/// One event's numbers over the page's tables.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    stamp: u64,
    seq: Seq,
    source: u32,
    key: u32,
    /// One more than its index; 0 for none, as with the two below.
    pid: u32,
    correlation: u32,
    data: u32,
    meta: Meta,
}

/// A page that was taken apart. Its terms are looked at when they are read.
///
/// Invariant: every index of a row is below the length of what it points into, and the rows are in
/// the page's order.
#[derive(Clone, Debug)]
pub struct Page {
    descending: bool,
    sources: Vec<PageSource>,
    dictionary: Arc<Dictionary>,
    payloads: Payloads,
    rows: Vec<Row>,
}

impl Page {
    /// Takes apart bytes that nobody vouches for.
    ///
    /// # Errors
    ///
    /// [`PageError`] when `bytes` is not exactly one undamaged page of a known version.
    pub fn parse(bytes: &[u8]) -> Result<Self, PageError> {
        let (body, descending) = frame::get(bytes)?;
        let mut at = Cursor::new(&body);
        let len = usize::try_from(at.varint()?).unwrap_or(usize::MAX);
        if len > MAX_EVENTS {
            return Err(PageError::Content("events"));
        }
        let sources = sources(&mut at)?;
        let dictionary = Dictionary::get(&mut at)?;
        let payloads = at.varint32()? as usize;
        let columns = Columns::get(&mut at)?;
        let payloads = columns.payloads(payloads, at.rest())?;
        dictionary.check_terms(payloads.len())?;
        let mut page = Self {
            descending,
            sources,
            dictionary: Arc::new(dictionary),
            payloads,
            rows: Vec::new(),
        };
        page.rows = columns.rows(len, &page)?;
        page.check_order()?;
        Ok(page)
    }

    /// Whether its newest event comes first.
    pub fn is_descending(&self) -> bool {
        self.descending
    }

    /// How many events are in it.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The event at a place, counted from 0.
    pub fn get(&self, at: usize) -> Option<PageEvent<'_>> {
        let row = *self.rows.get(at)?;
        Some(PageEvent { page: self, row })
    }

    /// All events in their order.
    pub fn iter(&self) -> impl Iterator<Item = PageEvent<'_>> {
        self.rows.iter().map(|row| PageEvent {
            page: self,
            row: *row,
        })
    }

    /// What events have in common that came out of one block, in the order of their first events.
    pub fn sources(&self) -> &[PageSource] {
        &self.sources
    }

    /// The names that its terms point into.
    pub fn names(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }

    fn check_order(&self) -> Result<(), PageError> {
        let place = |row: &Row| {
            let origin = &self.sources[row.source as usize].origin;
            (row.stamp, origin, row.seq)
        };
        let ordered = self
            .rows
            .is_sorted_by(|one, other| turned(self.descending, &place(one), &place(other)).is_lt());
        if ordered {
            Ok(())
        } else {
            Err(PageError::Content("order"))
        }
    }

    fn term(&self, one_more: u32) -> Option<&[u8]> {
        let payload = one_more.checked_sub(1)?;
        Some(self.payloads.slice(payload as usize))
    }
}

/// One event of a page.
#[derive(Clone, Copy, Debug)]
pub struct PageEvent<'a> {
    page: &'a Page,
    row: Row,
}

impl<'a> PageEvent<'a> {
    /// The number of its source among the page's.
    pub fn source(&self) -> usize {
        self.row.source as usize
    }

    /// Whose event it is.
    pub fn origin(&self) -> &'a Origin {
        &self.page.sources[self.source()].origin
    }

    /// Its number in the origin's stream.
    pub fn seq(&self) -> Seq {
        self.row.seq
    }

    /// NTP64 bits of its stamp.
    pub fn stamp(&self) -> u64 {
        self.row.stamp
    }

    /// The monotonic time of the recording node, where it was stated.
    pub fn mono_ns(&self) -> Option<i64> {
        mono_ns(&self.page.sources[self.source()].anchors, self.row.stamp)
    }

    /// What happened to what, over the page's names.
    pub fn key(&self) -> Key {
        self.page.dictionary.keys[self.row.key as usize]
    }

    /// What happened.
    pub fn kind(&self) -> Kind {
        self.key().kind
    }

    /// The process, if one did it.
    pub fn pid(&self) -> Option<&'a Pid> {
        let index = self.row.pid.checked_sub(1)?;
        self.page.dictionary.pids.get(index as usize)
    }

    /// The trace session that asked for it; 0 when none did.
    pub fn session(&self) -> u16 {
        self.row.meta.session
    }

    /// The recorder's bits.
    pub fn flags(&self) -> u8 {
        self.row.meta.flags
    }

    /// The subject, where it is a term over the page's names.
    pub fn subject_term(&self) -> Option<&'a [u8]> {
        match self.key().subject {
            KeySubject::Term(payload) => self.page.term(payload + 1),
            _ => None,
        }
    }

    /// Its correlation id, a term over the page's names.
    pub fn correlation(&self) -> Option<&'a [u8]> {
        self.page.term(self.row.correlation)
    }

    /// Its arguments, message, return or state, a term over the page's names.
    pub fn data(&self) -> Option<&'a [u8]> {
        self.page.term(self.row.data)
    }
}

fn sources(at: &mut Cursor<'_>) -> Result<Vec<PageSource>, PageError> {
    let mut sources = Vec::new();
    for _ in 0..at.varint()? {
        let origin = Origin::new(at.text()?, at.u64()?);
        let received = match at.u8()? {
            0 => None,
            1 => Some((at.u64()?, at.text()?.into())),
            _ => return Err(PageError::Content("received")),
        };
        sources.push(PageSource {
            origin,
            received,
            anchors: anchors(at)?,
        });
    }
    Ok(sources)
}

/// The columns of a page, as they are read.
struct Columns<'a> {
    sources: Cursor<'a>,
    seqs: Cursor<'a>,
    stamps: Cursor<'a>,
    keys: Cursor<'a>,
    pids: Cursor<'a>,
    correlations: Cursor<'a>,
    data: Cursor<'a>,
    metas: Cursor<'a>,
    lengths: Cursor<'a>,
}

impl<'a> Columns<'a> {
    fn get(at: &mut Cursor<'a>) -> Result<Self, PageError> {
        let mut column = || at.bytes().map(Cursor::new);
        Ok(Self {
            sources: column()?,
            seqs: column()?,
            stamps: column()?,
            keys: column()?,
            pids: column()?,
            correlations: column()?,
            data: column()?,
            metas: column()?,
            lengths: column()?,
        })
    }

    fn payloads(&self, count: usize, terms: &[u8]) -> Result<Payloads, PageError> {
        let mut lengths = self.lengths;
        let mut payloads = Payloads::default();
        payloads.extend(terms);
        for _ in 0..count {
            let len = lengths.varint32()? as usize;
            payloads.claim(len).ok_or(PageError::Content("terms"))?;
        }
        if lengths.is_done() && payloads.is_claimed() {
            Ok(payloads)
        } else {
            Err(PageError::Content("terms"))
        }
    }

    fn rows(mut self, len: usize, page: &Page) -> Result<Vec<Row>, PageError> {
        // Each event has a byte in every column.
        if self.sources.left() < len {
            return Err(PageError::Short);
        }
        let mut rows = Vec::with_capacity(len);
        let mut so_far = SoFar {
            next: vec![0; page.sources.len()],
            stamp: 0,
            payload: 0,
        };
        for _ in 0..len {
            rows.push(self.row(page, &mut so_far)?);
        }
        if self.is_done() {
            Ok(rows)
        } else {
            Err(PageError::Content("columns"))
        }
    }

    fn row(&mut self, page: &Page, so_far: &mut SoFar) -> Result<Row, PageError> {
        let names = &page.dictionary;
        let source = below(self.sources.varint32()?, page.sources.len(), "source")?;
        let seq = so_far.seq(source, self.seqs.varint()?)?;
        let stamp = so_far.stamp(self.stamps.varint()?);
        let key = below(self.keys.varint32()?, names.keys.len(), "key")?;
        let pid = below(self.pids.varint32()?, names.pids.len() + 1, "pid")?;
        let correlation = so_far.payload(self.correlations.varint()?, page.payloads.len())?;
        let data = so_far.payload(self.data.varint()?, page.payloads.len())?;
        Ok(Row {
            stamp,
            seq,
            source,
            key,
            pid,
            correlation,
            data,
            meta: meta(self.metas.varint()?)?,
        })
    }

    fn is_done(&self) -> bool {
        let columns = [
            self.sources,
            self.seqs,
            self.stamps,
            self.keys,
            self.pids,
            self.correlations,
            self.data,
            self.metas,
        ];
        columns.iter().all(Cursor::is_done)
    }
}

/// What the columns are told from.
struct SoFar {
    /// By source: the number behind its last event.
    next: Vec<Seq>,
    stamp: u64,
    /// One more than the largest payload.
    payload: u32,
}

impl SoFar {
    fn seq(&mut self, source: u32, step: u64) -> Result<Seq, PageError> {
        let next = &mut self.next[source as usize];
        let seq = next.wrapping_add(unzigzag(step) as u64);
        *next = seq.checked_add(1).ok_or(PageError::Content("number"))?;
        if seq == 0 {
            return Err(PageError::Content("number"));
        }
        Ok(seq)
    }

    fn stamp(&mut self, step: u64) -> u64 {
        self.stamp = self.stamp.wrapping_add(unzigzag(step) as u64);
        self.stamp
    }

    /// One more than the payload's number.
    fn payload(&mut self, symbol: u64, payloads: usize) -> Result<u32, PageError> {
        let Some(way) = symbol.checked_sub(1) else {
            return Ok(0);
        };
        let payload = i64::from(self.payload).checked_add(unzigzag(way));
        let payload = payload.and_then(|payload| u32::try_from(payload).ok());
        let payload = below(payload.unwrap_or(u32::MAX), payloads, "payload")?;
        self.payload = self.payload.max(payload + 1);
        Ok(payload + 1)
    }
}

fn meta(value: u64) -> Result<Meta, PageError> {
    let session = u16::try_from(value >> 8).map_err(|_| PageError::Content("session"))?;
    Ok(Meta {
        session,
        flags: value as u8,
    })
}

fn below(index: u32, len: usize, what: &'static str) -> Result<u32, PageError> {
    if (index as usize) < len {
        Ok(index)
    } else {
        Err(PageError::Content(what))
    }
}
