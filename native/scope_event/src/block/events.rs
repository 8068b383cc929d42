//! The decoded events of a block, closed or open.

use super::dictionary::Dictionary;
use super::event::EventView;
use super::header::Anchor;
use super::payloads::Payloads;
use super::rows::Rows;
use crate::origin::{Origin, Seq};
use std::sync::Arc;

/// Events of one origin as columns, in the order of the sequence. Those that a block was
/// [asked for](super::Columns::matching) are in the order of stamp, then sequence.
#[derive(Clone, Debug)]
pub struct Events {
    pub(super) origin: Origin,
    pub(super) from: Seq,
    pub(crate) anchors: Vec<Anchor>,
    pub(super) dictionary: Arc<Dictionary>,
    pub(crate) payloads: Payloads,
    pub(crate) rows: Rows,
    /// Places in the block of these rows, where they are not all of its events.
    pub(super) places: Option<Box<[u32]>>,
    /// The number at each place of the block, ascending, where they do not follow each other.
    numbers: Option<Arc<[Seq]>>,
    received: Option<(u64, Arc<str>)>,
}

impl Events {
    pub(super) fn new(
        origin: Origin,
        from: Seq,
        anchors: Vec<Anchor>,
        dictionary: Arc<Dictionary>,
        payloads: Payloads,
        rows: Rows,
    ) -> Self {
        Self {
            origin,
            from,
            anchors,
            dictionary,
            payloads,
            rows,
            places: None,
            numbers: None,
            received: None,
        }
    }

    /// Some rows of a block, in the order of stamp, then sequence.
    pub(super) fn only(self, places: Box<[u32]>) -> Self {
        Self {
            places: Some(places),
            ..self
        }
    }

    /// The same events under numbers of their own, and when they came, if that was remarked.
    pub(super) fn numbered(
        self,
        numbers: Option<Arc<[Seq]>>,
        received: Option<(u64, Arc<str>)>,
    ) -> Self {
        Self {
            numbers,
            received,
            ..self
        }
    }

    /// The number of an event in the origin's stream; it must be one of these.
    pub fn seq(&self, at: usize) -> Seq {
        let place = self
            .places
            .as_ref()
            .map_or(at, |places| places[at] as usize);
        match &self.numbers {
            Some(numbers) => numbers[place],
            None => self.from + place as u64,
        }
    }

    /// Of all events of a block, how many come before this number.
    pub fn before(&self, seq: Seq) -> usize {
        match &self.numbers {
            Some(numbers) => numbers.partition_point(|number| *number < seq),
            None => usize::try_from(seq.saturating_sub(self.from))
                .unwrap_or(usize::MAX)
                .min(self.len()),
        }
    }

    /// One more than the last number of all events of a block.
    pub fn end(&self) -> Seq {
        let last = self.numbers.as_ref().and_then(|numbers| numbers.last());
        last.map_or(self.from.saturating_add(self.len() as u64), |last| {
            last.saturating_add(1)
        })
    }

    /// When they came (NTP64 bits) and by which node's clock, if that was remarked where they were
    /// gathered, as their own stamps could not be believed there.
    pub fn received(&self) -> Option<(u64, &Arc<str>)> {
        self.received.as_ref().map(|(stamp, by)| (*stamp, by))
    }

    /// From stamps to monotonic time, by stamp.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Whose events these are.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Number of the first event.
    pub fn from(&self) -> Seq {
        self.from
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none: only an open block can be empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event at a place of these, counted from 0.
    pub fn get(&self, at: usize) -> Option<EventView<'_>> {
        (at < self.len()).then(|| EventView::new(self, at))
    }

    /// The event with this number.
    pub fn by_seq(&self, seq: Seq) -> Option<EventView<'_>> {
        let place = match &self.numbers {
            Some(numbers) => numbers.binary_search(&seq).ok()?,
            None => usize::try_from(seq.checked_sub(self.from)?).ok()?,
        };
        match &self.places {
            None => self.get(place),
            Some(places) => self.get(places.iter().position(|at| *at as usize == place)?),
        }
    }

    /// All events in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = EventView<'_>> + ExactSizeIterator {
        (0..self.len()).map(|at| EventView::new(self, at))
    }

    /// Places of all events in the order of stamp, then sequence.
    pub fn by_stamp(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.len() as u32).collect();
        places.sort_by_key(|at| self.rows.stamps[*at as usize]);
        places
    }

    /// The names that the columns below point to.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The same names, for those who outlive the events.
    pub fn names(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }

    /// Stamps by place.
    pub fn stamps(&self) -> &[u64] {
        &self.rows.stamps
    }

    /// Index of the key in the dictionary, by place.
    pub fn keys(&self) -> &[u32] {
        &self.rows.keys
    }

    /// Index of the pid in the dictionary plus one, by place; 0 where there is none.
    pub fn pids(&self) -> &[u32] {
        &self.rows.pids
    }

    /// Number of the data's payload plus one, by place; 0 where there is none. Equal numbers mean
    /// equal data.
    pub fn data_ids(&self) -> &[u32] {
        &self.rows.data
    }

    /// Number of the correlation's payload plus one, by place; 0 where there is none.
    pub fn correlation_ids(&self) -> &[u32] {
        &self.rows.correlations
    }
}
