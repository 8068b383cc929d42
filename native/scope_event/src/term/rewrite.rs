//! The same term over other names: from words to a dictionary, or from one dictionary to another.

use super::TermError;
use super::nesting::Nesting;
use super::tag;
use super::token::{Token, next_token};
use crate::bytes::{Cursor, put_varint};
use crate::hash;

/// Gives names their index in the new dictionary and the hash of their text.
pub(crate) trait Relink {
    /// Index and hash of the name behind an atom or pid token; `None` when it has no business here.
    fn relink(&mut self, token: &Token<'_>) -> Option<(u32, u64)>;
}

/// Appends `term` to `out` over the names of `names`, and returns its canonical hash.
///
/// `canon` is scratch space. The canonical form is the block form with each atom and pid written as
/// its long tag and the hash of its text, so that it does not depend on any dictionary.
///
/// # Errors
///
/// [`TermError`] when `term` is not exactly one term; `out` may then hold a part of it.
pub(crate) fn rewrite(
    term: &[u8],
    names: &mut impl Relink,
    out: &mut Vec<u8>,
    canon: &mut Vec<u8>,
) -> Result<u64, TermError> {
    canon.clear();
    let mut at = Cursor::new(term);
    let mut nesting = Nesting::default();
    let mut copied = 0;
    while !nesting.is_done() {
        let start = at.at();
        let token = next_token(&mut at)?;
        nesting.place(&token)?;
        if let Some(tag) = tag_of_name(&token) {
            copy(&term[copied..start], out, canon);
            named(&token, tag, names, out, canon)?;
            copied = at.at();
        }
        nesting.settle(&token, |_| {});
    }
    copy(&term[copied..at.at()], out, canon);
    if at.is_done() {
        Ok(hash::bytes(canon))
    } else {
        Err(TermError::Trailing)
    }
}

#[inline]
fn tag_of_name(token: &Token<'_>) -> Option<u8> {
    match token {
        Token::Atom(_) | Token::AtomWord(_) => Some(tag::ATOM),
        Token::Pid(_) | Token::PidWord(_) => Some(tag::PID),
        _ => None,
    }
}

/// Tokens without names, as many as follow each other.
fn copy(tokens: &[u8], out: &mut Vec<u8>, canon: &mut Vec<u8>) {
    out.extend_from_slice(tokens);
    canon.extend_from_slice(tokens);
}

fn named(
    token: &Token<'_>,
    tag: u8,
    names: &mut impl Relink,
    out: &mut Vec<u8>,
    canon: &mut Vec<u8>,
) -> Result<(), TermError> {
    let (index, hash) = names.relink(token).ok_or(TermError::Name)?;
    put_name(out, tag, index);
    canon.push(tag);
    canon.extend_from_slice(&hash.to_le_bytes());
    Ok(())
}

fn put_name(out: &mut Vec<u8>, tag: u8, index: u32) {
    if tag == tag::ATOM && u64::from(index) < tag::SMALL {
        out.push(tag::SMALL_ATOM + index as u8);
    } else {
        out.push(tag);
        put_varint(out, u64::from(index));
    }
}

/// The canonical hash of a term that already is in block form.
pub(crate) fn canonical_hash(term: &[u8], names: &mut impl Relink) -> Result<u64, TermError> {
    rewrite(
        term,
        names,
        &mut Vec::with_capacity(term.len()),
        &mut Vec::new(),
    )
}
