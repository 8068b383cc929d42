//! What a recording says of itself.

use crate::bytes::{Reader, put_text, put_varint};
use scope_event::{Origin, Seq};

/// Rows of a list at most: what a reader makes room for grows faster than their bytes.
pub(super) const MOST_ROWS: usize = 65_536;

/// Numbers of an origin that were looked at, both ends included, whether there is an event of each in the
/// recording or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Whose.
    pub origin: Origin,
    /// From here …
    pub first: Seq,
    /// … to here.
    pub last: Seq,
}

/// What is known before the first event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The version of the library that wrote it.
    pub library: String,
    /// The virtual machine that it was written on.
    pub machine: String,
    /// When, in nanoseconds since 1970.
    pub saved_ns: u64,
    /// On which node.
    pub by: String,
    /// By which filters, as a person reads them.
    pub filters: String,
    /// The members that were asked.
    pub members: Vec<String>,
    /// What they had of what was asked for.
    pub covers: Vec<Cover>,
}

/// What is known behind the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Who did not answer, and why: in text.
    pub missing: Vec<(String, String)>,
    /// Events that were lost before they could be stored.
    pub dropped: u64,
    /// Events that retention had taken.
    pub expired: u64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Blocks of both sorts.
    pub blocks: u64,
    /// Events that were chosen.
    pub events: u64,
    /// Events that explain them.
    pub beside: u64,
    /// Messages of which the other half is known.
    pub pairs: u64,
    /// Bytes of the file before its last part.
    pub bytes: u64,
}

impl About {
    /// Whether a reader takes it: there is no more than it makes room for.
    pub(super) fn fits(&self) -> bool {
        self.members.len() <= MOST_ROWS && self.covers.len() <= MOST_ROWS
    }

    pub(super) fn put(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for text in [&self.library, &self.machine, &self.by, &self.filters] {
            put_text(text, &mut out);
        }
        out.extend_from_slice(&self.saved_ns.to_le_bytes());
        put_varint(self.members.len() as u64, &mut out);
        self.members
            .iter()
            .for_each(|node| put_text(node, &mut out));
        put_varint(self.covers.len() as u64, &mut out);
        self.covers.iter().for_each(|cover| cover.put(&mut out));
        out
    }

    /// `None` when it is not exactly that.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut from = Reader::new(body);
        let [library, machine, by, filters] = [(); 4].map(|()| from.text().map(str::to_string));
        let about = Self {
            library: library?,
            machine: machine?,
            by: by?,
            filters: filters?,
            saved_ns: from.u64()?,
            members: many(&mut from, |from| from.text().map(str::to_string))?,
            covers: many(&mut from, Cover::read)?,
        };
        // In order, so that they are put together without looking at the others.
        let ends = |cover: &Cover| (cover.origin.clone(), cover.last);
        let mut pairs = about.covers.windows(2);
        let ordered = pairs.all(|two| ends(&two[0]) < (two[1].origin.clone(), two[1].first));
        (from.is_done() && ordered).then_some(about)
    }
}

impl Cover {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(&self.origin.node, out);
        put_varint(self.origin.incarnation, out);
        put_varint(self.first, out);
        put_varint(self.last - self.first, out);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let origin = Origin::new(from.text()?, from.varint()?);
        let first = from.varint()?;
        let last = first.checked_add(from.varint()?)?;
        // As every other number of a cursor, one fits a small integer and has one behind it.
        let known = first > 0 && last < Seq::MAX / 2 && !origin.node.is_empty();
        known.then_some(Self {
            origin,
            first,
            last,
        })
    }
}

impl Outcome {
    pub(super) fn put(&self, totals: &Totals) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(self.missing.len() as u64, &mut out);
        for (node, reason) in &self.missing {
            put_text(node, &mut out);
            put_text(reason, &mut out);
        }
        put_varint(self.dropped, &mut out);
        put_varint(self.expired, &mut out);
        let Totals {
            blocks,
            events,
            beside,
            pairs,
            bytes,
        } = *totals;
        [blocks, events, beside, pairs, bytes]
            .iter()
            .for_each(|total| put_varint(*total, &mut out));
        out
    }

    /// `None` when it is not exactly that.
    pub(super) fn read(body: &[u8]) -> Option<(Self, Totals)> {
        let mut from = Reader::new(body);
        let missing = many(&mut from, |from| {
            Some((from.text()?.to_string(), from.text()?.to_string()))
        })?;
        let outcome = Self {
            missing,
            dropped: from.varint()?,
            expired: from.varint()?,
        };
        let totals = Totals {
            blocks: from.varint()?,
            events: from.varint()?,
            beside: from.varint()?,
            pairs: from.varint()?,
            bytes: from.varint()?,
        };
        from.is_done().then_some((outcome, totals))
    }
}

/// As many as the next number says, which makes no room for them.
fn many<T>(from: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    let count = from.varint().filter(|count| *count <= MOST_ROWS as u64)?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(read(from)?);
    }
    Some(all)
}
