//! Processes: a lane runs one for a while, so only switches are stored.

use super::exceptions::{Exceptions, Predicted};
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::block::rows::{Rows, Run, places};
use crate::bytes::put_varint;

pub(super) fn encode(rows: &Rows, sections: &[Vec<Run>], out: &mut Vec<u8>) {
    let mut column = Exceptions::new(out);
    for section in sections {
        let mut last = 0;
        for at in places(section) {
            let pid = rows.pids[at];
            if pid == last {
                column.hold();
            } else {
                put_varint(column.fail(), u64::from(pid));
                last = pid;
            }
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    pids: usize,
    rows: &mut Rows,
) -> Result<(), BlockError> {
    let mut column = Predicted::new(bytes)?;
    for section in sections {
        let mut last = 0;
        for at in places(section) {
            let switch = column.next(|at| below(at.varint32()?, pids + 1, "pid"))?;
            last = switch.unwrap_or(last);
            rows.pids[at] = last;
        }
    }
    column.finish()
}
