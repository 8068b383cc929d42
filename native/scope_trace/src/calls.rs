//! Calls whose return is awaited: where returns are traced, every one of them takes the stack of its
//! process, which a loop without end never gives back.

use crate::words::Words;
use std::collections::HashMap;

/// As many open calls of one process are no program, but a loop.
pub const RUNAWAY: u32 = 10_000;

/// Processes that are told apart at one time.
const PROCESSES: usize = 65_536;

/// How many calls each process has open. Calls and returns may come in any order, as long as all come:
/// those of one process can lie in the rings of several threads.
///
/// Invariant: the process that was seen last is not in `others`, and those that are have some open.
#[derive(Debug, Default)]
pub struct OpenCalls {
    /// Mostly the next one, too: what it calls comes in a row.
    last: (u64, i32),
    others: HashMap<u64, i32, Words>,
}

impl OpenCalls {
    /// A process entered a function whose return will be told.
    pub fn entered(&mut self, pid: u64) -> u32 {
        self.change(pid, 1)
    }

    /// It left one.
    pub fn left(&mut self, pid: u64) {
        self.change(pid, -1);
    }

    /// Nobody waits for returns any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn change(&mut self, pid: u64, by: i32) -> u32 {
        if self.last.0 != pid {
            self.turn_to(pid);
        }
        self.last.1 = self.last.1.saturating_add(by);
        u32::try_from(self.last.1).unwrap_or(0)
    }

    /// A process with nothing open is not kept; beyond the bound, one that is new is forgotten.
    fn turn_to(&mut self, pid: u64) {
        let (before, open) = self.last;
        if open != 0 && self.others.len() < PROCESSES {
            self.others.insert(before, open);
        }
        self.last = (pid, self.others.remove(&pid).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_not_open_in_whatever_order_it_came() {
        let mut calls = OpenCalls::default();
        assert_eq!(
            (calls.entered(1), calls.entered(1), calls.entered(2)),
            (1, 2, 1)
        );
        calls.left(1);
        calls.left(3);
        assert_eq!((calls.entered(1), calls.entered(3)), (2, 0));
        calls.left(2);
        calls.entered(4);
        assert_eq!(calls.others, HashMap::from_iter([(1, 2)]));
    }

    #[test]
    fn more_processes_than_the_bound_are_not_kept() {
        let mut calls = OpenCalls::default();
        for pid in 0..2 * PROCESSES as u64 {
            calls.entered(pid);
        }
        assert_eq!(calls.others.len(), PROCESSES);
    }
}
