//! Numbers of seven bits a byte, the low ones first (LEB128), with every read checked.

use crate::DecodeError;

pub(super) fn put(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

/// A step either way: small ones of both signs are small numbers.
pub(super) fn put_step(bytes: &mut Vec<u8>, from: u32, to: u32) {
    let step = i64::from(to) - i64::from(from);
    put(bytes, (step << 1 ^ step >> 63) as u64);
}

/// Takes values off the front of a slice.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(DecodeError::CutShort)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.bytes(1)?[0];
            n |= seven_bits(byte, shift)?;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(DecodeError::Range)
    }

    /// A number of things that take at least a byte each: there cannot be more than bytes left.
    pub(super) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.number()?).map_err(|_| DecodeError::Range)?;
        (count <= self.left())
            .then_some(count)
            .ok_or(DecodeError::CutShort)
    }

    pub(super) fn step(&mut self, from: u32) -> Result<u32, DecodeError> {
        let n = self.number()?;
        let step = (n >> 1) as i64 ^ -((n & 1) as i64);
        let to = i64::from(from)
            .checked_add(step)
            .ok_or(DecodeError::Range)?;
        u32::try_from(to).map_err(|_| DecodeError::Range)
    }
}

fn seven_bits(byte: u8, shift: u32) -> Result<u64, DecodeError> {
    let bits = u64::from(byte & 0x7f);
    if byte == 0 && shift > 0 {
        return Err(DecodeError::NotCanonical);
    }
    if shift == 63 && bits > 1 {
        return Err(DecodeError::Range);
    }
    Ok(bits << shift)
}
