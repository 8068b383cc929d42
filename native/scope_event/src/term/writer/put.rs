//! Bytes into a fixed buffer. Callers ask for room first.

use crate::term::{Opaque, tag};

/// The buffer and how much of it is used.
pub(super) struct Put<'a> {
    room: &'a mut [u8],
    at: usize,
}

impl<'a> Put<'a> {
    pub(super) fn new(room: &'a mut [u8], limit: usize) -> Self {
        let limit = limit.min(room.len());
        Self {
            room: &mut room[..limit],
            at: 0,
        }
    }

    /// Bytes left when one is kept back for each open container.
    #[inline]
    pub(super) fn room(&self, open: usize) -> usize {
        (self.room.len() - self.at).saturating_sub(open)
    }

    /// What was written. No room is left.
    #[inline]
    pub(super) fn done(&mut self) -> &'a [u8] {
        let used = std::mem::take(&mut self.at);
        &std::mem::take(&mut self.room)[..used]
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.room[self.at] = byte;
        self.at += 1;
    }

    #[inline]
    pub(super) fn slice(&mut self, bytes: &[u8]) {
        self.room[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// A tag and a varint.
    #[inline]
    pub(super) fn sized(&mut self, tag: u8, value: u64) {
        self.byte(tag);
        self.varint(value);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    pub(super) fn wide(&mut self, tag: u8, bits: u64) {
        self.byte(tag);
        self.slice(&bits.to_le_bytes());
    }

    /// A word of the machine in four bytes if it fits, with the tag after `tag` if it does not.
    #[inline]
    pub(super) fn word(&mut self, tag: u8, word: u64) {
        match u32::try_from(word) {
            Ok(short) => {
                self.byte(tag);
                self.slice(&short.to_le_bytes());
            }
            Err(_) => self.wide(tag + 1, word),
        }
    }

    fn short_or_sized(&mut self, (short, shorts, long): (u8, u64, u8), value: u64) {
        if value < shorts {
            self.byte(short + value as u8);
        } else {
            self.sized(long, value);
        }
    }

    pub(super) fn binary(&mut self, kept: &[u8], full: u64) {
        if kept.len() as u64 == full {
            self.short_or_sized((tag::SMALL_BINARY, tag::SMALL_BINARIES, tag::BINARY), full);
        } else {
            self.sized(tag::BINARY_CUT, full);
            self.varint(kept.len() as u64);
        }
        self.slice(kept);
    }

    pub(super) fn opaque(&mut self, of: Opaque, size: Option<u64>) {
        self.byte(tag::OPAQUE);
        self.byte(of as u8);
        self.varint(size.map_or(0, |size| size.saturating_add(1)));
    }

    /// The head of a container.
    pub(super) fn head(&mut self, of: Opaque, size: u32) {
        let size = u64::from(size);
        match of {
            Opaque::Tuple => {
                self.short_or_sized((tag::SMALL_TUPLE, tag::SMALL_TUPLES, tag::TUPLE), size)
            }
            Opaque::Map => self.short_or_sized((tag::SMALL_MAP, tag::SMALL_MAPS, tag::MAP), size),
            _ => self.byte(tag::LIST),
        }
    }
}
