//! The same term over other names: from words to a dictionary, or from one dictionary to another.

use super::TermError;
use super::extent::Extent;
use super::tag;
use super::token::{Piece, Token, next_piece};
use crate::bytes::Cursor;
use crate::hash;

/// Gives names their index in the new dictionary and the hash of their text.
pub(crate) trait Relink {
    /// Index and hash of the name behind an atom or pid token; `None` when it has no business here.
    fn relink(&mut self, token: &Token<'_>) -> Option<(u32, u64)>;
}

/// Room for terms while they are written over other names.
#[derive(Default)]
pub(crate) struct Rewriter {
    block: Vec<u8>,
    canon: Vec<u8>,
}

/// Bytes that a byte of a term becomes at most: an atom of one byte has a hash in canonical form.
const MOST: usize = 9;

impl Rewriter {
    /// `term` over the names of `names`, and its canonical hash.
    ///
    /// The canonical form is the block form with each atom and pid written as its long tag and the
    /// hash of its text, so that it does not depend on any dictionary.
    ///
    /// # Errors
    ///
    /// [`TermError`] when `term` is not exactly one term.
    pub(crate) fn rewrite(
        &mut self,
        term: &[u8],
        names: &mut impl Relink,
    ) -> Result<(&[u8], u64), TermError> {
        let room = MOST * term.len() + WIDE;
        if self.block.len() < room {
            self.block.resize(room.next_power_of_two(), 0);
            self.canon.resize(room.next_power_of_two(), 0);
        }
        let mut block = Forms::new(&mut self.block);
        let mut canon = Forms::new(&mut self.canon);
        let mut at = Cursor::new(term);
        let mut extent = Extent::new();
        let mut copied = 0;
        while !extent.is_done() {
            let start = at.at();
            match next_piece(&mut at)? {
                Piece::Leaf => extent.leaf(),
                Piece::Name(name) => {
                    let (index, hash) = names.relink(&name).ok_or(TermError::Name)?;
                    let tag = tag_of(&name);
                    block.copy(term, copied, start);
                    canon.copy(term, copied, start);
                    copied = at.at();
                    block.put_name(tag, index);
                    canon.put(u128::from(hash) << 8 | u128::from(tag), 9);
                    extent.leaf();
                }
                piece => extent.take(&piece)?,
            }
        }
        if !at.is_done() {
            return Err(TermError::Trailing);
        }
        block.copy(term, copied, term.len());
        canon.copy(term, copied, term.len());
        Ok((block.written(), hash::bytes(canon.written())))
    }
}

#[inline(always)]
fn tag_of(name: &Token<'_>) -> u8 {
    match name {
        Token::Atom(_) | Token::AtomWord(_) => tag::ATOM,
        _ => tag::PID,
    }
}

/// The bytes of a name in block form, first one lowest, and how many there are.
#[inline(always)]
fn name_form(tag: u8, index: u32) -> (u128, usize) {
    let (tag, low) = (u128::from(tag), u128::from(index));
    match index {
        0..0x40 if tag == u128::from(tag::ATOM) => (u128::from(tag::SMALL_ATOM) + low, 1),
        0..0x80 => (low << 8 | tag, 2),
        0x80..0x4000 => ((low >> 7) << 16 | (low & 0x7f | 0x80) << 8 | tag, 3),
        _ => long_form(tag, index),
    }
}

#[cold]
fn long_form(tag: u128, index: u32) -> (u128, usize) {
    let (mut form, mut len, mut left) = (tag, 1, index);
    while left >= 0x80 {
        form |= u128::from(left & 0x7f | 0x80) << (8 * len);
        (len, left) = (len + 1, left >> 7);
    }
    (form | u128::from(left) << (8 * len), len + 1)
}

/// Bytes that are written at once, whatever of them counts: that takes no loop and no call.
const WIDE: usize = 16;

/// A form of a term while it is written, into room that is enough for it.
///
/// Invariant: the first `len` bytes are those that were put.
struct Forms<'r> {
    room: &'r mut [u8],
    len: usize,
}

impl<'r> Forms<'r> {
    fn new(room: &'r mut [u8]) -> Self {
        Self { room, len: 0 }
    }

    fn written(self) -> &'r [u8] {
        &self.room[..self.len]
    }

    /// The low `count` bytes.
    #[inline(always)]
    fn put(&mut self, bytes: u128, count: usize) {
        self.room[self.len..self.len + WIDE].copy_from_slice(&bytes.to_le_bytes());
        self.len += count;
    }

    #[inline(always)]
    fn put_name(&mut self, tag: u8, index: u32) {
        let (form, len) = name_form(tag, index);
        self.put(form, len);
    }

    /// Tokens without names, as many as follow each other.
    #[inline(always)]
    fn copy(&mut self, term: &[u8], from: usize, to: usize) {
        match term[from..].first_chunk::<WIDE>() {
            Some(ahead) if to - from <= WIDE => self.put(u128::from_le_bytes(*ahead), to - from),
            _ => self.copy_long(&term[from..to]),
        }
    }

    #[inline(never)]
    fn copy_long(&mut self, bytes: &[u8]) {
        self.room[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}
