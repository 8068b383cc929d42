//! One state of the column, or all of them.

use super::{NEW, States};
use crate::block::BlockError;
use crate::block::columns::exceptions::Predicted;
use crate::block::rows::Meta;
use crate::bytes::Cursor;
use std::cell::Cell;

/// The exceptions of a column, by number of the state.
pub(in crate::block::columns) struct Sparse<T>(Vec<(u32, T)>);

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Sparse<T> {
    pub(super) fn get(
        bytes: &[u8],
        count: usize,
        value: impl Fn(&mut Cursor<'_>) -> Result<T, BlockError>,
    ) -> Result<Self, BlockError> {
        let mut column = Predicted::new(bytes)?;
        let (mut found, mut at) = (Vec::new(), 0);
        loop {
            at += column.hold(count - at);
            if at == count {
                column.finish(true)?;
                return Ok(Self(found));
            }
            found.push((at as u32, column.surprise(&value)?));
            at += 1;
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, T)> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn at(&self, number: u32) -> Option<T> {
        let at = self.0.binary_search_by_key(&number, |(at, _)| *at).ok()?;
        Some(self.0[at].1)
    }

    /// To be asked for one number after another.
    fn walk(&self) -> Walk<'_, T> {
        Walk(&self.0)
    }

    /// The last exception up to a state among those of its process, and its number.
    fn last(&self, number: u32, pids: &[u32]) -> Option<(u32, T)> {
        let pid = pids[number as usize];
        let upto = self.0.partition_point(|(at, _)| *at <= number);
        let before = self.0[..upto].iter().rev();
        before.copied().find(|(at, _)| pids[*at as usize] == pid)
    }
}

/// The exceptions that are still to come.
struct Walk<'a, T>(&'a [(u32, T)]);

impl<T: Copy> Walk<'_, T> {
    #[inline]
    fn at(&mut self, number: u32) -> Option<T> {
        let (first, rest) = self.0.split_first().filter(|((at, _), _)| *at == number)?;
        self.0 = rest;
        Some(first.1)
    }
}

/// A state, over the dictionary and the payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::block::columns) struct Entry {
    pub(in crate::block::columns) position: u32,
    pub(in crate::block::columns) pid: u32,
    pub(in crate::block::columns) key: u32,
    pub(in crate::block::columns) meta: Meta,
    pub(in crate::block::columns) correlation: u32,
    pub(in crate::block::columns) data: u32,
}

impl States {
    /// A state by its number.
    pub(in crate::block::columns) fn entry(&self, number: u32) -> Entry {
        let pids = &self.pids;
        let key = self.keys.last(number, pids);
        let meta = self.metas.last(number, pids);
        Entry {
            position: self.positions[number as usize],
            pid: pids[number as usize],
            key: key.map_or(0, |(_, key)| key),
            meta: meta.map_or_else(Meta::default, |(_, meta)| meta),
            correlation: self.correlation(number),
            data: self.data(number),
        }
    }

    fn correlation(&self, number: u32) -> u32 {
        match self.correlations.last(number, &self.pids) {
            None | Some((_, 0)) => 0,
            Some((at, NEW)) => self.new_before(at) + 1,
            Some((_, old)) => old - NEW,
        }
    }

    fn data(&self, number: u32) -> u32 {
        let is_new = self.correlations.at(number) == Some(NEW);
        let new = || self.new_before(number) + u32::from(is_new) + 1;
        self.data.at(number).unwrap_or_else(new)
    }

    /// How many payloads come before the first new one of a state: all of processes before its own,
    /// and those of its own that are older.
    fn new_before(&self, number: u32) -> u32 {
        let own = self.pids[number as usize];
        self.news(|at, pid| pid < own || (pid == own && at < number))
    }

    /// How many new payloads all states have.
    pub(super) fn all_news(&self) -> u32 {
        let ids = self.correlations.values().filter(|id| **id == NEW).count();
        (self.pids.len() - self.data.0.len() + ids) as u32
    }

    /// How many new payloads the chosen states have.
    fn news(&self, chosen: impl Fn(u32, u32) -> bool) -> u32 {
        let chosen = |at: u32| chosen(at, self.pids[at as usize]);
        let data = (0..self.pids.len() as u32).filter(|at| chosen(*at)).count();
        let not_new = self.data.0.iter().filter(|(at, _)| chosen(*at)).count();
        let ids = self.correlations.0.iter();
        let ids = ids.filter(|(at, id)| *id == NEW && chosen(*at)).count();
        (data - not_new + ids) as u32
    }

    /// All states in the order of their positions; `pids` are those of the dictionary.
    pub(in crate::block::columns) fn entries(&self, pids: usize) -> impl Iterator<Item = Entry> {
        let starts = self.starts(pids + 1);
        let mut processes = vec![(0, Meta::default(), 0); pids + 1];
        let (mut keys, mut metas) = (self.keys.walk(), self.metas.walk());
        let (mut correlations, mut datas) = (self.correlations.walk(), self.data.walk());
        (0..self.pids.len() as u32).map(move |number| {
            let pid = self.pids[number as usize];
            let (key, meta, correlation) = &mut processes[pid as usize];
            let start = &starts[pid as usize];
            let new = || start.replace(start.get() + 1) + 1;
            *key = keys.at(number).unwrap_or(*key);
            *meta = metas.at(number).unwrap_or(*meta);
            *correlation = match correlations.at(number) {
                None => *correlation,
                Some(0) => 0,
                Some(NEW) => new(),
                Some(old) => old - NEW,
            };
            Entry {
                position: self.positions[number as usize],
                pid,
                key: *key,
                meta: *meta,
                correlation: *correlation,
                data: datas.at(number).unwrap_or_else(new),
            }
        })
    }

    /// The first new payload of each process.
    fn starts(&self, pids: usize) -> Vec<Cell<u32>> {
        let mut counts = vec![0u32; pids];
        let pid = |number: u32| self.pids[number as usize] as usize;
        self.pids.iter().for_each(|pid| counts[*pid as usize] += 1);
        self.data.iter().for_each(|(at, _)| counts[pid(at)] -= 1);
        for (at, id) in self.correlations.iter() {
            counts[pid(at)] += u32::from(id == NEW);
        }
        let mut sum = 0;
        let start = |count| {
            sum += count;
            sum - count
        };
        counts.into_iter().map(start).map(Cell::new).collect()
    }
}
