//! From block form back to terms.

use super::nesting::{Nesting, Place};
use super::token::{Token, next_token};
use super::{Foreign, Opaque, TermError};
use crate::bytes::Cursor;
use crate::pid::Pid;
use std::sync::Arc;

/// The dictionary that a term's indexes point into.
pub trait Names {
    /// Text of the atom at `index`.
    fn atom(&self, index: u32) -> Option<&Arc<str>>;
    /// The pid at `index`.
    fn pid(&self, index: u32) -> Option<&Pid>;
}

/// A container that was opened, with the size that the original had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A tuple of that arity.
    Tuple(u32),
    /// A map of so many pairs: keys and values follow in turn.
    Map(u32),
    /// A list; its length is known at its end.
    List,
}

/// How the innermost open container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// All of it was seen.
    Whole,
    /// The last term seen is the tail of an improper list.
    Tail,
    /// The rest was cut by a budget: for a list, "more than these".
    Cut,
}

/// Takes terms apart from the outside in. Whole empty containers arrive as an open and a close.
pub trait TermSink {
    /// An atom, with its place in the dictionary.
    fn atom(&mut self, index: u32, text: &Arc<str>);
    /// An integer.
    fn int(&mut self, value: i64);
    /// A float.
    fn float(&mut self, value: f64);
    /// A binary of `full` bytes, of which `kept` were kept.
    fn binary(&mut self, kept: &[u8], full: u64);
    /// A process, with its place in the dictionary.
    fn pid(&mut self, index: u32, pid: &Pid);
    /// A term in Erlang's external format.
    fn foreign(&mut self, of: Foreign, bytes: &[u8]);
    /// A stand-in, with the size of the original where it is known.
    fn opaque(&mut self, of: Opaque, size: Option<u64>);
    /// Something that must not be seen.
    fn redacted(&mut self);
    /// A container begins.
    fn open(&mut self, shape: Shape);
    /// The innermost container ends.
    fn close(&mut self, how: Close);
}

/// Reads one term in block form into `sink`.
///
/// Never recurses and never allocates by a number in the bytes.
///
/// # Errors
///
/// [`TermError`] when `bytes` is not exactly one term over `names`; the sink may have seen a part.
pub fn read_term(
    bytes: &[u8],
    names: &impl Names,
    sink: &mut impl TermSink,
) -> Result<(), TermError> {
    let mut at = Cursor::new(bytes);
    let mut nesting = Nesting::default();
    while !nesting.is_done() {
        let token = next_token(&mut at)?;
        match nesting.place(&token)? {
            Place::Open(shape) => sink.open(shape),
            Place::Leaf => leaf(&token, names, sink)?,
            Place::Mark(true) => sink.opaque(Opaque::Cut, None),
            Place::Mark(false) => {}
        }
        nesting.settle(&token, |how| sink.close(how));
    }
    if at.is_done() {
        Ok(())
    } else {
        Err(TermError::Trailing)
    }
}

fn leaf(token: &Token<'_>, names: &impl Names, sink: &mut impl TermSink) -> Result<(), TermError> {
    match *token {
        Token::Int(value) => sink.int(value),
        Token::Float(value) => sink.float(value),
        Token::Atom(i) => sink.atom(i, names.atom(i).ok_or(TermError::Name)?),
        Token::Pid(i) => sink.pid(i, names.pid(i).ok_or(TermError::Name)?),
        Token::Binary { kept, full } => sink.binary(kept, full),
        Token::Foreign(of, bytes) => sink.foreign(of, bytes),
        Token::Opaque { of, size } => sink.opaque(of, size),
        Token::Redacted => sink.redacted(),
        Token::AtomWord(_) | Token::PidWord(_) => return Err(TermError::Name),
        Token::Nil => empty(Shape::List, sink),
        Token::Tuple(n) => empty(Shape::Tuple(n), sink),
        Token::Map(n) => empty(Shape::Map(n), sink),
        Token::List | Token::End | Token::Tail | Token::Cut => {}
    }
    Ok(())
}

fn empty(shape: Shape, sink: &mut impl TermSink) {
    sink.open(shape);
    sink.close(Close::Whole);
}
