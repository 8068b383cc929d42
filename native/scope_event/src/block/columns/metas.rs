//! Sessions, flags and correlation ids: whatever it was last time.

use super::exceptions::{Exceptions, Predicted};
use super::fresh::Fresh;
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::block::rows::{Meta, Rows, Run, places};
use crate::bytes::{Cursor, put_varint};

/// Session and flags, predicted to be those of the event before.
pub(super) fn encode(rows: &Rows, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    let mut column = Exceptions::new(out);
    for section in sections {
        let mut last = Meta::default();
        for at in places(section) {
            if rows.metas[at] == last {
                column.hold();
                continue;
            }
            last = rows.metas[at];
            let out = column.fail();
            put_varint(out, u64::from(last.session));
            out.push(last.flags);
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    rows: &mut Rows,
) -> Result<(), BlockError> {
    // No exception: everything is as it starts, and the rows start so.
    if bytes.is_empty() {
        return Ok(());
    }
    let mut column = Predicted::new(bytes)?;
    for section in sections {
        let mut last = Meta::default();
        for at in places(section) {
            last = column.next(meta)?.unwrap_or(last);
            rows.metas[at] = last;
        }
    }
    column.finish()
}

fn meta(at: &mut Cursor<'_>) -> Result<Meta, BlockError> {
    let session = u16::try_from(at.varint()?).map_err(|_| BlockError::Content("session"))?;
    Ok(Meta {
        session,
        flags: at.u8()?,
    })
}

/// Correlation ids, predicted to be that of the process's last event.
pub(super) fn encode_correlations(
    rows: &Rows,
    pids: usize,
    sections: &[Vec<Run>],
    out: &mut Vec<u8>,
) {
    if rows.correlations.iter().all(|payload| *payload == 0) {
        return;
    }
    let mut column = Exceptions::new(out);
    let mut last = Fresh::<u32>::new(pids + 1);
    for section in sections {
        last.next_section();
        for at in places(section) {
            let seen = last.of(rows.pids[at]);
            if *seen == rows.correlations[at] {
                column.hold();
                continue;
            }
            *seen = rows.correlations[at];
            put_varint(column.fail(), u64::from(rows.correlations[at]));
        }
    }
}

pub(super) fn decode_correlations(
    bytes: &[u8],
    sections: &[Vec<Run>],
    (pids, payloads): (usize, usize),
    rows: &mut Rows,
) -> Result<(), BlockError> {
    // No exception: everything is as it starts, and the rows start so.
    if bytes.is_empty() {
        return Ok(());
    }
    let mut column = Predicted::new(bytes)?;
    let mut last = Fresh::<u32>::new(pids + 1);
    for section in sections {
        last.next_section();
        for at in places(section) {
            let other = column.next(|at| below(at.varint32()?, payloads + 1, "payload"))?;
            let seen = last.of(rows.pids[at]);
            *seen = other.unwrap_or(*seen);
            rows.correlations[at] = *seen;
        }
    }
    column.finish()
}
