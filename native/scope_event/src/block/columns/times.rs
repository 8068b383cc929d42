//! Stamps, as differences within a section.

use crate::block::BlockError;
use crate::block::rows::{Rows, Run, places};
use crate::bytes::{Cursor, put_varint};

pub(super) fn encode(rows: &Rows, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    for section in sections {
        let mut last = 0;
        for at in places(section) {
            put_varint(out, rows.stamps[at].wrapping_sub(last));
            last = rows.stamps[at];
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    rows: &mut Rows,
) -> Result<(), BlockError> {
    let mut column = Cursor::new(bytes);
    for section in sections {
        let mut last = 0u64;
        for at in places(section) {
            last = last.wrapping_add(column.varint()?);
            rows.stamps[at] = last;
        }
    }
    if column.is_done() {
        Ok(())
    } else {
        Err(BlockError::Content("times"))
    }
}
