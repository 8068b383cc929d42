//! Telling a peer what changed here.
//!
//! Source: scuttlebutt reconciliation (van Renesse et al. 2008) over version vectors with
//! exceptions. One digest is on the way at a time, and is repeated as it is until acknowledged, so
//! that both ends agree on what the next one is relative to. An entry that says nothing the peer
//! could use, because it has all of it, waits until it does.

use std::collections::{BTreeSet, VecDeque};

use super::link::{Cx, Link};
use super::offer::Offer;
use crate::knowledge::Knowledge;
use crate::origin::Origin;
use crate::settings::ns;
use crate::vector::Vector;
use crate::wire::{Body, EntryPacker, Intro, MAX_RUNS, Packed, names_len};

/// Where a digest is cut; what is left goes into the next one.
const CHUNK: usize = 32 * 1024;
/// What an introduction counts for in that, apart from the name: as much as decoding allows it.
const INTRO: usize = 48;
/// How many digests are remembered run by run: the acknowledged one and the one on its way.
const OFFERS: usize = 2;

/// What the peer was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Invariant: what the peer made of all digests up to `acked`.
    pub(super) vector: Vector,
    /// The origins that it knows by this replica's index.
    pub(super) introduced: BTreeSet<u32>,
    acked: u32,
    last: u32,
    pending: Option<Pending>,
    next_ns: u64,
    /// The peer said something that does not fit.
    doubted: bool,
    /// What the last digests announced.
    pub(super) offers: VecDeque<Offer>,
    /// The versions of both sides when there was nothing to tell.
    quiet: Option<(u64, u64)>,
}

/// A digest on its way.
#[derive(Debug)]
struct Pending {
    no: u32,
    base: u32,
    names: Vec<Intro>,
    entries: Packed,
    values: Vec<(u32, Knowledge)>,
    sent_ns: u64,
    tries: u32,
    /// There is more to tell.
    cut: bool,
}

impl Told {
    /// The runs that digest `no` announced, if it is remembered.
    pub(super) fn offer(&self, no: u32) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.no == no)
    }

    /// The peer says that it applied something else than it did. Either that is an old message, or
    /// it lost what it was told, by taking an echo of an earlier life for a new one. The next
    /// digest, empty if need be, tells: a peer that goes on like that is told all again.
    fn judge(&mut self, ack: u32) {
        self.doubted |= ack != self.acked;
        if ack != self.acked
            && self
                .pending
                .as_ref()
                .is_some_and(|pending| pending.tries >= 2)
        {
            self.begin_again();
        }
    }

    /// True when a digest is due even if it says nothing: the first one, which begins the count,
    /// and one that asks whether the peer still knows what it was told.
    fn must_speak(&self) -> bool {
        self.acked == 0 || self.doubted
    }

    /// The peer knows nothing any more. Digests go on counting, so that a late one is recognised.
    pub(super) fn begin_again(&mut self) {
        *self = Self {
            last: self.last,
            next_ns: 0,
            ..Self::default()
        };
    }

    /// True when no digest is on its way.
    pub(super) fn is_at_rest(&self) -> bool {
        self.pending.is_none()
    }

    /// True when the peer has heard digest `no`, and none is on its way.
    pub(super) fn has_heard(&self, no: u32) -> bool {
        self.is_at_rest() && self.acked >= no
    }

    pub(super) fn deadline_ns(&self, resend_ns: u64) -> Option<u64> {
        self.pending.as_ref().map(|p| p.deadline_ns(resend_ns))
    }
}

impl Pending {
    fn deadline_ns(&self, resend_ns: u64) -> u64 {
        self.sent_ns.saturating_add(resend_ns << self.tries.min(3))
    }

    fn body(&self) -> Body {
        let (names, entries) = (self.names.clone(), self.entries.clone());
        Body::Digest {
            no: self.no,
            base: self.base,
            names,
            entries,
        }
    }
}

impl Link {
    pub(super) fn tell_when_due(&mut self, cx: &mut Cx<'_>) {
        if cx.now.mono_ns >= self.told.next_ns {
            self.tell(cx);
        }
    }

