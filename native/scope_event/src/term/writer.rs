//! Writing a term under a budget, one call per node of the walk.

mod frames;
mod put;

use super::{Budget, Foreign, Opaque, tag};
use crate::bytes::zigzag;
use crate::redact::Guard;
use frames::Frames;
use put::Put;

/// What the walk does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Go into this container: its terms are wanted next.
    Enter,
    /// This term is done; go on with the one after it.
    Next,
    /// The budget is used up or the term is complete: stop walking. Further calls do nothing.
    Stop,
}

/// Writes one term in ring form into a buffer, never past its budget.
///
/// The walk calls one method per node, in prefix order. Whatever the calls and whenever they stop,
/// [`TermWriter::finish`] returns a well-formed term in which everything missing is marked. With a
/// [`Guard`], values under secret keys and terms of secret types are refused before a byte of them
/// is copied.
///
/// # Examples
///
/// ```
/// use scope_event::{Budget, Step, TermWriter};
/// let mut room = [0u8; 64];
/// let mut writer = TermWriter::new(&mut room, Budget::ARGUMENTS);
/// assert_eq!(writer.tuple(2), Step::Enter);
/// assert_eq!(writer.int(1), Step::Next);
/// assert_eq!(writer.binary(b"two", 3), Step::Stop); // complete
/// assert_eq!(writer.finish().len(), 6);
/// ```
pub struct TermWriter<'a> {
    put: Put<'a>,
    frames: Frames,
    /// Nodes that may still be written.
    nodes: u32,
    depth: usize,
    binary: usize,
    guard: Option<Guard<'a>>,
    truncated: bool,
    stopped: bool,
}

impl<'a> TermWriter<'a> {
    /// A writer into `room`, of which at most `budget.bytes` are used.
    #[inline]
    pub fn new(room: &'a mut [u8], budget: Budget) -> Self {
        Self {
            put: Put::new(room, budget.bytes as usize),
            frames: Frames::default(),
            nodes: budget.nodes,
            depth: usize::from(budget.depth).min(super::MAX_DEPTH),
            binary: budget.binary as usize,
            guard: None,
            truncated: false,
            stopped: false,
        }
    }

    /// From now on, refuse what `guard` calls secret. To be called before the first term.
    pub fn guard(&mut self, guard: Guard<'a>) {
        self.guard = Some(guard);
    }

    /// Whether anything was left out for want of budget.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether the budget is used up or the term complete.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

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

    /// A tuple: its elements follow.
    pub fn tuple(&mut self, arity: u32) -> Step {
        self.container(Opaque::Tuple, arity, arity)
    }

    /// A map: its keys and values follow in turn. `of` is the word of a struct's name: a guard that
    /// calls it secret replaces the whole map.
    pub fn map(&mut self, pairs: u32, of: Option<u64>) -> Step {
        match (of, &self.guard) {
            (Some(word), Some(guard)) if guard.is_secret_type(word) => self.redacted(),
            _ => self.container(Opaque::Map, pairs, frames::two_each(pairs)),
        }
    }

    /// A list of at least one element: elements follow, then [`TermWriter::end`], or
    /// [`TermWriter::tail`] and one term, or [`TermWriter::cut`].
    pub fn list(&mut self) -> Step {
        self.container(Opaque::List, 1, frames::ANY)
    }

    /// The innermost list is complete.
    pub fn end(&mut self) -> Step {
        if self.stopped || !self.frames.in_list() {
            return self.now(Step::Next);
        }
        self.close(tag::END)
    }

    /// The next term is the tail of the innermost list, which is improper.
    pub fn tail(&mut self) -> Step {
        if self.stopped || !self.frames.in_list() {
            return self.now(Step::Next);
        }
        if self.put.room(self.frames.len()) < 1 {
            self.truncated = true;
            return self.stop();
        }
        self.put.byte(tag::TAIL);
        self.frames.tail();
        Step::Next
    }

    /// The rest of the innermost container is left out by choice of the walk.
    pub fn cut(&mut self) -> Step {
        if self.stopped || self.frames.is_empty() {
            return self.now(Step::Next);
        }
        self.truncated = true;
        self.close(tag::CUT)
    }

    /// Closes what is open, marking it as cut, and returns the term. It is empty only if nothing
    /// fitted or nothing was written.
    #[inline]
    pub fn finish(mut self) -> &'a [u8] {
        while !self.frames.is_empty() {
            self.put.byte(tag::CUT);
            self.frames.pop();
            self.frames.count();
        }
        self.put.done()
    }

    fn binary_share(&self, given: usize, full: u64, room: usize) -> usize {
        if given as u64 == full && given <= self.binary && given <= room + 10 {
            return given;
        }
        given.min(self.binary).min(room)
    }

    /// Writes a term of at most `size` bytes, or a stand-in where secrets are.
    #[inline]
    fn leaf(&mut self, size: usize, write: impl FnOnce(&mut Put<'a>)) -> Step {
        if self.stopped {
            return Step::Stop;
        }
        if self.nodes == 0 || self.put.room(self.frames.len()) < size {
            self.truncated = true;
            return self.stop();
        }
        self.nodes -= 1;
        if self.frames.refuses_now() {
            self.put.byte(tag::REDACTED);
        } else {
            write(&mut self.put);
        }
        Step::Next
    }

    fn container(&mut self, of: Opaque, size: u32, children: u32) -> Step {
        let closing = 1;
        let step = self.leaf(11 + closing, |_| {});
        if step == Step::Stop || self.frames.refuses_now() {
            return self.count(step);
        }
        if children == 0 || self.frames.len() >= self.depth {
            self.shallow(of, size, children);
            return self.count(step);
        }
        self.put.head(of, size);
        self.frames.push(of, children);
        Step::Enter
    }

    fn shallow(&mut self, of: Opaque, size: u32, children: u32) {
        if children == 0 {
            return self.put.head(of, 0);
        }
        self.truncated = true;
        let known = (of != Opaque::List).then_some(u64::from(size));
        self.put.opaque(of, known);
    }

    /// A term was written: containers that it completes are closed.
    #[inline]
    fn count(&mut self, step: Step) -> Step {
        if step == Step::Stop {
            return step;
        }
        self.stopped = self.frames.count();
        self.now(Step::Next)
    }

    fn close(&mut self, tag: u8) -> Step {
        self.put.byte(tag);
        self.frames.pop();
        self.count(Step::Next)
    }

    fn now(&self, step: Step) -> Step {
        if self.stopped { Step::Stop } else { step }
    }

    fn stop(&mut self) -> Step {
        self.stopped = true;
        Step::Stop
    }
}
