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

fn opaque<'a>(at: &mut Cursor<'a>) -> Result<Token<'a>, TermError> {
    let code = at.u8()?;
    let of = Opaque::from_code(code).ok_or(TermError::Token(code))?;
    Ok(Token::Opaque {
        of,
        size: at.varint()?.checked_sub(1),
    })
}
