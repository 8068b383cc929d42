//! First bytes of tokens. `FORMAT.md` has the same table with the fields that follow.

/// 0x00..=0x3f: the integers 0 to 63.
pub(crate) const SMALL_INT: u8 = 0x00;
/// 0x40..=0x7f: atoms 0 to 63 of the dictionary.
pub(crate) const SMALL_ATOM: u8 = 0x40;
/// How many values each of the two ranges above holds.
pub(crate) const SMALL: u64 = 64;

pub(crate) const ATOM: u8 = 0x80;
pub(crate) const PID: u8 = 0x81;
pub(crate) const ATOM_WORD4: u8 = 0x82;
pub(crate) const ATOM_WORD8: u8 = 0x83;
pub(crate) const PID_WORD4: u8 = 0x84;
pub(crate) const PID_WORD8: u8 = 0x85;
pub(crate) const INT: u8 = 0x86;
pub(crate) const FLOAT: u8 = 0x87;
pub(crate) const BINARY: u8 = 0x88;
pub(crate) const BINARY_CUT: u8 = 0x89;
pub(crate) const TUPLE: u8 = 0x8a;
pub(crate) const MAP: u8 = 0x8b;
pub(crate) const LIST: u8 = 0x8c;
pub(crate) const END: u8 = 0x8d;
pub(crate) const TAIL: u8 = 0x8e;
pub(crate) const CUT: u8 = 0x8f;
pub(crate) const NIL: u8 = 0x90;
pub(crate) const REFERENCE: u8 = 0x91;
pub(crate) const PORT: u8 = 0x92;
pub(crate) const REMOTE_PID: u8 = 0x93;
pub(crate) const OPAQUE: u8 = 0x94;
pub(crate) const REDACTED: u8 = 0x95;

/// 0xa0..=0xaf: tuples of 0 to 15.
pub(crate) const SMALL_TUPLE: u8 = 0xa0;
pub(crate) const SMALL_TUPLES: u64 = 16;
/// 0xb0..=0xbf: maps of 0 to 15 pairs.
pub(crate) const SMALL_MAP: u8 = 0xb0;
pub(crate) const SMALL_MAPS: u64 = 16;
/// 0xc0..=0xff: binaries of 0 to 63 bytes.
pub(crate) const SMALL_BINARY: u8 = 0xc0;
pub(crate) const SMALL_BINARIES: u64 = 64;
