//! Events by process over many blocks.
//!
//! Each block has pids of its own. A pid is looked up once per block, as a few numbers of which one
//! stands for its node's name; names are hashed and copied once at the end, into a map of the right size.

use super::counts::{Counted, MAX_GROUPS};
use super::functions::Spread;
use super::group::Group;
use scope_event::Pid;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Id and serial; number of the node's name and creation.
type Packed = (u64, u64);

/// Pids that are made before they are used.
const FEW: usize = 1024;

/// Counts of processes.
///
/// Invariant: `numbers` holds the place of each name in `nodes`, and each has a pid; there are
/// [`MAX_GROUPS`] pids at most.
#[derive(Default)]
pub(super) struct Processes {
    numbers: HashMap<Arc<str>, u32>,
    nodes: Vec<Arc<str>>,
    counts: HashMap<Packed, u64, Keyed>,
    /// Events of no process.
    none: u64,
    /// Events of processes that there was no room for.
    others: u64,
    /// The node that was asked for last, which mostly is the next one, too.
    last: Option<(Arc<str>, u32)>,
}

impl Processes {
    /// Adds events of a process.
    pub(super) fn add(&mut self, pid: Option<&Pid>, count: u32) {
        let count = u64::from(count);
        match pid {
            None => self.none += count,
            Some(pid) => match self.count(pid) {
                Some(counted) => *counted += count,
                None => self.others += count,
            },
        }
    }

    fn count(&mut self, pid: &Pid) -> Option<&mut u64> {
        let node = u64::from(self.node(&pid.node)?);
        let packed = (
            u64::from(pid.id) << 32 | u64::from(pid.serial),
            node << 32 | u64::from(pid.creation),
        );
        if !self.has_room() {
            return self.counts.get_mut(&packed);
        }
        Some(self.counts.entry(packed).or_default())
    }

    fn has_room(&self) -> bool {
        self.counts.len() < MAX_GROUPS
    }

    fn node(&mut self, name: &Arc<str>) -> Option<u32> {
        let last = self.last.as_ref();
        if let Some((_, number)) = last.filter(|(last, _)| Arc::ptr_eq(last, name)) {
            return Some(*number);
        }
        let known = self.numbers.get(name).copied();
        let number = known.or_else(|| self.learn(name))?;
        self.last = Some((name.clone(), number));
        Some(number)
    }

    fn learn(&mut self, name: &Arc<str>) -> Option<u32> {
        self.has_room().then(|| {
            let number = self.nodes.len() as u32;
            self.nodes.push(name.clone());
            self.numbers.insert(name.clone(), number);
            number
        })
    }

    /// Adds what was counted to `counted`.
    pub(super) fn finish(self, counted: &mut Counted) {
        counted.groups.reserve(self.counts.len());
        let mut counts = self.counts.iter();
        while counts.len() > 0 {
            // A few at a time: counting a reference waits for all that was written before.
            let few = counts.by_ref().take(FEW);
            let few: Vec<_> = few.map(|(pid, n)| (self.unpack(*pid), *n)).collect();
            few.into_iter()
                .for_each(|(pid, n)| counted.add(Group::Pid(Some(pid)), n));
        }
        if self.none > 0 {
            counted.add(Group::Pid(None), self.none);
        }
        counted.others += self.others;
    }

    fn unpack(&self, (name, rest): Packed) -> Pid {
        Pid {
            node: self.nodes[(rest >> 32) as usize].clone(),
            id: (name >> 32) as u32,
            serial: name as u32,
            creation: rest as u32,
        }
    }
}

/// Hashes of numbers that a peer may choose: it does not know the key, a new one for each question.
#[derive(Clone)]
struct Keyed(u64);

impl Default for Keyed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Keyed {
    type Hasher = Spread;

    fn build_hasher(&self) -> Spread {
        Spread(self.0)
    }
}