    /// Sends a digest if there is news, and returns the number of the one to wait for.
    pub(super) fn tell(&mut self, cx: &mut Cx<'_>) -> u32 {
        let versions = (cx.core.version, self.view.version);
        let quiet = self.told.quiet == Some(versions) && !self.told.must_speak();
        if self.told.pending.is_none() && !quiet {
            match self.digest(cx) {
                Some((pending, offer)) => self.send_digest(cx, pending, offer),
                None => self.told.quiet = Some(versions),
            }
        }
        self.told
            .pending
            .as_ref()
            .map_or(self.told.acked, |pending| pending.no)
    }

    fn send_digest(&mut self, cx: &mut Cx<'_>, pending: Pending, offer: Offer) {
        self.told.last = pending.no;
        self.told.doubted = false;
        self.told.offers.truncate(OFFERS - 1);
        self.told.offers.push_front(offer);
        self.told.next_ns = cx
            .now
            .mono_ns
            .saturating_add(ns(cx.core.settings.digest_every));
        cx.stats.entries_out += pending.values.len() as u64;
        cx.stats.names_out += names_len(&pending.names) as u64;
        self.send(cx, pending.body(), &[]);
        self.told.pending = Some(pending);
    }

    fn digest(&self, cx: &Cx<'_>) -> Option<(Pending, Offer)> {
        let (mut packer, mut names, mut values) = (EntryPacker::default(), Vec::new(), Vec::new());
        let (mut cut, mut named, no) = (false, 0, self.told.last + 1);
        let mut offer = Offer::new(no);
        for index in cx.core.vector.differs_from(&self.told.vector) {
            let Some((told, now)) = self.news(cx, index) else {
                continue;
            };
            let Some(origin) = cx.core.table.origin(index) else {
                continue;
            };
            if packer.len() + named > CHUNK {
                cut = true;
                break;
            }
            if !self.told.introduced.contains(&index) {
                named += origin.node.len() + INTRO;
                names.push(intro(index, origin));
            }
            packer.push(index, &told, &now);
            offer.push(index, &told, &now);
            values.push((index, now));
        }
        let (base, entries, sent_ns) = (self.told.acked, packer.finish(), cx.now.mono_ns);
        let is_news = !values.is_empty() || self.told.must_speak();
        let pending = Pending {
            no,
            base,
            names,
            entries,
            values,
            sent_ns,
            tries: 0,
            cut,
        };
        is_news.then_some((pending, offer))
    }

    /// What was told and what is, when the peer could use the difference.
    fn news(&self, cx: &Cx<'_>, index: u32) -> Option<(Knowledge, Knowledge)> {
        let (told, mut now) = (self.told.vector.get(index), cx.core.vector.get(index));
        now.beyond.clip(MAX_RUNS);
        if told == now {
            return None;
        }
        let matters = now == Knowledge::default()
            || now.floor != told.floor
            || now.last != told.last
            || !self.view.vector.get(index).lacks(&now).is_empty();
        matters.then_some((told, now))
    }

    /// Follows what the peer says it applied.
    pub(super) fn on_ack(&mut self, cx: &mut Cx<'_>, ack: u32) {
        let Some(pending) = self.told.pending.take_if(|pending| pending.no == ack) else {
            return self.told.judge(ack);
        };
        self.told.acked = ack;
        for intro in &pending.names {
            self.told.introduced.insert(intro.index);
        }
        for (index, known) in pending.values {
            if known == Knowledge::default() {
                self.told.introduced.remove(&index);
            }
            self.told.vector.set(index, known);
        }
        if pending.cut {
            self.tell(cx);
        }
    }

    pub(super) fn resend_digest(&mut self, cx: &mut Cx<'_>) {
        let resend = ns(cx.core.settings.resend_after);
        let Some(pending) = &mut self.told.pending else {
            return;
        };
        if cx.now.mono_ns >= pending.deadline_ns(resend) {
            (pending.tries, pending.sent_ns) = (pending.tries + 1, cx.now.mono_ns);
            let body = pending.body();
            self.send(cx, body, &[]);
        }
    }
}

fn intro(index: u32, origin: &Origin) -> Intro {
    Intro {
        index,
        node: origin.node.to_string(),
        incarnation: origin.incarnation,
    }
}
