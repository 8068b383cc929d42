//! Processes: a lane runs one for a while, so only switches are stored.
//!
//! A switch is predicted to go where the process was last left for.

use super::exceptions::{Exceptions, Predicted};
use super::fresh::Fresh;
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::block::rows::{Rows, Run, places};
use crate::bytes::{Cursor, put_varint};

/// Stands for the process that followed last time.
const FOLLOWER: u64 = 0;

/// Pids by number are one more than their index: 0 is no process.
pub(super) fn encode(rows: &Rows, sections: &[Vec<Run>], pids: usize, out: &mut Vec<u8>) {
    let mut column = Exceptions::new(out);
    let mut followers = Fresh::<u32>::new(pids + 1);
    for section in sections {
        followers.next_section();
        let mut last = 0;
        for at in places(section) {
            let pid = rows.pids[at];
            if pid == last {
                column.hold();
                continue;
            }
            let follower = followers.of(last);
            let known = *follower == pid;
            (*follower, last) = (pid, pid);
            put_varint(
                column.fail(),
                if known { FOLLOWER } else { u64::from(pid) + 1 },
            );
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
    let mut followers = Fresh::<u32>::new(pids + 1);
    for section in sections {
        followers.next_section();
        let mut last = 0;
        for at in places(section) {
            if let Some(stored) = column.next(|at| stored(at, pids))? {
                let follower = followers.of(last);
                *follower = stored.unwrap_or(*follower);
                last = *follower;
            }
            rows.pids[at] = last;
        }
    }
    column.finish()
}

/// The process of a switch, unless it is the follower.
fn stored(at: &mut Cursor<'_>, pids: usize) -> Result<Option<u32>, BlockError> {
    match at.varint32()?.checked_sub(1) {
        Some(pid) => below(pid, pids + 1, "pid").map(Some),
        None => Ok(None),
    }
}
