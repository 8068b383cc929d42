//! The containers that a writer has open, and which of their terms are secret.

use crate::redact::Place;
use crate::term::{MAX_DEPTH, Opaque};
use arrayvec::ArrayVec;

/// How many terms a list wants: never counted down.
pub(super) const ANY: u32 = u32::MAX;

/// How many terms a map of so many pairs wants. An even number, whatever the size.
pub(super) fn two_each(pairs: u32) -> u32 {
    pairs.saturating_mul(2) & !1
}

/// An open container.
#[derive(Clone, Copy)]
struct Frame {
    of: Opaque,
    /// Which of the coming terms are refused.
    secret: Secret,
    /// Terms it still wants, or [`ANY`].
    left: u32,
    /// Terms it wanted at first.
    size: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Secret {
    Nothing,
    Next,
    Rest,
}

/// The open containers, outermost first. Never more than [`MAX_DEPTH`], so never on the heap.
#[derive(Default)]
pub(super) struct Frames {
    open: ArrayVec<Frame, MAX_DEPTH>,
}

impl Frames {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn top(&mut self) -> Option<&mut Frame> {
        self.open.last_mut()
    }

    pub(super) fn in_list(&mut self) -> bool {
        self.top().is_some_and(|frame| frame.left == ANY)
    }

    pub(super) fn push(&mut self, of: Opaque, size: u32) {
        self.open.push(Frame {
            of,
            left: size,
            size,
            secret: Secret::Nothing,
        });
    }

    pub(super) fn pop(&mut self) {
        self.open.pop();
    }

    /// The innermost list wants one more term, its tail.
    pub(super) fn tail(&mut self) {
        if let Some(list) = self.top() {
            list.left = 1;
        }
    }

    /// Whether the term at this place must not be copied.
    #[inline]
    pub(super) fn refuses_now(&self) -> bool {
        self.open
            .last()
            .is_some_and(|frame| frame.secret != Secret::Nothing)
    }

    /// The term just written is a name: if it stands where a name matters, `secret` is asked.
    #[inline]
    pub(super) fn named(&mut self, secret: impl Fn(Place) -> bool) {
        let Some(frame) = self.top().filter(|frame| frame.secret == Secret::Nothing) else {
            return;
        };
        let Some(place) = frame.place() else { return };
        if secret(place) {
            frame.secret = Secret::Rest;
            if place == Place::Key {
                frame.secret = Secret::Next;
            }
        }
    }

    /// A term is complete. Returns whether that completes the root.
    #[inline]
    pub(super) fn count(&mut self) -> bool {
        while let Some(frame) = self.top() {
            if !frame.count() {
                return false;
            }
            self.open.pop();
        }
        true
    }
}

impl Frame {
    /// Where the current term stands, if a name there can make others secret.
    fn place(&self) -> Option<Place> {
        match self.of {
            Opaque::Map if self.left.is_multiple_of(2) => Some(Place::Key),
            Opaque::Tuple if self.left == self.size && self.size == 2 => Some(Place::KeyOrType),
            Opaque::Tuple if self.left == self.size => Some(Place::Type),
            _ => None,
        }
    }

    /// One term less is wanted. Returns whether the container is complete.
    fn count(&mut self) -> bool {
        if self.left == ANY {
            return false;
        }
        if self.secret == Secret::Next && !self.left.is_multiple_of(2) {
            self.secret = Secret::Nothing;
        }
        self.left -= 1;
        self.left == 0
    }
}
