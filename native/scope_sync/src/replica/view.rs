//! Hearing what changed at a peer.

use std::collections::BTreeMap;

use super::link::{Cx, Link};
use super::offer::Offer;
use crate::knowledge::Knowledge;
use crate::origin::{Origin, is_name};
use crate::stats::Notice;
use crate::vector::Vector;
use crate::wire::{Intro, WireError, apply_entries};

/// The index of an origin that a peer speaks of and this replica has no room for.
const IGNORED: u32 = u32::MAX;

/// What the peer told.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) vector: Vector,
    /// The last digest of the peer that was applied; 0 for none.
    pub(super) applied: u32,
    /// Invariant: each is the other's inverse, except for what is ignored.
    ours: BTreeMap<u32, u32>,
    pub(super) theirs: BTreeMap<u32, u32>,
    pub(super) version: u64,
    /// What the digest that was just applied announced.
    pub(super) offer: Option<Offer>,
}

impl View {
    /// Nothing is known of the peer any more.
    pub(super) fn begin_again(&mut self) {
        *self = Self {
            version: self.version + 1,
            ..Self::default()
        };
    }

    /// Our index for the peer's.
    pub(super) fn ours(&self, theirs: u32) -> Option<u32> {
        self.ours
            .get(&theirs)
            .copied()
            .filter(|ours| *ours != IGNORED)
    }

    fn introduce(&mut self, theirs: u32, ours: u32) {
        self.ours.insert(theirs, ours);
        if ours != IGNORED {
            self.theirs.insert(ours, theirs);
        }
    }

    fn set(&mut self, theirs: u32, ours: u32, known: Knowledge) {
        self.version += 1;
        if known == Knowledge::default() {
            self.ours.remove(&theirs);
            self.theirs.remove(&ours);
        }
        if ours != IGNORED {
            self.vector.set(ours, known);
        }
    }
}

impl Link {
    pub(super) fn on_digest(
        &mut self,
        cx: &mut Cx<'_>,
        no: u32,
        base: u32,
        names: &[Intro],
        entries: &[u8],
    ) -> Result<(), WireError> {
        self.ack_owed = true;
        if no <= self.view.applied || (base != 0 && base != self.view.applied) {
            return Ok(());
        }
        if base == 0 {
            self.view = View {
                version: self.view.version + 1,
                ..View::default()
            };
        }
        let news = names
            .iter()
            .map(|n| introduced(cx, n))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let index_of = |theirs| {
            news.get(&theirs)
                .or_else(|| self.view.ours.get(&theirs))
                .copied()
        };
        let changes = apply_entries(entries, &self.view.vector, index_of)?;
        news.iter()
            .for_each(|(theirs, ours)| self.view.introduce(*theirs, *ours));
        let mut offer = Offer::new(no);
        for (theirs, ours, known) in changes {
            self.heard(cx, ours, &known);
            offer.push(theirs, &self.view.vector.get(ours), &known);
            self.view.set(theirs, ours, known);
        }
        self.view.applied = no;
        self.view.offer = Some(offer);
        Ok(())
    }

    /// The peer says something new of an origin.
    fn heard(&self, cx: &mut Cx<'_>, index: u32, known: &Knowledge) {
        let Some(origin) = cx.core.table.origin(index).cloned() else {
            return;
        };
        let mine = cx.core.vector.get(index);
        if origin == cx.core.own && known.top() > mine.top() {
            let (peer, claimed, recorded) = (cx.peer.clone(), known.top(), mine.top());
            cx.core.notify(Notice::Cloned {
                peer,
                claimed,
                recorded,
            });
        }
        self.note_last(cx, index, &origin, known.last);
    }

    /// Passes the end of an incarnation on to the store, once it has anything of it. That this very
    /// incarnation is over, nobody else can know.
    pub(super) fn note_last(
        &self,
        cx: &mut Cx<'_>,
        index: u32,
        origin: &Origin,
        last: Option<u64>,
    ) {
        let mine = cx.core.vector.get(index);
        let Some(last) = last.filter(|last| mine.last.is_none_or(|known| known < *last)) else {
            return;
        };
        if mine != Knowledge::default() && *origin != cx.core.own {
            let known = cx.core.while_current(cx.holdings, |_, holdings| {
                holdings.note_last(origin, last);
                holdings.knowledge(origin)
            });
            cx.core.learn(index, known);
        }
    }
}

/// Gives an origin that a peer introduces an index of ours.
fn introduced(cx: &mut Cx<'_>, intro: &Intro) -> Result<(u32, u32), WireError> {
    if !is_name(&intro.node) {
        return Err(WireError::Range);
    }
    let origin = Origin::new(intro.node.as_str(), intro.incarnation);
    let index = cx.core.intern(&origin, cx.core.settings.max_origins);
    Ok((intro.index, index.unwrap_or(IGNORED)))
}
