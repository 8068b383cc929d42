//! What the lanes say about themselves.

use crate::barrier::Barrier;
use crate::losses::{Losses, Lost};
use crate::table::Table;

/// Sizes and counts of a table, all zero before its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Lanes in the table.
    pub lanes: usize,
    /// Lanes that threads have claimed.
    pub claimed: usize,
    /// Threads that came when all lanes were given away.
    pub beyond: usize,
    /// Bytes that all lanes together can ever hold.
    pub ring_bytes: usize,
    /// Events that one lane holds.
    pub slots: usize,
    /// Payload bytes that one lane holds.
    pub payload: usize,
    /// Events published so far.
    pub recorded: u64,
    /// Events that wait for the drain.
    pub waiting: u64,
    /// Events lost so far, by kind, with those of threads without a lane.
    pub lost: Lost,
    /// Whether the consumer fences for the producers; else every event pays for a fence.
    pub asymmetric: bool,
}

impl Status {
    pub(crate) fn of(table: Option<&Table>, strangers: &Losses) -> Self {
        let mut status = table.map(Self::sizes).unwrap_or_default();
        strangers.add_to(&mut status.lost);
        for lane in table.iter().flat_map(|table| table.claimed()) {
            status.recorded += lane.head();
            status.waiting += lane.waiting();
            lane.losses.add_to(&mut status.lost);
        }
        status
    }

    fn sizes(table: &Table) -> Self {
        let geometry = table.geometry();
        Self {
            lanes: table.lanes().len(),
            claimed: table.claimed().len(),
            beyond: table.beyond(),
            ring_bytes: geometry.bytes() * table.lanes().len(),
            slots: geometry.slots,
            payload: geometry.payload,
            asymmetric: table.barrier() == Barrier::Asymmetric,
            ..Self::default()
        }
    }
}
