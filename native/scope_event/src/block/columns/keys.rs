//! Keys, by plain number.

use crate::block::BlockError;
use crate::block::dictionary::{Dictionary, below};
use crate::block::rows::{Rows, Run, places};
use crate::bytes::{Cursor, put_varint};

pub(super) fn encode(rows: &Rows, _names: &Dictionary, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    for at in sections.iter().flat_map(|section| places(section)) {
        put_varint(out, u64::from(rows.keys[at]));
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    names: &Dictionary,
    rows: &mut Rows,
) -> Result<(), BlockError> {
    let mut column = Cursor::new(bytes);
    for at in sections.iter().flat_map(|section| places(section)) {
        rows.keys[at] = below(column.varint32()?, names.keys.len(), "key")?;
    }
    if column.is_done() {
        Ok(())
    } else {
        Err(BlockError::Content("keys"))
    }
}
