//! The few terms that cross the boundary in Erlang's external format: atoms and pids.
//!
//! Source: "External Term Format", Erlang/OTP documentation. The machine's own functions for the
//! text of atoms know Latin-1 only at the version of the interface we build for; the external
//! format knows UTF-8 at every version.

use scope_event::Pid;
use std::sync::Arc;

const VERSION: u8 = 131;
const ATOM: u8 = 100;
const SMALL_ATOM: u8 = 115;
const ATOM_UTF8: u8 = 118;
const SMALL_ATOM_UTF8: u8 = 119;
const NEW_PID: u8 = 88;

/// The text of an encoded atom.
pub(crate) fn atom_text(bytes: &[u8]) -> Option<Arc<str>> {
    let (&version, rest) = bytes.split_first()?;
    let (text, _rest) = (version == VERSION).then(|| atom(rest))??;
    Some(text)
}

/// An encoded atom of that text.
pub(crate) fn atom_bytes(text: &str) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    push_atom(&mut bytes, text);
    bytes
}

/// The process behind an encoded pid.
pub(crate) fn pid(bytes: &[u8]) -> Option<Pid> {
    let rest = bytes.strip_prefix(&[VERSION, NEW_PID])?;
    let (node, rest) = atom(rest)?;
    let numbers = rest.first_chunk::<12>()?;
    let [id, serial, creation] = [0, 4, 8].map(|at| {
        let [a, b, c, d] = [at, at + 1, at + 2, at + 3].map(|i| numbers[i]);
        u32::from_be_bytes([a, b, c, d])
    });
    Some(Pid {
        node,
        id,
        serial,
        creation,
    })
}

/// What the name of an encoded pid's node comes to, and the bytes of its three numbers: without
/// allocating anything, as trace points ask.
pub(crate) fn pid_parts(bytes: &[u8]) -> Option<(u32, &[u8; 12])> {
    let rest = bytes.strip_prefix(&[VERSION, NEW_PID])?;
    let (tag, text, rest) = atom_parts(rest)?;
    let hash = match tag {
        ATOM_UTF8 | SMALL_ATOM_UTF8 => hash(text),
        _latin1 => text.iter().fold(HASH, |so_far, byte| {
            let mut room = [0; 2];
            more_hash(so_far, char::from(*byte).encode_utf8(&mut room).as_bytes())
        }),
    };
    Some((hash, rest.first_chunk::<12>()?))
}

/// The 32 bits of FNV-1a (Fowler, Noll, Vo) of a name in UTF-8; the Elixir side has the same.
pub(crate) fn hash(name: &[u8]) -> u32 {
    more_hash(HASH, name)
}

const HASH: u32 = 0x811C_9DC5;

fn more_hash(so_far: u32, name: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    name.iter().fold(so_far, step)
}

/// An encoded pid.
pub(crate) fn pid_bytes(pid: &Pid) -> Vec<u8> {
    let mut bytes = vec![VERSION, NEW_PID];
    push_atom(&mut bytes, &pid.node);
    for number in [pid.id, pid.serial, pid.creation] {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

fn atom(bytes: &[u8]) -> Option<(Arc<str>, &[u8])> {
    let (tag, text, rest) = atom_parts(bytes)?;
    Some((decode(tag, text)?, rest))
}

/// How the text of an atom is written, that text, and what stands behind it.
fn atom_parts(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (length, rest) = match tag {
        SMALL_ATOM | SMALL_ATOM_UTF8 => rest.split_first().map(|(&n, rest)| (usize::from(n), rest)),
        ATOM | ATOM_UTF8 => rest
            .split_first_chunk::<2>()
            .map(|(n, rest)| (usize::from(u16::from_be_bytes(*n)), rest)),
        _ => None,
    }?;
    let (text, rest) = rest.split_at_checked(length)?;
    Some((tag, text, rest))
}

fn decode(tag: u8, text: &[u8]) -> Option<Arc<str>> {
    if matches!(tag, ATOM_UTF8 | SMALL_ATOM_UTF8) {
        return std::str::from_utf8(text).ok().map(Arc::from);
    }
    let latin1: String = text.iter().copied().map(char::from).collect();
    Some(latin1.into())
}

/// An atom has at most 255 characters, so its length always fits.
fn push_atom(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(ATOM_UTF8);
    bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(text.as_bytes());
}
