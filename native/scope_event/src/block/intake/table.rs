//! The payloads of an open block: each term once, states as deltas.

use crate::block::payloads::{Base, Payloads};
use crate::delta::delta;
use crate::hash::{self, Words};
use crate::term::{Opaque, Relink, rewrite};
use std::collections::HashMap;
use std::ops::Range;

/// Recently seen terms that a new one is compared with. One comparison per term, whatever they are.
const SLOTS: usize = 4096;

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
    term: Vec<u8>,
    canon: Vec<u8>,
}

/// A term that was seen: hash and place of its source.
#[derive(Clone, Default)]
struct Seen {
    hash: u64,
    source: Range<usize>,
    payload: u32,
}

/// A state in full and the payload that it is.
#[derive(Default)]
struct State {
    payload: u32,
    term: Vec<u8>,
}

impl Default for PayloadTable {
    fn default() -> Self {
        Self {
            payloads: Payloads::default(),
            hashes: Vec::new(),
            sources: Vec::new(),
            seen: vec![Seen::default(); SLOTS].into(),
            states: HashMap::default(),
            term: Vec::new(),
            canon: Vec::new(),
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
        let slot = hash as usize % SLOTS;
        if let Some(payload) = self.repeated(slot, hash, source) {
            self.stay(state, payload);
            return payload;
        }
        let payload = self.store(source, state, names);
        let start = self.sources.len();
        self.sources.extend_from_slice(source);
        self.seen[slot] = Seen {
            hash,
            source: start..self.sources.len(),
            payload,
        };
        payload
    }

    #[inline]
    fn repeated(&self, slot: usize, hash: u64, source: &[u8]) -> Option<u32> {
        let seen = &self.seen[slot];
        let same = seen.hash == hash && self.sources.get(seen.source.clone()) == Some(source);
        (same && !source.is_empty()).then_some(seen.payload)
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
        self.term.clear();
        let hash = rewrite(source, names, &mut self.term, &mut self.canon);
        let hash = hash.unwrap_or_else(|_| self.damaged());
        self.hashes.push(hash);
        match state {
            Some(process) => self.store_state(process),
            None => self
                .payloads
                .push(Base::Whole, |out| out.extend_from_slice(&self.term)),
        }
    }

    #[cold]
    fn damaged(&mut self) -> u64 {
        self.term.clear();
        self.term.extend_from_slice(&DAMAGED);
        hash::bytes(&DAMAGED)
    }

    fn store_state(&mut self, process: u32) -> u32 {
        let term = &self.term;
        let last = self.states.entry(process).or_insert_with(|| State {
            payload: u32::MAX,
            term: Vec::new(),
        });
        let payload = match self.payloads.on(last.payload) {
            Some(base) => self.payloads.push(base, |out| delta(&last.term, term, out)),
            None => self
                .payloads
                .push(Base::Whole, |out| out.extend_from_slice(term)),
        };
        last.payload = payload;
        last.term.clone_from(term);
        payload
    }
}
