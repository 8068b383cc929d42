//! Which payload is an event's data.
//!
//! New payloads come in order and repeated ones soon again, so a payload is told by its distance
//! from the next new one. Events of one key are alike, so the same distance as last time is zero.

use super::fresh::Fresh;
use super::order::Sizes;
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};

/// The key's last payload again; none at first.
const SAME: u64 = 0;
/// No data.
const NONE: u64 = 1;
/// The first distance.
const FAR: u64 = 2;

/// What a key did last: the payload, and how it was told.
#[derive(Clone, Default)]
struct Last {
    payload: u32,
    symbol: u64,
}

/// The section's state: what each key did, and the number that the next new payload will have.
struct Model {
    keys: Fresh<Last>,
    first: u32,
    next: u32,
}

impl Model {
    fn new(refs: &Refs<'_>) -> Self {
        Self {
            keys: Fresh::new(refs.is_state.len()),
            first: refs.states as u32 + 1,
            next: 0,
        }
    }

    fn next_section(&mut self) {
        self.keys.next_section();
        self.next = self.first;
    }

    /// What is stored for a payload.
    #[inline]
    fn store(&mut self, key: u32, payload: u32) -> u64 {
        let last = self.keys.of(key);
        let symbol = match payload {
            same if same == last.payload => SAME,
            0 => NONE,
            _ => FAR + zigzag(i64::from(self.next) - i64::from(payload)),
        };
        let stored = if symbol == last.symbol { 0 } else { symbol + 1 };
        *last = Last { payload, symbol };
        self.next = self.next.max(payload + 1);
        stored
    }

    /// The payload behind what is stored; there are `payloads`.
    #[inline]
    fn payload(&mut self, key: u32, stored: u64, payloads: usize) -> Result<u32, BlockError> {
        let last = self.keys.of(key);
        let symbol = stored.checked_sub(1).unwrap_or(last.symbol);
        let payload = match symbol {
            SAME => i64::from(last.payload),
            NONE => 0,
            far => i64::from(self.next).saturating_sub(unzigzag(far - FAR)),
        };
        let payload = u32::try_from(payload).map_err(|_| BlockError::Content("data"))?;
        let payload = below(payload, payloads + 1, "data")?;
        *last = Last { payload, symbol };
        self.next = self.next.max(payload + 1);
        Ok(payload)
    }
}

/// The column: data and key by position, and which keys are those of states, whose data is not here.
pub(super) struct Refs<'a> {
    pub(super) keys: &'a [u32],
    pub(super) is_state: &'a [bool],
    /// How many payloads are those of states: they come first.
    pub(super) states: usize,
}

impl Refs<'_> {
    fn are_here(&self, key: u32) -> bool {
        !self.is_state[key as usize]
    }

    /// Nothing at all where no event has data.
    pub(super) fn encode(&self, data: &[u32], sizes: &Sizes, out: &mut Vec<u8>) {
        let all = data.iter().zip(self.keys);
        if all
            .clone()
            .all(|(data, key)| *data == 0 || !self.are_here(*key))
        {
            return;
        }
        let mut model = Model::new(self);
        for section in sizes.ranges() {
            model.next_section();
            let events = data[section.clone()].iter().zip(&self.keys[section]);
            events
                .filter(|(_, key)| self.are_here(**key))
                .for_each(|(data, key)| put_varint(out, model.store(*key, *data)));
        }
    }

    /// 0 for states.
    pub(super) fn decode(
        &self,
        bytes: &[u8],
        sizes: &Sizes,
        payloads: usize,
    ) -> Result<Vec<u32>, BlockError> {
        let mut data = vec![0; sizes.events()];
        if bytes.is_empty() {
            return Ok(data);
        }
        let mut column = Cursor::new(bytes);
        let mut model = Model::new(self);
        for section in sizes.ranges() {
            model.next_section();
            for (data, key) in data[section.clone()].iter_mut().zip(&self.keys[section]) {
                if self.are_here(*key) {
                    *data = model.payload(*key, column.varint()?, payloads)?;
                }
            }
        }
        if column.is_done() || !sizes.are_all() {
            Ok(data)
        } else {
            Err(BlockError::Content("data"))
        }
    }
}
