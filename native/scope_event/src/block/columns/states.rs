//! States: where they are, of which process, and their payloads, apart from all other events.
//!
//! A question for the state of a process at a time reads this column, a stretch of the times and the
//! chunks that hold the state's chain, whatever else is in the block. What the other columns say of
//! the same events costs next to nothing here, as it is predicted from the last state of the process.

mod entries;
mod table;

use super::exceptions::Exceptions;
use super::fresh::Fresh;
use super::order::{Sizes, Stored};
use super::payloads::Numbers;
use super::times::Marks;
use crate::block::BlockError;
use crate::block::dictionary::below;
use crate::block::payloads::Payloads;
use crate::block::rows::Meta;
use crate::bytes::{Cursor, put_bytes, put_varint, unzigzag, zigzag};
use entries::Sparse;
pub(super) use table::Table;

/// A new payload, as a correlation.
const NEW: u32 = 1;

/// Positions of the states.
pub(super) fn positions(stored: &Stored<'_>, is_state: &[bool]) -> Vec<u32> {
    if !is_state.contains(&true) {
        return Vec::new();
    }
    let keys = stored.keys.iter().zip(0..);
    keys.filter(|(key, _)| is_state[**key as usize])
        .map(|(_, position)| position)
        .collect()
}

/// The payloads that states speak of: process by process, in the order in which they come up.
pub(super) fn payloads(stored: &Stored<'_>, positions: &[u32], all: usize) -> Vec<u32> {
    let mut seen = vec![false; if positions.is_empty() { 0 } else { all }];
    let mut found: Vec<(u32, u32)> = Vec::new();
    for at in positions.iter().map(|at| *at as usize) {
        for payload in [stored.correlations[at], stored.data[at]] {
            if payload > 0 && !std::mem::replace(&mut seen[payload as usize - 1], true) {
                found.push((stored.pids[at], payload - 1));
            }
        }
    }
    found.sort_by_key(|(pid, _)| *pid);
    found.into_iter().map(|(_, payload)| payload).collect()
}

/// What is known of a process when its next state comes.
#[derive(Clone, Copy, Default)]
struct Last {
    key: u32,
    meta: Meta,
    correlation: u32,
}

/// Writes the column; the payloads of `stored` have their new numbers.
pub(super) fn encode(
    stored: &Stored<'_>,
    positions: &[u32],
    (payloads, numbers): (&Payloads, &Numbers),
    (marks, origin): (&Marks, u64),
    out: &mut Vec<u8>,
) {
    put_varint(out, positions.len() as u64);
    let mut next = 0;
    for at in positions {
        put_varint(out, u64::from(at - next));
        next = at + 1;
    }
    let mut last = 0;
    for at in positions {
        let pid = i64::from(stored.pids[*at as usize]);
        put_varint(out, zigzag(pid - last));
        last = pid;
    }
    put_predicted(stored, positions, numbers.states, out);
    let mut places = Vec::new();
    marks.put(origin, &mut places);
    put_bytes(out, &places);
    table::put(payloads, numbers, out);
}

fn put_predicted(stored: &Stored<'_>, positions: &[u32], states: usize, out: &mut Vec<u8>) {
    let mut columns: [Vec<u8>; 4] = Default::default();
    let [keys, metas, correlations, data] = &mut columns;
    let (mut keys, mut metas) = (Exceptions::new(keys), Exceptions::new(metas));
    let (mut correlations, mut data) = (Exceptions::new(correlations), Exceptions::new(data));
    let most = stored.pids.iter().max().map_or(0, |pid| *pid as usize);
    let mut processes = Fresh::<Last>::new(most + 1);
    let mut seen = vec![false; states + 1];
    let mut is_new = |payload: u32| !std::mem::replace(&mut seen[payload as usize], true);
    for at in positions.iter().map(|at| *at as usize) {
        let last = processes.of(stored.pids[at]);
        let (key, meta) = (stored.keys[at], stored.metas[at]);
        if last.key == key {
            keys.hold();
        } else {
            put_varint(keys.fail(), u64::from(key));
        }
        if last.meta == meta {
            metas.hold();
        } else {
            meta.put(metas.fail());
        }
        match stored.correlations[at] {
            same if same == last.correlation => correlations.hold(),
            0 => put_varint(correlations.fail(), 0),
            new if is_new(new) => put_varint(correlations.fail(), u64::from(NEW)),
            old => put_varint(correlations.fail(), u64::from(old + NEW)),
        }
        match stored.data[at] {
            0 => put_varint(data.fail(), 0),
            new if is_new(new) => data.hold(),
            old => put_varint(data.fail(), u64::from(old)),
        }
        *last = Last {
            key,
            meta,
            correlation: stored.correlations[at],
        };
    }
    columns.iter().for_each(|column| put_bytes(out, column));
}

