//! Tuples, maps and lists.

use super::{Step, TermWriter, frames};
use crate::term::{Opaque, tag};

impl TermWriter<'_> {
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

    fn close(&mut self, tag: u8) -> Step {
        self.put.byte(tag);
        self.frames.pop();
        self.count(Step::Next)
    }
}
