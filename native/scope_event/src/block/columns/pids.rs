//! Processes: a lane runs one for a while, so only switches are stored.
//!
//! A switch is predicted to go where the process was last left for.

use super::exceptions::{Exceptions, Predicted};
use super::fresh::Fresh;
use super::order::Sizes;
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::bytes::{Cursor, put_varint};

/// Stands for the process that followed last time.
const FOLLOWER: u64 = 0;

/// Pids by number are one more than their index: 0 is no process.
pub(super) fn encode(column: &[u32], sizes: &Sizes, pids: usize, out: &mut Vec<u8>) {
    let mut out = Exceptions::new(out);
    let mut followers = Fresh::<u32>::new(pids + 1);
    for section in sizes.ranges() {
        followers.next_section();
        let mut last = 0;
        for pid in column[section].iter().copied() {
            if pid == last {
                out.hold();
                continue;
            }
            let follower = followers.of(last);
            let known = *follower == pid;
            (*follower, last) = (pid, pid);
            put_varint(
                out.fail(),
                if known { FOLLOWER } else { u64::from(pid) + 1 },
            );
        }
    }
}

pub(super) fn decode(bytes: &[u8], sizes: &Sizes, pids: usize) -> Result<Vec<u32>, BlockError> {
    let mut column = Vec::with_capacity(sizes.events());
    runs(bytes, sizes, pids, |pid, len| {
        column.resize(column.len() + len, pid);
    })?;
    Ok(column)
}

/// Calls `each` with every process and how many events it goes on for.
pub(super) fn runs(
    bytes: &[u8],
    sizes: &Sizes,
    pids: usize,
    mut each: impl FnMut(u32, usize),
) -> Result<(), BlockError> {
    let mut column = Predicted::new(bytes)?;
    let mut followers = Fresh::<u32>::new(pids + 1);
    for section in sizes.ranges() {
        followers.next_section();
        let (mut last, mut left) = (0, section.len());
        while left > 0 {
            let run = column.hold(left);
            each(last, run);
            left -= run;
            if left > 0 {
                let stored = column.surprise(|at| stored(at, pids))?;
                let follower = followers.of(last);
                *follower = stored.unwrap_or(*follower);
                last = *follower;
                let run = 1 + column.hold(left - 1);
                each(last, run);
                left -= run;
            }
        }
    }
    column.finish(sizes.are_all())
}

/// The process of a switch, unless it is the follower.
fn stored(at: &mut Cursor<'_>, pids: usize) -> Result<Option<u32>, BlockError> {
    match at.varint32()?.checked_sub(1) {
        Some(pid) => below(pid, pids + 1, "pid").map(Some),
        None => Ok(None),
    }
}