/// The column, taken apart but not put together: one state is told without the others.
#[derive(Default)]
pub(super) struct States {
    pub(super) positions: Vec<u32>,
    pub(super) pids: Vec<u32>,
    keys: Sparse<u32>,
    metas: Sparse<Meta>,
    correlations: Sparse<u32>,
    data: Sparse<u32>,
    pub(super) marks: Marks,
    /// How many payloads there are.
    pub(super) payloads: u32,
    /// The table of payloads, not yet read.
    table: Vec<u8>,
}

impl States {
    /// Reads the column of a block of so many events; nothing where there are no states.
    pub(super) fn get(
        bytes: &[u8],
        sizes: &Sizes,
        (pids, keys): (usize, usize),
        origin: u64,
    ) -> Result<Self, BlockError> {
        let mut at = Cursor::new(bytes);
        if at.is_done() {
            return Ok(Self::default());
        }
        let count = at.varint32()? as usize;
        let positions = positions_in(&mut at, count, sizes.events())?;
        let by = pids_in(&mut at, count, pids)?;
        let key = |at: &mut Cursor<'_>| below(at.varint32()?, keys, "key");
        let number = |at: &mut Cursor<'_>| Ok(at.varint32()?);
        let mut states = Self {
            positions,
            pids: by,
            keys: Sparse::get(at.bytes()?, count, key)?,
            metas: Sparse::get(at.bytes()?, count, Meta::get)?,
            correlations: Sparse::get(at.bytes()?, count, number)?,
            data: Sparse::get(at.bytes()?, count, number)?,
            marks: Marks::get(at.bytes()?, origin, sizes.events())?,
            table: at.rest().to_vec(),
            payloads: 0,
        };
        states.payloads = states.all_news();
        states.check()?;
        Ok(states)
    }

    /// Where the payloads are.
    pub(super) fn table(&self) -> Result<Table, BlockError> {
        Table::get(&self.table, self.payloads as usize)
    }

    /// Payloads that are not new are among those that are.
    fn check(&self) -> Result<(), BlockError> {
        let ids = self
            .correlations
            .values()
            .all(|id| *id <= self.payloads + NEW);
        if ids && self.data.values().all(|payload| *payload <= self.payloads) {
            Ok(())
        } else {
            Err(BlockError::Content("states"))
        }
    }
}

fn positions_in(at: &mut Cursor<'_>, count: usize, events: usize) -> Result<Vec<u32>, BlockError> {
    let mut positions = Vec::with_capacity(count.min(at.left()));
    let mut next = 0u64;
    at.varints(count, |gap| {
        let position = next.saturating_add(gap);
        positions.push(position as u32);
        next = position.saturating_add(1);
    })?;
    if next <= events as u64 {
        Ok(positions)
    } else {
        Err(BlockError::Content("states"))
    }
}

fn pids_in(at: &mut Cursor<'_>, count: usize, pids: usize) -> Result<Vec<u32>, BlockError> {
    let mut by = Vec::with_capacity(count.min(at.left()));
    let (mut last, mut known) = (0i64, true);
    at.varints(count, |step| {
        last = last.wrapping_add(unzigzag(step));
        known &= (0..=pids as i64).contains(&last);
        by.push(last as u32);
    })?;
    if known {
        Ok(by)
    } else {
        Err(BlockError::Content("pid"))
    }
}

impl Stored<'_> {
    /// Gives the states their data. All else that the column says of them must be so, too.
    pub(super) fn take_states(
        &mut self,
        states: &States,
        is_state: &[bool],
    ) -> Result<(), BlockError> {
        let here = positions(self, is_state).len();
        let pids = self.pids.iter().max().map_or(0, |pid| *pid as usize);
        let known = states.pids.iter().all(|pid| *pid as usize <= pids);
        if here != states.positions.len() || !known {
            return Err(BlockError::Content("states"));
        }
        let data = self.data.to_mut();
        for entry in states.entries(pids) {
            let at = entry.position as usize;
            let (meta, correlation) = (self.metas[at], self.correlations[at]);
            let same = (self.keys[at], self.pids[at], meta, correlation)
                == (entry.key, entry.pid, entry.meta, entry.correlation);
            if !same || !is_state[entry.key as usize] {
                return Err(BlockError::Content("states"));
            }
            data[at] = entry.data;
        }
        Ok(())
    }
}
