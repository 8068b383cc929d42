//! Asking a peer for what is missing.
//!
//! A pull has no state that matters: what is lost of it is still missing, and the next plan asks
//! for it again. No two peers are asked for the same numbers at a time.

use std::collections::BTreeMap;

use super::core::Core;
use super::link::{Cx, Link};
use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::reach::Reach;
use crate::settings::ns;
use crate::wire::{Body, Packed, Want, pack_wants};

/// The most runs in one pull; the next one asks for the rest.
const MAX_WANTS: usize = 2048;
/// How long what a peer could not give is not asked for again, at first.
const RETRY_NS: u64 = 60_000_000_000;

/// A pull on its way.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) id: u32,
    pub(super) asked: BTreeMap<u32, Intervals>,
    pub(super) not_before: u64,
    /// The frames that arrived.
    pub(super) frames: Intervals,
    /// The last frame, once it arrived.
    pub(super) end: Option<u32>,
    pub(super) deadline_ns: u64,
}

/// What planning found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// A pull is on its way.
    Open,
    /// All that this peer could give is asked for elsewhere.
    Elsewhere,
    /// It has nothing that is wanted.
    Nothing,
}

impl Pull {
    pub(super) fn is_complete(&self) -> bool {
        self.end
            .is_some_and(|end| self.frames.covers(1, u64::from(end)))
    }
}

impl Link {
    /// Opens a pull if this peer has something that is wanted and nobody was asked for: first what
    /// somebody waits for, then what is kept anyway.
    pub(super) fn plan(&mut self, cx: &mut Cx<'_>) -> Planned {
        if self.pull.is_some() {
            return Planned::Open;
        }
        let full = self.settle.is_full(cx.stats);
        let reach = self.settle.reach().filter(|_| !full).cloned();
        let reached = reach.map_or(Planned::Nothing, |reach| self.plan_for(cx, Some(&reach)));
        if reached == Planned::Open {
            return reached;
        }
        match self.plan_for(cx, None) {
            Planned::Nothing => reached,
            planned => planned,
        }
    }

    fn plan_for(&mut self, cx: &mut Cx<'_>, reach: Option<&Reach>) -> Planned {
        let not_before = cx.core.not_before(cx.now, reach);
        let (mut asked, mut runs, mut elsewhere) = (BTreeMap::new(), 0, false);
        for index in self.view.vector.ahead_of(&cx.core.vector) {
            let (missing, busy) = self.missing(cx, index, not_before, reach);
            elsewhere |= busy;
            if !missing.is_empty() && runs < MAX_WANTS {
                runs += missing.runs().len();
                asked.insert(index, missing);
            }
        }
        match (asked.is_empty(), elsewhere) {
            (false, _) => self.open_pull(cx, asked, not_before),
            (true, true) => Planned::Elsewhere,
            (true, false) => Planned::Nothing,
        }
    }

    /// What the peer could give of one origin, and whether some of that is asked for elsewhere.
    fn missing(
        &self,
        cx: &Cx<'_>,
        index: u32,
        not_before: u64,
        reach: Option<&Reach>,
    ) -> (Intervals, bool) {
        if !cx.core.asks_for(index, reach) || !self.view.theirs.contains_key(&index) {
            return (Intervals::new(), false);
        }
        let mut missing = cx
            .core
            .vector
            .get(index)
            .lacks(&self.view.vector.get(index));
        cx.core.aged.subtract_from(&mut missing, index, not_before);
        for out in [&self.avoid, &self.banned] {
            out.get(&index)
                .into_iter()
                .for_each(|out| missing.subtract(out));
        }
        let before = missing.count();
        cx.core
            .in_flight
            .get(&index)
            .into_iter()
            .for_each(|out| missing.subtract(out));
        let busy = missing.count() < before;
        (missing, busy)
    }

    /// True when this peer could still give something within `reach`.
    pub(super) fn gives(&self, cx: &Cx<'_>, reach: &Reach) -> bool {
        let not_before = cx.core.not_before(cx.now, Some(reach));
        let ahead = self.view.vector.ahead_of(&cx.core.vector);
        ahead.into_iter().any(|index| {
            !self
                .missing(cx, index, not_before, Some(reach))
                .0
                .is_empty()
        })
    }

