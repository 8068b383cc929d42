//! Terms without terms in them.

use super::{Step, TermWriter};
use crate::bytes::zigzag;
use crate::term::{Foreign, Opaque, tag};

impl TermWriter<'_> {
    /// An atom, by its word.
    #[inline]
    pub fn atom(&mut self, word: u64) -> Step {
        let step = self.leaf(9, |put| put.word(tag::ATOM_WORD4, word));
        if let Some(guard) = &self.guard {
            self.frames.named(|what| guard.atom(what, word));
        }
        self.count(step)
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) -> Step {
        let step = self.leaf(11, |put| match u64::try_from(value) {
            Ok(small @ 0..tag::SMALL) => put.byte(tag::SMALL_INT + small as u8),
            _ => put.sized(tag::INT, zigzag(value)),
        });
        self.count(step)
    }

    /// A float.
    pub fn float(&mut self, value: f64) -> Step {
        let step = self.leaf(9, |put| put.wide(tag::FLOAT, value.to_bits()));
        self.count(step)
    }

    /// A binary of `full` bytes that starts with `bytes`. The walk need not look at more than the
    /// budget's share for one binary.
    pub fn binary(&mut self, bytes: &[u8], full: u64) -> Step {
        let room = self.put.room(self.frames.len()).saturating_sub(21);
        let keep = self.binary_share(bytes.len(), full, room);
        let cut = (keep as u64) < full;
        let step = self.leaf(keep + if cut { 21 } else { 11 }, |put| {
            put.binary(&bytes[..keep], full);
        });
        self.truncated |= cut && step == Step::Next && !self.frames.refuses_now();
        if let Some(guard) = &self.guard {
            self.frames.named(|what| guard.text(what, bytes));
        }
        self.count(step)
    }

    /// A local process, by its word.
    pub fn pid(&mut self, word: u64) -> Step {
        let step = self.leaf(9, |put| put.word(tag::PID_WORD4, word));
        self.count(step)
    }

    /// A reference, a port or a remote pid in Erlang's external format.
    pub fn foreign(&mut self, of: Foreign, bytes: &[u8]) -> Step {
        let tag = match of {
            Foreign::Reference => tag::REFERENCE,
            Foreign::Port => tag::PORT,
            Foreign::Pid => tag::REMOTE_PID,
        };
        let step = self.leaf(bytes.len() + 11, |put| {
            put.sized(tag, bytes.len() as u64);
            put.slice(bytes);
        });
        self.count(step)
    }

    /// A stand-in for a term that is not encoded, with its size where that is known.
    pub fn opaque(&mut self, of: Opaque, size: Option<u64>) -> Step {
        let step = self.leaf(12, |put| put.opaque(of, size));
        self.count(step)
    }

    /// A term that must not be seen: nothing of it is written.
    pub fn redacted(&mut self) -> Step {
        let step = self.leaf(1, |put| put.byte(tag::REDACTED));
        self.count(step)
    }

    /// The empty list.
    pub fn nil(&mut self) -> Step {
        let step = self.leaf(1, |put| put.byte(tag::NIL));
        self.count(step)
    }

    fn binary_share(&self, given: usize, full: u64, room: usize) -> usize {
        if given as u64 == full && given <= self.binary && given <= room + 10 {
            return given;
        }
        given.min(self.binary).min(room)
    }
}
