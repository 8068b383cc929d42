//! Which lane recorded which events.

use crate::block::BlockError;
use crate::block::rows::Run;
use crate::bytes::{Cursor, put_varint};

/// For each section: lane, number of runs, then gap and length of each run.
pub(super) fn encode(sections: &[Vec<Run>], out: &mut Vec<u8>) {
    put_varint(out, sections.len() as u64);
    for section in sections {
        put_varint(out, u64::from(section[0].lane));
        put_varint(out, section.len() as u64);
        let mut end = 0;
        for run in section {
            put_varint(out, u64::from(run.start - end));
            put_varint(out, u64::from(run.len));
            end = run.start + run.len;
        }
    }
}

/// The runs in the order of the sequence.
pub(super) fn decode(bytes: &[u8], count: usize) -> Result<Vec<Run>, BlockError> {
    let mut at = Cursor::new(bytes);
    let mut runs = Vec::new();
    for _ in 0..at.varint()? {
        let lane = u16::try_from(at.varint32()?).map_err(|_| BlockError::Content("lane"))?;
        let mut end = 0;
        for _ in 0..at.varint()? {
            let run = run(&mut at, lane, end)?;
            end = run.start + run.len;
            runs.push(run);
        }
    }
    runs.sort_unstable_by_key(|run| run.start);
    if at.is_done() && tile(&runs, count) {
        Ok(runs)
    } else {
        Err(BlockError::Content("sections"))
    }
}

fn run(at: &mut Cursor<'_>, lane: u16, end: u32) -> Result<Run, BlockError> {
    let start = end.checked_add(at.varint32()?).ok_or(BlockError::Short)?;
    let len = at.varint32()?;
    start
        .checked_add(len)
        .filter(|_| len > 0)
        .ok_or(BlockError::Content("run"))?;
    Ok(Run { lane, start, len })
}

/// Whether the runs follow each other and add up.
fn tile(runs: &[Run], count: usize) -> bool {
    let mut end = 0u32;
    for run in runs {
        if run.start != end {
            return false;
        }
        end += run.len;
    }
    end as usize == count
}
