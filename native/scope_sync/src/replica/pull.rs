//! Asking a peer for what is missing, and taking what it sends.
//!
//! A pull has no state that matters: what is lost of it is still missing, and the next plan asks
//! for it again. No two peers are asked for the same numbers at a time.

use std::collections::BTreeMap;

use super::core::Core;
use super::link::{Cx, Link};
use crate::holdings::{BlockInfo, Outcome};
use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::settings::ns;
use crate::wire::{Body, Old, Want, WireError, pack_wants, split, unpack_old};

/// The most runs in one pull; the next one asks for the rest.
const MAX_WANTS: usize = 4096;
/// How long what a peer could not give is not asked for again, if it says nothing new.
const AVOID_NS: u64 = 60_000_000_000;

/// A pull on its way.
#[derive(Debug)]
pub(super) struct Pull {
    id: u32,
    asked: BTreeMap<u32, Intervals>,
    not_before: u64,
    /// The frames that arrived.
    frames: Intervals,
    /// The last frame, once it arrived.
    end: Option<u32>,
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
    fn is_complete(&self) -> bool {
        self.end
            .is_some_and(|end| self.frames.covers(1, u64::from(end)))
    }
}

impl Link {
    /// Opens a pull if this peer has something that is wanted and nobody was asked for.
    pub(super) fn plan(&mut self, cx: &mut Cx<'_>) -> Planned {
        if self.pull.is_some() {
            return Planned::Open;
        }
        let not_before = cx.core.not_before(cx.now);
        let (mut asked, mut wants, mut elsewhere) = (BTreeMap::new(), Vec::new(), false);
        for index in self.view.vector.ahead_of(&cx.core.vector) {
            let (missing, busy) = self.missing(cx, index, not_before);
            elsewhere |= busy;
            let Some(&theirs) = self.view.theirs.get(&index) else {
                continue;
            };
            if missing.is_empty() || wants.len() >= MAX_WANTS {
                continue;
            }
            let runs = missing.runs().iter().take(MAX_WANTS);
            wants.extend(runs.map(|&(from, to)| Want {
                index: theirs,
                from,
                to,
            }));
            asked.insert(index, missing);
        }
        match (wants.is_empty(), elsewhere) {
            (false, _) => self.open_pull(cx, asked, wants, not_before),
            (true, true) => Planned::Elsewhere,
            (true, false) => Planned::Nothing,
        }
    }

