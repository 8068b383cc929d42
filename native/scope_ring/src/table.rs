//! The table of lanes once it is started.

use crate::barrier::Barrier;
use crate::bell::Bell;
use crate::geometry::Geometry;
use crate::lane::Lane;
use crate::primitive::{AtomicBool, AtomicUsize};
use crate::purse::Spending;
use crate::region::Region;
use crate::session::Sessions;
use crate::{LanesConfig, StartError};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// Invariant: each lane index is handed out once, by the one `fetch_add` on `claims`.
pub(crate) struct Table {
    lanes: Box<[Lane]>,
    claims: AtomicUsize,
    bell: Bell,
    sessions: Sessions,
    barrier: Barrier,
    draining: AtomicBool,
    geometry: Geometry,
    /// Last, because the lanes point into it.
    _region: Region,
}

impl Table {
    pub(crate) fn new(config: LanesConfig) -> Result<Self, StartError> {
        let geometry = Geometry::new(&config, Region::page())?;
        let bytes = geometry.bytes();
        let region = Region::reserve(config.lanes, bytes).map_err(|source| StartError::Memory {
            bytes: config.lanes * bytes,
            source,
        })?;
        Ok(Self {
            lanes: (0..config.lanes)
                .map(|lane| Lane::new(region.lane(lane), geometry))
                .collect(),
            claims: AtomicUsize::new(0),
            bell: Bell::new(),
            sessions: Sessions::new(),
            barrier: Barrier::of_this_system(),
            draining: AtomicBool::new(false),
            geometry,
            _region: region,
        })
    }

    /// A lane that is nobody else's, or `None` once all are given away.
    ///
    /// Ordering: relaxed; the table was published by `start`, and the count says who got which.
    pub(crate) fn claim(&self) -> Option<&Lane> {
        self.lanes.get(self.claims.fetch_add(1, Relaxed))
    }

    /// The lanes given away so far. A lane claimed meanwhile is seen next time.
    pub(crate) fn claimed(&self) -> &[Lane] {
        &self.lanes[..self.claims.load(Acquire).min(self.lanes.len())]
    }

    /// Threads that came when all lanes were given away.
    pub(crate) fn beyond(&self) -> usize {
        self.claims.load(Relaxed).saturating_sub(self.lanes.len())
    }

    /// Whether there is something to drain for a sleeper of this kind.
    pub(crate) fn has(&self, least: u64) -> bool {
        self.claimed().iter().any(|lane| lane.waiting() >= least)
    }

    pub(crate) fn spending(&self, id: u16) -> Spending {
        let mut sum = Spending::default();
        if let Some(seat) = Sessions::seat_of(id) {
            self.lanes
                .iter()
                .for_each(|lane| lane.purses[seat].add_to(id, &mut sum));
        }
        sum
    }

    /// Only one drain at a time. Ordering: what the last one did comes before the next.
    pub(crate) fn take_drain(&self) -> bool {
        !self.draining.swap(true, AcqRel)
    }

    pub(crate) fn put_drain(&self) {
        self.draining.store(false, Release);
    }

    pub(crate) const fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    pub(crate) const fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(crate) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    #[inline(always)]
    pub(crate) const fn barrier(&self) -> Barrier {
        self.barrier
    }

    pub(crate) const fn geometry(&self) -> &Geometry {
        &self.geometry
    }
}
