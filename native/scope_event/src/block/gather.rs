//! Events that were chosen from an origin, from whichever blocks and pages, on their way into a block.
//!
//! Nothing but what the chosen events say gets into it: names and terms are taken over one by one,
//! never a dictionary as it is. What they were recorded by, a thread, is not known any more; lanes are made anew
//! so that stamps ascend in each, which is what predicts them.

use super::codec::Codec;
use super::dictionary::{Dictionary, Key, KeySubject};
use super::header::{Anchor, mono_ns};
use super::intake::{NameTable, PayloadTable};
use super::numbered::Numbered;
use super::rows::{Meta, Row, Rows};
use super::wire::Parts;
use super::{Full, MAX_EVENTS};
use crate::kind::Kind;
use crate::origin::{Origin, Seq};
use crate::pid::Pid;
use crate::term::{Relink, Rewriter, TermError, Token};
use std::sync::Arc;

/// Bytes before compression at which a block is full, as one that was consolidated.
const FULL_BYTES: usize = 248 * 1024;
/// Bytes that an event without a new payload is taken for.
const EVENT_BYTES: usize = 6;
/// Lanes that are kept apart; one thread of a machine is one, and few machines have more.
const MOST_LANES: usize = 64;

/// An event over the names of wherever it was found.
#[derive(Clone, Copy, Debug)]
pub struct Gathered<'a> {
    /// Its number in the origin's stream.
    pub seq: Seq,
    /// NTP64 bits of its stamp.
    pub stamp: u64,
    /// The monotonic time that it has by its anchors.
    pub mono_ns: Option<i64>,
    /// What happened to what, over `names`.
    pub key: Key,
    /// What the key and the terms point into.
    pub names: &'a Dictionary,
    /// The process, if one did it.
    pub pid: Option<&'a Pid>,
    /// The trace session that asked for it.
    pub session: u16,
    /// The recorder's bits.
    pub flags: u8,
    /// The subject, where it is a term.
    pub subject: Option<&'a [u8]>,
    /// Its correlation id.
    pub correlation: Option<&'a [u8]>,
    /// Its data.
    pub data: Option<&'a [u8]>,
    /// From stamps to monotonic time, where it was found.
    pub anchors: &'a [Anchor],
    /// When it came and by whose clock, if its own stamp was not believed.
    pub received: Option<(u64, &'a Arc<str>)>,
}

/// Takes events of one origin in the order of their numbers, one block after another.
///
/// # Examples
///
/// ```
/// use scope_event::block::{GatherBuilder, Gathered, Dictionary, Key, KeySubject};
/// use scope_event::{Kind, Origin};
///
/// let mut block = GatherBuilder::new(Origin::new("shop@host", 1));
/// for seq in [3, 90, 91] {
///     block.push(&Gathered {
///         seq, stamp: seq << 32, mono_ns: None, key: Key { kind: Kind::Mark, subject: KeySubject::None },
///         names: &Dictionary::default(), pid: None, session: 0, flags: 0, subject: None,
///         correlation: None, data: None, anchors: &[], received: None,
///     })?;
/// }
/// let events = block.close().ok_or("no event")?.events()?;
/// assert_eq!(events.iter().map(|event| event.seq()).collect::<Vec<_>>(), [3, 90, 91]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GatherBuilder {
    origin: Origin,
    numbers: Vec<Seq>,
    rows: Rows,
    names: NameTable,
    payloads: PayloadTable,
    anchors: Vec<Anchor>,
    /// Stamps with the monotonic times that they have to keep.
    times: Vec<(u64, Option<i64>)>,
    received: Option<(u64, Arc<str>)>,
    lanes: Lanes,
    rewriter: Rewriter,
}

