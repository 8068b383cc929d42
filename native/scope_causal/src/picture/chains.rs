//! The order within each process.

use super::columns::Columns;
use super::{At, NONE};

/// From each event to those before and behind it in its process; [`NONE`] where there is none.
#[derive(Debug, Default)]
pub(super) struct Chains {
    before: Vec<At>,
    behind: Vec<At>,
    /// By process.
    first: Vec<At>,
    last: Vec<At>,
    counts: Vec<u32>,
}

impl Chains {
    pub(super) fn new(columns: &Columns, processes: usize) -> Self {
        let mut chains = Self {
            before: vec![NONE; columns.len()],
            behind: vec![NONE; columns.len()],
            first: vec![NONE; processes],
            last: vec![NONE; processes],
            counts: vec![0; processes],
        };
        for (at, &process) in (0..).zip(&columns.processes) {
            if process != NONE {
                chains.add(at, process as usize);
            }
        }
        chains
    }

    fn add(&mut self, at: At, process: usize) {
        let before = std::mem::replace(&mut self.last[process], at);
        self.counts[process] += 1;
        self.before[at as usize] = before;
        if before == NONE {
            self.first[process] = at;
        } else {
            self.behind[before as usize] = at;
        }
    }

    pub(super) fn before(&self, at: At) -> Option<At> {
        some(self.before[at as usize])
    }

    pub(super) fn behind(&self, at: At) -> Option<At> {
        some(self.behind[at as usize])
    }

    pub(super) fn first(&self, process: u32) -> Option<At> {
        self.first.get(process as usize).copied().and_then(some)
    }

    pub(super) fn last(&self, process: u32) -> Option<At> {
        self.last.get(process as usize).copied().and_then(some)
    }

    pub(super) fn count(&self, process: u32) -> u32 {
        self.counts.get(process as usize).copied().unwrap_or(0)
    }
}

pub(super) fn some(at: At) -> Option<At> {
    (at != NONE).then_some(at)
}