    /// Ends a pull that brought as much as its reach allows. What still comes of it is taken.
    pub(super) fn end_full(&mut self, cx: &mut Cx<'_>) {
        if self.settle.is_full(cx.stats) && self.pull.is_some() {
            self.late = self.end_pull(cx);
        }
    }

    fn open_pull(
        &mut self,
        cx: &mut Cx<'_>,
        asked: BTreeMap<u32, Intervals>,
        not_before: u64,
    ) -> Planned {
        self.pulls += 1;
        for (index, runs) in &asked {
            cx.core.in_flight.entry(*index).or_default().extend(runs);
        }
        let (offer, taken, wants) = self.wants(&asked);
        let deadline_ns = cx
            .now
            .mono_ns
            .saturating_add(ns(cx.core.settings.stall_after));
        let (id, frames, end) = (self.pulls, Intervals::new(), None);
        self.pull = Some(Pull {
            id,
            asked,
            not_before,
            frames,
            end,
            deadline_ns,
        });
        let window = cx.core.settings.window_bytes;
        self.send(
            cx,
            Body::Pull {
                id,
                not_before,
                window,
                offer,
                taken,
                wants,
            },
            &[],
        );
        Planned::Open
    }

    /// What is asked for, by the peer's index: as bits over what it just announced, and the rest.
    fn wants(&mut self, asked: &BTreeMap<u32, Intervals>) -> (u32, Packed, Packed) {
        let theirs = asked
            .iter()
            .filter_map(|(ours, runs)| Some((*self.view.theirs.get(ours)?, runs)));
        let mut rest: BTreeMap<u32, Intervals> =
            theirs.map(|(i, runs)| (i, runs.clone())).collect();
        let offer = self.view.offer.take();
        let taken = offer
            .as_ref()
            .map(|offer| offer.take(&mut rest))
            .unwrap_or_default();
        let runs = |(index, all): (&u32, &Intervals)| -> Vec<Want> {
            all.runs()
                .iter()
                .map(|&(from, to)| Want {
                    index: *index,
                    from,
                    to,
                })
                .collect()
        };
        let wants: Vec<Want> = rest.iter().flat_map(runs).collect();
        (
            offer.map_or(0, |offer| offer.no),
            Packed(taken),
            pack_wants(&wants),
        )
    }

    /// All frames are here. What they did not bring this peer cannot give now.
    pub(super) fn finish_pull(&mut self, cx: &mut Cx<'_>) {
        let Some(pull) = self.end_pull(cx) else {
            return;
        };
        for (index, asked) in pull.asked {
            let mut left = cx
                .core
                .vector
                .get(index)
                .lacks(&Knowledge::from_held(0, asked, None));
            cx.core
                .aged
                .subtract_from(&mut left, index, pull.not_before);
            if !left.is_empty() {
                self.avoid.entry(index).or_default().extend(&left);
            }
        }
    }

    /// Takes the open pull out of the books.
    pub(super) fn end_pull(&mut self, cx: &mut Cx<'_>) -> Option<Pull> {
        self.release(cx.core);
        self.pull.take()
    }

    /// What the open pull asked for may be asked for elsewhere.
    pub(super) fn release(&self, core: &mut Core) {
        let Some(pull) = &self.pull else { return };
        for (index, runs) in &pull.asked {
            if let Some(flying) = core.in_flight.get_mut(index) {
                flying.subtract(runs);
            }
        }
        core.in_flight.retain(|_, flying| !flying.is_empty());
    }

    /// Gives up a pull that made no progress. What still comes of it is taken.
    pub(super) fn give_up_stalled(&mut self, cx: &mut Cx<'_>) {
        if self
            .pull
            .as_ref()
            .is_some_and(|pull| cx.now.mono_ns >= pull.deadline_ns)
        {
            self.late = self.end_pull(cx);
        }
        if !self.avoid.is_empty() && self.retry.is_due(cx.now.mono_ns, RETRY_NS) {
            self.avoid.clear();
        }
    }
}
