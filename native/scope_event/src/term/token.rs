//! One token at a time: the only place that takes token bytes apart.

use super::tag;
use super::{Foreign, Opaque, TermError};
use crate::bytes::{Cursor, unzigzag};

/// One element of the flat encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Int(i64),
    Float(f64),
    Atom(u32),
    Pid(u32),
    AtomWord(u64),
    PidWord(u64),
    Binary { kept: &'a [u8], full: u64 },
    Tuple(u32),
    Map(u32),
    List,
    End,
    Tail,
    Cut,
    Nil,
    Foreign(Foreign, &'a [u8]),
    Opaque { of: Opaque, size: Option<u64> },
    Redacted,
}

/// Reads the token at the cursor.
///
/// Always inlined: a token returned through memory is copied in pieces of another size than it was
/// written in, and waiting for those writes took longer than all else about a token.
#[inline(always)]
pub(crate) fn next_token<'a>(at: &mut Cursor<'a>) -> Result<Token<'a>, TermError> {
    let tag = at.u8()?;
    Ok(match tag {
        0x00..=0x3f => Token::Int(i64::from(tag)),
        0x40..=0x7f => Token::Atom(u32::from(tag - tag::SMALL_ATOM)),
        0xa0..=0xaf => Token::Tuple(u32::from(tag - tag::SMALL_TUPLE)),
        0xb0..=0xbf => Token::Map(u32::from(tag - tag::SMALL_MAP)),
        0xc0..=0xff => whole(at.take(usize::from(tag - tag::SMALL_BINARY))?),
        _ => return large(tag, at),
    })
}

#[inline(always)]
fn large<'a>(tag: u8, at: &mut Cursor<'a>) -> Result<Token<'a>, TermError> {
    Ok(match tag {
        tag::ATOM => Token::Atom(at.varint32()?),
        tag::PID => Token::Pid(at.varint32()?),
        tag::ATOM_WORD4 => Token::AtomWord(u64::from(at.u32()?)),
        tag::ATOM_WORD8 => Token::AtomWord(at.u64()?),
        tag::PID_WORD4 => Token::PidWord(u64::from(at.u32()?)),
        tag::PID_WORD8 => Token::PidWord(at.u64()?),
        tag::INT => Token::Int(unzigzag(at.varint()?)),
        tag::FLOAT => Token::Float(f64::from_bits(at.u64()?)),
        tag::BINARY => whole(at.bytes()?),
        tag::TUPLE => Token::Tuple(at.varint32()?),
        tag::MAP => Token::Map(at.varint32()?),
        _ => return rare(tag, at),
    })
}

fn rare<'a>(tag: u8, at: &mut Cursor<'a>) -> Result<Token<'a>, TermError> {
    Ok(match tag {
        tag::LIST => Token::List,
        tag::END => Token::End,
        tag::TAIL => Token::Tail,
        tag::CUT => Token::Cut,
        tag::NIL => Token::Nil,
        tag::BINARY_CUT => cut_binary(at)?,
        tag::REFERENCE => Token::Foreign(Foreign::Reference, at.bytes()?),
        tag::PORT => Token::Foreign(Foreign::Port, at.bytes()?),
        tag::REMOTE_PID => Token::Foreign(Foreign::Pid, at.bytes()?),
        tag::OPAQUE => opaque(at)?,
        tag::REDACTED => Token::Redacted,
        unknown => return Err(TermError::Token(unknown)),
    })
}

#[inline(always)]
fn whole(bytes: &[u8]) -> Token<'_> {
    Token::Binary {
        kept: bytes,
        full: bytes.len() as u64,
    }
}

fn cut_binary<'a>(at: &mut Cursor<'a>) -> Result<Token<'a>, TermError> {
    let full = at.varint()?;
    Ok(Token::Binary {
        kept: at.bytes()?,
        full,
    })
}

#[inline(always)]
fn opaque<'a>(at: &mut Cursor<'a>) -> Result<Token<'a>, TermError> {
    let code = at.u8()?;
    let of = Opaque::from_code(code).ok_or(TermError::Token(code))?;
    Ok(Token::Opaque {
        of,
        size: at.varint()?.checked_sub(1),
    })
}

/// Moves past the mark at the cursor, if there is one.
#[inline]
pub(crate) fn next_mark<'a>(at: &mut Cursor<'a>) -> Option<Token<'a>> {
    let mark = match *at.rest().first()? {
        tag::END => Token::End,
        tag::TAIL => Token::Tail,
        tag::CUT => Token::Cut,
        _ => return None,
    };
    at.u8().ok().map(|_| mark)
}

/// What a token is to somebody who only wants to get past it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    /// A whole term without a name.
    Leaf,
    /// A whole term: an atom or a local pid.
    Name(Token<'a>),
    /// A container of so many terms, at least one.
    Open(u64),
    List,
    End,
    Tail,
    Cut,
}

/// Reads the token at the cursor, no closer than that.
#[inline(always)]
pub(crate) fn next_piece<'a>(at: &mut Cursor<'a>) -> Result<Piece<'a>, TermError> {
    let tag = at.u8()?;
    Ok(match tag {
        0x00..=0x3f | tag::NIL => Piece::Leaf,
        0x40..=0x7f => Piece::Name(Token::Atom(u32::from(tag - tag::SMALL_ATOM))),
        0xc0..=0xff => at.take(usize::from(tag - tag::SMALL_BINARY)).map(leaf)?,
        0xa0..=0xaf => container(u64::from(tag - tag::SMALL_TUPLE)),
        0xb0..=0xbf => container(2 * u64::from(tag - tag::SMALL_MAP)),
        tag::ATOM_WORD4 => Piece::Name(Token::AtomWord(u64::from(at.u32()?))),
        tag::INT => at.varint().map(leaf)?,
        tag::OPAQUE => opaque(at).map(leaf)?,
        tag::LIST => Piece::List,
        tag::END => Piece::End,
        tag::TAIL => Piece::Tail,
        tag::CUT => Piece::Cut,
        _ => {
            let (piece, past) = large_piece(tag, *at)?;
            *at = past;
            piece
        }
    })
}

/// By value, so that the cursor of the loop around it stays in registers.
#[inline(never)]
fn large_piece<'a>(tag: u8, from: Cursor<'a>) -> Result<(Piece<'a>, Cursor<'a>), TermError> {
    let mut at = from;
    let piece = match large(tag, &mut at)? {
        Token::Tuple(terms) => container(u64::from(terms)),
        Token::Map(pairs) => container(2 * u64::from(pairs)),
        name @ (Token::Atom(_) | Token::Pid(_) | Token::AtomWord(_) | Token::PidWord(_)) => {
            Piece::Name(name)
        }
        _ => Piece::Leaf,
    };
    Ok((piece, at))
}

#[inline(always)]
fn container<'a>(terms: u64) -> Piece<'a> {
    if terms == 0 {
        Piece::Leaf
    } else {
        Piece::Open(terms)
    }
}

#[inline(always)]
fn leaf<'a, T>(_: T) -> Piece<'a> {
    Piece::Leaf
}
