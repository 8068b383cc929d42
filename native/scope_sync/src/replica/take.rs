//! Taking what a peer sends: every block is looked at before the store sees it.

use super::link::{Cx, Link};
use super::pull::Pull;
use crate::holdings::{BlockInfo, Outcome};
use crate::settings::ns;
use crate::wire::{Body, Old, WireError, split, unpack_old};

impl Link {
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
        } else if self.settle.is_full(cx.stats) {
            self.end_full(cx);
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
}

/// The part of `len` that `some` of `all` stand for.
fn share(len: u64, some: u64, all: u64) -> u64 {
    u64::try_from(u128::from(len) * u128::from(some) / u128::from(all.max(1))).unwrap_or(u64::MAX)
}
