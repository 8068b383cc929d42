//! Where a term ends: how many terms each open container still wants, and nothing else about them.
//!
//! Every term that is recorded or compared is walked this way, so it costs a few instructions a
//! token. [`Nesting`](super::nesting::Nesting) tells a reader more.

use super::token::{Piece, next_piece};
use super::{MAX_DEPTH, TermError, tag};
use crate::bytes::Cursor;
use arrayvec::ArrayVec;

/// What a list wants: more than there is. Nothing else wants half as much.
const ANY: u64 = 1 << 62;

/// The terms that are still to come, of the innermost container and of those around it.
///
/// Invariant: a container is counted in the one around it when it opens; none but the innermost may
/// want nothing, and that only within [`Extent::take`].
pub(crate) struct Extent {
    left: u64,
    outer: ArrayVec<u64, MAX_DEPTH>,
}

impl Extent {
    /// One term is to come.
    pub(crate) fn new() -> Self {
        Self {
            left: 1,
            outer: ArrayVec::new(),
        }
    }

    /// Whether the term is complete.
    #[inline(always)]
    pub(crate) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Takes the next token.
    #[inline(always)]
    pub(crate) fn take(&mut self, piece: &Piece<'_>) -> Result<(), TermError> {
        match *piece {
            Piece::Leaf | Piece::Name(_) => {
                self.leaf();
                Ok(())
            }
            Piece::Open(terms) => self.open(terms),
            Piece::List => self.open(ANY),
            Piece::End => self.mark(tag::END, self.in_list(), 0),
            Piece::Tail => self.mark(tag::TAIL, self.in_list(), 1),
            Piece::Cut => self.mark(tag::CUT, !self.outer.is_empty(), 0),
        }
    }

    /// Takes a term that is one token.
    #[inline(always)]
    pub(crate) fn leaf(&mut self) {
        self.left -= 1;
        self.close();
    }

    fn in_list(&self) -> bool {
        self.left > ANY / 2
    }

    /// After a mark, which must have its place here, so many terms are left.
    #[inline(always)]
    fn mark(&mut self, tag: u8, fits: bool, left: u64) -> Result<(), TermError> {
        if !fits {
            return Err(TermError::Token(tag));
        }
        self.left = left;
        self.close();
        Ok(())
    }

    #[inline(always)]
    fn open(&mut self, terms: u64) -> Result<(), TermError> {
        self.left -= 1;
        self.outer
            .try_push(self.left)
            .map_err(|_| TermError::Depth)?;
        self.left = terms;
        Ok(())
    }

    /// Leaves what wants nothing any more.
    #[inline(always)]
    fn close(&mut self) {
        while self.left == 0 {
            match self.outer.pop() {
                Some(outer) => self.left = outer,
                None => return,
            }
        }
    }
}

/// Moves past one whole term and returns its bytes.
pub(crate) fn skip<'a>(at: &mut Cursor<'a>) -> Result<&'a [u8], TermError> {
    let start = at.at();
    let mut extent = Extent::new();
    while !extent.is_done() {
        let piece = next_piece(at)?;
        extent.take(&piece)?;
    }
    Ok(at.since(start))
}