    /// What the peer could give of one origin, and whether some of that is asked for elsewhere.
    fn missing(&self, cx: &Cx<'_>, index: u32, not_before: u64) -> (Intervals, bool) {
        if !cx.core.wants(index) {
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

    fn open_pull(
        &mut self,
        cx: &mut Cx<'_>,
        asked: BTreeMap<u32, Intervals>,
        mut wants: Vec<Want>,
        not_before: u64,
    ) -> Planned {
        self.pulls += 1;
        wants.sort_unstable_by_key(|want| (want.index, want.from));
        for (index, runs) in &asked {
            cx.core.in_flight.entry(*index).or_default().extend(runs);
        }
        let deadline_ns = cx
            .now
            .mono_ns
            .saturating_add(ns(cx.core.settings.stall_after));
        let id = self.pulls;
        self.pull = Some(Pull {
            id,
            asked,
            not_before,
            frames: Intervals::new(),
            end: None,
            deadline_ns,
        });
        let window = cx.core.settings.window_bytes;
        self.send(
            cx,
            Body::Pull {
                id,
                not_before,
                window,
                wants: pack_wants(&wants),
            },
            &[],
        );
        Planned::Open
    }

    pub(super) fn on_data(
        &mut self,
        cx: &mut Cx<'_>,
        (id, frame, end): (u32, u32, bool),
        lens: &[u8],
        old: &[u8],
        raw: &[u8],
    ) -> Result<(), WireError> {
        let (blocks, old) = (split(lens, raw)?, unpack_old(old)?);
        let is_open = self.pull.as_ref().is_some_and(|pull| pull.id == id);
        let slot = if is_open {
            &mut self.pull
        } else {
            &mut self.late
        };
        let Some(mut pull) = slot.take_if(|pull| pull.id == id) else {
            cx.stats.stale += 1;
            return Ok(());
        };
        let fresh = !pull.frames.contains(u64::from(frame));
        pull.frames.insert(u64::from(frame), u64::from(frame));
        pull.end = pull.end.or(end.then_some(frame));
        pull.deadline_ns = cx
            .now
            .mono_ns
            .saturating_add(ns(cx.core.settings.stall_after));
        if fresh {
            blocks
                .iter()
                .for_each(|bytes| self.take_block(cx, &pull, bytes));
            old.iter().for_each(|old| self.take_old(cx, &pull, old));
        }
        self.after_frame(cx, pull, frame, is_open);
        Ok(())
    }

    fn after_frame(&mut self, cx: &mut Cx<'_>, pull: Pull, frame: u32, is_open: bool) {
        let (id, complete) = (pull.id, pull.is_complete());
        if !is_open {
            self.late = Some(pull).filter(|_| !complete);
            return;
        }
        let ended = pull.end.is_some();
        self.pull = Some(pull);
        if complete {
            self.finish_pull(cx);
        } else if !ended {
            self.send(cx, Body::More { id, frame }, &[]);
        }
    }

    /// Offers one block to the store.
    fn take_block(&mut self, cx: &mut Cx<'_>, pull: &Pull, bytes: &[u8]) {
        let asked = |info: &BlockInfo| {
            let index = cx.core.table.find(&info.origin)?;
            pull.asked
                .get(&index)?
                .touches(info.from, info.to)
                .then_some(index)
        };
        let info = cx
            .holdings
            .inspect(bytes)
            .ok()
            .filter(|i| i.len == bytes.len() && i.from <= i.to);
        let Some((info, index)) = info.and_then(|info| asked(&info).map(|index| (info, index)))
        else {
            cx.stats.refused += 1;
            return;
        };
        if info.newest < pull.not_before {
            cx.core.aged.note(index, info.from, info.to, info.newest);
            return;
        }
        let (outcome, known) = cx.core.while_current(cx.holdings, |_, holdings| {
            (holdings.insert(bytes), holdings.knowledge(&info.origin))
        });
        cx.core.learn(index, known);
        self.count(cx, index, &info, outcome);
        let last = self.view.vector.get(index).last;
        self.note_last(cx, index, &info.origin, last);
    }

    fn count(&mut self, cx: &mut Cx<'_>, index: u32, info: &BlockInfo, outcome: Outcome) {
        let already = match outcome {
            Outcome::Stored => 0,
            Outcome::Replaced { already } => already.min(info.events()),
            Outcome::Covered => info.events(),
            Outcome::Conflict { .. } => {
                cx.stats.conflicts += 1;
                self.banned
                    .entry(index)
                    .or_default()
                    .insert(info.from, info.to);
                return cx
                    .core
                    .report_conflict(cx.peer, &info.origin, info.from, info.to);
            }
            Outcome::Refused(_) => {
                cx.stats.refused += 1;
                return;
            }
        };
        let (len, events) = (info.len as u64, info.events());
        let already_bytes = share(len, already, events);
        cx.stats.received += events - already;
        cx.stats.already += already;
        cx.stats.payload_in += len - already_bytes;
        cx.stats.already_bytes += already_bytes;
    }

    /// Remembers a range that the peer calls too old.
    fn take_old(&self, cx: &mut Cx<'_>, pull: &Pull, old: &Old) {
        let Some(index) = self.view.ours(old.run.index) else {
            return;
        };
        let asked = pull.asked.get(&index);
        if asked.is_some_and(|asked| asked.touches(old.run.from, old.run.to)) {
            cx.core
                .aged
                .note(index, old.run.from, old.run.to, old.newest);
        }
    }

    /// All frames are here. What they did not bring this peer cannot give now.
    fn finish_pull(&mut self, cx: &mut Cx<'_>) {
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
        if cx.now.mono_ns >= self.avoid_until_ns {
            self.avoid.clear();
            self.avoid_until_ns = cx.now.mono_ns.saturating_add(AVOID_NS);
        }
    }
}

/// The part of `len` that `some` of `all` stand for.
fn share(len: u64, some: u64, all: u64) -> u64 {
    u64::try_from(u128::from(len) * u128::from(some) / u128::from(all.max(1))).unwrap_or(u64::MAX)
}
