//! Everything a picture knows of each event by itself, a column for each thing.

use super::names::About;
use super::{At, NONE};
use scope_clock::Stamp;
use scope_event::{Kind, Seq};

/// Where no monotonic time was stated: no clock counts from so far back.
const NO_MONO: i64 = i64::MIN;

/// Invariant: all columns have the same length.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) stamps: Vec<Stamp>,
    pub(super) seqs: Vec<Seq>,
    pub(super) origins: Vec<u32>,
    pub(super) kinds: Vec<Kind>,
    pub(super) flags: Vec<u8>,
    /// [`NONE`] for an event that no process did.
    pub(super) processes: Vec<u32>,
    pub(super) abouts: Vec<About>,
    /// [`NONE`] without a correlation.
    pub(super) correlations: Vec<u32>,
    monos: Vec<i64>,
}

/// One event's row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) stamp: Stamp,
    pub(super) seq: Seq,
    pub(super) origin: u32,
    pub(super) mono_ns: Option<i64>,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) process: Option<u32>,
    pub(super) about: About,
    pub(super) correlation: Option<u32>,
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        self.stamps.len()
    }

    pub(super) fn push(&mut self, row: Row) {
        self.stamps.push(row.stamp);
        self.seqs.push(row.seq);
        self.origins.push(row.origin);
        self.kinds.push(row.kind);
        self.flags.push(row.flags);
        self.processes.push(row.process.unwrap_or(NONE));
        self.abouts.push(row.about);
        self.correlations.push(row.correlation.unwrap_or(NONE));
        self.monos.push(row.mono_ns.unwrap_or(NO_MONO));
    }

    pub(super) fn mono_ns(&self, at: At) -> Option<i64> {
        let mono = *self.monos.get(at as usize)?;
        (mono != NO_MONO).then_some(mono)
    }

    /// The rows in another order, or some of them.
    pub(super) fn picked(&mut self, rows: &[u32]) {
        pick(&mut self.stamps, rows);
        pick(&mut self.seqs, rows);
        pick(&mut self.origins, rows);
        pick(&mut self.kinds, rows);
        pick(&mut self.flags, rows);
        pick(&mut self.processes, rows);
        pick(&mut self.abouts, rows);
        pick(&mut self.correlations, rows);
        pick(&mut self.monos, rows);
    }

    /// Numbers so many processes by who did something first, then by what is told of them; answers the new
    /// number of each.
    pub(super) fn renumber(&mut self, processes: usize) -> Vec<u32> {
        let mut numbers = vec![NONE; processes];
        let mut next = 0..;
        let doers = self.processes.iter().copied();
        let others = self.abouts.iter().filter_map(|about| about.process());
        let all = doers.chain(others).chain(0..processes as u32);
        for process in all.filter(|process| *process != NONE) {
            let number = &mut numbers[process as usize];
            if *number == NONE {
                *number = next.next().unwrap_or(NONE);
            }
        }
        for process in self.processes.iter_mut().filter(|of| **of != NONE) {
            *process = numbers[*process as usize];
        }
        for about in &mut self.abouts {
            *about = about.renumbered(&numbers);
        }
        numbers
    }

    /// Columns grow by doubling; nothing is added any more.
    pub(super) fn shrink(&mut self) {
        self.stamps.shrink_to_fit();
        self.seqs.shrink_to_fit();
        self.origins.shrink_to_fit();
        self.kinds.shrink_to_fit();
        self.flags.shrink_to_fit();
        self.processes.shrink_to_fit();
        self.abouts.shrink_to_fit();
        self.correlations.shrink_to_fit();
        self.monos.shrink_to_fit();
    }
}

fn pick<T: Copy>(column: &mut Vec<T>, rows: &[u32]) {
    *column = rows.iter().map(|&row| column[row as usize]).collect();
}
