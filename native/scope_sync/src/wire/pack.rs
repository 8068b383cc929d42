//! Numbers of seven bits a byte, the low ones first (LEB128), with every read checked.

use super::WireError;

pub(crate) fn put(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

/// Takes numbers off the front of a slice.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self) -> Result<u64, WireError> {
        let mut n = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(WireError::Malformed)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(WireError::Range);
            }
            n |= bits << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(WireError::Range)
    }

    pub(crate) fn take_u32(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.take()?).map_err(|_| WireError::Range)
    }
}

/// Adds a step that a peer sent to a number, refusing what does not fit.
pub(crate) fn step(base: u64, by: u64) -> Result<u64, WireError> {
    base.checked_add(by).ok_or(WireError::Range)
}
