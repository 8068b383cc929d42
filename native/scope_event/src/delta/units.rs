//! A container as its head and its units.

use crate::bytes::Cursor;
use crate::term::{TermError, Token, next_mark, next_token, skip};
use smallvec::SmallVec;

/// Bytes that a delta copies or replaces as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit<'a> {
    /// All bytes.
    pub(super) bytes: &'a [u8],
    /// Where the part that can be patched starts: after the key of a pair. Equal to the length when
    /// nothing can be patched.
    pub(super) value: usize,
}

impl<'a> Unit<'a> {
    /// The key of a pair, or nothing.
    pub(super) fn key(&self) -> &'a [u8] {
        &self.bytes[..self.value]
    }

    /// The term that can be patched.
    pub(super) fn term(&self) -> &'a [u8] {
        &self.bytes[self.value..]
    }

    /// Whether a patch of `self` can give `other`.
    pub(super) fn can_become(&self, other: &Self) -> bool {
        !self.term().is_empty() && !other.term().is_empty() && self.key() == other.key()
    }
}

/// Most containers are small: their units need no allocation.
type Inside<'a> = SmallVec<[Unit<'a>; 8]>;

/// A container taken apart. The head and the units, in order, are all of its bytes.
pub(super) struct Units<'a> {
    pub(super) head: &'a [u8],
    pub(super) units: Inside<'a>,
    pub(super) keyed: bool,
}

impl<'a> Units<'a> {
    /// Takes a container apart; `None` for a term that has no units.
    pub(super) fn of(term: &'a [u8]) -> Result<Option<Self>, TermError> {
        let mut at = Cursor::new(term);
        let token = next_token(&mut at)?;
        let head = at.since(0);
        let units = match token {
            Token::Tuple(1..) | Token::List => elements(&mut at)?,
            Token::Map(1..) => pairs(&mut at)?,
            _ => return Ok(None),
        };
        Ok(Some(Self {
            head,
            units,
            keyed: matches!(token, Token::Map(_)),
        }))
    }
}

fn elements<'a>(at: &mut Cursor<'a>) -> Result<Inside<'a>, TermError> {
    let mut units = Inside::new();
    while !at.is_done() {
        units.push(element(at)?);
    }
    Ok(units)
}

/// An element, or the mark at the end of a container, or a tail with its mark.
fn element<'a>(at: &mut Cursor<'a>) -> Result<Unit<'a>, TermError> {
    let start = at.at();
    let marks = next_mark(at);
    if marks != Some(Token::End) && marks != Some(Token::Cut) {
        term_or_cut(at)?;
    }
    let bytes = at.since(start);
    Ok(Unit {
        bytes,
        value: if marks.is_some() { bytes.len() } else { 0 },
    })
}

fn pairs<'a>(at: &mut Cursor<'a>) -> Result<Inside<'a>, TermError> {
    let mut units = Inside::new();
    while !at.is_done() {
        units.push(pair(at)?);
    }
    Ok(units)
}

fn pair<'a>(at: &mut Cursor<'a>) -> Result<Unit<'a>, TermError> {
    let start = at.at();
    if next_mark(at).is_some() {
        let bytes = at.since(start);
        return Ok(Unit {
            bytes,
            value: bytes.len(),
        });
    }
    skip(at)?;
    let value = at.since(start).len();
    let whole = term_or_cut(at)?;
    let bytes = at.since(start);
    Ok(Unit {
        bytes,
        value: if whole { value } else { bytes.len() },
    })
}

/// Moves past a term, or past the mark that stands for it. Returns whether it was a term.
fn term_or_cut(at: &mut Cursor<'_>) -> Result<bool, TermError> {
    if next_mark(at).is_some() {
        return Ok(false);
    }
    skip(at).map(|_| true)
}
