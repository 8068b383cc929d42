//! Finding conflicts that no transfer would show: two replicas that each have "all" of an origin,
//! and not the same.
//!
//! Now and then a replica sends the digests of some of its newest blocks; the peer adds up what it
//! holds under the same numbers. One round over all origins is made after a change, then there is
//! silence again.

use super::link::{Cx, Link};
use crate::origin::Origin;
use crate::settings::ns;
use crate::wire::{Body, Mismatch, Probe, WireError};

/// How many blocks one audit names.
const PROBES: usize = 8;
/// The most blocks whose digests are added up for one probe.
const MAX_BLOCKS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Audit {
    next_ns: Option<u64>,
    /// Where the round goes on.
    cursor: u32,
    /// The version of what is held when the round began, and whether it is over.
    version: u64,
    done: bool,
}

impl Link {
    /// Sends the next audit of a round when it is due.
    pub(super) fn audit(&mut self, cx: &mut Cx<'_>) {
        let Some(every) = cx.core.settings.audit_every.map(ns) else {
            return;
        };
        let next = *self
            .audit
            .next_ns
            .get_or_insert(cx.now.mono_ns.saturating_add(every));
        if cx.now.mono_ns < next || (self.audit.done && self.audit.version == cx.core.version) {
            return;
        }
        if self.audit.done {
            self.audit = Audit {
                version: cx.core.version,
                ..Audit::default()
            };
        }
        self.audit.next_ns = Some(cx.now.mono_ns.saturating_add(every));
        let probes = self.probes(cx);
        if !probes.is_empty() {
            self.send(cx, Body::Audit { probes }, &[]);
        }
    }

    fn probes(&mut self, cx: &Cx<'_>) -> Vec<Probe> {
        let from = self.audit.cursor;
        let mut shared = self.view.theirs.range(from..);
        let mut probes = Vec::new();
        for (&ours, &theirs) in shared.by_ref() {
            self.audit.cursor = ours + 1;
            probes.extend(self.probe(cx, ours, theirs));
            if probes.len() == PROBES {
                return probes;
            }
        }
        self.audit.done = true;
        probes
    }

    /// The newest block of an origin, if the peer has it whole.
    fn probe(&self, cx: &Cx<'_>, ours: u32, theirs: u32) -> Option<Probe> {
        let origin = cx.core.table.origin(ours)?;
        let both = cx
            .core
            .vector
            .get(ours)
            .held()
            .intersection(&self.view.vector.get(ours).held());
        let top = both.last()?;
        let block = cx.holdings.blocks(origin, top, top, 1).pop()?;
        both.covers(block.from, block.to).then_some(Probe {
            index: theirs,
            from: block.from,
            to: block.to,
            digest: block.digest,
        })
    }

    pub(super) fn on_audit(&mut self, cx: &mut Cx<'_>, probes: &[Probe]) -> Result<(), WireError> {
        let mut found = Vec::new();
        for probe in probes.iter().take(PROBES) {
            let Some(origin) = cx.core.table.origin(probe.index).cloned() else {
                continue;
            };
            let Some(held) = digest_of(cx, &origin, probe).filter(|held| *held != probe.digest)
            else {
                continue;
            };
            cx.core
                .report_conflict(cx.peer, &origin, probe.from, probe.to);
            if let Some(&index) = self.view.theirs.get(&probe.index) {
                found.push(Mismatch {
                    probe: Probe { index, ..*probe },
                    held,
                });
            }
        }
        if !found.is_empty() {
            cx.stats.conflicts += found.len() as u64;
            self.send(cx, Body::Differs { found }, &[]);
        }
        Ok(())
    }

    /// The peer holds something else. It counts only if what it speaks of is really held here.
    pub(super) fn on_differs(
        &mut self,
        cx: &mut Cx<'_>,
        found: &[Mismatch],
    ) -> Result<(), WireError> {
        for Mismatch { probe, held } in found.iter().take(PROBES) {
            let Some(origin) = cx.core.table.origin(probe.index).cloned() else {
                continue;
            };
            if digest_of(cx, &origin, probe)
                .is_some_and(|mine| mine == probe.digest && mine != *held)
            {
                cx.stats.conflicts += 1;
                cx.core
                    .report_conflict(cx.peer, &origin, probe.from, probe.to);
            }
        }
        Ok(())
    }
}

/// The digest of what is held under exactly the numbers of `probe`, when whole blocks make them up.
fn digest_of(cx: &Cx<'_>, origin: &Origin, probe: &Probe) -> Option<u64> {
    let blocks = cx.holdings.blocks(origin, probe.from, probe.to, MAX_BLOCKS);
    let (mut next, mut digest) = (probe.from, 0_u64);
    for block in blocks {
        if block.from != next || block.to > probe.to {
            return None;
        }
        next = block.to.checked_add(1)?;
        digest = digest.wrapping_add(block.digest);
    }
    (Some(next) == probe.to.checked_add(1)).then_some(digest)
}
