//! Which payload is an event's data.
//!
//! New payloads come in order and repeated ones soon again, so a payload is told by its distance
//! from the next new one. Events of one key are alike, so the same distance as last time is zero.

use super::fresh::Fresh;
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::block::rows::{Rows, Run, places};
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
    next: u32,
}

impl Model {
    fn new(keys: usize) -> Self {
        Self {
            keys: Fresh::new(keys),
            next: 1,
        }
    }

    fn next_section(&mut self) {
        self.keys.next_section();
        self.next = 1;
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

/// Nothing at all where no event has data.
pub(super) fn encode(rows: &Rows, keys: usize, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    if rows.data.iter().all(|payload| *payload == 0) {
        return;
    }
    let mut model = Model::new(keys);
    for section in sections {
        model.next_section();
        places(section).for_each(|at| put_varint(out, model.store(rows.keys[at], rows.data[at])));
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    (keys, payloads): (usize, usize),
    rows: &mut Rows,
) -> Result<(), BlockError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let mut column = Cursor::new(bytes);
    let mut model = Model::new(keys);
    for section in sections {
        model.next_section();
        places(section).try_for_each(|at| {
            rows.data[at] = model.payload(rows.keys[at], column.varint()?, payloads)?;
            Ok::<_, BlockError>(())
        })?;
    }
    if column.is_done() {
        Ok(())
    } else {
        Err(BlockError::Content("data"))
    }
}