/// Why an event is not in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGathered {
    /// It belongs into the next block.
    #[error(transparent)]
    Full(#[from] Full),
    /// One of its terms is damaged.
    #[error(transparent)]
    Term(#[from] TermError),
    /// Its number does not come after the one before.
    #[error("events out of the order of their numbers")]
    Order,
}

impl GatherBuilder {
    /// An empty block of `origin`.
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            numbers: Vec::new(),
            rows: Rows::default(),
            names: NameTable::default(),
            payloads: PayloadTable::default(),
            anchors: Vec::new(),
            times: Vec::new(),
            received: None,
            lanes: Lanes::default(),
            rewriter: Rewriter::default(),
        }
    }

    /// Whose events it takes next; what was taken before has to be closed.
    pub fn turn_to(&mut self, origin: &Origin) {
        if self.origin != *origin {
            self.origin = origin.clone();
            self.clear();
        }
    }

    /// Adds the next event.
    ///
    /// # Errors
    ///
    /// [`NotGathered`]; nothing was added then.
    pub fn push(&mut self, event: &Gathered<'_>) -> Result<(), NotGathered> {
        if event.seq == 0 || self.numbers.last().is_some_and(|last| *last >= event.seq) {
            return Err(NotGathered::Order);
        }
        let anchors = self.room_for(event)?;
        let row = self.row(event)?;
        if let Some(anchors) = anchors {
            self.anchors = anchors;
        }
        if self.numbers.is_empty() {
            self.received = event.received.map(|(stamp, by)| (stamp, by.clone()));
        }
        self.rows.push(self.lanes.of(event.stamp), row);
        self.numbers.push(event.seq);
        self.times.push((event.stamp, event.mono_ns));
        Ok(())
    }

    /// The block, and an empty one in its place; `None` when there was no event.
    pub fn close(&mut self) -> Option<Numbered> {
        let from = *self.numbers.first()?;
        let parts = Parts {
            origin: &self.origin,
            from,
            complete_to: 0,
            consolidated: false,
            anchors: &self.anchors,
            rows: &self.rows,
            names: &self.names,
            payloads: &self.payloads,
        };
        let block = parts.block(Codec::at_rest());
        let numbered = Numbered::new(block, &self.numbers, self.received.take());
        self.clear();
        Some(numbered)
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.rows.clear();
        self.names.clear();
        self.payloads.clear();
        self.anchors.clear();
        self.times.clear();
        self.lanes.0.clear();
        self.received = None;
    }

    /// The anchors of the block with this event in it, if there are more then. It belongs into another block
    /// where there is no room, where it came at another time than the others, or where anchors of both
    /// would change a time.
    fn room_for(&self, event: &Gathered<'_>) -> Result<Option<Vec<Anchor>>, Full> {
        if self.numbers.is_empty() {
            return Ok(Some(event.anchors.to_vec()));
        }
        if self.is_full(event) {
            return Err(Full);
        }
        let both = merged(&self.anchors, event.anchors);
        let anchors = both.as_ref().unwrap_or(&self.anchors);
        let is_kept = |(stamp, mono): &(u64, Option<i64>)| mono_ns(anchors, *stamp) == *mono;
        let kept = both.is_none() || self.times.iter().all(is_kept);
        if kept && is_kept(&(event.stamp, event.mono_ns)) {
            Ok(both)
        } else {
            Err(Full)
        }
    }

    fn is_full(&self, event: &Gathered<'_>) -> bool {
        let terms = [event.subject, event.correlation, event.data];
        let terms: usize = terms.iter().flatten().map(|term| term.len()).sum();
        let received = self.received.as_ref().map(|(stamp, by)| (*stamp, by));
        // So far from the first number, the last one still has a number behind it in the block.
        let is_far = event.seq > Seq::MAX - MAX_EVENTS as u64;
        self.numbers.len() >= MAX_EVENTS
            || self.bytes() + terms > FULL_BYTES
            || received != event.received
            || is_far
    }

    fn bytes(&self) -> usize {
        let terms = self.payloads.payloads.bytes().len();
        terms + self.names.bytes() + self.rows.len() * EVENT_BYTES
    }

    fn row(&mut self, event: &Gathered<'_>) -> Result<Row, TermError> {
        let pid = event.pid.map_or(0, |pid| self.names.pid(pid) + 1);
        let subject = self.subject(event)?;
        let key = self.names.key(Key {
            kind: event.key.kind,
            subject,
        });
        let is_state = event.key.kind == Kind::State;
        Ok(Row {
            stamp: event.stamp,
            key,
            pid,
            data: self.payload(event.data, event.names, is_state.then_some(pid))?,
            correlation: self.payload(event.correlation, event.names, None)?,
            meta: Meta {
                session: event.session,
                flags: event.flags,
            },
        })
    }

    fn subject(&mut self, event: &Gathered<'_>) -> Result<KeySubject, TermError> {
        let (names, mut moving) = (event.names, Moving::new(event.names, &mut self.names));
        Ok(match event.key.subject {
            KeySubject::None => KeySubject::None,
            KeySubject::Mfa {
                module,
                function,
                arity,
            } => KeySubject::Mfa {
                module: moving.atom(module)?,
                function: moving.atom(function)?,
                arity,
            },
            KeySubject::Pid(pid) => KeySubject::Pid(moving.pid(pid)?),
            KeySubject::Name(atom) => KeySubject::Name(moving.atom(atom)?),
            KeySubject::Term(_) => match self.payload(event.subject, names, None)? {
                0 => KeySubject::None,
                one_more => KeySubject::Term(one_more - 1),
            },
        })
    }

    /// One more than the number of the payload; 0 for none.
    fn payload(
        &mut self,
        term: Option<&[u8]>,
        names: &Dictionary,
        state: Option<u32>,
    ) -> Result<u32, TermError> {
        let Some(term) = term else { return Ok(0) };
        let mut moving = Moving::new(names, &mut self.names);
        let (moved, _) = self.rewriter.rewrite(term, &mut moving)?;
        Ok(self.payloads.add(moved, state, &mut self.names.hashes) + 1)
    }
}

