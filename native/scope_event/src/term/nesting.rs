//! Where a run of tokens stands: which containers are open and how much they still want.

use super::reader::{Close, Shape};
use super::token::Token;
use super::{MAX_DEPTH, TermError, tag};
use smallvec::SmallVec;

/// An open container. `left` counts the terms it still wants; a list wants any number.
#[derive(Clone, Copy, Debug)]
struct Frame {
    shape: Inside,
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Inside {
    Tuple,
    Map,
    List,
    Tail,
}

/// The open containers of a term, outermost first.
///
/// Invariant: no frame but a list's has `left == 0`; there are at most [`MAX_DEPTH`] frames.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    frames: SmallVec<[Frame; 16]>,
    done: bool,
}

/// What a token means at its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// A whole term.
    Leaf,
    /// A container that terms will follow.
    Open(Shape),
    /// A mark; with `true`, the value of a pair was cut off and wants a stand-in.
    Mark(bool),
}

impl Nesting {
    /// Whether the term is complete.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Takes the next token and says what it is here, without closing anything yet.
    #[inline(always)]
    pub(crate) fn place(&mut self, token: &Token<'_>) -> Result<Place, TermError> {
        match *token {
            Token::Tuple(n) if n > 0 => self.open(Inside::Tuple, u64::from(n), Shape::Tuple(n)),
            Token::Map(n) if n > 0 => self.open(Inside::Map, 2 * u64::from(n), Shape::Map(n)),
            Token::List => self.open(Inside::List, 0, Shape::List),
            Token::End => self
                .top(tag::END, |f| f.shape == Inside::List)
                .map(|_| Place::Mark(false)),
            Token::Tail => self.tail(),
            Token::Cut => self
                .top(tag::CUT, |_| true)
                .map(|f| Place::Mark(f.cuts_value())),
            _ => Ok(Place::Leaf),
        }
    }

    /// Closes what the placed token completes, innermost first.
    #[inline(always)]
    pub(crate) fn settle(&mut self, token: &Token<'_>, mut closed: impl FnMut(Close)) {
        match token {
            Token::Tuple(1..) | Token::Map(1..) | Token::List | Token::Tail => return,
            Token::End => self.pop(Close::Whole, &mut closed),
            Token::Cut => self.pop(Close::Cut, &mut closed),
            _ => {}
        }
        self.count(&mut closed);
    }

    fn open(&mut self, shape: Inside, left: u64, seen: Shape) -> Result<Place, TermError> {
        if self.frames.len() == MAX_DEPTH {
            return Err(TermError::Depth);
        }
        self.frames.push(Frame { shape, left });
        Ok(Place::Open(seen))
    }

    fn tail(&mut self) -> Result<Place, TermError> {
        let list = self.top(tag::TAIL, |f| f.shape == Inside::List)?;
        *list = Frame {
            shape: Inside::Tail,
            left: 1,
        };
        Ok(Place::Mark(false))
    }

    fn top(&mut self, tag: u8, fits: impl Fn(&Frame) -> bool) -> Result<&mut Frame, TermError> {
        self.frames
            .last_mut()
            .filter(|f| fits(f))
            .ok_or(TermError::Token(tag))
    }

    fn pop(&mut self, how: Close, closed: &mut impl FnMut(Close)) {
        self.frames.pop();
        closed(how);
    }

    /// A term is complete: its container wants one less, and may be complete in turn.
    fn count(&mut self, closed: &mut impl FnMut(Close)) {
        while let Some(frame) = self.frames.last_mut() {
            if frame.shape == Inside::List {
                return;
            }
            frame.left -= 1;
            if frame.left > 0 {
                return;
            }
            let how = if frame.shape == Inside::Tail {
                Close::Tail
            } else {
                Close::Whole
            };
            self.pop(how, closed);
        }
        self.done = true;
    }
}

impl Frame {
    fn cuts_value(&self) -> bool {
        self.shape == Inside::Map && !self.left.is_multiple_of(2)
    }
}
