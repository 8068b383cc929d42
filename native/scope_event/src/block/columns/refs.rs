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

    fn symbol(&mut self, key: u32, payload: u32) -> u64 {
        if self.keys.of(key).payload == payload {
            return SAME;
        }
        match payload {
            0 => NONE,
            _ => FAR + zigzag(i64::from(self.next) - i64::from(payload)),
        }
    }

    fn payload(&mut self, key: u32, symbol: u64) -> Option<u32> {
        match symbol {
            SAME => Some(self.keys.of(key).payload),
            NONE => Some(0),
            far => u32::try_from(i64::from(self.next).checked_sub(unzigzag(far - FAR))?).ok(),
        }
    }

    fn happened(&mut self, key: u32, payload: u32, symbol: u64) {
        *self.keys.of(key) = Last { payload, symbol };
        self.next = self.next.max(payload.saturating_add(1));
    }
}

pub(super) fn encode(rows: &Rows, keys: usize, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    let mut model = Model::new(keys);
    for section in sections {
        model.next_section();
        for at in places(section) {
            let (key, payload) = (rows.keys[at], rows.data[at]);
            let symbol = model.symbol(key, payload);
            let again = model.keys.of(key).symbol == symbol;
            put_varint(out, if again { 0 } else { symbol + 1 });
            model.happened(key, payload, symbol);
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    (keys, payloads): (usize, usize),
    rows: &mut Rows,
) -> Result<(), BlockError> {
    let mut column = Cursor::new(bytes);
    let mut model = Model::new(keys);
    for section in sections {
        model.next_section();
        for at in places(section) {
            let key = rows.keys[at];
            let symbol = match column.varint()?.checked_sub(1) {
                Some(symbol) => symbol,
                None => model.keys.of(key).symbol,
            };
            let payload = model
                .payload(key, symbol)
                .ok_or(BlockError::Content("data"))?;
            rows.data[at] = below(payload, payloads + 1, "data")?;
            model.happened(key, payload, symbol);
        }
    }
    if column.is_done() {
        Ok(())
    } else {
        Err(BlockError::Content("data"))
    }
}
