//! The payloads of an open block: each term once, states as deltas.

use crate::block::payloads::{Base, Payloads};
use crate::delta::delta;
use crate::hash::{self, Words};
use crate::term::{Opaque, Relink, Rewriter};
use std::collections::HashMap;

/// Recently seen terms that a new one is compared with. One comparison per term, whatever they are.
const SLOTS: usize = 16384;

/// Bytes of terms that are kept for comparison. States are long and their deltas short, so this is a
/// bound of its own.
const MOST_SOURCES: usize = 1 << 20;

/// What stands for a term that arrived damaged: an opaque token of that type without size.
const DAMAGED: [u8; 3] = [crate::term::OPAQUE_TAG, Opaque::Damaged as u8, 0];

/// Payloads, their canonical hashes, and where a repeated term is found.
pub(in crate::block) struct PayloadTable {
    pub(in crate::block) payloads: Payloads,
    /// Canonical hash of each payload.
    pub(in crate::block) hashes: Vec<u64>,
    /// The terms as they came, for comparison.
    sources: Vec<u8>,
    seen: Box<[Seen]>,
    /// The last state of each process.
    states: HashMap<u32, State, Words>,
    rewriter: Rewriter,
}

/// A term that was seen: part of its hash, place of its source.
#[derive(Clone, Copy, Default)]
struct Seen {
    hash: u32,
    start: u32,
    len: u32,
    payload: u32,
}

/// A state in full and the payload that it is.
struct State {
    payload: u32,
    term: Vec<u8>,
}

impl State {
    /// Before the first state of a process.
    fn none() -> Self {
        Self {
            payload: u32::MAX,
            term: Vec::new(),
        }
    }
}

#[cold]
fn damaged() -> (&'static [u8], u64) {
    (&DAMAGED, hash::bytes(&DAMAGED))
}

impl Default for PayloadTable {
    fn default() -> Self {
        Self {
            payloads: Payloads::default(),
            hashes: Vec::new(),
            sources: Vec::new(),
            seen: vec![Seen::default(); SLOTS].into(),
            states: HashMap::default(),
            rewriter: Rewriter::default(),
        }
    }
}

impl PayloadTable {
    pub(in crate::block) fn clear(&mut self) {
        self.payloads.clear();
        self.hashes.clear();
        self.sources.clear();
        self.seen.fill(Seen::default());
        self.states.clear();
    }

    /// The payload of a term; as the next state of a process if `state` names one.
    pub(in crate::block) fn add(
        &mut self,
        source: &[u8],
        state: Option<u32>,
        names: &mut impl Relink,
    ) -> u32 {
        let hash = hash::bytes(source);
        let (slot, hash) = (hash as usize % SLOTS, (hash >> 32) as u32);
        if let Some(payload) = self.repeated(slot, hash, source) {
            self.stay(state, payload);
            return payload;
        }
        let payload = self.store(source, state, names);
        self.remember(slot, hash, source, payload);
        payload
    }

    /// Keeps the source for comparison, while there is room.
    fn remember(&mut self, slot: usize, hash: u32, source: &[u8], payload: u32) {
        let start = self.sources.len();
        if start + source.len() <= MOST_SOURCES {
            self.sources.extend_from_slice(source);
            self.seen[slot] = Seen {
                hash,
                start: start as u32,
                len: source.len() as u32,
                payload,
            };
        }
    }

    #[inline]
    fn repeated(&self, slot: usize, hash: u32, source: &[u8]) -> Option<u32> {
        let seen = self.seen[slot];
        let start = seen.start as usize;
        let same = seen.hash == hash
            && !source.is_empty()
            && self.sources.get(start..start + seen.len as usize) == Some(source);
        same.then_some(seen.payload)
    }

    /// A process is back in a state that is stored: the next delta starts there.
    pub(in crate::block) fn stay(&mut self, state: Option<u32>, payload: u32) {
        let Some(last) = state.and_then(|process| self.states.get_mut(&process)) else {
            return;
        };
        if last.payload != payload
            && let Ok(term) = self.payloads.term(payload)
        {
            *last = State {
                payload,
                term: term.into_owned(),
            };
        }
    }

    fn store(&mut self, source: &[u8], state: Option<u32>, names: &mut impl Relink) -> u32 {
        let term = self.rewriter.rewrite(source, names);
        let (term, hash) = term.unwrap_or_else(|_| damaged());
        self.hashes.push(hash);
        let Some(process) = state else {
            return self
                .payloads
                .push(Base::Whole, |out| out.extend_from_slice(term));
        };
        let last = self.states.entry(process).or_insert_with(State::none);
        let payload = match self.payloads.on(last.payload) {
            Some(base) => self.payloads.push(base, |out| delta(&last.term, term, out)),
            None => self
                .payloads
                .push(Base::Whole, |out| out.extend_from_slice(term)),
        };
        last.payload = payload;
        last.term.clear();
        last.term.extend_from_slice(term);
        payload
    }
}
