//! Which payload is an event's data.

use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::block::rows::{Rows, Run, places};
use crate::bytes::{Cursor, put_varint};

pub(super) fn encode(rows: &Rows, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    for at in sections.iter().flat_map(|section| places(section)) {
        put_varint(out, u64::from(rows.data[at]));
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    payloads: usize,
    rows: &mut Rows,
) -> Result<(), BlockError> {
    let mut column = Cursor::new(bytes);
    for at in sections.iter().flat_map(|section| places(section)) {
        rows.data[at] = below(column.varint32()?, payloads + 1, "payload")?;
    }
    if column.is_done() {
        Ok(())
    } else {
        Err(BlockError::Content("data"))
    }
}
