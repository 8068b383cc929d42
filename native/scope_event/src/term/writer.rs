//! Writing a term under a budget, one call per node of the walk.

mod containers;
mod frames;
mod leaves;
mod put;

use super::{Budget, tag};
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
    /// Nodes that may still be written; none once `stopped`.
    nodes: u32,
    depth: usize,
    binary: usize,
    guard: Option<Guard<'a>>,
    truncated: bool,
    stopped: bool,
}

impl<'a> TermWriter<'a> {
    /// A writer into `room`, of which at most `budget.bytes` are used.
    // Always in line, for the same reason as `finish` takes a reference.
    #[inline(always)]
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

    /// Closes what is open, marking it as cut, and returns the term. It is empty only if nothing
    /// fitted or nothing was written. Afterwards the writer has no room left.
    // By reference: given by value, the whole writer (1 kB of open containers) would be copied.
    #[inline]
    pub fn finish(&mut self) -> &'a [u8] {
        if !self.frames.is_empty() {
            self.close_open();
        }
        self.put.done()
    }

    #[cold]
    fn close_open(&mut self) {
        while !self.frames.is_empty() {
            self.put.byte(tag::CUT);
            self.frames.pop();
            self.frames.count();
        }
    }

    /// Writes a term of at most `size` bytes, or a stand-in where secrets are.
    #[inline(always)]
    fn leaf(&mut self, size: usize, write: impl FnOnce(&mut Put<'a>)) -> Step {
        if self.nodes == 0 || self.put.room(self.frames.len()) < size {
            return self.overdrawn();
        }
        self.nodes -= 1;
        if self.frames.refuses_now() {
            self.put.byte(tag::REDACTED);
        } else {
            write(&mut self.put);
        }
        Step::Next
    }

    /// There is no budget for another term, unless the term is complete.
    #[cold]
    fn overdrawn(&mut self) -> Step {
        self.truncated |= !self.stopped;
        self.stop()
    }

    /// A term was written: containers that it completes are closed.
    #[inline(always)]
    fn count(&mut self, step: Step) -> Step {
        if step == Step::Stop {
            return step;
        }
        if self.frames.count() {
            return self.stop();
        }
        Step::Next
    }

    fn now(&self, step: Step) -> Step {
        if self.stopped { Step::Stop } else { step }
    }

    fn stop(&mut self) -> Step {
        self.stopped = true;
        self.nodes = 0;
        Step::Stop
    }
}
