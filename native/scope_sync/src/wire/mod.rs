//! The bytes of a message: what is on the connection, and nothing that is not checked.
//!
//! ```text
//! version  u8        1
//! checksum u32 LE    CRC32C of all that follows
//! message            bincode, variable-length integers, at most 64 KiB decoded
//! blocks             raw, as stored, only in `Data`; their lengths are in the message
//! ```
//!
//! A [`Handshake`] comes before the first message, in a form of its own.
//!
//! Only the small control structs go through serde and bincode; vectors and wants are packed by
//! hand, because most of their numbers fit in one or two bytes there.

mod blocks;
mod entries;
mod handshake;
mod list;
mod message;
mod pack;
mod packed;
mod wants;

use bincode::config::{Configuration, Limit, LittleEndian, Varint, standard};
use thiserror::Error;

use crate::vector::Vector;

pub(crate) use blocks::{pack_lens, split};
pub(crate) use entries::{EntryPacker, MAX_RUNS, apply_entries};
pub use handshake::{Capabilities, Handshake, MAX_HANDSHAKE, NoCommonVersion, Versions};
pub use message::{Body, Intro, Message, Mismatch, Probe};
pub use packed::Packed;
pub(crate) use wants::{Old, Want, pack_old, pack_wants, unpack_old, unpack_wants};

/// The version of the protocol that this crate speaks.
pub const VERSION: u8 = 1;
/// No message is longer than this, header included.
pub const MAX_FRAME: usize = 256 * 1024;
/// No control message claims more than this when decoded.
const MAX_CONTROL: usize = 65_536;
/// Version and checksum.
const HEADER: usize = 5;

/// Why a message was refused. It changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Longer than [`MAX_FRAME`], or too short to be a message.
    #[error("a message of {0} bytes")]
    Length(usize),
    /// A version that this crate does not speak.
    #[error("protocol version {0}")]
    Version(u8),
    /// The checksum does not match.
    #[error("the checksum does not match")]
    Checksum,
    /// The control part does not decode.
    #[error("the control part does not decode")]
    Malformed,
    /// A number is outside of what it may be.
    #[error("a number is out of range")]
    Range,
    /// It names an origin that was not introduced.
    #[error("an origin that was not introduced")]
    UnknownOrigin,
    /// It comes from a node that is not a peer now.
    #[error("not a peer")]
    NotAPeer,
    /// It carries blocks that were not asked for.
    #[error("blocks that were not asked for")]
    Unasked,
    /// The peer speaks no version of the protocol that this node does.
    #[error(transparent)]
    NoCommonVersion(#[from] NoCommonVersion),
}

type Config = Configuration<LittleEndian, Varint, Limit<MAX_CONTROL>>;

const fn config() -> Config {
    standard().with_limit::<MAX_CONTROL>()
}

/// Encodes a message and the blocks that follow it.
///
/// # Errors
///
/// [`WireError::Length`] when it would be longer than [`MAX_FRAME`], [`WireError::Malformed`] when
/// the control part does not encode.
pub fn encode(message: &Message, blocks: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut bytes = vec![VERSION, 0, 0, 0, 0];
    bincode::serde::encode_into_std_write(message, &mut bytes, config())
        .map_err(|_| WireError::Malformed)?;
    bytes.extend_from_slice(blocks);
    if bytes.len() > MAX_FRAME {
        return Err(WireError::Length(bytes.len()));
    }
    let sum = crc32c::crc32c(&bytes[HEADER..]);
    bytes[1..HEADER].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// Checks and decodes a message; the blocks that follow it are borrowed.
///
/// # Errors
///
/// Every way in which bytes from a peer can be wrong; memory grows with their length only.
pub fn decode(bytes: &[u8]) -> Result<(Message, &[u8]), WireError> {
    if bytes.len() <= HEADER || bytes.len() > MAX_FRAME {
        return Err(WireError::Length(bytes.len()));
    }
    if bytes[0] != VERSION {
        return Err(WireError::Version(bytes[0]));
    }
    let (header, rest) = bytes.split_at(HEADER);
    if crc32c::crc32c(rest).to_le_bytes() != header[1..] {
        return Err(WireError::Checksum);
    }
    let (message, used): (Message, usize) =
        bincode::serde::borrow_decode_from_slice(rest, config())
            .map_err(|_| WireError::Malformed)?;
    let blocks = &rest[used..];
    if !blocks.is_empty() && !matches!(message.body, Body::Data { .. }) {
        return Err(WireError::Malformed);
    }
    Ok((message, blocks))
}

/// How many bytes introductions take.
pub(crate) fn names_len(names: &[Intro]) -> usize {
    bincode::serde::encode_into_std_write(names, &mut std::io::sink(), config()).unwrap_or(0)
}

/// Decodes a message down to its last number and drops it: what a fuzzer calls.
///
/// # Errors
///
/// Those of [`decode`], and those of what is packed inside.
pub fn decode_all(bytes: &[u8]) -> Result<(), WireError> {
    let (message, raw) = decode(bytes)?;
    match message.body {
        Body::Digest { entries, .. } => apply_entries(&entries, &Vector::default(), Some).map(drop),
        Body::Pull { wants, .. } => unpack_wants(&wants).map(drop),
        Body::Data { lens, old, .. } => split(&lens, raw).and(unpack_old(&old)).map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
