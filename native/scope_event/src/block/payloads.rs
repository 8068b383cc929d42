//! The terms of a block, each stored once, states as deltas.

use crate::delta::{self, KEYFRAME_EVERY};
use crate::term::TermError;
use std::borrow::Cow;
use std::collections::HashMap;

/// Terms in block form. Payloads count from 0.
///
/// Invariant: entries are in the order of their bytes, `ends` ascends and the last is the length of
/// `bytes`; a chain ends in a term and has fewer than [`KEYFRAME_EVERY`] deltas.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Payloads {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    bases: Vec<Base>,
}

/// What a payload is stored against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Nothing: the bytes are a term.
    Whole,
    /// The bytes are a delta against that payload, the `depth`-th in a chain.
    On { payload: u32, depth: u8 },
}

impl Payloads {
    /// Payloads of these bytes; the three agree.
    pub(crate) fn of(bytes: Vec<u8>, ends: Vec<u32>, bases: Vec<Base>) -> Self {
        Self { bytes, ends, bases }
    }

    /// Adds bytes that are nobody's yet.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of a payload and what it is stored against.
    pub(crate) fn entry(&self, payload: usize) -> (usize, Base) {
        (self.slice(payload).len(), self.bases[payload])
    }

    /// The payloads, with room for as many in their place.
    pub(crate) fn taken(&mut self) -> Self {
        let empty = Self {
            bytes: Vec::with_capacity(self.bytes.len()),
            ends: Vec::with_capacity(self.len()),
            bases: Vec::with_capacity(self.len()),
        };
        std::mem::replace(self, empty)
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.bases.clear();
    }

    /// Adds a payload; `write` appends its bytes.
    pub(crate) fn push(&mut self, base: Base, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len() as u32);
        self.bases.push(base);
        self.len() as u32 - 1
    }

    /// Names the next `len` bytes a term. `None` when there are not so many.
    pub(crate) fn claim(&mut self, len: usize) -> Option<()> {
        let end = self
            .start(self.len())
            .checked_add(len)
            .filter(|end| *end <= self.bytes.len())?;
        self.ends.push(u32::try_from(end).ok()?);
        self.bases.push(Base::Whole);
        Some(())
    }

    /// A base on `payload`, if it exists and its chain has room.
    pub(crate) fn on(&self, payload: u32) -> Option<Base> {
        let depth = match *self.bases.get(payload as usize)? {
            Base::Whole => 0,
            Base::On { depth, .. } => depth,
        };
        (depth + 1 < KEYFRAME_EVERY).then_some(Base::On {
            payload,
            depth: depth + 1,
        })
    }

    pub(crate) fn is_claimed(&self) -> bool {
        self.start(self.len()) == self.bytes.len()
    }

    fn start(&self, payload: usize) -> usize {
        payload
            .checked_sub(1)
            .map_or(0, |before| self.ends[before] as usize)
    }

    /// The bytes of a payload, be they a term or a delta.
    pub(crate) fn slice(&self, payload: usize) -> &[u8] {
        &self.bytes[self.start(payload)..self.ends[payload] as usize]
    }

    /// The whole term of a payload.
    ///
    /// # Errors
    ///
    /// [`TermError::Delta`] when a delta of its chain is damaged.
    pub(crate) fn term(&self, payload: u32) -> Result<Cow<'_, [u8]>, TermError> {
        let mut chain = Vec::new();
        let mut at = payload as usize;
        while let Base::On { payload, .. } = *self.bases.get(at).ok_or(TermError::Short)? {
            chain.push(at);
            at = payload as usize;
        }
        let mut term = Cow::Borrowed(self.slice(at));
        for step in chain.into_iter().rev() {
            term = Cow::Owned(delta::apply(self.slice(step), &term)?);
        }
        Ok(term)
    }
}

/// Bytes of states that a [`Resolver`] keeps. Dropping them is only slower, and a hostile block
/// cannot make it keep more.
const MOST_HEADS: usize = 8 << 20;

/// Reads payloads one after another, each state from the one before it.
pub(crate) struct Resolver<'a> {
    payloads: &'a Payloads,
    /// The last state of each chain that was read.
    heads: HashMap<u32, Vec<u8>>,
    bytes: usize,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(payloads: &'a Payloads) -> Self {
        Self {
            payloads,
            heads: HashMap::new(),
            bytes: 0,
        }
    }

    /// As [`Payloads::term`].
    pub(crate) fn term(&mut self, payload: u32) -> Result<Cow<'_, [u8]>, TermError> {
        let Some(&Base::On { payload: base, .. }) = self.payloads.bases.get(payload as usize)
        else {
            return self.payloads.term(payload);
        };
        let before = self.before(base)?;
        let term = delta::apply(self.payloads.slice(payload as usize), &before)?;
        self.make_room(term.len());
        Ok(Cow::Borrowed(
            self.heads.entry(payload).insert_entry(term).into_mut(),
        ))
    }

    fn before(&mut self, base: u32) -> Result<Cow<'a, [u8]>, TermError> {
        match self.heads.remove(&base) {
            Some(head) => {
                self.bytes = self.bytes.saturating_sub(head.len());
                Ok(Cow::Owned(head))
            }
            None => self.payloads.term(base),
        }
    }

    fn make_room(&mut self, len: usize) {
        if self.bytes + len > MOST_HEADS {
            self.heads.clear();
            self.bytes = 0;
        }
        self.bytes += len;
    }
}