/// All anchors of both, by stamp, if the other one has more; where both have one, the first counts.
fn merged(one: &[Anchor], other: &[Anchor]) -> Option<Vec<Anchor>> {
    let place = |all: &[Anchor], anchor: &Anchor| {
        all.binary_search_by_key(&anchor.stamp, |known| known.stamp)
    };
    if other.iter().all(|anchor| place(one, anchor).is_ok()) {
        return None;
    }
    let mut all = one.to_vec();
    for anchor in other {
        if let Err(at) = place(&all, anchor) {
            all.insert(at, *anchor);
        }
    }
    Some(all)
}

/// The last stamp of each lane.
#[derive(Default)]
struct Lanes(Vec<u64>);

impl Lanes {
    /// The lane that comes closest to this stamp from below.
    fn of(&mut self, stamp: u64) -> u16 {
        let below = (0..self.0.len()).filter(|lane| self.0[*lane] <= stamp);
        let lane = below.max_by_key(|lane| self.0[*lane]);
        let lane = lane.unwrap_or(self.0.len().min(MOST_LANES));
        match self.0.get_mut(lane) {
            Some(last) => *last = stamp,
            None => self.0.push(stamp),
        }
        lane as u16
    }
}

/// Names that come from one dictionary into another, as they are needed.
struct Moving<'a> {
    from: &'a Dictionary,
    names: &'a mut NameTable,
}

impl<'a> Moving<'a> {
    fn new(from: &'a Dictionary, names: &'a mut NameTable) -> Self {
        Self { from, names }
    }

    fn atom(&mut self, index: u32) -> Result<u32, TermError> {
        let text = self.from.atoms.get(index as usize).ok_or(TermError::Name)?;
        Ok(self.names.atom(text))
    }

    fn pid(&mut self, index: u32) -> Result<u32, TermError> {
        let pid = self.from.pids.get(index as usize).ok_or(TermError::Name)?;
        Ok(self.names.pid(pid))
    }
}

impl Relink for Moving<'_> {
    fn relink(&mut self, token: &Token<'_>) -> Option<(u32, u64)> {
        match *token {
            Token::Atom(index) => {
                let index = self.atom(index).ok()?;
                Some((index, self.names.hashes.atoms[index as usize]))
            }
            Token::Pid(index) => {
                let index = self.pid(index).ok()?;
                Some((index, self.names.hashes.pids[index as usize]))
            }
            _ => None,
        }
    }
}
