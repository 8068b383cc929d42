//! What a replica knows apart from its links: the origins, what it has of each, what it wants.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::aged::Aged;
use crate::budget::Budget;
use crate::hash;
use crate::holdings::Holdings;
use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::origin::{NodeName, Origin, Seq};
use crate::reach::Reach;
use crate::settings::{Now, Settings};
use crate::stats::Notice;
use crate::table::Table;
use crate::vector::Vector;

/// The most notices that wait to be taken, and conflicts that are remembered as reported.
const MAX_NOTICES: usize = 1024;

#[derive(Debug)]
pub(super) struct Core {
    pub(super) own: Origin,
    pub(super) settings: Settings,
    pub(super) members: BTreeSet<NodeName>,
    pub(super) table: Table,
    /// What is held here, by index. Invariant: equal to the holdings as of `generation`.
    pub(super) vector: Vector,
    /// Counts the changes of `vector`.
    pub(super) version: u64,
    generation: Option<u64>,
    wanted: Vec<bool>,
    /// What is asked for at some peer now. Invariant: the union of `asked` of all open pulls.
    pub(super) in_flight: BTreeMap<u32, Intervals>,
    pub(super) aged: Aged,
    pub(super) budget: Budget,
    pub(super) notices: VecDeque<Notice>,
    reported: BTreeSet<(NodeName, Origin, Seq)>,
    seed: u64,
    nonces: u64,
}

impl Core {
    pub(super) fn new(own: Origin, settings: Settings, seed: u64) -> Self {
        Self {
            members: BTreeSet::from([own.node.clone()]),
            budget: Budget::new(settings.bytes_per_s),
            seed: hash::pair(hash::of(&own.node), hash::pair(own.incarnation, seed)),
            own,
            settings,
            table: Table::default(),
            vector: Vector::default(),
            version: 0,
            generation: None,
            wanted: Vec::new(),
            in_flight: BTreeMap::new(),
            aged: Aged::default(),
            notices: VecDeque::new(),
            reported: BTreeSet::new(),
            nonces: 0,
        }
    }

    /// A name for the life of a link: never 0, never one that was used a moment ago.
    pub(super) fn nonce(&mut self) -> u32 {
        self.nonces += 1;
        (hash::pair(self.seed, self.nonces) >> 32) as u32 | 1
    }

    /// The oldest stamp that is wanted.
    pub(super) fn not_before(&self, now: Now, reach: Option<&Reach>) -> u64 {
        let since = reach.map_or(self.settings.since.unwrap_or(0), |reach| reach.since);
        now.stamp_before(self.settings.max_age).max(since)
    }

    /// True when the origin at `index` is asked for: for somebody who waits, or to be kept.
    pub(super) fn asks_for(&self, index: u32, reach: Option<&Reach>) -> bool {
        let Some(reach) = reach else {
            return self.wants(index);
        };
        let origin = self.table.origin(index);
        origin.is_some_and(|origin| *origin != self.own && reach.holds(origin))
    }

    /// True when this replica pulls the origin at `index`.
    pub(super) fn wants(&self, index: u32) -> bool {
        self.wanted
            .get(index as usize)
            .is_some_and(|wanted| *wanted)
    }

    /// The index of an origin that a peer or the store speaks of.
    pub(super) fn intern(&mut self, origin: &Origin, max: usize) -> Option<u32> {
        let index = self.table.intern(origin, max)?;
        if self.wanted.len() <= index as usize {
            self.wanted.resize(index as usize + 1, false);
        }
        self.wanted[index as usize] = self.is_interesting(origin);
        Some(index)
    }

    /// Interest or members changed.
    pub(super) fn review_wanted(&mut self) {
        let wanted: Vec<(u32, bool)> = self
            .table
            .iter()
            .map(|(i, origin)| (i, self.is_interesting(origin)))
            .collect();
        wanted
            .into_iter()
            .for_each(|(i, is)| self.wanted[i as usize] = is);
    }

    /// The live origin of this node is recorded here and nowhere else.
    fn is_interesting(&self, origin: &Origin) -> bool {
        *origin != self.own
            && self
                .settings
                .interest
                .wants(&self.own.node, origin, &self.members)
    }

    /// Reads the holdings again if they changed.
    pub(super) fn refresh(&mut self, holdings: &dyn Holdings) {
        let generation = holdings.generation();
        if self.generation == Some(generation) {
            return;
        }
        self.generation = Some(generation);
        let listed: BTreeSet<u32> = holdings
            .origins()
            .iter()
            .filter_map(|origin| {
                let index = self.intern(origin, usize::MAX)?;
                self.learn(index, holdings.knowledge(origin));
                Some(index)
            })
            .collect();
        let all: Vec<u32> = self.table.iter().map(|(index, _)| index).collect();
        all.iter()
            .filter(|i| !listed.contains(i))
            .for_each(|i| self.learn(*i, Knowledge::default()));
    }

    /// Runs what changes the holdings, and follows only what it says it changed.
    pub(super) fn while_current<T>(
        &mut self,
        holdings: &mut dyn Holdings,
        change: impl FnOnce(&mut Self, &mut dyn Holdings) -> T,
    ) -> T {
        let current = self.generation == Some(holdings.generation());
        let result = change(self, holdings);
        if current {
            self.generation = Some(holdings.generation());
        }
        result
    }

    pub(super) fn learn(&mut self, index: u32, known: Knowledge) {
        if self.vector.get(index) != known {
            self.vector.set(index, known);
            self.version += 1;
        }
    }

    pub(super) fn notify(&mut self, notice: Notice) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    /// Reports a conflict once.
    pub(super) fn report_conflict(&mut self, peer: &NodeName, origin: &Origin, from: Seq, to: Seq) {
        if self.reported.len() == MAX_NOTICES {
            self.reported.clear();
        }
        if self.reported.insert((peer.clone(), origin.clone(), from)) {
            let (peer, origin) = (peer.clone(), origin.clone());
            self.notify(Notice::Conflict {
                peer,
                origin,
                from,
                to,
            });
        }
    }
}
